"""CONTRACT 2.6: the WSDL, compared with the one that an ASP.NET ASMX service gives for the same operations."""

from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.service import NAMESPACE, Service

FILE = Path(__file__).parents[2] / "wsdl" / "srv.wsdl"
# Of the canonical form of the contract's srv.wsdl, recorded from ASP.NET.
RECORDED = "ced2358b5379f69cb3449596dbe20b72f58413248870d9bcf186ca984b4898e4"

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
SCHEMA = "{http://www.w3.org/2001/XMLSchema}"
NAMES_IN_ATTRIBUTES = ["element", "type", "message", "binding"]

# CONTRACT 1: operations with their parameters.
PARAMETERS = {
    "AuthenticateUser": ["UID", "PWD"],
    "AuthenticateUser1": ["UID", "PWD", "Lang"],
    "RenewTicket": ["UID", "PWD", "Lang", "OldTicket"],
    "isValidTicket": ["AuthenticationTicket"],
    "CreateTicketforUser": ["TrustedUserPwd", "UserName"],
    "GetCurrentUser": ["authenticationTicket"],
    "LogOut": ["AuthenticationTicket"],
    "ServerInfo": [],
}
every_operation = pytest.mark.parametrize("operation", PARAMETERS)


def canonical(wsdl: bytes) -> str:
    """Canonical XML without documentation; prefixes, also those in attributes, by order of appearance."""
    return ElementTree.canonicalize(
        wsdl.decode(),
        strip_text=True,
        rewrite_prefixes=True,
        qname_aware_attrs=NAMES_IN_ATTRIBUTES,
        exclude_tags=[f"{WSDL}documentation"],
    )


@pytest.fixture
def served(service: Service) -> bytes:
    """What GET ?WSDL gives at http://localhost."""
    response = service.http.get(f"{service.path}?WSDL")
    assert response.status_code == 200
    return response.data


@pytest.fixture
def wsdl(served: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(served)


def element_of(wsdl: ElementTree.Element, name: str) -> ElementTree.Element:
    """A top-level element of the schema."""
    found = wsdl.find(f"{WSDL}types/{SCHEMA}schema/{SCHEMA}element[@name='{name}']")
    assert found is not None
    return found


def test_the_wsdl_is_the_recorded_one(served: bytes) -> None:
    """Equal as canonical XML, documentation aside; the recorded one's address is http://localhost/srv.asmx, too."""
    assert sha256(canonical(served).encode()).hexdigest() == RECORDED


def test_the_file_in_the_repository_is_what_the_service_generates(served: bytes) -> None:
    """wsdl/srv.wsdl is the contract for people to point tools at: `asmx-tickets wsdl --url http://localhost/srv.asmx`."""
    assert FILE.read_text(encoding="utf-8").rstrip("\n") == served.decode()


def test_the_wsdl_comes_as_xml(service: Service) -> None:
    """Served as text/xml: text/html breaks generators of proxies."""
    assert service.http.get(f"{service.path}?WSDL").headers["Content-Type"] == "text/xml; charset=utf-8"


def test_port_types_bindings_and_ports_have_asmx_names(wsdl: ElementTree.Element) -> None:
    """SOAP 1.1, SOAP 1.2, HttpGet and HttpPost port types, bindings and ports; both SOAP bindings share a port type."""
    port_types = [each.get("name") for each in wsdl.iter(f"{WSDL}portType")]
    bindings = [(each.get("name"), each.get("type")) for each in wsdl.iter(f"{WSDL}binding")]
    ports = [(each.get("name"), each.get("binding")) for each in wsdl.iter(f"{WSDL}port")]
    assert port_types == ["srvSoap", "srvHttpGet", "srvHttpPost"]
    assert bindings == [
        ("srvSoap", "tns:srvSoap"),
        ("srvSoap12", "tns:srvSoap"),
        ("srvHttpGet", "tns:srvHttpGet"),
        ("srvHttpPost", "tns:srvHttpPost"),
    ]
    assert ports == [(name, f"tns:{name}") for name, _ in bindings]


def test_service_and_namespace(wsdl: ElementTree.Element) -> None:
    """Namespace http://tempuri.org/, service srv; `elementFormDefault="qualified"`."""
    assert wsdl.get("targetNamespace") == NAMESPACE
    assert [each.get("name") for each in wsdl.iter(f"{WSDL}service")] == ["srv"]
    (schema,) = wsdl.iter(f"{SCHEMA}schema")
    assert (schema.get("elementFormDefault"), schema.get("targetNamespace")) == ("qualified", NAMESPACE)


@every_operation
def test_every_parameter_is_a_string_that_may_be_missing(wsdl: ElementTree.Element, operation: str) -> None:
    """Parameters in the table's order, `minOccurs="0" maxOccurs="1"`."""
    parameters = element_of(wsdl, operation).findall(f"{SCHEMA}complexType/{SCHEMA}sequence/{SCHEMA}element")
    assert [each.attrib for each in parameters] == [
        {"minOccurs": "0", "maxOccurs": "1", "name": name, "type": "s:string"} for name in PARAMETERS[operation]
    ]


@every_operation
def test_every_result_is_mixed_with_any(wsdl: ElementTree.Element, operation: str) -> None:
    """Each result a `mixed` complex type with `s:any`."""
    (result,) = element_of(wsdl, f"{operation}Response").findall(
        f"{SCHEMA}complexType/{SCHEMA}sequence/{SCHEMA}element"
    )
    assert result.attrib == {"minOccurs": "0", "maxOccurs": "1", "name": f"{operation}Result"}
    (kind,) = result
    assert kind.attrib == {"mixed": "true"}
    assert [child.tag for child in kind.iterfind(f"{SCHEMA}sequence/")] == [f"{SCHEMA}any"]


@every_operation
@pytest.mark.parametrize("verb", ["HttpGet", "HttpPost"])
def test_every_form_has_the_parameters_in_their_order(wsdl: ElementTree.Element, operation: str, verb: str) -> None:
    """The GET and POST messages have a part for each parameter."""
    parts = wsdl.findall(f"{WSDL}message[@name='{operation}{verb}In']/{WSDL}part")
    assert [part.get("name") for part in parts] == PARAMETERS[operation]


def test_addresses_are_the_requests(service: Service) -> None:
    """Addresses aside: they are where the request went to."""
    response = service.http.get(f"{service.path}?WSDL", base_url="https://tickets.example.com:8443")
    addresses = [each.get("location") for each in ElementTree.fromstring(response.data).iterfind(f".//{WSDL}port/*")]
    assert addresses == ["https://tickets.example.com:8443/srv.asmx"] * 4
