"""XML values survive a round trip as results, parameters, members and items, over every binding that can carry them."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from spyne_asmx import AsmxApplication, AsmxEndpoint, Element, Request, Response
from spyne_asmx.http import HeaderMap
from spyne_asmx.soap import SOAP11, SOAP12, SoapVersion
from spyne_asmx.spyne import AnyXml, Array, ComplexModel, Service, Unicode, rpc
from spyne_asmx.xmlvalues import as_element
from spyne_asmx.xmlwriter import write
from tests.support.strategies import XML_TEXT

NAMESPACE = "http://tempuri.org/"
XLINK = "http://www.w3.org/1999/xlink"


class Page(ComplexModel):
    Title = Unicode
    Body = AnyXml


class Xml(Service):  # type: ignore[misc]
    @rpc(AnyXml, _returns=AnyXml)
    def Same(ctx: Any, x: Any) -> Any:
        return x

    @rpc(Array(AnyXml), _returns=Array(AnyXml))
    def All(ctx: Any, x: Any) -> Any:
        return x

    @rpc(Page, _returns=Page)
    def Turn(ctx: Any, page: Any) -> Any:
        return page

    @rpc(Unicode, _returns=AnyXml)
    def Read(ctx: Any, text: str) -> Any:
        return text

    @rpc(Unicode, _returns=Page)
    def Print(ctx: Any, text: str) -> Any:
        return Page(Title="t", Body=text)


ENDPOINT = AsmxEndpoint(AsmxApplication([Xml], NAMESPACE, "xml"), "/x.asmx")


def asked(operation: str, content: str, soap: SoapVersion = SOAP11) -> Response:
    """The answer to a call, whose envelope declares no namespace that a value could use."""
    body = (
        f'<s:Envelope xmlns:s="{soap.namespace}"><s:Body><{operation} xmlns="{NAMESPACE}">{content}</{operation}>'
        "</s:Body></s:Envelope>"
    )
    return ENDPOINT.handle(
        Request("POST", "/x.asmx", "", HeaderMap([("content-type", soap.content_type)]), body.encode())
    )


def call(operation: str, content: str, soap: SoapVersion = SOAP11) -> etree._Element:
    """The first element of an answer's body, which must not be a fault."""
    answer = asked(operation, content, soap)
    assert answer.status == 200, answer.body
    return etree.fromstring(answer.body)[0][0]


def canonical(value: etree._Element | str) -> bytes:
    """Canonical XML of an element by itself, with the prefixes that the documents here use in texts."""
    element = etree.fromstring(value) if isinstance(value, str) else value
    alone = etree.fromstring(etree.tostring(element, encoding="unicode", with_tail=False))
    return etree.tostring(alone, method="c14n", exclusive=True, inclusive_ns_prefixes=["p", "q", "xlink"])


DOCUMENTS = {
    "mixed": "<a>Hello <b>big</b> world</a>",
    "namespaced attributes": f'<a xmlns:xlink="{XLINK}" xlink:href="u" href="v"/>',
    "prefix of a QName": '<a xmlns:q="urn:q" type="q:int"/>',
    "prefix of a QName in text": '<a xmlns:q="urn:q"><b>q:name</b></a>',
    "comment": "<a><!-- /> & <b/> --><b/><!----></a>",
    "language": '<a xml:lang="de" xml:space="preserve"> <b/> </a>',
    "white space": "<a>\n  <b/>\n\t<c>\r\n</c> </a>",
    "default namespace": '<a xmlns="urn:a"><b xmlns=""/><c xmlns="urn:c"/></a>',
    "prefixed": '<p:a xmlns:p="urn:a"><p:b p:c="1"/><c/></p:a>',
    "two prefixes of one namespace": '<p:a xmlns:p="urn:a" xmlns:q="urn:a" q:b="1"><q:c/></p:a>',
    "redeclared": '<p:a xmlns:p="urn:a"><p:b xmlns:p="urn:b"><p:c/></p:b></p:a>',
    "character data": "<a><![CDATA[<&]]]]><![CDATA[>]]></a>",
    "what looks like tags": '<a b="/&gt; xmlns=&quot;&quot;" c="a&#10;b">/&gt; &lt;c/&gt;</a>',
    "nested alike": "<a><a><a/></a><a>/></a></a>",
    "not ASCII": '<ä ö="ü">\U0001f600</ä>',
}


@pytest.mark.parametrize("soap", [SOAP11, SOAP12], ids=["1.1", "1.2"])
@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_document_survives_wherever_it_is(document: str, soap: SoapVersion) -> None:
    expected = canonical(document)
    embedded = document if ' xmlns="' in document.partition(">")[0] else _without_default_namespace(document)
    assert canonical(call("Same", f"<x>{embedded}</x>", soap)[0][0]) == expected
    items = call("All", f"<x><XmlNode>{embedded}</XmlNode><XmlNode>{embedded}</XmlNode></x>", soap)[0]
    assert [canonical(item[0]) for item in items] == [expected] * 2
    assert canonical(call("Turn", f"<page><Body>{embedded}</Body></page>", soap)[0][0][0]) == expected
    text = _text(document).replace("&#13;", "\r")
    assert canonical(call("Read", f"<text>{text}</text>", soap)[0][0]) == expected.replace(b"&#xD;\n", b"\n")


def _without_default_namespace(document: str) -> str:
    """The document with ``xmlns=""``, to be put where a default namespace is in force."""
    end = next(index for index, character in enumerate(document) if index and character in " />")
    return f'{document[:end]} xmlns=""{document[end:]}'


@pytest.mark.parametrize("document", [document for name, document in DOCUMENTS.items() if name != "nested alike"])
def test_a_form_is_answered_with_the_document(document: str) -> None:
    """ASMX indents elements that have no text between them, so white space is not compared."""
    answer = ENDPOINT.handle(Request("GET", "/x.asmx/Read", f"text={quote(document)}", HeaderMap()))
    assert answer.status == 200
    blank = etree.XMLParser(remove_blank_text=True)
    sent, given = etree.fromstring(document, blank), etree.fromstring(answer.body, blank)
    assert canonical(given) == canonical(sent)


def test_a_form_is_answered_with_indented_elements() -> None:
    text = quote("<a><b><c/></b><d>x<e><f/></e></d></a>")
    answer = ENDPOINT.handle(Request("GET", "/x.asmx/Print", f"text={text}", HeaderMap()))
    assert answer.body.decode().splitlines()[2:] == [
        "  <Title>t</Title>",
        "  <Body>",
        '    <a xmlns="">',
        "      <b>",
        "        <c />",
        "      </b>",
        "      <d>x<e><f /></e></d>",
        "    </a>",
        "  </Body>",
        "</Page>",
    ]


def test_a_parameter_keeps_the_prefixes_declared_around_it() -> None:
    """Those that the value uses, and no others."""
    content = '<x xmlns:q="urn:q" xmlns:r="urn:r"><a xmlns="" type="q:int"/></x>'
    value = call("Same", content)[0][0]
    assert (value.nsmap["q"], "r" in value.nsmap) == ("urn:q", False)


def test_a_default_namespace_that_is_in_force_is_not_declared_again() -> None:
    """ASMX does the same."""
    assert b"<SameResult><a>b<c /></a></SameResult>" in asked("Same", "<x><a>b<c/></a></x>").body


@pytest.mark.parametrize(
    "document",
    [
        '<p:a p:b="1" xmlns:p="http://[é" xmlns=""><c /></p:a>',
        '<a xml:id="1" xmlns=""><b xml:id="1" /></a>',
        '<a xmlns="  "><b /></a>',
    ],
)
def test_what_is_well_formed_is_taken_where_lxml_itself_would_not(document: str) -> None:
    """Namespaces that are not URIs, and ids that occur twice or are not names."""
    assert f"<SameResult>{document}</SameResult>" in asked("Same", f"<x>{document}</x>").body.decode()


def test_text_is_refused_as_an_xml_value() -> None:
    answer = asked("Same", "<x>text</x>")
    assert answer.status == 500
    assert b"The parameter x must have an element inside it, and no text." in answer.body


MADE: dict[str, Callable[[str], Any]] = {
    "text": str,
    "text with a declaration": lambda text: f'<?xml version="1.0" encoding="iso-8859-1"?>{text}',
    "bytes": str.encode,
    "lxml": etree.fromstring,
    "a tree of lxml's": lambda text: etree.fromstring(text).getroottree(),
    "a part of a tree of lxml's": lambda text: etree.fromstring(f"<all>{text}tail</all>")[0],
    "ElementTree": ElementTree.fromstring,
    "a tree of ElementTree's": lambda text: ElementTree.ElementTree(ElementTree.fromstring(text)),
    "a part of a tree of ElementTree's": lambda text: ElementTree.fromstring(f"<all>{text}tail</all>")[0],
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_a_service_may_make_xml_in_many_ways(make: Callable[[str], Any]) -> None:
    text = f'<a xmlns:l="{XLINK}" l:href="u">x<b>é</b>y</a>'
    written = write(as_element(make(text)), NAMESPACE)
    root = etree.fromstring(f'<r xmlns="{NAMESPACE}">{written}</r>')[0]
    assert (root.tag, root[0].tag, root[0].tail, root.get(f"{{{XLINK}}}href")) == ("a", "b", "y", "u")


def test_mixed_content_of_an_element() -> None:
    made = Element("a", {f"{XLINK}}}href": "u"}, [Element("b", text="big", tail=" world")], "Hello ")
    assert canonical(write(as_element(made))) == canonical(
        f'<a xmlns:d1p1="{XLINK}" d1p1:href="u">Hello <b>big</b> world</a>'
    )


@pytest.mark.parametrize(
    "value",
    [
        5,
        etree.Comment("x"),
        etree.fromstring("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", etree.XMLParser(resolve_entities=False)),
    ],
)
def test_what_cannot_be_an_xml_value_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="an XML value must"):
        as_element(value)


_NAMES = st.sampled_from(["a", "b", "p:a", "q:b", "é"])
_ATTRIBUTES = st.dictionaries(st.sampled_from(["a", "p:a", "q:a", "xml:lang", "b"]), XML_TEXT, max_size=3)


def _element(content: str, name: str, attributes: dict[str, str], namespace: str | None) -> str:
    made = etree.fromstring(f'<{name} xmlns:p="urn:p" xmlns:q="urn:q"/>')
    for attribute, value in attributes.items():
        prefix, _, local = attribute.rpartition(":")
        made.set(
            f"{{{ {'p': 'urn:p', 'q': 'urn:q', 'xml': 'http://www.w3.org/XML/1998/namespace'}[prefix] }}}{local}"
            if prefix
            else local,
            value,
        )
    text = etree.tostring(made, encoding="unicode").removesuffix("/>")
    return text + ("" if namespace is None else f' xmlns="{namespace}"') + f">{content}</{name}>"


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


_CONTENT = st.one_of(XML_TEXT.map(_text), st.sampled_from(["<!-- c -->", "<![CDATA[<]]>", " ", "\n"]))
_DOCUMENTS = st.recursive(
    st.builds(_element, _CONTENT, _NAMES, _ATTRIBUTES, st.sampled_from([None, "", "urn:d"])),
    lambda inner: st.builds(
        _element,
        st.lists(st.one_of(inner, _CONTENT), max_size=4).map("".join),
        _NAMES,
        _ATTRIBUTES,
        st.sampled_from([None, "", "urn:d"]),
    ),
    max_leaves=8,
)


@given(st.builds(_element, _DOCUMENTS, _NAMES, _ATTRIBUTES, st.sampled_from(["", "urn:d"])))
def test_any_document_survives(document: str) -> None:
    expected = canonical(document)
    assert canonical(call("Same", f"<x>{document}</x>")[0][0]) == expected
    assert canonical(call("Turn", f"<page><Body>{document}</Body></page>")[0][0][0]) == expected
    assert canonical(write(as_element(document))) == expected
