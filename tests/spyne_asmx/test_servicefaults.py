"""The faults that a service raises, written as ASMX writes SoapException: Mono's answers without the stack traces."""

import logging
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import pytest
import zeep
from lxml import etree

from spyne_asmx import AsmxEndpoint, Element, Request
from spyne_asmx.http import HeaderMap
from spyne_asmx.soap import SOAP11, SOAP12, SoapVersion
from spyne_asmx.spyne import (
    Fault,
    Integer32,
    InvalidCredentialsError,
    ResourceNotFoundError,
    Service,
    Unicode,
    ValidationError,
    rpc,
)
from tests.spyne_asmx.reference import call, endpoint_of, get, inside, namespace_of
from tests.support.zeep import EndpointTransport

REASON = '<reason xmlns="urn:r" code="7">why <b>not</b></reason>'
WRITTEN = '<reason code="7" xmlns="urn:r">why <b>not</b></reason>'
QNAME = "{urn:bank}NoCredit"


class NoCredit(Fault):
    """A fault with members."""

    CODE = "Client.NoCredit"
    Balance = Integer32
    Account = Unicode

    def __init__(self, balance: int) -> None:
        super().__init__(self.CODE, "There is not enough money.")
        self.Balance = balance


def detail(given: Any) -> Fault:
    return Fault("Server", "m", detail=given)


RAISED = {
    "client": Fault("Client", "m"),
    "dotted": Fault("Client.Auth", "m"),
    "dotted twice": Fault("Server.Stock.Empty", "m"),
    "own code": Fault(QNAME, "m"),
    "code without a namespace": Fault("Custom", "m"),
    "actor": Fault("Client", "m", "urn:a&b"),
    "language": Fault("Client", "m", lang="de"),
    "dict": detail({"reason": {"code": 7, "text": ["a", "b"]}, "more": None}),
    "lxml": detail(etree.fromstring(REASON)),
    "dict with what XML can't carry": detail({"reason": {"text": ["a\0", "b"]}}),
    "empty subcode": Fault("Client.", "m"),
    "detail element": detail(etree.fromstring(f"<detail>{REASON}</detail>")),
    "detail element of SOAP 1.2": detail(etree.fromstring(f'<d:Detail xmlns:d="{SOAP12.namespace}"><a/></d:Detail>')),
    "ElementTree": detail(ElementTree.fromstring("<reason>x</reason>")),
    "Element": detail(Element("reason", {"code": "7"}, text="x<")),
    "XML as text": detail(REASON),
    "text": detail("it is <broken"),
    "several": detail([{"a": "1"}, etree.fromstring("<b/>")]),
    "members": NoCredit(3),
    "spyne's credentials": InvalidCredentialsError(),
    "spyne's not found": ResourceNotFoundError("x"),
    "spyne's validation": ValidationError("x"),
    "broken detail": detail(object()),
}
SOAP11_FAULTS = {
    "client": ("soap:Client", "<detail />"),
    "dotted": ("soap:Client.Auth", "<detail />"),
    "dotted twice": ("soap:Server.Stock.Empty", "<detail />"),
    "code without a namespace": ("Custom", "<detail />"),
    "actor": ("soap:Client", "<faultactor>urn:a&amp;b</faultactor><detail />"),
    "dict": (
        "soap:Server",
        "<detail><reason><code>7</code><text>a</text><text>b</text></reason><more /></detail>",
    ),
    "dict with what XML can't carry": (
        "soap:Server",
        "<detail><reason><text>a\ufffd</text><text>b</text></reason></detail>",
    ),
    "empty subcode": ("soap:Client", "<detail />"),
    "lxml": ("soap:Server", f"<detail>{WRITTEN}</detail>"),
    "detail element": ("soap:Server", f"<detail>{WRITTEN}</detail>"),
    "ElementTree": ("soap:Server", "<detail><reason>x</reason></detail>"),
    "Element": ("soap:Server", '<detail><reason code="7">x&lt;</reason></detail>'),
    "XML as text": ("soap:Server", f"<detail>{WRITTEN}</detail>"),
    "text": ("soap:Server", "<detail>it is &lt;broken</detail>"),
    "several": ("soap:Server", "<detail><a>1</a><b /></detail>"),
}


class Faults(Service):
    @rpc(Unicode)
    def Raise(ctx: Any, which: str) -> None:
        raise RAISED[which]


class Declared(Service):
    @rpc(Integer32, _returns=Integer32, _throws=NoCredit)
    def Pay(ctx: Any, n: int) -> int:
        raise NoCredit(n)


@pytest.fixture(scope="module")
def endpoint() -> AsmxEndpoint:
    return endpoint_of("faults", Faults)


def fault(endpoint: AsmxEndpoint, which: str, soap: SoapVersion = SOAP11) -> str:
    """What is inside the answer's Fault element."""
    response = call(endpoint, "Raise", f"<which>{which}</which>", soap=soap)
    assert response.status == 500
    etree.fromstring(response.body)
    return inside(response).removeprefix("<soap:Body><soap:Fault>").removesuffix("</soap:Fault></soap:Body>")


@pytest.mark.parametrize("which", SOAP11_FAULTS)
def test_faults_in_soap11(endpoint: AsmxEndpoint, which: str) -> None:
    code, rest = SOAP11_FAULTS[which]
    assert fault(endpoint, which) == f"<faultcode>{code}</faultcode><faultstring>m</faultstring>{rest}"


def test_a_code_in_another_namespace_declares_it(endpoint: AsmxEndpoint) -> None:
    assert fault(endpoint, "own code").startswith('<faultcode xmlns:q0="urn:bank">q0:NoCredit</faultcode>')
    value = '<soap:Value xmlns:q0="urn:bank">q0:NoCredit</soap:Value>'
    assert fault(endpoint, "own code", SOAP12).startswith(
        f"<soap:Code><soap:Value>soap:Receiver</soap:Value><soap:Subcode>{value}</soap:Subcode></soap:Code>"
    )


def test_a_fault_says_its_language(endpoint: AsmxEndpoint) -> None:
    assert '<faultstring xml:lang="de">m</faultstring>' in fault(endpoint, "language")
    assert '<soap:Text xml:lang="de">m</soap:Text>' in fault(endpoint, "language", SOAP12)


def test_a_dotted_code_is_subcodes_in_soap12(endpoint: AsmxEndpoint) -> None:
    assert fault(endpoint, "dotted twice", SOAP12) == (
        "<soap:Code><soap:Value>soap:Receiver</soap:Value><soap:Subcode><soap:Value>Stock</soap:Value>"
        "<soap:Subcode><soap:Value>Empty</soap:Value></soap:Subcode></soap:Subcode></soap:Code>"
        '<soap:Reason><soap:Text xml:lang="en">m</soap:Text></soap:Reason>'
    )


def test_actor_and_detail_have_other_names_in_soap12(endpoint: AsmxEndpoint) -> None:
    assert fault(endpoint, "actor", SOAP12).endswith("</soap:Reason><soap:Node>urn:a&amp;b</soap:Node>")
    for which in ("lxml", "detail element"):
        assert fault(endpoint, which, SOAP12).endswith(f"</soap:Reason><soap:Detail>{WRITTEN}</soap:Detail>")
    assert fault(endpoint, "detail element of SOAP 1.2", SOAP12).endswith(
        f'<soap:Detail><a xmlns:d="{SOAP12.namespace}" /></soap:Detail>'
    )


def test_members_of_a_fault_are_its_detail(endpoint: AsmxEndpoint) -> None:
    members = f'<NoCredit xmlns="{namespace_of("faults")}"><Balance>3</Balance></NoCredit>'
    assert fault(endpoint, "members") == (
        "<faultcode>soap:Client.NoCredit</faultcode><faultstring>There is not enough money.</faultstring>"
        f"<detail>{members}</detail>"
    )


@pytest.mark.parametrize(
    ("which", "code", "text"),
    [
        (
            "spyne's credentials",
            "soap:Client.InvalidCredentialsError",
            "You do not have permission to access this resource.",
        ),
        ("spyne's not found", "soap:Client.ResourceNotFound", "Requested resource 'x' not found"),
        ("spyne's validation", "soap:Client.ValidationError", "The value 'x' could not be validated."),
    ],
)
def test_spynes_own_errors_are_answered_as_they_are(endpoint: AsmxEndpoint, which: str, code: str, text: str) -> None:
    expected = f"<faultcode>{code}</faultcode><faultstring>{text}</faultstring><detail />"
    assert fault(endpoint, which) == expected


def test_a_detail_that_cannot_be_written_is_the_servers_fault(
    endpoint: AsmxEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        assert "<faultcode>soap:Server</faultcode>" in fault(endpoint, "broken detail")
    assert "an XML value must be" in caplog.text


def test_a_form_gets_the_text(endpoint: AsmxEndpoint) -> None:
    response = get(endpoint, "Raise", "which=members")
    assert (response.status, response.body) == (500, b"There is not enough money.")


def test_faults_that_are_declared_are_in_the_wsdl() -> None:
    """ASMX cannot declare them; they are as in spyne's own WSDL, so that typed clients know them."""
    declared = endpoint_of("declared", Declared)
    document = declared.handle(Request("GET", declared.path, "wsdl", HeaderMap())).body
    client = zeep.Client(BytesIO(document), transport=EndpointTransport(declared))
    with pytest.raises(zeep.exceptions.Fault, match="There is not enough money") as raised:
        client.service.Pay(3)
    element = client.get_element(f"{{{namespace_of('declared')}}}NoCredit")
    assert element.parse(raised.value.detail[0], client.wsdl.types).Balance == 3
    assert [
        fault.get("name") for fault in etree.fromstring(document).iter("{http://schemas.xmlsoap.org/wsdl/}fault")
    ] == ["NoCredit"] * 3  # in the port type, and in the bindings of both SOAP versions
