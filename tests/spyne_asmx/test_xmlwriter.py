"""The writer writes as .NET does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spyne_asmx.xml import XML_NAMESPACE, XSI_NAMESPACE, Element, read
from spyne_asmx.xmlwriter import write
from tests.support.strategies import XML_CHARACTER, XML_TEXT


def element(name: str, *children: Element, text: str = "", **attributes: str) -> Element:
    return Element(name, attributes, list(children), text)


@pytest.mark.parametrize(
    ("made", "namespace", "written"),
    [
        (element("root"), "", "<root />"),
        (element("root", success="true", error="x"), "", '<root success="true" error="x" />'),
        (element("root", text="x"), "", "<root>x</root>"),
        (element("root", element("a"), element("b")), "", "<root><a /><b /></root>"),
        (element("root", success="true"), "urn:n", '<root success="true" xmlns="" />'),
        (element("root", element("a")), "urn:n", '<root xmlns=""><a /></root>'),
        (element("urn:n}a", element("urn:n}b")), "urn:n", "<a><b /></a>"),
        (element("urn:n}a", element("b")), "", '<a xmlns="urn:n"><b xmlns="" /></a>'),
        (element("urn:n}a", element("b"), element("urn:n}c")), "urn:n", '<a><b xmlns="" /><c /></a>'),
        (element('urn:&"<}a'), "", '<a xmlns="urn:&amp;&quot;&lt;" />'),
        (Element("a", {f"{XSI_NAMESPACE}}}nil": "1", "xmlns:xsi": "x"}), "", '<a xsi:nil="1" xmlns:xsi="x" />'),
        (Element("a", {"xmlns:l": "urn:l", "l:b": "1"}), "", '<a xmlns:l="urn:l" l:b="1" />'),
        (Element("a", {f"{XML_NAMESPACE}}}lang": "en"}), "", '<a xml:lang="en" />'),
        (
            Element("a", {"urn:l}b": "1", "b": "2", "urn:m}b": "3", "urn:l}c": "4"}),
            "",
            '<a d1p1:b="1" b="2" d1p2:b="3" d1p1:c="4" xmlns:d1p1="urn:l" xmlns:d1p2="urn:m" />',
        ),
        (
            Element("a", {"urn:l}b": "1"}, [Element("c", {"urn:m}d": "2"})]),
            "",
            '<a d1p1:b="1" xmlns:d1p1="urn:l"><c d2p1:d="2" xmlns:d2p1="urn:m" /></a>',
        ),
        (element("a", element("b", text="big"), text="x "), "", "<a>x <b>big</b></a>"),
        (element("a", Element("b", text="big", tail=" & small"), text="x "), "", "<a>x <b>big</b> &amp; small</a>"),
    ],
)
def test_elements_are_written_as_dotnet_does(made: Element, namespace: str, written: str) -> None:
    """CONTRACT 2.1: a space before the slash; a change of namespace after the attributes."""
    assert write(made, namespace) == written


@pytest.mark.parametrize(
    ("value", "in_text", "in_attribute"),
    [
        ("&<>", "&amp;&lt;&gt;", "&amp;&lt;&gt;"),
        ('"', '"', "&quot;"),
        ("'", "'", "'"),
        ("\t\n", "\t\n", "&#x9;&#xA;"),
        ("\r", "&#xD;", "&#xD;"),
        ("é😀\u0085\u2028", "é😀\u0085\u2028", "é😀\u0085\u2028"),
        ("a\x00b\x0bc\x1f", "a\ufffdb\ufffdc\ufffd", "a\ufffdb\ufffdc\ufffd"),
        ("\ud800\udfff\ufffe\uffff", "\ufffd" * 4, "\ufffd" * 4),
        ("]]>", "]]&gt;", "]]&gt;"),
    ],
)
def test_values_are_escaped(value: str, in_text: str, in_attribute: str) -> None:
    """SECURITY X13: characters that XML can't carry become U+FFFD."""
    assert write(element("a", text=value)) == f"<a>{in_text}</a>"
    assert write(element("a", b=value)) == f'<a b="{in_attribute}" />'


def test_children_are_indented() -> None:
    """CONTRACT 2.3: two spaces a level."""
    user = element("User", element("Preferences", Language="English"), element("TaskRedirection"), exists="true")
    assert write(element("root", user, success="true"), indent="  ").split("\n") == [
        '<root success="true">',
        '  <User exists="true">',
        '    <Preferences Language="English" />',
        "    <TaskRedirection />",
        "  </User>",
        "</root>",
    ]


def test_within_an_envelope_xsi_is_declared() -> None:
    """Prefixes have the depth in them, as .NET's do."""
    made = Element("a", {f"{XSI_NAMESPACE}}}nil": "true", "urn:l}b": "1"})
    assert write(made, depth=4) == '<a xsi:nil="true" d4p1:b="1" xmlns:d4p1="urn:l" />'
    assert (
        write(Element("a", {f"{XSI_NAMESPACE}}}nil": "true"})) == f'<a d1p1:nil="true" xmlns:d1p1="{XSI_NAMESPACE}" />'
    )


def test_text_is_never_indented() -> None:
    """White space would become part of it."""
    assert write(element("root", element("a", text=" x ")), indent="  ") == "<root>\n  <a> x </a>\n</root>"
    assert write(element("root", element("a"), text="x"), indent="  ") == "<root>x<a /></root>"
    tail = element("root", element("a", element("b")), Element("c", tail="x"))
    assert write(tail, indent="  ") == "<root><a><b /></a><c />x</root>"


@given(XML_TEXT, XML_TEXT, XML_TEXT, st.sampled_from([None, "  "]))
def test_what_xml_can_carry_survives(text: str, child_text: str, value: str, indent: str | None) -> None:
    """Written and read again, text and attributes are the same, in elements of either namespace."""
    made = element("root", element("urn:n}leaf", text=child_text, b=value), a=value)
    again = read(write(made, "", indent=indent).encode(), "utf-8")
    assert again.attributes == {"a": value}
    assert [(c.name, c.text, c.attributes) for c in again.children] == [("urn:n}leaf", child_text, {"b": value})]
    assert read(write(element("root", text=text), indent=indent).encode()).text == text


@given(st.text(max_size=40))
def test_what_xml_cannot_carry_never_breaks_a_document(value: str) -> None:
    """SECURITY X13: surrogates and control characters are replaced one by one."""
    again = read(write(element("a", text=value, b=value)).encode())
    assert again.text == "".join(map(_carried, value))
    assert again.attributes["b"] == "".join(map(_carried, value))


def _carried(character: str) -> str:
    return character if XML_CHARACTER.fullmatch(character) else "\ufffd"
