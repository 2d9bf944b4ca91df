"""The one XML reader, hardened, and the one writer, which writes as .NET's XmlTextWriter does.

The reader is expat, not lxml: libxml2 keeps every name it ever met in a dictionary that lives as long as the
thread, so a client that sends made-up names makes a long-running server grow without end. expat forgets a
document's names with its parser, and its handlers refuse a DTD, a processing instruction or the 17th level
at the byte where it appears.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from xml.parsers.expat import ExpatError, ParserCreate, XMLParserType

from lxml import etree

from spyne_asmx import charsets
from spyne_asmx.charsets import codec_of
from spyne_asmx.limits import DEFAULT_LIMITS, Limits

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
XSI_NAMESPACE = "http://www.w3.org/2001/XMLSchema-instance"
XSD_NAMESPACE = "http://www.w3.org/2001/XMLSchema"

_VERSION = re.compile(r"1\.[0-9]+")
_DECLARED_ENCODING = re.compile(rb"""<\?xml\s[^>]*?\sencoding\s*=\s*["']([^"'>]+)["']""")


class XmlError(Exception):
    """The document can't be read: not well-formed, a DTD, or a processing instruction.

    ``line`` and ``column`` count from 1, as .NET's XmlException does.
    """

    def __init__(self, line: int, column: int) -> None:
        super().__init__(f"({line}, {column})")
        self.line = line
        self.column = column


class OverLimit(XmlError):
    """The document has more than it may have; ``limit`` says of what, such as ``more than 16 levels``."""

    def __init__(self, line: int, column: int, limit: str) -> None:
        super().__init__(line, column)
        self.limit = limit


# Documents up to this size have no room for names that grow without bounds.
_SMALL = 4096


class Element:
    """An XML element: what requests are read into and results are written from.

    ``name`` is ``local`` in no namespace and ``namespace}local`` in one; ``attributes`` are named in the same way.
    Text between children is not kept: neither SOAP nor XML-valued ASMX results have any meaning there.
    """

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(
        self,
        name: str,
        attributes: Mapping[str, str] | None = None,
        children: "list[Element] | None" = None,
        text: str = "",
    ) -> None:
        self.name = name
        self.attributes = {} if attributes is None else attributes
        self.children = [] if children is None else children
        self.text = text

    @property
    def local_name(self) -> str:
        return self.name.rpartition("}")[2]

    @property
    def namespace(self) -> str:
        return self.name.rpartition("}")[0]

    @property
    def is_nil(self) -> bool:
        return self.attributes.get(XSI_NAMESPACE + "}nil", "").strip() in {"true", "1"}

    def __repr__(self) -> str:
        return f"<Element {self.name}>"


def read(body: bytes, charset: str | None = None, limits: Limits = DEFAULT_LIMITS) -> Element:
    """Read a document and give its root.

    ``charset`` is the transport's (the Content-Type header's), which wins over the declaration in the document
    (RFC 7303 section 3). Comments vanish, CDATA and character references become text.

    Raises XmlError, its OverLimit, and UnsupportedCharset.
    """
    utf8 = _as_utf8(body, charset)
    if len(utf8) > _SMALL:
        _check_tags(utf8, limits)
    parser = ParserCreate("utf-8", "}")
    parser.buffer_text = True
    root = Element("")
    handlers = _tree_builder(root, limits)
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = handlers[:3]
    if utf8.count(b"xmlns") > limits.namespaces:
        parser.StartNamespaceDeclHandler = handlers[3]
    _parse(utf8, parser)
    return root.children[0]


def _parse(utf8: bytes, parser: XMLParserType) -> None:
    """Raises XmlError."""
    parser.XmlDeclHandler = _check_version
    parser.StartDoctypeDeclHandler = _refuse
    parser.ProcessingInstructionHandler = _refuse
    try:
        parser.Parse(utf8, True)
    except ExpatError as error:
        raise XmlError(error.lineno, error.offset + 1) from None
    except _Refused as refused:
        line, column = parser.CurrentLineNumber, parser.CurrentColumnNumber + 1
        raise OverLimit(line, column, refused.limit) if refused.limit else XmlError(line, column) from None


def _check_tags(utf8: bytes, limits: Limits) -> None:
    """Look at a large document's tags as they stand. Raises XmlError.

    A reader of namespaces spells a namespace out in each name that is in it, before its handlers hear of the tag: it
    would make 200 MB of 64 KiB. Each name counts as if it were in the longest namespace so far.
    """
    elements = names = longest = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal elements, names, longest
        elements += 1
        if elements > limits.elements:
            raise _over(limits.elements, "elements")
        if len(attributes) > limits.attributes + limits.namespaces:
            raise _over(limits.attributes, "attributes on an element")
        namespaces = [value for name, value in attributes.items() if name.partition(":")[0] == "xmlns"]
        longest = max(longest, *map(len, namespaces), 0)
        names += len(name) + sum(map(len, attributes)) + longest * (1 + len(attributes) - len(namespaces))
        if names > limits.names_length:
            raise _over(limits.names_length, "characters in its names and their namespaces")

    parser = ParserCreate("utf-8")
    parser.StartElementHandler = start
    _parse(utf8, parser)


def _tree_builder(root: Element, limits: Limits) -> tuple[Callable[..., None], ...]:
    """Handlers that hang a document below ``root``: of a start tag, an end tag, text and a namespace declaration."""
    stack = [root]
    push, pop = stack.append, stack.pop
    max_depth, max_elements, max_attributes = limits.depth, limits.elements, limits.attributes
    elements = namespaces = 0

    def declare(_prefix: str | None, _namespace: str | None) -> None:
        nonlocal namespaces
        namespaces += 1
        if namespaces > limits.namespaces:
            raise _over(limits.namespaces, "namespaces")

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal elements
        elements += 1
        if elements > max_elements:
            raise _over(max_elements, "elements")
        if len(stack) > max_depth:
            raise _over(max_depth, "levels")
        if len(attributes) > max_attributes:
            raise _over(max_attributes, "attributes on an element")
        element = Element(name, attributes, [])
        stack[-1].children.append(element)
        push(element)

    def end(_name: str) -> None:
        pop()

    def text(data: str) -> None:
        stack[-1].text += data

    return start, end, text, declare


def _check_version(version: str, _encoding: str | None, _standalone: int) -> None:
    """XML 1.0, production 26: expat takes any version."""
    if not _VERSION.fullmatch(version):
        _refuse()


class _Refused(Exception):
    """Raised by a handler. It can't tell where: a handler that knew its parser would keep it alive in a cycle."""

    limit = ""


def _over(most: int, what: str) -> _Refused:
    refused = _Refused()
    refused.limit = f"more than {most} {what}"
    return refused


def _refuse(*_: object) -> None:
    raise _Refused


def _as_utf8(body: bytes, charset: str | None) -> bytes:
    """Transcode to UTF-8 what is not. Raises XmlError for bytes that the charset does not have, UnsupportedCharset."""
    if charset is None:
        charset = _charset_of(body)
    codec = codec_of(charset)
    try:
        utf8 = body if codec == "utf-8" else body.decode(codec).encode()
    except UnicodeError:
        raise XmlError(1, 1) from None
    # Whatever charset expat is told, it takes what begins like UTF-16 for UTF-16. In UTF-8 nothing begins so.
    if utf8.startswith((b"\xff\xfe", b"\xfe\xff")) or 0 in utf8[:2]:
        raise XmlError(1, 1)
    return utf8.removeprefix(b"\xef\xbb\xbf")


def is_utf8(body: bytes, charset: str | None = None) -> bool:
    """Whether a document is in UTF-8, by the transport's charset or else by what it shows itself."""
    return charsets.is_utf8(charset or _charset_of(body))


def _charset_of(body: bytes) -> str:
    """The charset that a document shows by itself (XML 1.0 appendix F): its first bytes, or its declaration."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if body.startswith((b"<\x00", b"\x00<")):
        return "utf-16le" if body[0] else "utf-16be"
    declared = _DECLARED_ENCODING.match(body.removeprefix(b"\xef\xbb\xbf"))
    if declared is None:
        return "utf-8"
    # .NET's StringWriter declares UTF-16, whatever its text is turned into afterwards; two bytes a character it is not.
    label = declared[1].decode("latin-1")
    return "utf-8" if codec_of(label).startswith("utf-16") else label


_TEXT_SPECIAL = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ATTRIBUTE_SPECIAL = re.compile('[&<>"\x00-\x1f\ud800-\udfff\ufffe\uffff]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#xD;", "\n": "&#xA;", "\t": "&#x9;"}


def _escape_character(match: re.Match[str]) -> str:
    # What XML can't carry at all becomes the replacement character, so that an odd database row never breaks an answer.
    return _ESCAPES.get(match[0], "\ufffd")


def escape_text(value: str) -> str:
    """Escape for element content."""
    return _TEXT_SPECIAL.sub(_escape_character, value) if _TEXT_SPECIAL.search(value) else value


def escape_attribute(value: str) -> str:
    """Escape for an attribute in double quotes."""
    return _ATTRIBUTE_SPECIAL.sub(_escape_character, value) if _ATTRIBUTE_SPECIAL.search(value) else value


def write(element: Element, default_namespace: str = "", *, indent: str | None = None) -> str:
    """Write an element as .NET does: ``<a b="c" />``, a change of default namespace behind the attributes.

    ``default_namespace`` is the one in force where the text will stand. ``indent`` is the white space a level is
    indented by; None writes one line. Attributes in a namespace are written for xsi only.
    """
    if not element.children and not element.text:
        return _opening(element, default_namespace) + " />"
    return "".join(_pieces(element, default_namespace, indent, "\n"))


def _opening(element: Element, in_force: str) -> str:
    namespace, _, local = element.name.rpartition("}")
    attributes = _written(element.attributes) if element.attributes else ""
    if namespace == in_force:
        return f"<{local}{attributes}"
    return f'<{local}{attributes} xmlns="{escape_attribute(namespace)}"'


def _pieces(element: Element, in_force: str, indent: str | None, line: str) -> Iterator[str]:
    opening = _opening(element, in_force)
    if not element.children and not element.text:
        yield opening + " />"
        return
    namespace, _, local = element.name.rpartition("}")
    yield f"{opening}>{escape_text(element.text)}"
    inner = line + indent if indent is not None and not element.text else ""
    for child in element.children:
        if inner:
            yield inner
        yield from _pieces(child, namespace, indent, inner or line)
    if inner and element.children:
        yield line
    yield f"</{local}>"


def _written(attributes: Mapping[str, str]) -> str:
    # Nearly always there is nothing to escape, and one look at all of them together shows it.
    if _ATTRIBUTE_SPECIAL.search("".join(attributes.values())) is None and "}" not in "".join(attributes):
        return "".join([f' {name}="{value}"' for name, value in attributes.items()])
    return "".join([f' {_attribute_name(k)}="{escape_attribute(v)}"' for k, v in attributes.items()])


def _attribute_name(name: str) -> str:
    namespace, _, local = name.rpartition("}")
    return f"xsi:{local}" if namespace == XSI_NAMESPACE else local


def from_lxml(element: etree._Element) -> Element:
    """Take over an lxml element that a service gave as its XML-valued result."""
    return Element(
        _from_clark(str(element.tag)),
        {_from_clark(str(name)): str(value) for name, value in element.attrib.items()},
        [from_lxml(child) for child in element if isinstance(child.tag, str)],
        (element.text or "") if len(element) == 0 or (element.text or "").strip() else "",
    )


def _from_clark(name: str) -> str:
    return name[1:] if name.startswith("{") else name
