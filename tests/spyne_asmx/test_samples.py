"""Sample messages: what a client would send and get, with placeholders."""

import re
import shlex
from typing import Any

import pytest
from lxml import etree
from spyne import Integer32, Service, rpc

from spyne_asmx import ALL_BINDINGS, AsmxApplication, AsmxEndpoint, Binding, Example, Request
from spyne_asmx.curl import curl_line
from spyne_asmx.http import HeaderMap
from spyne_asmx.operations import OperationTable
from spyne_asmx.samples import PLACEHOLDER_END, PLACEHOLDER_START, Sample, answer_document, samples
from tests.spyne_asmx.calculator import application

ADDRESS = "https://example.com:8443/Base/srv.asmx"
OPERATIONS = OperationTable(application())


@pytest.fixture(scope="module")
def endpoint() -> AsmxEndpoint:
    return AsmxEndpoint(application(), "/srv.asmx")


def of(operation: str, *bindings: Binding) -> dict[str, Sample]:
    """An operation's samples by title, without the marks around placeholders."""
    found = samples(OPERATIONS.by_name[operation], ADDRESS, frozenset(bindings) if bindings else ALL_BINDINGS)
    return {sample.title: Sample(sample.title, plain(sample.request), plain(sample.response)) for sample in found}


def plain(text: str) -> str:
    return text.replace(PLACEHOLDER_START, "").replace(PLACEHOLDER_END, "")


def test_a_soap_11_call() -> None:
    sample = of("Add")["SOAP 1.1"]
    assert sample.request == (
        "POST /Base/srv.asmx HTTP/1.1\n"
        "Host: example.com:8443\n"
        "Content-Type: text/xml; charset=utf-8\n"
        "Content-Length: length\n"
        'SOAPAction: "http://tempuri.org/Add"\n'
        "\n"
        '<?xml version="1.0" encoding="utf-8"?>\n'
        "<soap:Envelope\n"
        '    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"\n'
        '    xmlns:xsd="http://www.w3.org/2001/XMLSchema"\n'
        '    xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">\n'
        "  <soap:Body>\n"
        '    <Add xmlns="http://tempuri.org/">\n'
        "      <a>int</a>\n"
        "      <b>int</b>\n"
        "    </Add>\n"
        "  </soap:Body>\n"
        "</soap:Envelope>"
    )
    assert "      <AddResult>int</AddResult>" in sample.response.splitlines()
    assert sample.response.startswith(
        "HTTP/1.1 200 OK\nContent-Type: text/xml; charset=utf-8\nContent-Length: length\n\n"
    )


def test_a_soap_12_call_has_its_own_type_and_no_soapaction() -> None:
    sample = of("Add")["SOAP 1.2"]
    assert "Content-Type: application/soap+xml; charset=utf-8" in sample.request
    assert "SOAPAction" not in sample.request
    assert 'xmlns:soap="http://www.w3.org/2003/05/soap-envelope"' in sample.response


def test_form_calls() -> None:
    found = of("Mix")
    assert found["HTTP GET"].request == (
        "GET /Base/srv.asmx/Mix?first=Red or Green or Blue&second=Red or Green or Blue HTTP/1.1\nHost: example.com:8443"
    )
    assert found["HTTP POST"].request.splitlines() == [
        "POST /Base/srv.asmx/Mix HTTP/1.1",
        "Host: example.com:8443",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Length: length",
        "",
        "first=Red or Green or Blue&second=Red or Green or Blue",
    ]
    assert (
        found["HTTP GET"].response.splitlines()[-1] == '<Color xmlns="http://tempuri.org/">Red or Green or Blue</Color>'
    )


def test_an_xml_result_is_a_placeholder() -> None:
    found = of("Describe")
    assert "<DescribeResult>xml</DescribeResult>" in found["SOAP 1.1"].response
    assert found["HTTP GET"].response.splitlines()[-1] == "xml"


def test_an_operation_without_parameters_and_result() -> None:
    found = of("Nothing")
    assert '<Nothing xmlns="http://tempuri.org/" />' in found["SOAP 1.1"].request
    assert found["HTTP GET"].request.startswith("GET /Base/srv.asmx/Nothing HTTP/1.1\n")
    assert found["HTTP GET"].response == "HTTP/1.1 200 OK"


def test_arrays_show_two_items_and_recursive_objects_end() -> None:
    request = of("Copy")["SOAP 1.1"].request
    assert request.count("<string>string</string>") == 2
    assert request.count("<Mark>int</Mark>") == 2
    assert '<drawing Title="string" Version="int">' in request
    assert "<Inner />" in request
    assert of("Corners")["SOAP 1.1"].response.count("<Point>") == 2


@pytest.mark.parametrize("operation", [operation.name for operation in OPERATIONS])
def test_samples_are_well_formed(operation: str) -> None:
    """Except where ``xml`` alone is the placeholder of a form's answer. SOAP has four messages in any case."""
    messages = [message for sample in of(operation).values() for message in (sample.request, sample.response)]
    bodies = [message.partition("\n\n")[2] for message in messages]
    documents = [body for body in bodies if body.startswith("<?xml") and not body.endswith("\nxml")]
    assert len(documents) >= 4
    for document in documents:
        etree.fromstring(document.encode())


@pytest.mark.parametrize("operation", [operation.name for operation in OPERATIONS])
def test_a_soap_sample_reaches_the_operation(endpoint: AsmxEndpoint, operation: str) -> None:
    """Placeholders are not values: the answer may complain of them, and of nothing else."""
    head, _, body = of(operation)["SOAP 1.1"].request.partition("\n\n")
    pairs = [(line.partition(": ")[0].lower(), line.partition(": ")[2]) for line in head.splitlines()[1:]]
    answer = endpoint.handle(Request("POST", "/srv.asmx", "", HeaderMap(pairs), body.encode()))
    assert answer.status == 200 or re.search(b"Cannot convert|must have an element", answer.body)


@pytest.mark.parametrize(
    ("operation", "bindings", "titles"),
    [
        ("Add", ALL_BINDINGS, ["SOAP 1.1", "SOAP 1.2", "HTTP GET", "HTTP POST"]),
        ("Add", {Binding.SOAP12, Binding.POST}, ["SOAP 1.2", "HTTP POST"]),
        ("Copy", ALL_BINDINGS, ["SOAP 1.1", "SOAP 1.2"]),
        ("Copy", {Binding.GET}, []),
    ],
)
def test_only_bindings_that_are_on_and_can_carry_the_parameters(
    operation: str, bindings: frozenset[Binding], titles: list[str]
) -> None:
    assert [sample.title for sample in samples(OPERATIONS.by_name[operation], ADDRESS, frozenset(bindings))] == titles


EXAMPLE = Example({"a": "40", "b": "2 & 3"}, 42)


def test_an_example_replaces_the_placeholders() -> None:
    found = {sample.title: sample for sample in samples(OPERATIONS.by_name["Add"], ADDRESS, ALL_BINDINGS, EXAMPLE)}
    assert "<a>40</a>\n      <b>2 &amp; 3</b>" in found["SOAP 1.1"].request
    assert "<AddResult>42</AddResult>" in found["SOAP 1.2"].response
    assert "GET /Base/srv.asmx/Add?a=40&b=2+%26+3 HTTP/1.1" in found["HTTP GET"].request
    assert found["HTTP POST"].request.endswith("\n\na=40&b=2+%26+3")
    assert found["HTTP POST"].response.endswith('<int xmlns="http://tempuri.org/">42</int>')


@pytest.mark.parametrize(
    ("operation", "off", "line"),
    [
        ("Add", set(), f"curl {ADDRESS}/Add --data-urlencode a=40 --data-urlencode 'b=2 & 3'"),
        ("Add", {Binding.POST}, f"curl {ADDRESS}/Add --get --data-urlencode a=40 --data-urlencode 'b=2 & 3'"),
        ("Add", {Binding.POST, Binding.GET, Binding.SOAP11, Binding.SOAP12}, ""),
        ("Nothing", set(), f"curl {ADDRESS}/Nothing --request POST"),
        ("Nothing", {Binding.POST}, f"curl {ADDRESS}/Nothing"),
    ],
)
def test_a_command_makes_the_call(operation: str, off: set[Binding], line: str) -> None:
    assert plain(curl_line(OPERATIONS.by_name[operation], ADDRESS, ALL_BINDINGS - off, EXAMPLE)) == line


@pytest.mark.parametrize(
    ("off", "headers"),
    [
        (set(), ["Content-Type: text/xml; charset=utf-8", 'SOAPAction: "http://tempuri.org/Add"']),
        ({Binding.SOAP11}, ["Content-Type: application/soap+xml; charset=utf-8"]),
    ],
)
def test_a_command_speaks_soap_where_there_are_no_forms(
    endpoint: AsmxEndpoint, off: set[Binding], headers: list[str]
) -> None:
    """A shell splits the line into words; their headers and body are a call that the endpoint answers."""
    on = ALL_BINDINGS - off - {Binding.GET, Binding.POST}
    words = shlex.split(curl_line(OPERATIONS.by_name["Add"], ADDRESS, on, EXAMPLE))
    assert words[:2] == ["curl", ADDRESS]
    assert words[2:-2] == [word for header in headers for word in ("--header", header)]
    assert words[-2] == "--data-binary"
    content = {name.partition(": ")[0].lower(): name.partition(": ")[2] for name in headers}
    body = words[-1].replace("2 &amp; 3", "2").encode()
    request = Request("POST", "/srv.asmx", "", HeaderMap([*content.items()]), body)
    answer = endpoint.handle(request)
    assert b"<AddResult>42</AddResult>" in answer.body


class Division(Service):
    @rpc(Integer32, Integer32, _returns=(Integer32, Integer32), _out_variable_names=("quotient", "rest"))
    def Divide(ctx: Any, a: int, b: int) -> tuple[int, int]:
        return divmod(a, b)


def test_an_example_has_all_results_of_an_operation() -> None:
    (operation,) = OperationTable(AsmxApplication([Division], "http://tempuri.org/", "division"))
    example = Example({"a": "7", "b": "2"}, (3, 1))
    found = {sample.title: sample for sample in samples(operation, ADDRESS, ALL_BINDINGS, example)}
    assert found.keys() == {"SOAP 1.1", "SOAP 1.2"}
    assert "<quotient>3</quotient>\n      <rest>1</rest>" in found["SOAP 1.1"].response
    assert answer_document(operation, example) == ""
