"""What a document means, in one form for our elements and lxml's, so that two readers can be compared."""

from lxml import etree

from spyne_asmx.xml import Element

Meaning = tuple[str, dict[str, str], str, list[object]]


def meaning(element: Element) -> Meaning:
    """Everything that an element means. Text between children means nothing to SOAP."""
    text = "" if element.children else element.text
    return element.name, dict(element.attributes), text, [meaning(child) for child in element.children]


def lxml_meaning(element: etree._Element) -> Meaning:
    attributes = {str(name).removeprefix("{"): str(value) for name, value in element.attrib.items()}
    text = "" if len(element) else element.text or ""
    children: list[object] = [lxml_meaning(child) for child in element if isinstance(child.tag, str)]
    return str(element.tag).removeprefix("{"), attributes, text, children
