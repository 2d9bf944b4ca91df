"""CONTRACT 2.1: SOAP 1.1, through the real service."""

import pytest
from hypothesis import given
from werkzeug.test import TestResponse

from tests.contract.steps import FAILED, INVALID, add_user, mint
from tests.fuzz.target import Target
from tests.support.service import NAMESPACE, PASSWORD, SOAP11, SOAP12, Service, envelope, error_of, fault_of, root_of
from tests.support.strategies import XML_TEXT

LOGIN = {"UID": "jsmith", "PWD": PASSWORD}
ACTION = f'"{NAMESPACE}AuthenticateUser"'


def post(
    service: Service, body: str | bytes, action: str | None = ACTION, content_type: str = "text/xml; charset=utf-8"
) -> TestResponse:
    """Send an envelope as it is written."""
    headers = {} if action is None else {"SOAPAction": action}
    data = body.encode() if isinstance(body, str) else body
    return service.http.post("/srv.asmx", data=data, content_type=content_type, headers=headers)


def login_with(fields: str, *, attributes: str = f'xmlns="{NAMESPACE}"', header: str = "") -> str:
    return (
        f'<soap:Envelope xmlns:soap="{SOAP11}">{header}<soap:Body>'
        f"<AuthenticateUser {attributes}>{fields}</AuthenticateUser></soap:Body></soap:Envelope>"
    )


def succeeds(response: TestResponse) -> bool:
    """Whether an answer is a login's."""
    assert response.status_code == 200, response.text
    return root_of(response).attrib["success"] == "true"


# --- the answer -------------------------------------------------------------------------------------------------------


def test_the_answer_is_the_contracts_to_the_byte(service: Service) -> None:
    """On one line, with a declaration, as the contract prints it."""
    response = service.soap("LogOut", AuthenticationTicket=mint(service))
    assert response.status_code == 200
    assert response.content_type == "text/xml; charset=utf-8"
    assert response.data == (
        b'<?xml version="1.0" encoding="utf-8"?>'
        b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
        b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        b'<soap:Body><LogOutResponse xmlns="http://tempuri.org/"><LogOutResult><root success="true" xmlns="" />'
        b"</LogOutResult></LogOutResponse></soap:Body></soap:Envelope>"
    )


def test_a_refusal_is_a_normal_answer(service: Service) -> None:
    """CONTRACT 1: HTTP 200 and no fault."""
    response = service.soap("LogOut", AuthenticationTicket="abc")
    assert response.status_code == 200
    assert response.data.endswith(
        b'<LogOutResult><root success="false" error="[901] Session expired or Invalid ticket" xmlns="" />'
        b"</LogOutResult></LogOutResponse></soap:Body></soap:Envelope>"
    )


def test_answers_are_utf8(service: Service) -> None:
    """Whatever charset was asked in."""
    add_user(service, "jürgen", first_name="Jürgen 😀")
    body = login_with(f"<UID>jürgen</UID><PWD>{PASSWORD}</PWD>").encode("iso-8859-1")
    response = post(service, body, content_type="text/xml; charset=iso-8859-1")
    assert response.content_type == "text/xml; charset=utf-8"
    assert 'firstName="Jürgen 😀"'.encode() in response.data


# --- routing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [ACTION, f"{NAMESPACE}AuthenticateUser", None, "", '""'])
def test_soapaction_may_be_quoted_or_not_or_missing_or_empty(service: Service, action: str | None) -> None:
    """Missing or empty: by the body's first element."""
    assert succeeds(post(service, envelope("AuthenticateUser", LOGIN), action))


@pytest.mark.parametrize("name", ["SOAPAction", "Soapaction", "SoapAction", "soapaction"])
def test_the_headers_name_is_taken_in_any_letter_case(service: Service, name: str) -> None:
    """CLIENTS.md. The action names another operation than the body, and the fault shows that it was read."""
    response = service.http.post(
        "/srv.asmx", data=envelope("LogOut", {}), content_type="text/xml", headers={name: ACTION}
    )
    assert fault_of(response)[0] == "soap:Client"


def test_a_soapaction_that_names_another_operation_runs_neither(service: Service) -> None:
    """Running one operation under another's name is a known attack."""
    ticket = mint(service)
    response = post(service, envelope("LogOut", {"AuthenticationTicket": ticket}), ACTION)
    assert (response.status_code, fault_of(response)[0]) == (500, "soap:Client")
    assert service.is_valid(ticket)
    response = post(service, envelope("isValidTicket", {"AuthenticationTicket": ticket}), f'"{NAMESPACE}LogOut"')
    assert (response.status_code, fault_of(response)[0]) == (500, "soap:Client")
    assert service.is_valid(ticket)


@pytest.mark.parametrize(
    "namespace",
    [
        *("http://tempuri.org", "http://tempuri.org//", "http://TEMPURI.org/", "https://tempuri.org/", "urn:x"),
        *("http://tempuri.org/srv", "http://example.org/", " http://tempuri.org/"),
    ],
)
@pytest.mark.parametrize("action", [ACTION, "", None])
def test_an_operation_in_a_foreign_namespace_is_refused(service: Service, namespace: str, action: str | None) -> None:
    """SECURITY D13; the fault names the element and the namespace that were seen, not what would have been right."""
    body = login_with(f"<UID>jsmith</UID><PWD>{PASSWORD}</PWD>", attributes=f'xmlns="{namespace}"')
    response = post(service, body, action)
    code, text = fault_of(response)
    assert (response.status_code, code) == (500, "soap:Client")
    assert f"AuthenticateUser {'of' if action else 'in'} the namespace {namespace}." in text
    assert "tempuri.org/AuthenticateUser" not in text


# --- parameters -------------------------------------------------------------------------------------------------------

_XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
SPELLINGS = {
    "in order": f"<UID>jsmith</UID><PWD>{PASSWORD}</PWD>",
    "in another order": f"<PWD>{PASSWORD}</PWD><UID>jsmith</UID>",
    "prefixed": f'<t:UID xmlns:t="{NAMESPACE}">jsmith</t:UID><t:PWD xmlns:t="{NAMESPACE}">{PASSWORD}</t:PWD>',
    "unqualified": f'<UID xmlns="">jsmith</UID><PWD xmlns="">{PASSWORD}</PWD>',
    "first letters in lower case": f"<uID>jsmith</uID><pWD>{PASSWORD}</pWD>",
    "with unknown ones": f"<Zed>1</Zed><UID>jsmith</UID><PWD>{PASSWORD}</PWD><Lang>de</Lang><UID2><x/></UID2>",
    "with a comment": f"<UID>jsm<!-- or not -->ith</UID><PWD>{PASSWORD}</PWD>",
    "as CDATA": f"<UID><![CDATA[jsmith]]></UID><PWD><![CDATA[{PASSWORD}]]></PWD>",
    "with character references": "<UID>&#106;smith</UID><PWD>Secret123&#x21;</PWD>",
    "with xsi:type": f'<UID {_XSI} xsi:type="xsd:string">jsmith</UID><PWD>{PASSWORD}</PWD>',
    "with xsi:nil false": f'<UID {_XSI} xsi:nil="false">jsmith</UID><PWD>{PASSWORD}</PWD>',
}


@pytest.mark.parametrize("fields", SPELLINGS.values(), ids=SPELLINGS)
def test_parameters_are_found_however_they_are_written(service: Service, fields: str) -> None:
    """By local name, in any order, any prefix, qualified or not, the case of the first letter ignored."""
    assert succeeds(post(service, login_with(fields)))


@pytest.mark.parametrize("name", ["AuthenticationTicket", "authenticationTicket"])
@pytest.mark.parametrize("operation", ["isValidTicket", "GetCurrentUser", "LogOut"])
def test_both_spellings_of_the_vendors_examples_work(service: Service, operation: str, name: str) -> None:
    """The case of the first letter is ignored."""
    assert succeeds(service.soap(operation, **{name: mint(service)}))


@pytest.mark.parametrize(
    "fields",
    [
        "<UID>jsmith</UID>",
        f'<UID>jsmith</UID><PWD {_XSI} xsi:nil="true" />',
        f'<UID>jsmith</UID><PWD {_XSI} xsi:nil="1">{PASSWORD}</PWD>',
        f"<uid>jsmith</uid><PWD>{PASSWORD}</PWD>",
        "",
    ],
)
def test_missing_and_nil_parameters_are_not_supplied(service: Service, fields: str) -> None:
    """The operation runs without them."""
    response = post(service, login_with(fields))
    assert response.status_code == 200
    assert error_of(root_of(response)) == FAILED


def test_a_nil_ticket_leaves_it_to_the_header(service: Service) -> None:
    """Not supplied: 1.2's other carriers count."""
    body = envelope("isValidTicket", {}).replace(
        b"</isValidTicket>", f'<AuthenticationTicket {_XSI} xsi:nil="true" /></isValidTicket>'.encode()
    )
    response = service.http.post(
        "/srv.asmx", data=body, content_type="text/xml", headers={"Authorization": f"SOTicket {mint(service)}"}
    )
    assert succeeds(response)


@pytest.mark.parametrize(
    "fields",
    [
        f"<UID>jsmith</UID><UID>jsmith</UID><PWD>{PASSWORD}</PWD>",
        f"<UID>jsmith</UID><PWD>{PASSWORD}</PWD><UID>retired</UID>",
        f"<UID>jsmith</UID><uID>jsmith</uID><PWD>{PASSWORD}</PWD>",
        f"<UID>jsm<b/>ith</UID><PWD>{PASSWORD}</PWD>",
        f"<UID><b>jsmith</b></UID><PWD>{PASSWORD}</PWD>",
        f'<UID href="#u"/><PWD>{PASSWORD}</PWD>',
    ],
)
def test_a_parameter_given_twice_or_with_elements_is_a_fault(service: Service, fields: str) -> None:
    """The code is `soap:Client` (SECURITY D11 and D16)."""
    response = post(service, login_with(fields))
    assert (response.status_code, fault_of(response)[0]) == (500, "soap:Client")


# --- headers and charsets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attributes",
    [
        'id="x"',
        'ID="x"',
        'id=""',
        f'id="i1" {_XSI} xsi:type="xsd:string"',
        'xml:id="x"',
        'w:Id="x" xmlns:w="urn:w"',
        'soap:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/" id="o0"',
        'c:root="1" xmlns:c="http://schemas.xmlsoap.org/soap/encoding/"',
        'xml:lang="en" foo="bar"',
    ],
)
@pytest.mark.parametrize("version", [SOAP11, SOAP12])
def test_attributes_without_a_meaning_are_ignored(service: Service, attributes: str, version: str) -> None:
    """ksoap2 and Axis put an id on each parameter; Java and Perl add types and encodings."""
    body = login_with(f"<UID {attributes}>jsmith</UID><PWD {attributes}>{PASSWORD}</PWD>")
    content_type = "text/xml" if version == SOAP11 else "application/soap+xml"
    assert succeeds(post(service, body.replace(SOAP11, version), content_type=content_type))


def test_a_header_that_must_be_understood_is_a_fault(service: Service) -> None:
    """MustUnderstand, and nothing runs."""
    ticket = mint(service)
    header = '<soap:Header><x:Foo xmlns:x="urn:x" soap:mustUnderstand="1">1</x:Foo></soap:Header>'
    body = envelope("LogOut", {"AuthenticationTicket": ticket}).replace(b"<soap:Body>", f"{header}<soap:Body>".encode())
    response = post(service, body, None)
    assert response.status_code == 500
    assert fault_of(response) == ("soap:MustUnderstand", "SOAP header Foo was not understood.")
    assert service.is_valid(ticket)


@pytest.mark.parametrize(
    "attribute", ["", 'soap:mustUnderstand="0"', 'soap:mustUnderstand="1" soap:actor="urn:another"']
)
def test_other_headers_are_ignored(service: Service, attribute: str) -> None:
    """WS-Addressing's, WS-Security's and whatever clients add."""
    header = f'<soap:Header><a:Action xmlns:a="urn:a" {attribute}>{NAMESPACE}LogOut</a:Action></soap:Header>'
    assert succeeds(post(service, login_with(SPELLINGS["in order"], header=header)))


CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "cp65001": "utf-8",
    "latin1": "latin-1",
    "ISO_8859-1": "latin-1",
    "cp1252": "cp1252",
    "windows-1254": "cp1254",
    "latin9": "iso8859-15",
    "ansi": "cp1252",
    "gb18030": "gb18030",
    "utf-16": "utf-16",
    "us-ascii": "ascii",
    "iso-8859-1": "latin-1",
    "windows-1252": "cp1252",
}


@pytest.mark.parametrize(("charset", "codec"), CHARSETS.items())
@pytest.mark.parametrize("declared", ["header", "declaration", "both"])
def test_bodies_are_read_in_the_declared_charset(service: Service, charset: str, codec: str, declared: str) -> None:
    """Whether the header declares it, the document, or both."""
    name = "jsmith" if charset == "us-ascii" else "jürgen"
    if name == "jürgen":
        add_user(service, name)
    declaration = f'<?xml version="1.0" encoding="{charset}"?>' if declared != "header" else ""
    content_type = f"text/xml; charset={charset}" if declared != "declaration" else "text/xml"
    body = declaration + login_with(f"<UID>{name}</UID><PWD>{PASSWORD}</PWD>")
    assert succeeds(post(service, body.encode(codec), content_type=content_type))


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "utf-16"])
@pytest.mark.parametrize("declared", ["", "iso-8859-1", "utf-8", "utf-16"])
def test_a_byte_order_mark_counts_before_both(service: Service, codec: str, charset: str, declared: str) -> None:
    """RFC 7303 section 3.3, as in ASMX. The later calls meet what the service has learned from the first."""
    add_user(service, "jürgen")
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    for user_name in ("jsmith", "jürgen", "jsmith"):
        body = declaration + login_with(f"<UID>{user_name}</UID><PWD>{PASSWORD}</PWD>")
        assert succeeds(post(service, body.encode(codec), content_type=f"text/xml; charset={charset}"))


@pytest.mark.parametrize("padding", [b"\0", b"\0" * 200, b"\r\n\0"])
@pytest.mark.parametrize("version", [SOAP11, SOAP12])
def test_zeros_behind_the_envelope_are_ignored(service: Service, padding: bytes, version: str) -> None:
    """They are the rest of a client's buffer. ASMX does not look at it."""
    content_type = "text/xml" if version == SOAP11 else "application/soap+xml"
    for password, success in ((PASSWORD, True), ("wrong", False), (PASSWORD, True)):
        body = envelope("AuthenticateUser", {"UID": "jsmith", "PWD": password}, soap=version)
        assert succeeds(post(service, body + padding, None, content_type)) is success


@pytest.mark.parametrize("charset", ['""', "''", "'utf-8'", '"UTF-8"', " ", "utf8;"])
def test_an_empty_charset_is_none_and_quotes_mean_nothing(service: Service, charset: str) -> None:
    """Then the body is UTF-8."""
    add_user(service, "jürgen")
    body = login_with(f"<UID>jürgen</UID><PWD>{PASSWORD}</PWD>")
    assert succeeds(post(service, body, content_type=f"text/xml; charset={charset}"))


@pytest.mark.parametrize("label", ["utf-16", "UTF-16", "utf-16le", "utf-16be", "unicode", "ucs-2"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_declared_utf_16_in_single_bytes_is_utf_8(service: Service, label: str, mark: bytes) -> None:
    """.NET's StringWriter declares so."""
    add_user(service, "jürgen")
    body = f'<?xml version="1.0" encoding="{label}"?>' + login_with(f"<UID>jürgen</UID><PWD>{PASSWORD}</PWD>")
    assert succeeds(post(service, mark + body.encode(), content_type="text/xml"))


# --- what clients send ------------------------------------------------------------------------------------------------

CLIENTS = {
    "SOAP::Lite": (
        '<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
        'soap:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/" xmlns:soapenc="http://schemas.xmlsoap.org/soap/'
        'encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        '<soap:Body><AuthenticateUser xmlns="http://tempuri.org/"><UID xsi:type="xsd:string" xmlns="">jsmith</UID>'
        '<PWD xsi:type="xsd:string" xmlns="">Secret123!</PWD></AuthenticateUser></soap:Body></soap:Envelope>'
    ),
    "PHP without a WSDL": (
        '<?xml version="1.0" encoding="UTF-8"?>\n<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/'
        'envelope/" xmlns:ns1="http://tempuri.org/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xmlns:SOAP-ENC="http://schemas.xmlsoap.org/soap/encoding/" '
        'SOAP-ENV:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><SOAP-ENV:Body><ns1:AuthenticateUser>'
        '<UID xsi:type="xsd:string">jsmith</UID><PWD xsi:type="xsd:string">Secret123!</PWD></ns1:AuthenticateUser>'
        "</SOAP-ENV:Body></SOAP-ENV:Envelope>\n"
    ),
    "Axis": (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        '<AuthenticateUser xmlns="http://tempuri.org/"><UID>jsmith</UID><PWD>Secret123!</PWD></AuthenticateUser>'
        "</soapenv:Body></soapenv:Envelope>"
    ),
    "suds": (
        '<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:ns0="http://tempuri.org/" '
        'xmlns:ns1="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Header/><ns1:Body><ns0:AuthenticateUser>'
        "<ns0:UID>jsmith</ns0:UID><ns0:PWD>Secret123!</ns0:PWD></ns0:AuthenticateUser></ns1:Body></SOAP-ENV:Envelope>"
    ),
    "gSOAP": (
        '<?xml version="1.0" encoding="UTF-8"?>\n<SOAP-ENV:Envelope\n'
        ' xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"\n'
        ' xmlns:SOAP-ENC="http://schemas.xmlsoap.org/soap/encoding/"\n'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"\n xmlns:xsd="http://www.w3.org/2001/XMLSchema"\n'
        ' xmlns:ns1="http://tempuri.org/">\n <SOAP-ENV:Body>\n  <ns1:AuthenticateUser>\n   <ns1:UID>jsmith</ns1:UID>\n'
        "   <ns1:PWD>Secret123!</ns1:PWD>\n  </ns1:AuthenticateUser>\n </SOAP-ENV:Body>\n</SOAP-ENV:Envelope>\n"
    ),
    "WCF": (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body xmlns:xsi="http://www.w3.org/2001/'
        'XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><AuthenticateUser xmlns="http://tempuri.org/">'
        "<UID>jsmith</UID><PWD>Secret123!</PWD></AuthenticateUser></s:Body></s:Envelope>"
    ),
}


@pytest.mark.parametrize("body", CLIENTS.values(), ids=CLIENTS)
def test_envelopes_as_clients_write_them(service: Service, body: str) -> None:
    """CLIENTS.md: prefixes, xsi:type, encodingStyle, unqualified parameters, empty headers, white space."""
    assert succeeds(post(service, body))


# --- values -----------------------------------------------------------------------------------------------------------

ECHO = Target()


@given(XML_TEXT, XML_TEXT, XML_TEXT)
def test_what_xml_can_carry_arrives_unchanged(user_name: str, password: str, language: str) -> None:
    """Any UID, any PWD, any Lang."""
    body = envelope("AuthenticateUser1", {"UID": user_name, "PWD": password, "Lang": language})
    response = ECHO.http.post("/srv.asmx", data=body, content_type="text/xml")
    assert error_of(root_of(response)) == FAILED
    assert ECHO.taken() == [("log_in", user_name, password, language)]


def test_a_lang_that_is_left_out_is_not_an_empty_one() -> None:
    """UID and PWD that are left out count as empty (CONTRACT 1.2)."""
    ECHO.http.post("/srv.asmx", data=envelope("AuthenticateUser1", {"Lang": ""}), content_type="text/xml")
    ECHO.http.post("/srv.asmx", data=envelope("AuthenticateUser1", {}), content_type="text/xml")
    assert ECHO.taken() == [("log_in", "", "", ""), ("log_in", "", "", None)]


def test_a_long_value_is_taken_to_its_limit(service: Service) -> None:
    """SECURITY X5: 8192 characters."""
    assert error_of(service.call("isValidTicket", AuthenticationTicket="é" * 8192)) == INVALID
    assert service.soap("isValidTicket", AuthenticationTicket="é" * 8193).status_code == 500
