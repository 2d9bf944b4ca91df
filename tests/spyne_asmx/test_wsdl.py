"""The WSDL and the discovery document are those of ASP.NET ASMX, for the bindings that are on."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import zeep
from lxml import etree

from spyne_asmx import ALL_BINDINGS, AsmxEndpoint, Binding, wsdl
from spyne_asmx.operations import OperationTable
from tests.spyne_asmx.calculator import application
from tests.support.zeep import EndpointTransport

ADDRESS = "http://localhost/srv.asmx"
REFERENCE = Path(__file__).with_name("calculator.wsdl").read_bytes()
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"

DISCO = """<?xml version="1.0" encoding="utf-8"?>
<discovery xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="http://schemas.xmlsoap.org/disco/">
  <contractRef ref="http://localhost/srv.asmx?wsdl" docRef="http://localhost/srv.asmx" xmlns="http://schemas.xmlsoap.org/disco/scl/" />
  <soap address="http://localhost/srv.asmx" xmlns:q1="http://tempuri.org/" binding="q1:calculatorSoap" xmlns="http://schemas.xmlsoap.org/disco/soap/" />
  <soap address="http://localhost/srv.asmx" xmlns:q2="http://tempuri.org/" binding="q2:calculatorSoap12" xmlns="http://schemas.xmlsoap.org/disco/soap/" />
</discovery>"""  # noqa: E501 -- as ASMX writes it


@pytest.fixture(scope="module")
def operations() -> OperationTable:
    return OperationTable(application())


def document(operations: OperationTable, *bindings: Binding, address: str = ADDRESS) -> bytes:
    return wsdl.build_wsdl(operations, "calculator", address, frozenset(bindings) if bindings else ALL_BINDINGS)


def names(body: bytes, element: str) -> list[str]:
    """The names of the definitions' children of one kind."""
    return [found.get("name") for found in etree.fromstring(body).findall(f"{WSDL}{element}")]


def test_the_wsdl_of_every_kind_of_value_is_what_asmx_generates(operations: OperationTable) -> None:
    """With its documentation and white space."""
    ours, theirs = (etree.tostring(etree.fromstring(body), method="c14n") for body in (document(operations), REFERENCE))
    assert ours == theirs


def test_the_discovery_document_is_what_asmx_generates(operations: OperationTable) -> None:
    body = wsdl.build_disco(operations, "calculator", ADDRESS, ALL_BINDINGS)
    assert body.decode() == DISCO


def test_documentation_is_the_docstring(operations: OperationTable) -> None:
    root = etree.fromstring(document(operations))
    texts = [found.text for found in root.iter(f"{WSDL}documentation")]
    assert texts == ["Adds two numbers."] * 3  # in the port types for SOAP, GET and POST


@pytest.mark.parametrize(
    ("bindings", "port_types", "ports"),
    [
        ({Binding.SOAP11}, ["Soap"], ["Soap"]),
        ({Binding.SOAP12}, ["Soap12"], ["Soap12"]),
        ({Binding.SOAP11, Binding.SOAP12}, ["Soap"], ["Soap", "Soap12"]),
        ({Binding.SOAP12, Binding.GET}, ["Soap12", "HttpGet"], ["Soap12", "HttpGet"]),
        ({Binding.POST}, ["HttpPost"], ["HttpPost"]),
        ({Binding.DOCUMENTATION}, [], []),
    ],
)
def test_only_bindings_that_are_on_are_listed(
    operations: OperationTable, bindings: Iterable[Binding], port_types: list[str], ports: list[str]
) -> None:
    body = document(operations, *bindings)
    assert names(body, "portType") == [f"calculator{suffix}" for suffix in port_types]
    assert names(body, "binding") == [f"calculator{suffix}" for suffix in ports]
    service = etree.fromstring(body).find(f"{WSDL}service")
    assert [port.get("name") for port in service] == [f"calculator{suffix}" for suffix in ports]
    messages = {name.removesuffix("In").removesuffix("Out") for name in names(body, "message")}
    assert messages >= {f"Add{suffix}" for suffix in port_types}
    assert not [name for name in messages if not name.endswith(tuple(port_types) or "none")]


def test_soap_12_alone_names_its_port_type_and_messages_after_itself(operations: OperationTable) -> None:
    root = etree.fromstring(document(operations, Binding.SOAP12))
    assert root.find(f"{WSDL}binding").get("type") == "tns:calculatorSoap12"
    assert root.find(f"{WSDL}message").get("name") == "AddSoap12In"


def test_results_of_forms_are_declared_only_where_there_are_forms(operations: OperationTable) -> None:
    declared = '<s:element name="int" type="s:int"'
    assert declared in document(operations).decode()
    assert declared not in document(operations, Binding.SOAP11).decode()


def test_discovery_lists_only_soap_ports_that_are_on(operations: OperationTable) -> None:
    body = wsdl.build_disco(operations, "calculator", ADDRESS, frozenset({Binding.SOAP12, Binding.GET})).decode()
    assert 'binding="q1:calculatorSoap12"' in body
    assert body.count("<soap ") == 1


@pytest.mark.parametrize("address", ["https://example.com/a&b'c<d>\"e/srv.asmx", "http://[::1]:8080/a/srv.asmx"])
def test_any_address_survives_in_the_documents(operations: OperationTable, address: str) -> None:
    ports = etree.fromstring(document(operations, address=address)).find(f"{WSDL}service")
    assert {port[0].get("location") for port in ports} == {address}
    root = etree.fromstring(wsdl.build_disco(operations, "calculator", address, ALL_BINDINGS))
    assert [root[0].get("docRef"), root[1].get("address")] == [address, address]


@pytest.fixture(scope="module", params=["calculatorSoap", "calculatorSoap12"])
def client(request: pytest.FixtureRequest, operations: OperationTable) -> Any:
    """A zeep client made from our WSDL, over one of the SOAP versions."""
    transport = EndpointTransport(AsmxEndpoint(application(), "/srv.asmx"))
    return zeep.Client(BytesIO(document(operations)), transport=transport, port_name=request.param)


def test_zeep_calls_with_simple_values(client: Any) -> None:
    assert client.service.Add(a=2, b=3) == 5
    assert client.service.Half(Decimal("10.50")) == Decimal("5.25")
    assert client.service.DayAfter(datetime(2026, 1, 31, 12, tzinfo=UTC)) == datetime(2026, 2, 1, 12, tzinfo=UTC)
    assert client.service.Mix("Red", "Blue") == "Green"
    assert client.service.Parse("x") is None
    assert client.service.Nothing() is None


def test_zeep_calls_with_objects_and_arrays(client: Any) -> None:
    made = {
        "Title": "T",
        "Version": 3,
        "Origin": {"X": 1, "Y": 2},
        "Drawn": datetime(2026, 1, 2, 3, 4, 5),  # noqa: DTZ001 -- no zone is a case of its own
        "Public": True,
        "Scale": 1.5,
        "Price": Decimal("9.90"),
        "Layer": None,
        "Id": "00112233-4455-6677-8899-aabbccddeeff",
        "Icon": b"\0\1\2",
        "Tags": {"string": ["a", "b"]},
        "Mark": [1, 2],
    }
    copied = zeep.helpers.serialize_object(client.service.Copy(made), dict)
    assert {key: copied[key] for key in made if key != "Origin"} == {k: v for k, v in made.items() if k != "Origin"}
    assert copied["Origin"] == {"X": 1, "Y": 2, "Name": None}
    assert client.service.Sort({"int": [3, 1]}, None) == [1, 3]


def test_zeep_reads_an_xml_result_and_a_fault(client: Any) -> None:
    assert client.service.Describe("<é>").get("text") == "<é>"
    with pytest.raises(zeep.exceptions.Fault, match="Server was unable to process request"):
        client.service.Divide(1, 0)
