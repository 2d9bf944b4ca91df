"""The only writer of XML, which writes as .NET's XmlTextWriter does."""

import re
from collections.abc import Iterator, Mapping

from spyne_asmx.xml import XML_NAMESPACE, XSI_NAMESPACE, Element

_INVALID = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TEXT_SPECIAL = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ATTRIBUTE_SPECIAL = re.compile('[&<>"\x00-\x1f\ud800-\udfff\ufffe\uffff]')
# Also the brace that ends a namespace in a name.
_SPECIAL_BESIDE_QUOTES = re.compile("[&<>}\x00-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#xD;", "\n": "&#xA;", "\t": "&#x9;"}


def _escape_character(match: re.Match[str]) -> str:
    # Characters that XML can't carry become U+FFFD, so an odd database row never breaks an answer.
    return _ESCAPES.get(match[0], "\ufffd")


def without_invalid(value: str) -> str:
    """Text that XML can carry."""
    return _INVALID.sub("\ufffd", value)


def escape_text(value: str) -> str:
    """Escape for element content."""
    return _TEXT_SPECIAL.sub(_escape_character, value) if _TEXT_SPECIAL.search(value) else value


def escape_attribute(value: str) -> str:
    """Escape for an attribute in double quotes."""
    return _ATTRIBUTE_SPECIAL.sub(_escape_character, value) if _ATTRIBUTE_SPECIAL.search(value) else value


def write(element: Element, default_namespace: str = "", *, indent: str | None = None, depth: int = 1) -> str:
    """Write an element as .NET does: ``<a b="c" />``, with a change of default namespace after the attributes.

    ``default_namespace`` is the one in scope where the text will go, and ``depth`` is how deep that is: inside an
    envelope ``xsi`` is already declared. ``indent`` is the white space for each level; None writes one line.
    """
    xsi = depth > 1 or "xmlns:xsi" in element.attributes
    if not element.children and not element.text and not isinstance(element, Markup):
        return _opening(element, default_namespace, depth, xsi=xsi) + " />"
    return "".join(_pieces(element, default_namespace, indent, "\n", depth=depth, xsi=xsi))


class Markup(Element):
    """An element that supplies its own markup."""

    __slots__ = ()

    def markup(self, default_namespace: str, indent: str | None, line: str) -> str:
        """The markup for use inside ``default_namespace``. Indented lines begin with ``line``."""
        raise NotImplementedError


def _opening(element: Element, in_force: str, depth: int, *, xsi: bool) -> str:
    namespace, _, local = element.name.rpartition("}")
    attributes = _written(element.attributes, depth, xsi=xsi) if element.attributes else ""
    if namespace == in_force:
        return f"<{local}{attributes}"
    return f'<{local}{attributes} xmlns="{escape_attribute(namespace)}"'


def _pieces(element: Element, in_force: str, indent: str | None, line: str, *, depth: int, xsi: bool) -> Iterator[str]:
    if isinstance(element, Markup):
        yield element.markup(in_force, indent, line)
        return
    opening = _opening(element, in_force, depth, xsi=xsi)
    if not element.children and not element.text:
        yield opening + " />"
        return
    namespace, _, local = element.name.rpartition("}")
    yield f"{opening}>{escape_text(element.text)}"
    if element.text or any(child.tail for child in element.children):
        indent = None  # white space would become part of the text
    inner = line + indent if indent is not None else ""
    for child in element.children:
        yield inner
        yield from _pieces(child, namespace, indent, inner, depth=depth + 1, xsi=xsi)
        yield escape_text(child.tail)
    if inner and element.children:
        yield line
    yield f"</{local}>"


def _written(attributes: Mapping[str, str], depth: int, *, xsi: bool) -> str:
    # There is rarely anything to escape, and one check of all of them together shows it.
    text = "".join([f' {name}="{value}"' for name, value in attributes.items()])
    if _SPECIAL_BESIDE_QUOTES.search(text) is None and text.count('"') == 2 * len(attributes):
        return text
    prefixes = {XML_NAMESPACE: "xml", **({XSI_NAMESPACE: "xsi"} if xsi else {})}
    declared: dict[str, str] = {}
    for name in attributes:
        namespace = name.rpartition("}")[0]
        if namespace and namespace not in prefixes:
            prefixes[namespace] = f"d{depth}p{len(declared) + 1}"
            declared[f"xmlns:{prefixes[namespace]}"] = namespace
    written = {_prefixed(name, prefixes): value for name, value in attributes.items()}
    return "".join([f' {name}="{escape_attribute(value)}"' for name, value in (written | declared).items()])


def _prefixed(name: str, prefixes: Mapping[str, str]) -> str:
    namespace, _, local = name.rpartition("}")
    return f"{prefixes[namespace]}:{local}" if namespace else local
