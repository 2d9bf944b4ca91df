"""The XML reader raises XmlError and UnsupportedCharset and nothing else. What it takes keeps to the limits, means the
same to lxml, and means the same once it is written and read again.

Input: a line with the header's charset, or an empty one; then the document.
"""

from asmx_tickets.service import LIMITS
from spyne_asmx.charsets import UnsupportedCharset
from spyne_asmx.limits import Limits
from spyne_asmx.xml import (
    XSI_NAMESPACE,
    Element,
    XmlError,
    read,
)
from spyne_asmx.xmlwriter import write
from tests.fuzz.references import by_lxml, codec_of
from tests.support.trees import lxml_meaning, meaning

MAX_LENGTH = 4096
TOKENS = (
    *(b"<a>", b"</a>", b'<a b="', b'"/>', b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?p ", b"?>", b"<b/>"),
    *(
        b"<!DOCTYPE a [",
        b"<!ENTITY b 'c'>",
        b"]>",
        b"SYSTEM",
        b"PUBLIC",
        b"&amp;",
        b"&#65;",
        b"&#x1F600;",
        b"&#0;",
        b"&b;",
    ),
    *(b'xmlns="', b'xmlns:b="', b"xml:id=", b"xsi:nil=", XSI_NAMESPACE.encode(), b"}", b"http://tempuri.org/"),
    *(
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xfe\xff",
        b"<\0",
        b"\0<",
        b"\xc3\xa9",
        b"\xe9",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98\x80",
    ),
    *(b'<?xml version="1.0" encoding="', b"utf-8\n", b"utf-16\n", b"windows-1252\n", b"us-ascii\n", b"iso-8859-1\n"),
)


def check(data: bytes) -> None:
    first_line, _, body = data.partition(b"\n")
    charset = first_line.decode("latin-1") or None
    try:
        root = read(body, charset, LIMITS)
    except XmlError as error:
        assert error.line >= 1
        assert error.column >= 1
        return
    except UnsupportedCharset as error:
        assert codec_of(str(error)) is None
        return
    assert charset is None or codec_of(charset)
    _check_limits(root)
    assert meaning(root) == lxml_meaning(by_lxml(body, charset))
    # What is written may declare a namespace more often than what was read.
    again = read(write(root).encode(), limits=Limits(namespaces=LIMITS.elements))
    assert meaning(again) == meaning(root)


def _check_limits(root: Element) -> None:
    count, deepest = 0, 0
    waiting = [(root, 1)]
    while waiting:
        element, depth = waiting.pop()
        count, deepest = count + 1, max(deepest, depth)
        waiting += [(child, depth + 1) for child in element.children]
        assert len(element.attributes) <= LIMITS.attributes
    assert count <= LIMITS.elements
    assert deepest <= LIMITS.depth
