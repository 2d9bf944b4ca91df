"""XML as a value: what services give and take for spyne's AnyXml, without loss on the wire.

A service may give an ``Element``, an element of lxml or of the standard library's ElementTree, a tree of either, or
text. It gets an lxml element, as it was in the request.
"""

import re
from copy import copy
from typing import Any
from xml.etree import ElementTree

from lxml import etree
from spyne import AnyXml

from spyne_asmx.codec import Codec, InvalidValue, serves
from spyne_asmx.xml import Element, SourceElement
from spyne_asmx.xmlwriter import Markup, escape_attribute

# What lxml writes: a start tag, with its declarations before its attributes, or text that may look like one.
_TAGS = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|"
    r"""(?P<name><[^\s/>]+)(?P<declared>(?: xmlns(?::[^\s=]+)?="[^"]*")*)(?P<attributes>[^>]*?)(?P<empty>/?)>""",
    re.DOTALL,
)


class LxmlMarkup(Markup):
    """An lxml element and its content, written as .NET's XmlTextWriter writes it."""

    __slots__ = ("_element",)

    def __init__(self, element: etree._Element) -> None:
        super().__init__(str(element.tag))
        self._element = element

    def markup(self, default_namespace: str, indent: str | None, line: str) -> str:
        element = self._element if indent is None else _indented(self._element, indent, line)
        text = etree.tostring(element, encoding="unicode", with_tail=False)
        if default_namespace:
            text = _within_default_namespace(text, default_namespace)
        return _TAGS.sub(_written_tag, text)


@serves(AnyXml)
class XmlCodec(Codec):
    """An element that contains the service's own XML."""

    is_xml = True

    def content_of(self, element: Element) -> Any:
        if element.children:
            return as_lxml(element.children[0])
        if element.text.strip():
            raise InvalidValue("{} must have an element inside it, and no text.")
        return None

    def write(self, name: str, value: Any) -> Element:
        return Element(name, children=[as_element(value)])


def as_element(value: Any) -> Element:
    """The XML value that a service gave. Raises TypeError and etree.XMLSyntaxError if it is not XML."""
    if isinstance(value, Element):
        return value
    if isinstance(value, etree._ElementTree | ElementTree.ElementTree):
        value = value.getroot()
    if isinstance(value, ElementTree.Element):
        alone = copy(value)
        alone.tail = None
        value = ElementTree.tostring(alone, encoding="unicode")
    if isinstance(value, str | bytes):
        value = parsed(value)
    if not isinstance(value, etree._Element) or not isinstance(value.tag, str):
        raise TypeError(f"an XML value must be an Element or an element of lxml's, not {type(value).__name__}")
    if next(value.iter(etree.Entity), None) is not None:
        raise TypeError("an XML value must not have references to entities: nobody would know them")
    return LxmlMarkup(value)


def as_lxml(element: Element) -> etree._Element:
    """The lxml element that a service gets for an XML value in a request."""
    if not isinstance(element, SourceElement):
        raise TypeError("a request with XML values must be read with its sources")
    return parsed(element.source(), was_read=True)


def parsed(text: str | bytes, *, was_read: bool = False) -> etree._Element:
    """The root of a document. In a str, an encoding declaration is ignored.

    ``was_read`` says that another reader has found the document well-formed: then lxml may not refuse it, which is
    stricter with namespaces that are no URI and with ``xml:id``.
    """
    encoding, encoded = ("utf-8", text.encode()) if isinstance(text, str) else (None, text)
    parser = etree.XMLParser(encoding=encoding, recover=was_read, resolve_entities=False, no_network=True)
    return etree.fromstring(encoded, parser)


def _written_tag(tag: re.Match[str]) -> str:
    """A start tag as .NET writes it."""
    if tag["name"] is None:
        return tag[0]
    return f"{tag['name']}{tag['attributes']}{tag['declared']}{' /' if tag['empty'] else ''}>"


def _within_default_namespace(text: str, in_force: str) -> str:
    """Markup for use inside a default namespace: an element in none must undeclare it, one in it must not repeat it."""
    tag = next(_TAGS.finditer(text))
    start, end = tag.span("declared")
    if ' xmlns="' not in tag["declared"]:
        return f'{text[:end]} xmlns=""{text[end:]}'
    return text[:start] + tag["declared"].replace(f' xmlns="{escape_attribute(in_force)}"', "") + text[end:]


def _indented(element: etree._Element, indent: str, line: str) -> etree._Element:
    """A copy with white space between elements, except where there is text among them."""
    made = parsed(etree.tostring(element, encoding="unicode", with_tail=False), was_read=True)
    _indent(made, indent, line)
    return made


def _indent(element: etree._Element, indent: str, line: str) -> None:
    children = list(element)
    if not children or element.text or any(child.tail for child in children):
        return
    inner = line + indent
    element.text = inner
    for child in children:
        _indent(child, indent, inner)
        child.tail = inner
    children[-1].tail = line
