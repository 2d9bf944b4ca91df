"""The reader takes what CONTRACT 2.1 names and nothing else."""

import resource
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from spyne_asmx.charsets import UnsupportedCharset
from spyne_asmx.limits import Limits
from spyne_asmx.xml import (
    XSI_NAMESPACE,
    OverLimit,
    SourceElement,
    XmlError,
    read,
)
from tests.fuzz.references import by_lxml
from tests.support.strategies import ANY_BYTES
from tests.support.trees import lxml_meaning, meaning


def place_of(body: bytes, charset: str | None = None) -> tuple[int, int]:
    """Line and column at which a document is refused. A document that is not refused fails the test."""
    with pytest.raises(XmlError) as refused:
        read(body, charset)
    return refused.value.line, refused.value.column


# --- charsets ---------------------------------------------------------------------------------------------------------

CHARSETS = {
    "utf-8": "utf-8",
    "UTF-8": "utf-8",
    "utf8": "utf-8",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "iso-8859-1": "latin-1",
    "ISO-8859-1": "latin-1",
    "windows-1252": "cp1252",
    "Windows-1252": "cp1252",
    "cp1252": "cp1252",
    "latin1": "cp1252",
    "ISO_8859-1": "cp1252",
    "windows-1254": "cp1254",
    "iso-8859-15": "iso-8859-15",
    "gb18030": "gb18030",
}


@pytest.mark.parametrize(("charset", "codec"), CHARSETS.items())
def test_a_header_names_the_charset(charset: str, codec: str) -> None:
    """CONTRACT 2.1, whatever the charset's letter case."""
    assert read("<a>Ünïcode</a>".encode(codec), charset).text == "Ünïcode"


@pytest.mark.parametrize(("charset", "codec"), CHARSETS.items())
def test_a_declaration_names_the_charset(charset: str, codec: str) -> None:
    """If the header does not."""
    assert read(f'<?xml version="1.0" encoding="{charset}"?><a>Ünïcode</a>'.encode(codec)).text == "Ünïcode"


@pytest.mark.parametrize("label", ["utf-16", "UTF-16", "utf-16LE", "ucs-2", "unicode", "utf16"])
def test_a_declared_utf_16_in_single_bytes_is_utf_8(label: str) -> None:
    """.NET's StringWriter declares it, whatever its text is turned into."""
    assert read(f'<?xml version="1.0" encoding="{label}"?><a>Ünïcode</a>'.encode()).text == "Ünïcode"


@pytest.mark.parametrize("charset", ["us-ascii", "ascii", "US-ASCII"])
def test_ascii_is_read(charset: str) -> None:
    """CONTRACT 2.1; what it lacks may come as character references."""
    assert read(b"<a>&#xDC;nicode</a>", charset).text == "Ünicode"
    assert read(f"<?xml version='1.0' encoding='{charset}'?><a>x</a>".encode()).text == "x"


@pytest.mark.parametrize(
    "declaration",
    [
        "<?xml version='1.0' encoding='iso-8859-1'?>",
        '<?xml version="1.0"  encoding = "iso-8859-1"  standalone="yes" ?>',
        '<?xml\n\tversion="1.0"\r\n\tencoding="iso-8859-1"?>',
        '<?xml version="1.0"' + " " * 200 + 'encoding="iso-8859-1"?>',
    ],
)
def test_a_declaration_may_be_written_in_any_way(declaration: str) -> None:
    """Quotes and white space as XML 1.0 allows."""
    assert read(f"{declaration}<a>é</a>".encode("latin-1")).text == "é"


def test_without_any_charset_a_document_is_utf8() -> None:
    """XML 1.0 section 4.3.3."""
    assert read("<a>é😀</a>".encode()).text == "é😀"
    assert read('<?xml version="1.0"?><a>é</a>'.encode()).text == "é"


def test_the_header_wins_over_the_declaration() -> None:
    """CONTRACT 2.1 and RFC 7303 section 3."""
    assert read('<?xml version="1.0" encoding="utf-16"?><a>é</a>'.encode(), "utf-8").text == "é"
    assert read('<?xml version="1.0" encoding="utf-8"?><a>é</a>'.encode("latin-1"), "iso-8859-1").text == "é"


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (b"\xef\xbb\xbf<a>x</a>", None),
        (b"\xef\xbb\xbf<a>x</a>", "utf-8"),
        (b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?><a>x</a>", None),
        (b"\xff\xfe" + "<a>x</a>".encode("utf-16-le"), None),
        (b"\xfe\xff" + "<a>x</a>".encode("utf-16-be"), None),
        (b"\xff\xfe" + "<a>x</a>".encode("utf-16-le"), "utf-16"),
        (b"\xfe\xff" + "<a>x</a>".encode("utf-16-be"), "utf-16"),
        (b"\xff\xfe" + "<a>x</a>".encode("utf-16-le"), "utf-16le"),
        (b"\xfe\xff" + "<a>x</a>".encode("utf-16-be"), "utf-16be"),
        ("<a>x</a>".encode("utf-16-le"), None),
        ("<a>x</a>".encode("utf-16-be"), None),
        ("<?xml version='1.0' encoding='utf-16'?><a>x</a>".encode("utf-16"), None),
        ("<a>x</a>".encode("utf-16"), "utf-8"),
        ("<a>x</a>".encode("utf-16"), "iso-8859-1"),
        (b"\xfe\xff" + "<a>x</a>".encode("utf-16-be"), "utf-8"),
        (b"\xfe\xff" + "<a>x</a>".encode("utf-16-be"), "utf-16le"),
        (b"\xff\xfe" + "<?xml version='1.0' encoding='utf-8'?><a>x</a>".encode("utf-16-le"), None),
        *((b"\xef\xbb\xbf<a>x</a>", charset) for charset in ("iso-8859-1", "us-ascii", "windows-1252", "utf-16")),
        (b"\xef\xbb\xbf<?xml version='1.0' encoding='iso-8859-1'?><a>x</a>", None),
        (b"\xef\xbb\xbf<?xml version='1.0' encoding='windows-1252'?><a>x</a>", "iso-8859-1"),
    ],
)
def test_byte_order_marks_and_first_bytes_show_the_charset(body: bytes, charset: str | None) -> None:
    """XML 1.0 appendix F; a mark overrides header and declaration (RFC 7303 section 3.3). WCF's bodies have one."""
    assert read(body, charset).text == "x"


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf<a>x</a>", "<a>x</a>".encode("utf-16")])
def test_a_byte_order_mark_does_not_make_a_charset_supported(body: bytes) -> None:
    """What is refused without the mark is refused with it."""
    with pytest.raises(UnsupportedCharset):
        read(body, "utf-7")


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (b"<a>x</a>\0", None),
        (b"<a>x</a>\0\0\0\0", "utf-8"),
        (b"<a>x</a>\r\n\0", "iso-8859-1"),
        (b"\xef\xbb\xbf<a>x</a>\0", "utf-8"),
        ("<a>x</a>\0".encode("utf-16"), None),
        ("<a>x</a>\0\0".encode("utf-16-le"), "utf-16le"),
    ],
)
def test_zeros_after_a_document_are_ignored(body: bytes, charset: str | None) -> None:
    """C and COBOL clients send the rest of their buffer too. ASMX stops reading at the envelope's end."""
    assert read(body, charset).text == "x"


@pytest.mark.parametrize("body", [b"\0", b"\0\0\0\0", b"\0<a>x</a>", b"<a>x\0</a>", b"<a>x</a>\0x", b"<a>\0"])
def test_zeros_elsewhere_are_refused(body: bytes) -> None:
    """XML 1.0 production 2."""
    place_of(body, "utf-8")


@pytest.mark.parametrize(
    "charset",
    [
        *("utf-7", "utf-32", "utf-8-sig", "unicode_escape", "raw_unicode_escape", "idna", "punycode", "rot13", "hex"),
        *("base64", "zlib", "cp037", "iso-2022-jp", "iso-2022-kr", "hz-gb-2312", "replacement", "nonsense", "x" * 41),
        *("ü", "", " utf-8x"),
    ],
)
def test_other_charsets_are_refused(charset: str) -> None:
    """SECURITY X11: a client must not choose among Python's codecs."""
    with pytest.raises(UnsupportedCharset):
        read(b"<a>x</a>", charset)


@pytest.mark.parametrize("charset", ["utf-7", "ebcdic-cp-us", "iso-2022-jp", "x" * 41])
def test_other_charsets_are_refused_in_a_declaration(charset: str) -> None:
    """SECURITY X11."""
    with pytest.raises(UnsupportedCharset):
        read(f'<?xml version="1.0" encoding="{charset}"?><a>x</a>'.encode())


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (b"<a>\xe9</a>", "utf-8"),
        (b"<a>\xe9</a>", None),
        (b"<a>\xc0\x80</a>", "utf-8"),
        (b"<a>\xed\xa0\x80</a>", "utf-8"),
        (b"<a>\xf4\x90\x80\x80</a>", "utf-8"),
        (b"<a>\xef\xbf\xbf</a>", "utf-8"),
        (b"<a>\x81</a>", "windows-1252"),
        (b"<a>x</a>", "utf-16"),
        (b"\xff\xfe<\x00a\x00>", "utf-16"),
        ("<a>x</a>".encode("utf-16-be"), "utf-16le"),
        (b"<\x00a\x00/\x00>", "utf-16"),
        ("<a>x</a>".encode("utf-16-le") + b"\x00", None),
        ("<a>".encode("utf-16-le") + b"\x00\xd8" + "</a>".encode("utf-16-le"), None),
        ("<a>x</a>".encode("utf-32"), None),
        ("<a>x</a>".encode("utf-16-le"), "utf-8"),
        ("<a>x</a>".encode("utf-16-be"), "utf-8"),
        ("<a>x</a>".encode("utf-16-le"), "iso-8859-1"),
        ("<a>x</a>".encode("utf-16-be"), "us-ascii"),
    ],
)
def test_bytes_that_the_charset_does_not_have_are_refused(body: bytes, charset: str | None) -> None:
    """SECURITY X11: nothing is repaired, replaced or guessed."""
    place_of(body, charset)


# --- what is refused --------------------------------------------------------------------------------------------------

DTDS = {
    "empty": "<!DOCTYPE a><a/>",
    "internal entity": '<!DOCTYPE a [<!ENTITY b "jsmith">]><a>adm&b;in</a>',
    "unused entity": '<!DOCTYPE a [<!ENTITY b "x">]><a/>',
    "billion laughs": '<!DOCTYPE a [<!ENTITY b "x">'
    + "".join(f'<!ENTITY b{i + 1} "{f"&b{i or str()};" * 10}">' for i in range(9))
    + "]><a>&b9;</a>",
    "quadratic blow-up": f'<!DOCTYPE a [<!ENTITY b "{"x" * 20000}">]><a>{"&b;" * 10000}</a>',
    "external entity": '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "external subset": '<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><a/>',
    "public identifier": '<!DOCTYPE a PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://127.0.0.1/a.dtd"><a/>',
    "parameter entity": '<!DOCTYPE a [<!ENTITY % b SYSTEM "http://127.0.0.1/b">%b;]><a/>',
    "default attribute": '<!DOCTYPE a [<!ATTLIST a id CDATA "1">]><a/>',
    "after a comment": "<!-- --><!DOCTYPE a><a/>",
    "after white space": '<?xml version="1.0"?>\n\n <!DOCTYPE a><a/>',
    "standalone": '<?xml version="1.0" standalone="yes"?><!DOCTYPE a><a/>',
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("dtd", DTDS.values(), ids=DTDS)
def test_every_dtd_is_refused_in_every_charset(dtd: str, encoding: str) -> None:
    """SECURITY X1."""
    before, mark, _ = dtd.partition("<!DOCTYPE")
    line, column = place_of(dtd.encode(encoding))
    assert mark
    assert (line, column) > (1 + before.count("\n"), 1)
    assert (line, column) <= (1 + before.count("\n"), len(dtd))


def test_a_dtd_fetches_nothing() -> None:
    """SECURITY X1: the reader does not connect to the address that the document names."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        for dtd in (
            f'<!DOCTYPE a SYSTEM "{address}"><a/>',
            f'<!DOCTYPE a [<!ENTITY b SYSTEM "{address}">]><a>&b;</a>',
            f'<!DOCTYPE a [<!ENTITY % b SYSTEM "{address}">%b;]><a/>',
        ):
            place_of(dtd.encode())
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize(
    "body", [b"<?p q?><a/>", b"<a><?p?></a>", b"<a/><?p?>", b'<?xml-stylesheet href="x"?><a/>', b"<a>adm<?p?>in</a>"]
)
def test_processing_instructions_are_refused(body: bytes) -> None:
    """BP R1009; SECURITY X12."""
    place_of(body)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", (1, 1)),
        (b"  ", (1, 3)),
        (b"x", (1, 1)),
        (b"<a", (1, 1)),
        (b"<a>", (1, 4)),
        (b"<a>\n  <b></a>", (2, 8)),
        (b"<a/><b/>", (1, 5)),
        (b"<a/>x", (1, 5)),
        (b" <?xml version='1.0'?><a/>", (1, 2)),
        (b"<a b='1' b='2'/>", (1, 10)),
        (b"<a b=1/>", (1, 6)),
        (b"<a>&nbsp;</a>", (1, 4)),
        (b"<a>&#0;</a>", (1, 4)),
        (b"<a>&#1;</a>", (1, 4)),
        (b"<a>&#xD800;</a>", (1, 4)),
        (b"<a>&#xFFFE;</a>", (1, 4)),
        (b"<a>&#x110000;</a>", (1, 4)),
        (b"<a>\x00</a>", (1, 4)),
        (b"<a>\x01</a>", (1, 4)),
        (b"<a>]]></a>", (1, 4)),
        (b"<a><!-- -- --></a>", (1, 4)),
        (b"<a><b:c/></a>", (1, 4)),
        (b"<a b:c='1'/>", (1, 1)),
        (b"<a xmlns:b=''/>", (1, 1)),
        (b"<a xmlns:b='urn:1' xmlns:c='urn:1' b:d='' c:d=''/>", (1, 1)),
        (b'{"UID": "jsmith"}', (1, 1)),
        (b"UID=jsmith", (1, 1)),
    ],
)
def test_what_is_not_well_formed_is_refused_where_it_is(body: bytes, place: tuple[int, int]) -> None:
    """Lines and columns are counted from 1. A namespace that is used wrongly makes a document ill-formed too."""
    line, column = place_of(body)
    assert line == place[0]
    assert column >= place[1]


# --- limits -----------------------------------------------------------------------------------------------------------

ELEMENT_LIMIT, ATTRIBUTE_LIMIT, NAMESPACE_LIMIT, DEPTH_LIMIT, NAMES_LIMIT = 10_000, 256, 256, 16, 1_000_000


def _nested(levels: int) -> bytes:
    return b"<a>" * levels + b"</a>" * levels


def _named(length: int, content: bytes) -> bytes:
    return b"<%s xmlns:p='%s'>%s</%s>" % (b"x" * length, b"u" * 1000, content, b"x" * length)


LIMITED = {
    "depth": (DEPTH_LIMIT, _nested),
    "elements": (ELEMENT_LIMIT, lambda n: b"<a>" + b"<b/>" * (n - 1) + b"</a>"),
    "attributes": (ATTRIBUTE_LIMIT, lambda n: b"<a %s/>" % b" ".join(b'b%d="1"' % i for i in range(n))),
    "namespaces of an element": (
        NAMESPACE_LIMIT,
        lambda n: b"<a %s/>" % b" ".join(b'xmlns:b%d="urn:%d"' % (i, i) for i in range(n)),
    ),
    "namespaces of a document": (
        NAMESPACE_LIMIT,
        lambda n: b"<a>%s</a>" % b"".join(b'<b xmlns="urn:%d"/>' % i for i in range(n)),
    ),
    "names": (NAMES_LIMIT, lambda n: b"<" + b"x" * n + b"/>"),
    # A root whose name makes up the number, and 900 names in its namespace of 1,000 characters.
    "names of elements in a namespace": (NAMES_LIMIT, lambda n: _named(n - 903_707, b"<p:b/>" * 900)),
    "names of attributes in a namespace": (NAMES_LIMIT, lambda n: _named(n - 902_807, b"<b p:c=''/>" * 450)),
}


@pytest.mark.parametrize(("limit", "document"), LIMITED.values(), ids=LIMITED)
def test_a_document_may_reach_each_limit_and_not_pass_it(limit: int, document: Callable[[int], bytes]) -> None:
    """SECURITY X3, X4 and X5."""
    limits = Limits(depth=DEPTH_LIMIT, names_length=NAMES_LIMIT)
    assert read(document(limit), limits=limits).name
    with pytest.raises(OverLimit) as refused:
        read(document(limit + 1), limits=limits)
    assert refused.value.limit.startswith(f"more than {limit} ")


@pytest.mark.parametrize(
    "body",
    [
        _nested(257),
        b"<a>" * 20_000,
        b"<a %s/>" % b" ".join(b'b%d="1"' % i for i in range(6000)),
        b"<a>" + b"<UID>x</UID>" * 10_000 + b"</a>",
        b"<a %s/>" % b" ".join(b'xmlns:b%d="u"' % i for i in range(4000)),
    ],
    ids=["deep", "unclosed", "attributes", "elements", "namespaces"],
)
def test_floods_are_refused(body: bytes) -> None:
    """SECURITY X3 to X5: up to 120 KB of structure, with the default limits."""
    with pytest.raises(OverLimit):
        read(body)


def test_limits_can_be_set() -> None:
    """A service with larger messages raises them."""
    deep = _nested(100)
    assert read(deep, limits=Limits(depth=100)).name == "a"
    with pytest.raises(XmlError):
        read(deep, limits=Limits(depth=99))


# --- what is read -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("", ""),
        ("jsmith", "jsmith"),
        ("  j smith\t", "  j smith\t"),
        ("adm<!-- x -->in", "admin"),
        ("<![CDATA[<&>]]>", "<&>"),
        ("a<![CDATA[b]]>c<!-- -->d", "abcd"),
        ("&lt;&amp;&gt;&quot;&apos;", "<&>\"'"),
        ("&#65;&#x42;&#x1F600;", "AB😀"),
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("a&#13;&#10;b&#13;c", "a\r\nb\rc"),
        ("\u0085\u2028\ufeff", "\u0085\u2028\ufeff"),
        ("\x7f\x80\x9f", "\x7f\x80\x9f"),
    ],
)
def test_text_is_read_whole(inside: str, text: str) -> None:
    """CONTRACT 2.1: comments, CDATA and character references are fine (XML 1.0 sections 2.4 to 2.11)."""
    assert read(f"<a>{inside}</a>".encode()).text == text


def test_names_are_expanded_and_have_no_prefixes() -> None:
    """Namespaces in XML 1.0: an unprefixed attribute is in none."""
    root = read(b'<p:a xmlns:p="urn:a" b="1" p:b="2"><c xmlns="urn:c"><d xmlns=""/></c></p:a>')
    assert (root.name, root.namespace, root.local_name) == ("urn:a}a", "urn:a", "a")
    assert root.attributes == {"b": "1", "urn:a}b": "2"}
    assert [root.children[0].name, root.children[0].children[0].name] == ["urn:c}c", "d"]


def test_attribute_values_are_normalized() -> None:
    """XML 1.0 section 3.3.3: white space becomes spaces, references stay what they are."""
    assert read(b'<a b="x\ty\nz&#10;&lt;&quot;"/>').attributes == {"b": 'x y z\n<"'}


@pytest.mark.parametrize(
    ("value", "nil"), [("true", True), ("1", True), (" true ", True), ("false", False), ("0", False), ("", False)]
)
def test_xsi_nil_is_a_boolean(value: str, nil: bool) -> None:
    """XML Schema part 1, section 2.6.2: xsi:nil="false" is not nil."""
    assert read(f'<a xmlns:xsi="{XSI_NAMESPACE}" xsi:nil="{value}"/>'.encode()).is_nil is nil


def test_nil_in_no_namespace_means_nothing() -> None:
    assert not read(b'<a nil="true"/>').is_nil


@given(ANY_BYTES, st.sampled_from([None, "utf-8", "utf-16", "iso-8859-1", "windows-1252", "us-ascii", "utf-7"]))
def test_any_bytes_are_a_document_or_refused(body: bytes, charset: str | None) -> None:
    """No other exception comes out."""
    try:
        root = read(body, charset)
    except XmlError as error:
        assert error.line >= 1
        assert error.column >= 1
    except UnsupportedCharset:
        pass
    else:
        assert root.local_name


@given(ANY_BYTES)
def test_what_is_read_is_what_lxml_reads(body: bytes) -> None:
    """An independent reader agrees about the names and the text of every document that ours takes."""
    try:
        root = read(body, "utf-8")
    except XmlError:
        return
    theirs = by_lxml(body, "utf-8")
    assert meaning(root) == lxml_meaning(theirs)
    again = etree.fromstring(source_of(body))
    assert etree.tostring(again, method="c14n", exclusive=True) == etree.tostring(theirs, method="c14n", exclusive=True)


def source_of(body: bytes) -> bytes:
    """The root as it was written in the document."""
    root = read(body, "utf-8", sources=True)
    assert isinstance(root, SourceElement)
    return root.source()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc, which Linux has")
def test_made_up_names_are_forgotten() -> None:
    """A client that never uses a name twice does not make the process grow: under 2 MiB for 200,000 names."""

    def resident_kib() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024

    def documents(first: int, count: int) -> None:
        for number in range(first, first + count):
            read(("<a>" + "".join(f"<made-up-{number}-{i}/>" for i in range(50)) + "</a>").encode())

    documents(0, 500)
    before = resident_kib()
    documents(500, 4000)
    assert resident_kib() - before < 2048
