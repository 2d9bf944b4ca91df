"""What a SOAP request means, what is refused (CONTRACT 2.1, 2.2), and how faults are written."""

from typing import Any

import pytest
from lxml import etree
from spyne import Service, Unicode, rpc

from spyne_asmx import AsmxApplication, AsmxEndpoint, Request, Response, may_be_left_out
from spyne_asmx.faults import (
    ClientFault,
    FaultCode,
    NotUnderstood,
    ServerFault,
    ServiceFault,
    ServiceUnavailable,
    Unreadable,
    VersionMismatch,
    unknown_action,
)
from spyne_asmx.http import HeaderMap
from spyne_asmx.soap import SOAP11, SOAP12, SoapVersion, encode_fault
from spyne_asmx.xml import XSD_NAMESPACE, XSI_NAMESPACE

NAMESPACE = "http://tempuri.org/"
ACTION = f'"{NAMESPACE}LogIn"'
TEXT_XML = "text/xml; charset=utf-8"
SOAP_XML = "application/soap+xml; charset=utf-8"
UNABLE = "Server was unable to read request. ---> "


class Door(Service):  # type: ignore[misc]
    """Two operations, so that one can be called under the other's name."""

    @rpc(Unicode, Unicode, may_be_left_out(Unicode), _in_variable_names={"uid": "UID", "pwd": "PWD", "lang": "Lang"})
    def LogIn(ctx: Any, uid: str, pwd: str, lang: str) -> None:
        """Only decoded here."""

    @rpc(Unicode, _in_variable_names={"ticket": "authenticationTicket"})
    def LogOut(ctx: Any, ticket: str) -> None:
        """Only decoded here."""


ENDPOINT = AsmxEndpoint(AsmxApplication([Door], NAMESPACE, "srv"), "/srv.asmx")

LOG_IN = f'<LogIn xmlns="{NAMESPACE}"><UID>jsmith</UID><PWD>Secret123!</PWD></LogIn>'
DECODED = ("LogIn", {"UID": "jsmith", "PWD": "Secret123!"})


def envelope(body: str, *, header: str = "", soap: str = SOAP11.namespace) -> str:
    return f'<s:Envelope xmlns:s="{soap}">{header}<s:Body>{body}</s:Body></s:Envelope>'


def decode(body: str | bytes, content_type: str = TEXT_XML, action: str | None = None) -> tuple[str, object]:
    """What the endpoint makes of a POST: the operation and what was supplied, or a fault's code and text."""
    headers = [("Content-Type", content_type)] + ([] if action is None else [("SOAPAction", action)])
    encoded = body if isinstance(body, bytes) else body.encode()
    begun = ENDPOINT.begin(Request("POST", "/srv.asmx", "", HeaderMap(headers), encoded))
    if isinstance(begun, Response):
        return fault_of(begun)
    names = [parameter.name for parameter in begun.operation.parameters]
    return begun.operation.name, {
        name: value for name, value in zip(names, begun.in_object, strict=True) if value is not None
    }


def fault_of(response: Response) -> tuple[str, str]:
    """Code and text of a fault of either version; of plain text, the status and the text."""
    if dict(response.headers)["content-type"].startswith("text/plain"):
        return str(response.status), response.body.decode()
    root = etree.fromstring(response.body)
    code = root.findtext(".//faultcode") or root.findtext(f".//{{{SOAP12.namespace}}}Value")
    text = root.findtext(".//faultstring") or root.findtext(f".//{{{SOAP12.namespace}}}Text")
    return str(code), str(text)


def client(text: str) -> tuple[str, str]:
    return "soap:Client", text


def unknown(action: str) -> tuple[str, str]:
    return client(f"Server did not recognize the value of HTTP Header SOAPAction: {action}.")


# --- routing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "action",
    [
        f'"{NAMESPACE}LogIn"',
        f"{NAMESPACE}LogIn",
        f'  "{NAMESPACE}LogIn" ',
        None,
        "",
        '""',
        ' "" ',
    ],
)
def test_soapaction_names_the_operation_or_leaves_it_to_the_body(action: str | None) -> None:
    """CONTRACT 2.1: quoted or not; missing or empty, the body's first element decides."""
    assert decode(envelope(LOG_IN), TEXT_XML, action) == DECODED


@pytest.mark.parametrize(
    ("action", "named"),
    [
        (f'"{NAMESPACE}Nope"', f"{NAMESPACE}Nope"),
        (f'"{NAMESPACE}login"', f"{NAMESPACE}login"),
        (f"{NAMESPACE}LogIn/", f"{NAMESPACE}LogIn/"),
        ("LogIn", "LogIn"),
        ("http://tempuri.org", "http://tempuri.org"),
        ("/", "/"),
        (f'"{NAMESPACE}LogIn","{NAMESPACE}LogOut"', f'{NAMESPACE}LogIn","{NAMESPACE}LogOut'),
        ("\xff<&>", "\xff<&>"),
    ],
)
def test_an_unknown_soapaction_is_refused(action: str, named: str) -> None:
    """CONTRACT 2.4, with the value as it came."""
    assert decode(envelope(LOG_IN), TEXT_XML, action) == unknown(named)


@pytest.mark.parametrize("content_type", [TEXT_XML, SOAP_XML])
def test_soapaction_and_body_must_agree(content_type: str) -> None:
    """CONTRACT 2.1: running one operation under another's name is a known attack (SECURITY X9)."""
    code, text = decode(envelope(LOG_IN), content_type, f'"{NAMESPACE}LogOut"')
    assert code == "soap:Client"
    assert "LogOut" in str(text)
    assert "LogIn" in str(text)


@pytest.mark.parametrize("operation", ["Nope", "login", "LogIn1", "Fault", "Envelope"])
def test_without_soapaction_an_unknown_body_element_is_refused(operation: str) -> None:
    """The fault names what was seen."""
    body = envelope(f'<{operation} xmlns="{NAMESPACE}"/>')
    where = f"{operation} in the namespace {NAMESPACE}"
    assert decode(body) == ("soap:Client", f"Server did not recognize the request element {where}.")


@pytest.mark.parametrize("action", [ACTION, None])
@pytest.mark.parametrize("namespace", ["http://example.org/", "http://tempuri.org", "urn:x"])
def test_an_operation_in_another_namespace_is_refused(namespace: str, action: str | None) -> None:
    """SECURITY D13, X8: it is not the operation that it looks like. The fault names the namespace that was sent."""
    code, text = decode(envelope(f'<LogIn xmlns="{namespace}"><UID>jsmith</UID></LogIn>'), TEXT_XML, action)
    assert code == "soap:Client"
    assert namespace in str(text)


@pytest.mark.parametrize("action", [ACTION, None])
def test_an_operation_in_no_namespace_is_taken(action: str | None) -> None:
    """SECURITY D13."""
    assert decode(envelope("<LogIn><UID>jsmith</UID><PWD>Secret123!</PWD></LogIn>"), TEXT_XML, action) == DECODED


@pytest.mark.parametrize(
    ("parameter", "action"),
    [
        (f'; action="{NAMESPACE}LogIn"', None),
        (f"; action={NAMESPACE}LogIn", None),
        (f';action="{NAMESPACE}LogIn"', None),
        (f'; ACTION="{NAMESPACE}LogIn"', None),
        (f'; action = "{NAMESPACE}LogIn"', None),
        ('; action=""', None),
        ("; action=", None),
        ("", None),
        ("", ACTION),
        ("", f"{NAMESPACE}LogIn"),
        ('; action=""', ACTION),
        (f'; action="{NAMESPACE}LogIn"', ""),
        (f'; action="{NAMESPACE}LogIn"', ACTION),
        (f"; action={NAMESPACE}LogIn", f"{NAMESPACE}LogIn"),
    ],
)
def test_soap12_takes_the_action_from_either_place_or_none(parameter: str, action: str | None) -> None:
    """CONTRACT 2.2 and CLIENTS.md: quoted, unquoted, none, only a SOAPAction header, both."""
    assert decode(envelope(LOG_IN, soap=SOAP12.namespace), SOAP_XML + parameter, action) == DECODED


def test_soap12_takes_a_charset_after_the_action() -> None:
    """The order of a content type's parameters does not matter."""
    content_type = f'application/soap+xml; action="{NAMESPACE}LogIn"; charset=iso-8859-1'
    body = envelope(f'<LogIn xmlns="{NAMESPACE}"><UID>jürgen</UID></LogIn>', soap=SOAP12.namespace)
    assert decode(body.encode("latin-1"), content_type) == ("LogIn", {"UID": "jürgen"})


@pytest.mark.parametrize(
    ("parameter", "action"),
    [
        (f'; action="{NAMESPACE}LogOut"', None),
        (f'; action="{NAMESPACE}LogOut"', ACTION),
        (f'; action="{NAMESPACE}LogOut"', f'"{NAMESPACE}LogOut"'),
        (f"; action={NAMESPACE}LogOut", None),
        (f"; action='{NAMESPACE}LogOut'", None),
    ],
)
def test_soap12_refuses_an_action_that_names_another_operation(parameter: str, action: str | None) -> None:
    """CONTRACT 2.2 (SECURITY X9)."""
    code, _ = decode(envelope(LOG_IN, soap=SOAP12.namespace), SOAP_XML + parameter, action)
    assert code == "soap:Sender"


@pytest.mark.parametrize(
    ("parameter", "action"),
    [
        (f'; action="{NAMESPACE}#LogIn"', None),
        (f'; action="{NAMESPACE}Nope"', None),
        ('; action="LogIn"', None),
        ('; action="#LogOut"', None),
        ('; action=""', None),
        ('; action="urn:anything"', ACTION),
        ("", f'"{NAMESPACE}LogOut"'),
        (f'; action="{NAMESPACE}LogIn"', f'"{NAMESPACE}LogOut"'),
        (f'; action="{NAMESPACE}LogIn"', '"urn:nope"'),
    ],
)
def test_soap12_goes_by_the_body(parameter: str, action: str | None) -> None:
    """CONTRACT 2.2: an action that names nothing is ignored, and the SOAPAction header has no say."""
    assert decode(envelope(LOG_IN, soap=SOAP12.namespace), SOAP_XML + parameter, action)[0] == "LogIn"


# --- parameters -------------------------------------------------------------------------------------------------------

_XSI = f'xmlns:xsi="{XSI_NAMESPACE}"'
_T = f'xmlns:t="{NAMESPACE}"'

PARAMETERS = {
    "with an id": ('<UID id="1">u</UID><PWD>p</PWD>', {"UID": "u", "PWD": "p"}),
    "with an id of XML's": ('<UID xml:id="x">u</UID><PWD>p</PWD>', {"UID": "u", "PWD": "p"}),
    "in another order": ("<PWD>p</PWD><UID>u</UID>", {"UID": "u", "PWD": "p"}),
    "left out": ("<UID>u</UID>", {"UID": "u"}),
    "none": ("", {}),
    "empty": ("<UID/><PWD></PWD>", {"UID": "", "PWD": ""}),
    "white space": ("<UID> u </UID><PWD>\t\n</PWD>", {"UID": " u ", "PWD": "\t\n"}),
    "unqualified": ('<UID xmlns="">u</UID><PWD xmlns="">p</PWD>', {"UID": "u", "PWD": "p"}),
    "prefixed": (f"<t:UID {_T}>u</t:UID>", {"UID": "u"}),
    "in a foreign namespace": ('<UID xmlns="urn:x">u</UID>', {"UID": "u"}),
    "first letter in the other case": (
        "<uID>u</uID><pWD>p</pWD><lang>de</lang>",
        {"UID": "u", "PWD": "p", "Lang": "de"},
    ),
    "other letters in the other case": ("<uid>u</uid><Pwd>p</Pwd><LANG>de</LANG>", {}),
    "unknown": ("<UID>u</UID><Zed>1</Zed><x><y/></x>", {"UID": "u"}),
    "unknown twice": ("<Zed/><Zed/><UID>u</UID>", {"UID": "u"}),
    "nil": (f'<UID>u</UID><PWD {_XSI} xsi:nil="true"/>', {"UID": "u"}),
    "nil as 1": (f'<UID>u</UID><PWD {_XSI} xsi:nil="1"/>', {"UID": "u"}),
    "null of 2000": (
        '<UID xmlns:i="http://www.w3.org/2000/10/XMLSchema-instance" i:null="1"/><PWD>p</PWD>',
        {"PWD": "p"},
    ),
    "null of 1999": ('<PWD xmlns:i="http://www.w3.org/1999/XMLSchema-instance" i:null="true"/>', {}),
    "null of 2001": (f'<PWD {_XSI} xsi:null="1"/>', {}),
    "not null": ('<UID xmlns:i="http://www.w3.org/1999/XMLSchema-instance" i:null="0">u</UID>', {"UID": "u"}),
    "nil of 1999": ('<UID xmlns:i="http://www.w3.org/1999/XMLSchema-instance" i:nil="1">u</UID>', {"UID": "u"}),
    "null in no namespace": ('<UID null="1">u</UID>', {"UID": "u"}),
    "not nil": (f'<UID {_XSI} xsi:nil="false">u</UID><PWD {_XSI} xsi:nil="0"/>', {"UID": "u", "PWD": ""}),
    "nil in no namespace": ('<UID nil="true">u</UID>', {"UID": "u"}),
    "xsi:type": (f'<UID {_XSI} xmlns:x="{XSD_NAMESPACE}" xsi:type="x:string">u</UID>', {"UID": "u"}),
    "encodingStyle": (f'<UID xmlns:e="{SOAP11.namespace}" e:encodingStyle="urn:x">u</UID>', {"UID": "u"}),
    "other attributes": ('<UID a="1" xml:lang="en" xml:space="preserve">u</UID>', {"UID": "u"}),
    "a comment": ("<UID>adm<!-- x -->in</UID>", {"UID": "admin"}),
    "CDATA": ("<UID><![CDATA[<u>&]]></UID>", {"UID": "<u>&"}),
    "character references": ("<UID>&#106;&lt;&#x1F600;</UID>", {"UID": "j<😀"}),
    "line breaks": ("<UID>a\r\nb&#13;</UID>", {"UID": "a\nb\r"}),
    "text between": ("x<UID>u</UID>y", {"UID": "u"}),
}


@pytest.mark.parametrize("soap", [SOAP11, SOAP12], ids=lambda version: version.name)
@pytest.mark.parametrize(("inside", "supplied"), PARAMETERS.values(), ids=PARAMETERS)
def test_parameters(inside: str, supplied: dict[str, str], soap: SoapVersion) -> None:
    """CONTRACT 2.1."""
    body = envelope(f'<LogIn xmlns="{NAMESPACE}">{inside}</LogIn>', soap=soap.namespace)
    assert decode(body, soap.content_type) == ("LogIn", supplied)


@pytest.mark.parametrize("name", ["authenticationTicket", "AuthenticationTicket"])
def test_both_spellings_of_the_vendor_are_taken(name: str) -> None:
    """CONTRACT 2.1."""
    body = envelope(f'<LogOut xmlns="{NAMESPACE}"><{name}>t</{name}></LogOut>')
    assert decode(body) == ("LogOut", {"authenticationTicket": "t"})


REFUSED_PARAMETERS = {
    "twice": "<UID>u</UID><UID>u</UID>",
    "twice, apart": "<UID>u</UID><PWD/><UID/>",
    "twice in different case": "<UID>u</UID><uID>v</uID>",
    "twice in different namespaces": '<UID>u</UID><UID xmlns="">v</UID>',
    "twice, once nil": f'<UID>u</UID><UID {_XSI} xsi:nil="true"/>',
    "an element inside": "<UID>adm<b>x</b>in</UID>",
    "only an element inside": "<UID><UID>u</UID></UID>",
    "an element inside nil": f'<UID {_XSI} xsi:nil="true"><b/></UID>',
    "href": '<UID href="#1"/>',
    "arrayType": '<UID xmlns:e="http://schemas.xmlsoap.org/soap/encoding/" e:arrayType="x:string[1000000000]">u</UID>',
}


@pytest.mark.parametrize("action", [ACTION, None])
@pytest.mark.parametrize("inside", REFUSED_PARAMETERS.values(), ids=REFUSED_PARAMETERS)
def test_parameters_that_are_refused(inside: str, action: str | None) -> None:
    """CONTRACT 2.1, SECURITY X6, X8, D11, D16. The fault names the parameter."""
    code, text = decode(envelope(f'<LogIn xmlns="{NAMESPACE}">{inside}</LogIn>'), TEXT_XML, action)
    assert code == "soap:Client"
    assert "UID" in str(text)


# --- envelopes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        f'<?xml version="1.0" encoding="utf-8"?>{envelope(LOG_IN)}',
        f"\ufeff{envelope(LOG_IN)}",
        f"<!-- x --> {envelope(LOG_IN)}\r\n",
        f'<Envelope xmlns="{SOAP11.namespace}"><Body>{LOG_IN}</Body></Envelope>',
        envelope(LOG_IN).replace("<s:", "<E-1.x:").replace("</s:", "</E-1.x:").replace("xmlns:s=", "xmlns:E-1.x="),
        envelope(f"\n  {LOG_IN}\n  "),
        envelope(f"<!-- x -->{LOG_IN}<!-- y -->"),
        envelope(LOG_IN, header="<s:Header/>"),
        envelope(LOG_IN, header="<s:Header><a xmlns='urn:x'><b/></a></s:Header>"),
        envelope(LOG_IN).replace("<s:Body>", '<s:Body xmlns:w="urn:w" w:Id="b" s:encodingStyle="urn:e">'),
        envelope(LOG_IN).replace("<s:Envelope", '<s:Envelope s:encodingStyle="urn:e"'),
    ],
)
def test_envelopes_may_be_written_in_any_way(body: str) -> None:
    """Prefixes, comments, white space, headers that need not be understood, encodingStyle."""
    assert decode(body, TEXT_XML, ACTION) == DECODED


@pytest.mark.parametrize("action", [None, ACTION])
def test_the_version_is_the_envelopes(action: str | None) -> None:
    """CONTRACT 2.2 and CLIENTS.md: a 1.2 envelope in text/xml, and the other way round; faults are in its version."""
    assert decode(envelope(LOG_IN, soap=SOAP12.namespace), TEXT_XML, action) == DECODED
    assert decode(envelope(LOG_IN, soap=SOAP11.namespace), SOAP_XML, action) == DECODED
    assert decode(envelope("", soap=SOAP12.namespace), TEXT_XML)[0] == "soap:Sender"
    assert decode(envelope("", soap=SOAP11.namespace), SOAP_XML)[0] == "soap:Client"


@pytest.mark.parametrize("content", ["", " \n ", "<!-- x -->"])
def test_an_empty_body_runs_what_soapaction_names(content: str) -> None:
    """CONTRACT 2.4: with no parameters."""
    assert decode(envelope(content), TEXT_XML, ACTION) == ("LogIn", {})


def test_an_empty_body_without_soapaction_names_nothing() -> None:
    """CONTRACT 2.4; SECURITY X7."""
    assert decode(envelope(""))[0] == "soap:Client"


_FAULT = "<s:Fault><faultcode>s:Client</faultcode><faultstring>x</faultstring></s:Fault>"
BAD_ENVELOPES = {
    "no Body": f'<s:Envelope xmlns:s="{SOAP11.namespace}"/>',
    "only a Header": f'<s:Envelope xmlns:s="{SOAP11.namespace}"><s:Header/></s:Envelope>',
    "two Bodies": envelope(LOG_IN).replace("</s:Envelope>", f"<s:Body>{LOG_IN}</s:Body></s:Envelope>"),
    "two Headers": envelope(LOG_IN, header="<s:Header/><s:Header/>"),
    "Header after Body": envelope(LOG_IN).replace("</s:Envelope>", "<s:Header/></s:Envelope>"),
    "a trailing element": envelope(LOG_IN).replace("</s:Envelope>", '<x xmlns="urn:x"/></s:Envelope>'),
    "Body in no namespace": f'<s:Envelope xmlns:s="{SOAP11.namespace}"><Body>{LOG_IN}</Body></s:Envelope>',
    "Body of the other version": envelope(LOG_IN)
    .replace("s:Body>", "b:Body>")
    .replace("<b:Body>", f'<b:Body xmlns:b="{SOAP12.namespace}">'),
    "no Body around the operation": f'<s:Envelope xmlns:s="{SOAP11.namespace}">{LOG_IN}</s:Envelope>',
    "text": envelope("jsmith"),
    "text beside the element": envelope(f"x{LOG_IN}"),
    "text after the element": envelope(f"{LOG_IN}x"),
    "two elements": envelope(LOG_IN + LOG_IN),
    "a multi-reference element": envelope(f'{LOG_IN}<multiRef id="1"/>'),
    "a Fault": envelope(_FAULT),
}


@pytest.mark.parametrize("action", [ACTION, None])
@pytest.mark.parametrize("body", BAD_ENVELOPES.values(), ids=BAD_ENVELOPES)
def test_envelopes_that_could_be_read_in_two_ways_are_refused(body: str, action: str | None) -> None:
    """CONTRACT 2.4, SECURITY X7 and X8."""
    assert decode(body, TEXT_XML, action)[0] == "soap:Client"


@pytest.mark.parametrize(
    ("body", "namespace"),
    [
        ("<hello/>", ""),
        (f"<Envelope><Body>{LOG_IN}</Body></Envelope>", ""),
        (envelope(LOG_IN, soap="http://www.w3.org/2001/12/soap-envelope"), "http://www.w3.org/2001/12/soap-envelope"),
        (envelope(LOG_IN).replace("s:Envelope", "s:envelope"), SOAP11.namespace),
        (LOG_IN, NAMESPACE),
    ],
)
@pytest.mark.parametrize("content_type", [TEXT_XML, SOAP_XML])
def test_a_root_that_is_not_an_envelope_is_a_version_mismatch(body: str, namespace: str, content_type: str) -> None:
    """CONTRACT 2.4. The fault is in the SOAP version of the content type."""
    text = (
        f"Possible SOAP version mismatch: Envelope namespace {namespace} was unexpected. Expecting {SOAP11.namespace}."
    )
    assert decode(body, content_type) == ("soap:VersionMismatch", text)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("", "(1, 1)"),
        ("<s:Envelope", "(1, 1)"),
        ("<a>\n<b></a>", "(2, 6)"),
        ("<!DOCTYPE a><a/>", "(1, 12)"),
        ('{"UID": "jsmith"}', "(1, 1)"),
    ],
)
@pytest.mark.parametrize(("content_type", "code"), [(TEXT_XML, "soap:Client"), (SOAP_XML, "soap:Sender")])
def test_what_is_not_xml_is_unreadable(body: str, place: str, content_type: str, code: str) -> None:
    """CONTRACT 2.4. The fault is in the SOAP version of the content type."""
    assert decode(body, content_type) == (code, f"{UNABLE}There is an error in XML document {place}.")


@pytest.mark.parametrize("charset", ["utf-7", "utf-32", "iso-2022-jp", "hz-gb-2312", "unicode_escape", "nonsense"])
def test_an_unknown_charset_is_refused(charset: str) -> None:
    """CONTRACT 2.1: 415, whether the header or the declaration names it."""
    expected = ("415", f"The charset {charset} is not supported.")
    assert decode(envelope(LOG_IN), f"text/xml; charset={charset}") == expected
    assert decode(f'<?xml version="1.0" encoding="{charset}"?>{envelope(LOG_IN)}', "text/xml") == expected


@pytest.mark.parametrize("charset", ["utf-8", '"utf-8"', "UTF-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_charsets_of_the_header(charset: str) -> None:
    """CONTRACT 2.1."""
    body = envelope(f'<LogIn xmlns="{NAMESPACE}"><UID>jürgen</UID></LogIn>').encode(charset.strip('"'))
    assert decode(body, f"text/xml; charset={charset}") == ("LogIn", {"UID": "jürgen"})


# --- headers ----------------------------------------------------------------------------------------------------------

NEXT = "http://schemas.xmlsoap.org/soap/actor/next"
ROLE = f"{SOAP12.namespace}/role"


def with_header(attributes: str, soap: SoapVersion) -> str:
    block = f'<h:Security xmlns:h="urn:h" {attributes}>1</h:Security>'
    return envelope(LOG_IN, header=f"<s:Header>{block}</s:Header>", soap=soap.namespace)


@pytest.mark.parametrize(
    ("soap", "attributes"),
    [
        (SOAP11, 's:mustUnderstand="1"'),
        (SOAP11, 's:mustUnderstand=" 1 "'),
        (SOAP11, 's:mustUnderstand="true"'),
        (SOAP11, 's:mustUnderstand="1" s:actor=""'),
        (SOAP11, f's:mustUnderstand="1" s:actor="{NEXT}"'),
        (SOAP12, 's:mustUnderstand="1"'),
        (SOAP12, 's:mustUnderstand="true"'),
        (SOAP12, 's:mustUnderstand="true" s:role=""'),
        (SOAP12, f's:mustUnderstand="true" s:role="{ROLE}/next"'),
        (SOAP12, f's:mustUnderstand="true" s:role="{ROLE}/ultimateReceiver"'),
    ],
)
def test_a_header_that_must_be_understood_is_refused(soap: SoapVersion, attributes: str) -> None:
    """CONTRACT 2.1; BP R1027."""
    refusal = ("soap:MustUnderstand", "SOAP header Security was not understood.")
    assert decode(with_header(attributes, soap), soap.content_type, ACTION) == refusal


@pytest.mark.parametrize(
    ("soap", "attributes"),
    [
        (SOAP11, ""),
        (SOAP11, 's:mustUnderstand="0"'),
        (SOAP11, 's:mustUnderstand="false"'),
        (SOAP11, 's:mustUnderstand=""'),
        (SOAP11, 'mustUnderstand="1"'),
        (SOAP11, f'o:mustUnderstand="1" xmlns:o="{SOAP12.namespace}"'),
        (SOAP11, 's:mustUnderstand="1" s:actor="urn:another"'),
        (SOAP12, 's:mustUnderstand="false"'),
        (SOAP12, f's:mustUnderstand="true" s:role="{ROLE}/none"'),
        (SOAP12, 's:mustUnderstand="true" s:role="urn:another"'),
    ],
)
def test_other_headers_are_ignored(soap: SoapVersion, attributes: str) -> None:
    """CONTRACT 2.1; a header for another actor or role is not ours (SOAP 1.1 section 4.2.2, SOAP 1.2 section 2.2)."""
    assert decode(with_header(attributes, soap), soap.content_type, ACTION) == DECODED


@pytest.mark.parametrize(
    ("body", "action", "code"),
    [
        ("<a><b></a>", '"urn:nope"', "soap:Client"),
        (
            with_header('s:mustUnderstand="1"', SOAP11).replace(SOAP11.namespace, "urn:x"),
            '"urn:nope"',
            "soap:VersionMismatch",
        ),
        (with_header('s:mustUnderstand="1"', SOAP11), '"urn:nope"', "soap:MustUnderstand"),
        (
            with_header('s:mustUnderstand="1"', SOAP11).replace("</s:Body>", "<x/></s:Body>"),
            None,
            "soap:MustUnderstand",
        ),
        (with_header('s:mustUnderstand="1"', SOAP11).replace("UID", "a:UID"), None, "soap:Client"),
    ],
)
def test_of_several_faults_the_first_in_the_basic_profiles_order_is_reported(
    body: str, action: str | None, code: str
) -> None:
    """BP R2725: VersionMismatch, then MustUnderstand, then Client. What is not XML comes before all of them."""
    assert decode(body, TEXT_XML, action)[0] == code


# --- faults as bytes --------------------------------------------------------------------------------------------------

OPEN11 = (
    '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
)
OPEN12 = OPEN11.replace("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")
CLOSE = "</soap:Body></soap:Envelope>"
UPGRADE = (
    '<soap:Header><soap12:Upgrade xmlns:soap12="http://www.w3.org/2003/05/soap-envelope">'
    '<soap12:SupportedEnvelope qname="soap11:Envelope" xmlns:soap11="http://schemas.xmlsoap.org/soap/envelope/" />'
    '<soap12:SupportedEnvelope qname="soap12:Envelope" /></soap12:Upgrade></soap:Header>'
)

FAULTS = {
    "unknown action": (
        unknown_action("http://tempuri.org/Nope"),
        ("Client", "Sender"),
        "Server did not recognize the value of HTTP Header SOAPAction: http://tempuri.org/Nope.",
    ),
    "client": (ClientFault("<&> \x00"), ("Client", "Sender"), "&lt;&amp;&gt; \ufffd"),
    "unreadable": (
        Unreadable(2, 7),
        ("Client", "Sender"),
        "Server was unable to read request. ---&gt; There is an error in XML document (2, 7).",
    ),
    "bug": (ServerFault(), ("Server", "Receiver"), "Server was unable to process request."),
    "unavailable": (
        ServiceUnavailable(),
        ("Server", "Receiver"),
        "Server was unable to process request. ---&gt; The service is temporarily unavailable.",
    ),
    "the service's own": (ServiceFault(FaultCode.SERVER, "é"), ("Server", "Receiver"), "é"),
}


@pytest.mark.parametrize(("fault", "codes", "text"), FAULTS.values(), ids=FAULTS)
def test_faults_in_soap11(fault: Any, codes: tuple[str, str], text: str) -> None:
    """CONTRACT 2.4; the form is ASMX's."""
    assert encode_fault(fault, SOAP11).decode() == (
        f"{OPEN11}<soap:Body><soap:Fault><faultcode>soap:{codes[0]}</faultcode>"
        f"<faultstring>{text}</faultstring><detail /></soap:Fault>{CLOSE}"
    )


@pytest.mark.parametrize(("fault", "codes", "text"), FAULTS.values(), ids=FAULTS)
def test_faults_in_soap12(fault: Any, codes: tuple[str, str], text: str) -> None:
    """CONTRACT 2.2."""
    assert encode_fault(fault, SOAP12).decode() == (
        f"{OPEN12}<soap:Body><soap:Fault><soap:Code><soap:Value>soap:{codes[1]}</soap:Value></soap:Code>"
        f'<soap:Reason><soap:Text xml:lang="en">{text}</soap:Text></soap:Reason></soap:Fault>{CLOSE}'
    )


def test_a_fault_about_a_header_has_no_detail() -> None:
    """SOAP 1.1 section 4.4: detail is about the body."""
    assert encode_fault(NotUnderstood("Foo"), SOAP11).decode() == (
        f"{OPEN11}<soap:Body><soap:Fault><faultcode>soap:MustUnderstand</faultcode>"
        f"<faultstring>SOAP header Foo was not understood.</faultstring></soap:Fault>{CLOSE}"
    )
    assert encode_fault(NotUnderstood("Foo"), SOAP12).decode() == (
        f"{OPEN12}<soap:Body><soap:Fault><soap:Code><soap:Value>soap:MustUnderstand</soap:Value></soap:Code><soap:Reason>"
        f'<soap:Text xml:lang="en">SOAP header Foo was not understood.</soap:Text></soap:Reason></soap:Fault>{CLOSE}'
    )


def test_a_version_mismatch_lists_the_versions() -> None:
    """SOAP 1.2 part 1, section 5.4.7."""
    text = (
        "Possible SOAP version mismatch: Envelope namespace urn:x was unexpected. "
        "Expecting http://schemas.xmlsoap.org/soap/envelope/."
    )
    assert encode_fault(VersionMismatch("urn:x"), SOAP11).decode() == (
        f"{OPEN11}{UPGRADE}<soap:Body><soap:Fault><faultcode>soap:VersionMismatch</faultcode>"
        f"<faultstring>{text}</faultstring><detail /></soap:Fault>{CLOSE}"
    )
    assert encode_fault(VersionMismatch("urn:x"), SOAP12).decode() == (
        f"{OPEN12}{UPGRADE}<soap:Body><soap:Fault><soap:Code><soap:Value>soap:VersionMismatch</soap:Value></soap:Code>"
        f'<soap:Reason><soap:Text xml:lang="en">{text}</soap:Text></soap:Reason></soap:Fault>{CLOSE}'
    )


@pytest.mark.parametrize(("fault", "status"), [(ClientFault("x"), 500), (Unreadable(1, 1), 400), (ServerFault(), 500)])
def test_the_status_of_a_fault(fault: Any, status: int) -> None:
    """CONTRACT 2.4: 500, and 400 for what is not XML."""
    assert fault.status == status
