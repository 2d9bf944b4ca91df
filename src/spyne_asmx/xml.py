"""The only XML reader, which is hardened, and the elements that it reads into.

The reader is expat, not lxml. libxml2 keeps every name it has ever met in a dictionary that lives as long as the
thread, so a client that sends made-up names makes a long-running server grow without end. expat forgets a document's
names with its parser, and its handlers refuse a DTD, a processing instruction or the 17th level at the byte where it
appears.
"""

import re
from collections.abc import Callable, Mapping
from xml.parsers.expat import ExpatError, ParserCreate, XMLParserType
from xml.sax.saxutils import quoteattr

from spyne_asmx import charsets
from spyne_asmx.charsets import UTF_8_MARK, UnsupportedCharset, python_codec
from spyne_asmx.limits import DEFAULT_LIMITS, Limits

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
XSI_NAMESPACE = "http://www.w3.org/2001/XMLSchema-instance"
XSD_NAMESPACE = "http://www.w3.org/2001/XMLSchema"
XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"

# What .NET's XmlSerializer reads as nil. SOAP Toolkit and Apache SOAP go by the drafts of XML Schema.
_NIL = (
    f"{XSI_NAMESPACE}}}nil",
    f"{XSI_NAMESPACE}}}null",
    "http://www.w3.org/2000/10/XMLSchema-instance}null",
    "http://www.w3.org/1999/XMLSchema-instance}null",
)
_VERSION = re.compile(r"1\.[0-9]+")
_DECLARED_ENCODING = re.compile(rb"""<\?xml\s[^>]*?\sencoding\s*=\s*["']([^"'>]+)["']""")


class XmlError(Exception):
    """The document can't be read: it is not well-formed, or has a DTD or a processing instruction.

    ``line`` and ``column`` count from 1, as .NET's XmlException does.
    """

    def __init__(self, line: int, column: int) -> None:
        super().__init__(f"({line}, {column})")
        self.line = line
        self.column = column


class OverLimit(XmlError):
    """The document exceeds a limit, which ``limit`` describes, such as ``more than 16 levels``."""

    def __init__(self, line: int, column: int, limit: str) -> None:
        super().__init__(line, column)
        self.limit = limit


# In documents up to this size, names with their namespaces can't grow too large.
_SMALL = 4096


class Element:
    """An XML element. Requests are read into elements, and results are written from them.

    ``name`` is ``local`` in no namespace and ``namespace}local`` in one; ``attributes`` are named in the same way.
    ``text`` comes before the first child; ``tail`` comes after the element, inside its parent. In a request, ``text``
    has all of an element's text, wherever it was, and no tail is read: SOAP gives it no meaning.
    """

    __slots__ = ("attributes", "children", "name", "tail", "text")

    def __init__(
        self,
        name: str,
        attributes: Mapping[str, str] | None = None,
        children: "list[Element] | None" = None,
        text: str = "",
        tail: str = "",
    ) -> None:
        self.name = name
        self.attributes = {} if attributes is None else attributes
        self.children = [] if children is None else children
        self.text = text
        self.tail = tail

    @property
    def local_name(self) -> str:
        return self.name.rpartition("}")[2]

    @property
    def namespace(self) -> str:
        return self.name.rpartition("}")[0]

    @property
    def is_nil(self) -> bool:
        attributes = self.attributes
        return bool(attributes) and any(attributes.get(name, "").strip() in {"true", "1"} for name in _NIL)

    def __repr__(self) -> str:
        return f"<Element {self.name}>"


class SourceElement(Element):
    """An element that knows its source text, with all that `Element` does not keep.

    ``scope`` maps prefixes to the namespaces that are in scope; the default namespace has the empty prefix.
    """

    __slots__ = ("_document", "_end", "_start", "scope")

    def __init__(self, name: str, attributes: Mapping[str, str], scope: Mapping[str, str], document: bytes) -> None:
        super().__init__(name, attributes, [])
        self.scope = scope
        self._document = document
        self._start = self._end = 0

    def stand(self, start: int, end: int) -> None:
        """Set where the start tag and the end tag begin. For an empty element, ``end`` is the end of its tag."""
        self._start, self._end = start, end

    def source(self) -> bytes:
        """The element as it was sent, with declarations of the prefixes that it uses from outside."""
        tag = next(_START_TAG.finditer(self._document, self._start))
        end = tag.end() if tag["empty"] else self._document.index(b">", self._end) + 1
        source = self._document[self._start : end]
        declared = {name.partition(b":")[2] for name in _DECLARATION_NAME.findall(tag["attributes"])}
        around = [
            f" xmlns{':' if prefix else ''}{prefix}={quoteattr(namespace)}".encode()
            for prefix, namespace in self.scope.items()
            if prefix.encode() not in declared and (not prefix or _has_prefix(source, prefix.encode()))
        ]
        name_end = tag.end("name") - self._start
        return source[:name_end] + b"".join(around) + source[name_end:]


def _has_prefix(source: bytes, prefix: bytes) -> bool:
    """Whether a prefix may be used, in a name, a value or a text."""
    return re.search(rb"(?<![\w.-])" + re.escape(prefix) + b":", source) is not None


_START_TAG = re.compile(rb"""<(?P<name>[^\s/>]+)(?P<attributes>(?:[^"'>/]|"[^"]*"|'[^']*')*)(?P<empty>/?)>""")
_DECLARATION_NAME = re.compile(rb"""\s(xmlns(?::[^\s=]+)?)\s*=\s*(?:"[^"]*"|'[^']*')""")


def read(body: bytes, charset: str | None = None, limits: Limits = DEFAULT_LIMITS, *, sources: bool = False) -> Element:
    """Read a document and return its root.

    ``charset`` is that of the Content-Type header, which overrides the document's declaration. A byte order mark
    overrides both (RFC 7303 section 3.3).
    Comments are dropped; CDATA and character references become text. With ``sources`` each element is a SourceElement,
    which keeps the source text.

    Raises XmlError, its OverLimit, and UnsupportedCharset.
    """
    utf8 = as_utf8(body, charset)
    if len(utf8) > _SMALL:
        _check_tags(utf8, limits)
    parser = ParserCreate("utf-8", "}")
    parser.buffer_text = True
    root = Element("")
    if sources:
        _build_sources(root, utf8, parser, limits)
    else:
        handlers = _tree_builder([root], limits)
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
    """Check a large document's tags before namespaces are resolved. Raises XmlError.

    A namespace-aware reader spells out the namespace in each name before its handlers see the tag, and could turn
    64 KiB into 200 MB. Each name counts as if it were in the longest namespace so far.
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


def _build_sources(root: Element, utf8: bytes, parser: XMLParserType, limits: Limits) -> None:
    """Read a document into SourceElements below ``root``. Raises XmlError."""
    stack = [root]
    scopes: list[Mapping[str, str]] = [{}]
    declared: dict[str, str] = {}
    opened: list[tuple[SourceElement, int]] = []

    def make(name: str, attributes: dict[str, str], _children: list[Element]) -> SourceElement:
        scopes.append({**scopes[-1], **declared} if declared else scopes[-1])
        declared.clear()
        element = SourceElement(name, attributes, scopes[-1], utf8)
        opened.append((element, parser.CurrentByteIndex))
        return element

    start, leave, text, count = _tree_builder(stack, limits, make)

    def declare(prefix: str | None, namespace: str | None) -> None:
        count(prefix, namespace)
        declared[prefix or ""] = namespace or ""

    def end(name: str) -> None:
        element, begun = opened.pop()
        element.stand(begun, parser.CurrentByteIndex)
        scopes.pop()
        leave(name)

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartNamespaceDeclHandler = declare
    try:
        _parse(utf8, parser)
    finally:
        # The handlers refer to the parser. Without this they would keep each other alive.
        parser.StartElementHandler = parser.EndElementHandler = None


def _tree_builder(
    stack: list[Element], limits: Limits, make: Callable[[str, dict[str, str], list[Element]], Element] = Element
) -> tuple[Callable[..., None], ...]:
    """Handlers that read a document below the element on the stack; ``make`` makes its elements.

    They handle a start tag, an end tag, text and a namespace declaration.
    """
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
        element = make(name, attributes, [])
        stack[-1].children.append(element)
        push(element)

    def end(_name: str) -> None:
        pop()

    def text(data: str) -> None:
        stack[-1].text += data

    return start, end, text, declare


def _check_version(version: str, _encoding: str | None, _standalone: int) -> None:
    """Refuse versions other than XML 1.0's (production 26): expat accepts any version."""
    if not _VERSION.fullmatch(version):
        _refuse()


class _Refused(Exception):
    """Raised by a handler. It has no position: a handler that knew its parser would keep it alive in a cycle."""

    limit = ""


def _over(most: int, what: str) -> _Refused:
    refused = _Refused()
    refused.limit = f"more than {most} {what}"
    return refused


def _refuse(*_: object) -> None:
    raise _Refused


def as_utf8(body: bytes, charset: str | None) -> bytes:
    """Transcode a document to UTF-8. Raises UnsupportedCharset, and XmlError for bytes outside the charset.

    ASMX does not look behind the envelope, where some clients send zeros from the end of their buffer.
    """
    codec = python_codec(_charset_of(body, charset))
    try:
        utf8 = body if codec == "utf-8" else body.decode(codec).encode()
    except UnicodeError:
        raise XmlError(1, 1) from None
    # Whatever charset expat is told, it takes a document that begins like UTF-16 for UTF-16. No UTF-8 document does.
    if utf8.startswith((b"\xff\xfe", b"\xfe\xff")) or 0 in utf8[:2]:
        raise XmlError(1, 1)
    return utf8.removeprefix(UTF_8_MARK).rstrip(b"\0")


def is_utf8(body: bytes, charset: str | None = None) -> bool:
    """Whether a document is in UTF-8."""
    try:
        return charsets.is_utf8(_charset_of(body, charset))
    except UnsupportedCharset:
        return False


def _charset_of(body: bytes, charset: str | None) -> str:
    """A document's charset: by its mark, then the transport's, then the declaration's (RFC 7303 section 3.3).

    Raises UnsupportedCharset if the transport's is none, whatever the mark.
    """
    if charset is not None:
        python_codec(charset)
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if body.startswith(UTF_8_MARK):
        return "utf-8"
    return charset or _declared_charset(body)


def _declared_charset(body: bytes) -> str:
    """The charset by a document's first bytes or its declaration (XML 1.0 appendix F)."""
    if body.startswith((b"<\x00", b"\x00<")):
        return "utf-16le" if body[0] else "utf-16be"
    declared = _DECLARED_ENCODING.match(body)
    if declared is None:
        return "utf-8"
    # .NET's StringWriter always declares UTF-16. A declaration that can be read byte by byte is not in UTF-16.
    label = declared[1].decode("latin-1")
    return "utf-8" if python_codec(label).startswith("utf-16") else label
