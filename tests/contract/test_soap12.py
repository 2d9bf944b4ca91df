"""CONTRACT 2.2: SOAP 1.2, through the real service."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from werkzeug.test import TestResponse

from tests.contract.steps import FAILED, mint, soap12
from tests.fuzz.target import Target
from tests.support.service import NAMESPACE, PASSWORD, SOAP11, SOAP12, Service, envelope, error_of, fault_of, root_of
from tests.support.strategies import XML_TEXT

LOGIN = envelope("AuthenticateUser", {"UID": "jsmith", "PWD": PASSWORD}, soap=SOAP12)
SOAP_XML = "application/soap+xml; charset=utf-8"
OPENING = (
    '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>'
)


def post(service: Service, body: bytes, content_type: str = SOAP_XML, action: str | None = None) -> TestResponse:
    """Send an envelope as it is written."""
    headers = {} if action is None else {"SOAPAction": action}
    return service.http.post("/srv.asmx", data=body, content_type=content_type, headers=headers)


def fault12_of(response: TestResponse) -> tuple[str, str]:
    """Code and text of a SOAP 1.2 fault."""
    fault = ElementTree.fromstring(response.data).find(f"{{{SOAP12}}}Body/{{{SOAP12}}}Fault")
    assert fault is not None, response.text
    code = fault.findtext(f"{{{SOAP12}}}Code/{{{SOAP12}}}Value", "")
    return code, fault.findtext(f"{{{SOAP12}}}Reason/{{{SOAP12}}}Text", "")


def succeeds(response: TestResponse) -> bool:
    assert response.status_code == 200, response.text
    return root_of(response).attrib["success"] == "true"


def test_the_answer_is_soap11s_in_the_other_namespace(service: Service) -> None:
    """To the byte."""
    response = soap12(service, "LogOut", AuthenticationTicket=mint(service))
    assert response.status_code == 200
    assert response.content_type == SOAP_XML
    assert response.text == (
        f'{OPENING}<LogOutResponse xmlns="http://tempuri.org/"><LogOutResult><root success="true" xmlns="" />'
        "</LogOutResult></LogOutResponse></soap:Body></soap:Envelope>"
    )


def test_a_fault_has_code_and_reason(service: Service) -> None:
    """To the byte."""
    response = post(service, envelope("Nope", {}, soap=SOAP12))
    assert response.status_code == 500
    assert response.content_type == SOAP_XML
    assert response.text == (
        f"{OPENING}<soap:Fault><soap:Code><soap:Value>soap:Sender</soap:Value></soap:Code>"
        '<soap:Reason><soap:Text xml:lang="en">Server did not recognize the request element Nope '
        "in the namespace http://tempuri.org/.</soap:Text></soap:Reason></soap:Fault></soap:Body></soap:Envelope>"
    )


@pytest.mark.parametrize(
    ("parameter", "action"),
    [
        (f'; action="{NAMESPACE}AuthenticateUser"', None),
        (f"; action={NAMESPACE}AuthenticateUser", None),
        ("", None),
        ('; action=""', None),
        ("", f'"{NAMESPACE}AuthenticateUser"'),
        ("", f"{NAMESPACE}AuthenticateUser"),
        (f'; action="{NAMESPACE}AuthenticateUser"', f'"{NAMESPACE}AuthenticateUser"'),
        (f'; action="{NAMESPACE}AuthenticateUser"', '""'),
    ],
)
def test_the_action_may_stand_anywhere_or_nowhere(service: Service, parameter: str, action: str | None) -> None:
    """CLIENTS.md: KDSoap leaves out the quotes, strong-soap all of it, SOAP::Lite and WCF send a header, zeep both."""
    assert succeeds(post(service, LOGIN, SOAP_XML + parameter, action))


@pytest.mark.parametrize(
    ("parameter", "action"),
    [
        (f'; action="{NAMESPACE}LogOut"', None),
        (f"; action={NAMESPACE}LogOut", f'"{NAMESPACE}AuthenticateUser"'),
        (f"; action='{NAMESPACE}LogOut'", None),
        (f'; action=""{NAMESPACE}LogOut""', None),
        (f"; action=\"'{NAMESPACE}LogOut'\"", None),
        (f'; action="\\"{NAMESPACE}LogOut\\""; charset=utf-8', None),
        (f';ACTION = " {NAMESPACE}LogOut "', None),
    ],
)
def test_an_action_that_names_another_operation_is_a_fault(
    service: Service, parameter: str, action: str | None
) -> None:
    """As in SOAP 1.1, with `soap:Sender` for `soap:Client`."""
    response = post(service, LOGIN, SOAP_XML + parameter, action)
    assert (response.status_code, fault12_of(response)[0]) == (500, "soap:Sender")


@pytest.mark.parametrize(
    ("parameter", "action"),
    [
        (f'; action="{NAMESPACE}#AuthenticateUser"', None),
        ('; action="AuthenticateUser"', None),
        ('; action="#LogOut"', None),
        (f'; action="{NAMESPACE}srvSoap/AuthenticateUserRequest"', None),
        (f'; action=""{NAMESPACE}AuthenticateUser""', None),
        (f'; action="\\"{NAMESPACE}AuthenticateUser\\""', None),
        (f"; action='{NAMESPACE}AuthenticateUser'; charset=utf-8", None),
        ('; action="', None),
        ("; action=;charset=utf-8", None),
        (f'; action="{NAMESPACE}authenticateuser"', None),
        ('; action="urn:x;y=z"; charset="utf-8"', f"{NAMESPACE}Nope"),
        (f'; action="{NAMESPACE}Nope"', None),
        ("", f'"{NAMESPACE}LogOut"'),
        (f'; action="{NAMESPACE}AuthenticateUser"', f'"{NAMESPACE}LogOut"'),
    ],
)
def test_the_body_decides_the_operation(service: Service, parameter: str, action: str | None) -> None:
    """CONTRACT 2.2, as for jquery.soap and PHP's SoapClient without WSDL. The SOAPAction header has no say."""
    assert succeeds(post(service, LOGIN, SOAP_XML + parameter, action))


@pytest.mark.parametrize("content_type", [SOAP_XML, "application/soap+xml", "text/xml; charset=utf-8", "text/xml"])
def test_the_answers_version_is_the_envelopes(service: Service, content_type: str) -> None:
    """Whatever the content type says: for results and for faults."""
    for body, version, kind in (
        (LOGIN, SOAP12, SOAP_XML),
        (LOGIN.replace(SOAP12.encode(), SOAP11.encode()), SOAP11, "text/xml; charset=utf-8"),
    ):
        result = post(service, body, content_type)
        assert succeeds(result)
        fault = post(service, body.replace(b"AuthenticateUser", b"Nope"), content_type)
        assert fault.status_code == 500
        for response in (result, fault):
            assert response.content_type == kind
            assert ElementTree.fromstring(response.data).tag == f"{{{version}}}Envelope"


def test_a_body_may_begin_with_a_byte_order_mark(service: Service) -> None:
    """CLIENTS.md: WCF's do."""
    assert succeeds(post(service, b"\xef\xbb\xbf" + LOGIN))


def test_parameters_are_read_as_in_soap11(service: Service) -> None:
    """Unqualified, in any order, the first letter's case ignored, comments and CDATA."""
    fields = b'<pWD xmlns=""><![CDATA[Secret123!]]></pWD><x:UID xmlns:x="urn:x">jsm<!-- -->ith</x:UID><Zed/>'
    body = envelope("AuthenticateUser", {}, soap=SOAP12).replace(
        b"</AuthenticateUser>", fields + b"</AuthenticateUser>"
    )
    assert succeeds(post(service, body))


@pytest.mark.parametrize("fields", ["<UID>a</UID><UID>b</UID>", "<UID>a<b/></UID>", '<UID href="#u"/>'])
def test_a_parameter_given_twice_or_with_elements_is_a_fault(service: Service, fields: str) -> None:
    """`soap:Sender`."""
    body = envelope("AuthenticateUser", {}, soap=SOAP12).decode().replace("</Auth", f"{fields}</Auth")
    response = post(service, body.encode())
    assert (response.status_code, fault12_of(response)[0]) == (500, "soap:Sender")


@pytest.mark.parametrize("value", ["1", "true"])
def test_a_header_that_must_be_understood_is_a_fault(service: Service, value: str) -> None:
    """SOAP 1.2 spells it `true`."""
    header = f'<soap:Header><x:Foo xmlns:x="urn:x" soap:mustUnderstand="{value}">1</x:Foo></soap:Header>'
    response = post(service, LOGIN.replace(b"<soap:Body>", f"{header}<soap:Body>".encode()))
    assert response.status_code == 500
    assert fault12_of(response) == ("soap:MustUnderstand", "SOAP header Foo was not understood.")


def test_what_is_not_xml_is_faulted_in_the_content_types_version(service: Service) -> None:
    """2.4: 400."""
    response = post(service, b"<a")
    assert response.status_code == 400
    assert fault12_of(response) == (
        "soap:Sender",
        "Server was unable to read request. ---> There is an error in XML document (1, 1).",
    )


def test_what_is_no_envelope_is_faulted_in_the_content_types_version(service: Service) -> None:
    """2.4: 500, VersionMismatch."""
    response = post(service, b"<hello/>")
    assert (response.status_code, fault12_of(response)[0]) == (500, "soap:VersionMismatch")
    assert (
        fault_of(service.http.post("/srv.asmx", data=b"<hello/>", content_type="text/xml"))[0] == "soap:VersionMismatch"
    )


ECHO = Target()


@given(XML_TEXT, XML_TEXT, XML_TEXT)
def test_what_xml_can_carry_arrives_unchanged(user_name: str, password: str, language: str) -> None:
    """Any UID, any PWD, any Lang."""
    parameters = {"UID": user_name, "PWD": password, "Lang": language}
    body = envelope("AuthenticateUser1", parameters, soap=SOAP12)
    response = ECHO.http.post("/srv.asmx", data=body, content_type="application/soap+xml")
    assert error_of(root_of(response)) == FAILED
    assert ECHO.taken() == [("log_in", user_name, password, language)]
