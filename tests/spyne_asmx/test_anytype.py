"""C#'s ``object``: values that name their type. The first rows are what Mono's ASMX answered to the same."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from lxml import etree

from spyne_asmx import AnyType, AsmxApplication, AsmxEndpoint, Element, Request
from spyne_asmx.http import HeaderMap
from spyne_asmx.spyne import Array, ComplexModel, Integer32, Service, Unicode, rpc
from tests.spyne_asmx.reference import call, get, inside

NAMESPACE = "http://example.com/any"
GUID = "00112233-4455-6677-8899-aabbccddeeff"
MICROSOFT = "http://microsoft.com/wsdl/types/"


class Item(ComplexModel):
    Id = Integer32


class Hidden(ComplexModel):
    Text = Unicode


class Bag(ComplexModel):
    Any = AnyType


GIVEN: dict[str, Any] = {}


class Objects(Service):  # type: ignore[misc]
    @rpc(AnyType, _returns=AnyType)
    def Same(ctx: Any, o: Any) -> Any:
        GIVEN["taken"] = o
        return o

    @rpc(_returns=AnyType)
    def Make(ctx: Any) -> Any:
        return GIVEN["value"]

    @rpc(Array(AnyType), _returns=Array(AnyType))
    def All(ctx: Any, o: Any) -> Any:
        return o

    @rpc(Bag, _returns=Bag)
    def Pack(ctx: Any, bag: Any) -> Any:
        return bag

    @rpc(Array(Item), _returns=Unicode)
    def Known(ctx: Any, items: Any) -> str:
        return "types that operations use are known"


@pytest.fixture(scope="module")
def objects() -> AsmxEndpoint:
    return AsmxEndpoint(AsmxApplication([Objects], NAMESPACE, "any", classes=[Hidden]), "/any.asmx")


def answer(endpoint: AsmxEndpoint, operation: str, content: str = "") -> str:
    text = inside(call(endpoint, operation, content))
    start = f'<soap:Body><{operation}Response xmlns="{NAMESPACE}">'
    return text.removeprefix(start).removesuffix(f"</{operation}Response></soap:Body>")


SAME = [
    ("xsi:type='xsd:int'>5", 5, 'xsi:type="xsd:int">5'),
    ("xsi:type='xsd:string'>5", "5", 'xsi:type="xsd:string">5'),
    ("xsi:type='xsd:date'>2026-01-02", date(2026, 1, 2), 'xsi:type="xsd:date">2026-01-02'),
    ("xsi:type='xsd:boolean'>1", True, 'xsi:type="xsd:boolean">true'),
    ("xsi:type='xsd:decimal'>1.50", Decimal("1.50"), 'xsi:type="xsd:decimal">1.50'),
    (
        f"xmlns:t='{MICROSOFT}' xsi:type='t:guid'>{GUID}",
        UUID(GUID),
        f'xmlns:q1="{MICROSOFT}" xsi:type="q1:guid">{GUID}',
    ),
    (
        "xsi:type='ArrayOfAnyType'><anyType xsi:type='xsd:int'>1</anyType><anyType xsi:nil='true'/>",
        [1, None],
        'xsi:type="ArrayOfAnyType"><anyType xsi:type="xsd:int">1</anyType><anyType xsi:nil="true" />',
    ),
    (
        "xsi:type='ArrayOfItem'><Item><Id>1</Id></Item>",
        None,
        'xsi:type="ArrayOfAnyType"><anyType xsi:type="Item"><Id>1',
    ),
    ("xsi:type='Item'><Id>1</Id>", None, 'xsi:type="Item"><Id>1</Id>'),
    ("xsi:type='Hidden'><Text>t</Text>", None, 'xsi:type="Hidden"><Text>t</Text>'),
    (">text", "text", 'xsi:type="xsd:string">text'),
    ("><a xmlns='' b='1'/><c/>", None, '><a b="1" xmlns="" /><c />'),
]


@pytest.mark.parametrize(("sent", "value", "answered"), SAME)
def test_a_value_names_its_type(objects: AsmxEndpoint, sent: str, value: Any, answered: str) -> None:
    expected = f"<SameResult {answered}".replace("<SameResult >", "<SameResult>")
    assert answer(objects, "Same", f"<o {sent}</o>").startswith(expected)
    if value is not None:
        assert GIVEN["taken"] == value
    member = answer(objects, "Pack", f"<bag><Any {sent}</Any></bag>")
    assert expected.replace("SameResult", "Any") in member


@pytest.mark.parametrize("named", ["Nope", "xsd:nope", "xsd:guid", "int", "x:int", "xsd:Item"])
def test_an_unknown_type_is_the_clients_fault(objects: AsmxEndpoint, named: str) -> None:
    fault = answer(objects, "Same", f"<o xsi:type='{named}' xmlns:x='urn:x'>5</o>")
    local_name = named.rpartition(":")[2]
    assert f"<faultstring>The type {local_name} of the parameter o was not recognized.</faultstring>" in fault


def test_a_value_that_its_type_does_not_have_is_refused(objects: AsmxEndpoint) -> None:
    fault = answer(objects, "Same", "<o xsi:type='xsd:int'>x</o>")
    assert "Cannot convert the parameter o to int." in fault


MADE = [
    (5, 'xsi:type="xsd:int">5'),
    (2**31, f'xsi:type="xsd:long">{2**31}'),
    (2**63, f'xsi:type="xsd:integer">{2**63}'),
    (True, 'xsi:type="xsd:boolean">true'),
    (1.5, 'xsi:type="xsd:double">1.5'),
    (b"\x01", 'xsi:type="xsd:base64Binary">AQ=='),
    (datetime(2026, 1, 2, 3, 4, 5), 'xsi:type="xsd:dateTime">2026-01-02T03:04:05'),  # noqa: DTZ001  # without a zone
    (time(3, 4, 5), 'xsi:type="xsd:time">03:04:05'),
    (timedelta(1), 'xsi:type="xsd:duration">P1D'),
    (Item(Id=1), 'xsi:type="Item"><Id>1</Id>'),
    ([1, "a", None], 'xsi:type="ArrayOfAnyType"><anyType xsi:type="xsd:int">1</anyType>'),
    (Element("a"), '><a xmlns="" />'),
    (etree.Element("a"), '><a xmlns="" />'),
]


@pytest.mark.parametrize(("value", "written"), MADE)
def test_a_service_may_return_anything_that_has_a_type(objects: AsmxEndpoint, value: Any, written: str) -> None:
    GIVEN["value"] = value
    assert answer(objects, "Make").startswith(f"<MakeResult {written}".replace("<MakeResult >", "<MakeResult>"))


@pytest.mark.parametrize("value", [object(), {"a": 1}, 1j])
def test_a_result_without_a_type_is_a_fault(objects: AsmxEndpoint, value: Any) -> None:
    GIVEN["value"] = value
    assert "Server was unable to process request." in answer(objects, "Make")


def test_forms_answer_with_an_object_but_do_not_take_one(objects: AsmxEndpoint) -> None:
    assert get(objects, "Same", "o=1").status == 500
    GIVEN["value"] = 5
    root = etree.fromstring(get(objects, "Make").body)
    kind = root.get("{http://www.w3.org/2001/XMLSchema-instance}type")
    assert (root.tag, root.text, kind) == (f"{{{NAMESPACE}}}anyType", "5", "xsd:int")


def test_types_that_only_values_name_are_in_the_schema(objects: AsmxEndpoint) -> None:
    wsdl = etree.fromstring(objects.handle(Request("GET", "/any.asmx", "WSDL", HeaderMap())).body)
    s = "{http://www.w3.org/2001/XMLSchema}"
    assert wsdl.find(f".//{s}complexType[@name='Hidden']") is not None
    parameter = wsdl.find(f".//{s}element[@name='Same']//{s}element")
    assert dict(parameter.attrib) == {"minOccurs": "0", "maxOccurs": "1", "name": "o"}


class Named(ComplexModel):
    __type_name__ = "Person"
    First = Unicode


class Aged(ComplexModel):
    __type_name__ = "Person"
    Age = Integer32


def teller(person: Any) -> AsmxEndpoint:
    """A new application in ASMX's default namespace, which takes a type of its own named Person."""

    class Teller(Service):  # type: ignore[misc]
        @rpc(AnyType, person, _returns=Unicode)
        def Tell(ctx: Any, o: Any, _: Any) -> str:
            return ", ".join(type(o)._type_info)

    return AsmxEndpoint(AsmxApplication([Teller], "http://tempuri.org/", "Teller"), "/Teller.asmx")


def test_a_type_is_looked_up_in_the_application_that_is_called() -> None:
    """Two applications in one process may share a namespace and the name of a type."""
    tellers = [teller(Named), teller(Aged)]
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><Tell xmlns="http://tempuri.org/">'
        '<o xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:t="http://tempuri.org/" xsi:type="t:Person"/>'
        "</Tell></s:Body></s:Envelope>"
    )
    headers = HeaderMap([("content-type", "text/xml")])
    said = [each.handle(Request("POST", each.path, "", headers, body.encode())).body for each in tellers]
    assert b"<TellResult>First</TellResult>" in said[0]
    assert b"<TellResult>Age</TellResult>" in said[1]
