"""CONTRACT 2.4: errors are reported the ASMX way. The rows are in the table's order; a missing parameter is in
test_forms.py, a compressed body too, and a form of another content type in tests/security/test_forms.py (F3).
"""

import io
import logging
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse, create_environ
from werkzeug.wrappers import Response as WsgiResponse

from asmx_tickets.hosting.composition import compose
from asmx_tickets.settings.model import load_settings
from spyne_asmx import Request, Response
from spyne_asmx.http import HeaderMap
from spyne_asmx.wsgi import WsgiApplication
from tests.contract.steps import add_user, in_every_binding, mint, soap12
from tests.fuzz.target import Target
from tests.support.service import NAMESPACE, PASSWORD, SOAP11, SOAP12, Clock, Service, envelope, fault_of, root_of
from tests.support.strategies import ANY_BYTES

FORM = "application/x-www-form-urlencoded"
PLAIN = "text/plain; charset=utf-8"
TEXT_XML = "text/xml; charset=utf-8"
LOGIN = {"UID": "jsmith", "PWD": PASSWORD}
UNABLE = "Server was unable to process request."
UNAVAILABLE = "The service is temporarily unavailable."

Make = Callable[..., Service]
Call = Callable[..., TestResponse]


def said(response: TestResponse) -> tuple[int, str]:
    """Status and text of an answer in plain text."""
    assert response.content_type == PLAIN, response.text
    return response.status_code, response.text


def faulted(response: TestResponse) -> tuple[int, str, str]:
    """Status, code and text of a SOAP 1.1 fault."""
    assert response.content_type == TEXT_XML
    return response.status_code, *fault_of(response)


def post_soap(service: Service, body: bytes, content_type: str = TEXT_XML, **headers: str) -> TestResponse:
    return service.http.post("/srv.asmx", data=body, content_type=content_type, headers=headers)


# --- forms ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Nope", "AuthenticateUser2", "srv.asmx", "AuthenticateUser/", "a/b", "<b>&", "é"])
def test_an_unknown_operation_in_the_path(service: Service, name: str) -> None:
    """500, text/plain; the name is shown as text."""
    expected = (500, f"{name} Web Service method name is not valid.")
    assert said(service.http.get(f"/srv.asmx/{quote(name)}")) == expected
    assert said(service.http.post(f"/srv.asmx/{quote(name)}", data="", content_type=FORM)) == expected


@pytest.mark.parametrize("name", ["authenticateuser", "AUTHENTICATEUSER", "authenticateUser"])
def test_an_operation_in_the_wrong_letter_case(service: Service, name: str) -> None:
    """500, text/plain, which says that names are case-sensitive, and which one was meant."""
    expected = (
        500,
        f"Invalid method name '{name}', method names are case sensitive. "
        "The method name 'AuthenticateUser' with the same name but different casing was found.",
    )
    assert said(service.get(name, **LOGIN)) == expected
    assert said(service.post(name, **LOGIN)) == expected


def test_a_form_without_content_type(service: Service) -> None:
    """500, text/plain."""
    response = service.http.post("/srv.asmx/AuthenticateUser", data=b"UID=jsmith")
    assert said(response) == (500, "Request format is invalid: .")


# --- bindings switched off --------------------------------------------------------------------------------------------

ALL = ("HttpSoap", "HttpSoap12", "HttpGet", "HttpPost", "Documentation")


def without(*off: str) -> dict[str, str]:
    """Settings that switch bindings off."""
    on = [name for name in ALL if name not in off]
    return {f"WebServices__Protocols__{index}": name for index, name in enumerate(on)}


@pytest.mark.parametrize("operation", ["AuthenticateUser", "Nope", "authenticateuser"])
def test_get_switched_off(make_service: Make, operation: str) -> None:
    """500, text/plain, whether there is such an operation or not; POST works."""
    service = make_service(**without("HttpGet"))
    expected = (500, f"Request format is unrecognized for URL unexpectedly ending in '/{operation}'.")
    assert said(service.get(operation, **LOGIN)) == expected
    assert service.post("AuthenticateUser", **LOGIN).status_code == 200


@pytest.mark.parametrize("operation", ["AuthenticateUser", "Nope"])
def test_post_switched_off(make_service: Make, operation: str) -> None:
    """As for GET."""
    service = make_service(**without("HttpPost"))
    expected = (500, f"Request format is unrecognized for URL unexpectedly ending in '/{operation}'.")
    assert said(service.post(operation, **LOGIN)) == expected
    assert service.get("AuthenticateUser", **LOGIN).status_code == 200


def test_soap11_switched_off(make_service: Make) -> None:
    """415, for a 1.1 envelope in SOAP 1.2's content type too."""
    service = make_service(**without("HttpSoap"))
    assert said(service.soap("AuthenticateUser", **LOGIN))[0] == 415
    assert said(post_soap(service, envelope("AuthenticateUser", LOGIN), "application/soap+xml"))[0] == 415
    assert soap12(service, "AuthenticateUser", **LOGIN).status_code == 200


def test_soap12_switched_off(make_service: Make) -> None:
    """415, for a 1.2 envelope in SOAP 1.1's content type too."""
    service = make_service(**without("HttpSoap12"))
    assert said(soap12(service, "AuthenticateUser", **LOGIN))[0] == 415
    assert said(post_soap(service, envelope("AuthenticateUser", LOGIN, soap=SOAP12)))[0] == 415
    assert service.soap("AuthenticateUser", **LOGIN).status_code == 200


@pytest.mark.parametrize("query", ["", "?WSDL", "?wsdl", "?disco", "?op=AuthenticateUser", "?x"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_documentation_switched_off(make_service: Make, method: str, query: str) -> None:
    """404; operations work."""
    service = make_service(**without("Documentation"))
    assert service.http.open(f"/srv.asmx{query}", method=method).status_code == 404
    assert service.get("ServerInfo").status_code == 200


# --- SOAP -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [f'"{NAMESPACE}Nope"', f"{NAMESPACE}Nope"])
def test_an_unknown_soapaction(service: Service, action: str) -> None:
    """500, fault `soap:Client`."""
    response = post_soap(service, envelope("AuthenticateUser", LOGIN), SOAPAction=action)
    assert faulted(response) == (
        500,
        "soap:Client",
        "Server did not recognize the value of HTTP Header SOAPAction: http://tempuri.org/Nope.",
    )


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "(1, 1)"),
        (b"<soap:Envelope", "(1, 1)"),
        (b"<a>\n</b>", "(2, 3)"),
        (b"<!DOCTYPE a><a/>", "(1, 12)"),
        (b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", "(1, 34)"),
        ("<!DOCTYPE a><a/>".encode("utf-16"), "(1, 12)"),
        (b"\xff", "(1, 1)"),
    ],
)
def test_a_body_that_is_not_well_formed_or_empty_or_with_a_dtd(service: Service, body: bytes, place: str) -> None:
    """400, fault `soap:Client`, with line and column."""
    text = f"Server was unable to read request. ---> There is an error in XML document {place}."
    charset = "text/xml" if body.startswith(b"\xff\xfe") else TEXT_XML
    assert faulted(post_soap(service, body, charset)) == (400, "soap:Client", text)


@pytest.mark.parametrize(
    "body",
    [
        envelope("AuthenticateUser", LOGIN).replace(b"jsmith", b"&b;"),
        envelope("AuthenticateUser", LOGIN).replace(b"jsmith", b"<?p?>jsmith"),
        envelope("AuthenticateUser", LOGIN).replace(b"jsmith", b"<a>" * 20 + b"</a>" * 20),
        envelope("AuthenticateUser", LOGIN).replace(b"<UID>", b"<a/>" * 10_000 + b"<UID>"),
        envelope("AuthenticateUser", LOGIN).replace(
            b"<UID>", b"<UID %s>" % b" ".join(b"a%d=''" % i for i in range(257))
        ),
    ],
    ids=["entity", "processing instruction", "depth", "elements", "attributes"],
)
def test_a_body_over_a_limit_is_not_read(service: Service, body: bytes) -> None:
    """400, SECURITY X2 to X5."""
    assert faulted(post_soap(service, body))[:2] == (400, "soap:Client")


def test_a_parameter_that_is_too_long_is_named(service: Service) -> None:
    """The fault names the limit, and does not blame the client's XML."""
    body = envelope("AuthenticateUser", LOGIN).replace(b"jsmith", b"x" * 8193)
    assert faulted(post_soap(service, body)) == (
        500,
        "soap:Client",
        "The parameter UID is longer than 8192 characters.",
    )


BINARY_SECURITY_TOKEN = b"<w:BinarySecurityToken>" + b"TUlJ" * 7680 + b"</w:BinarySecurityToken>"


@pytest.mark.parametrize(
    "extended",
    [
        envelope("AuthenticateUser", LOGIN).replace(
            b"<soap:Body>",
            b'<soap:Header><w:Security xmlns:w="urn:w">'
            + BINARY_SECURITY_TOKEN
            + b"</w:Security></soap:Header><soap:Body>",
        ),
        envelope("AuthenticateUser", LOGIN).replace(
            b"<soap:Body>", b"<soap:Body " + b" ".join(b'xmlns:n%d="urn:%d"' % (i, i) for i in range(250)) + b">"
        ),
        envelope("AuthenticateUser", LOGIN).replace(
            b"<soap:Body>", b"<soap:Header><h>" + b"<i/>" * 3000 + b"</h></soap:Header><soap:Body>"
        ),
        envelope("AuthenticateUser", LOGIN).replace(b"<UID>", b"<Other>" + b"x" * 20_000 + b"</Other><UID>"),
        envelope("AuthenticateUser", LOGIN).replace(b"<UID>", b"<Other a='" + b"x" * 20_000 + b"'/><UID>"),
        envelope("AuthenticateUser", LOGIN).replace(b"<UID>", b"<" + b"n" * 500 + b"/><UID>"),
        envelope("AuthenticateUser", LOGIN).replace(b"<UID>", b"".join(b"<o%d/>" % i for i in range(500)) + b"<UID>"),
    ],
    ids=["security token", "namespaces", "header elements", "unknown text", "unknown attribute", "name", "unknown"],
)
def test_limits_do_not_count_what_nobody_reads(service: Service, extended: bytes) -> None:
    """CONTRACT 2.1."""
    assert b'success="true"' in post_soap(service, extended).data


@pytest.mark.parametrize(
    "body",
    [
        b"<?xml version='1.0'?><hello/>",
        envelope("AuthenticateUser", LOGIN, soap="urn:x"),
        envelope("AuthenticateUser", LOGIN).replace(b"soap:Envelope", b"soap:envelope"),
    ],
)
def test_well_formed_but_no_soap_envelope(service: Service, body: bytes) -> None:
    """500, fault `soap:VersionMismatch`."""
    assert faulted(post_soap(service, body))[:2] == (500, "soap:VersionMismatch")


def test_an_envelope_without_body(service: Service) -> None:
    """500, fault `soap:Client`."""
    body = f'<s:Envelope xmlns:s="{SOAP11}"/>'.encode()
    assert faulted(post_soap(service, body, SOAPAction=f"{NAMESPACE}ServerInfo"))[:2] == (500, "soap:Client")


def test_an_empty_body(service: Service) -> None:
    """The operation runs with no parameters, when SOAPAction names it."""
    body = f'<s:Envelope xmlns:s="{SOAP11}"><s:Body/></s:Envelope>'.encode()
    response = post_soap(service, body, SOAPAction=f"{NAMESPACE}ServerInfo")
    assert root_of(response).attrib["success"] == "true"
    assert faulted(post_soap(service, body))[:2] == (500, "soap:Client")


@pytest.mark.parametrize(
    "content_type",
    [
        *("text/plain", "application/xml", "application/json", "application/octet-stream", FORM, "", "nonsense"),
        *(
            "multipart/related; type=text/xml; boundary=b",
            "application/xop+xml",
            "text/html",
            "text/xml2",
            "text/xml, a/b",
        ),
    ],
)
def test_a_content_type_that_is_neither_soaps(service: Service, content_type: str) -> None:
    """415; SECURITY L5 and X12."""
    assert said(post_soap(service, envelope("AuthenticateUser", LOGIN), content_type))[0] == 415


def test_soap_without_content_type(service: Service) -> None:
    """415."""
    assert said(service.http.post("/srv.asmx", data=envelope("AuthenticateUser", LOGIN)))[0] == 415


# --- the size of a body -----------------------------------------------------------------------------------------------


class Stream(io.RawIOBase):
    """A body of ``size`` bytes, which counts how many of them were read."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self.left)
        buffer[:count] = b"x" * count
        self.left -= count
        self.taken += count
        return count


def send(
    service: Service, path: str, stream: Any, content_type: str, length: int | None, *, terminated: bool = False
) -> WsgiResponse:
    """POST a body as a server hands it over: of a length, or chunked. The limit is that of the settings.

    A server that ends the stream itself, as it must for a chunked body, says that it is ``terminated``.
    """
    environ = create_environ(path, method="POST", content_type=content_type)
    environ["wsgi.input"] = stream
    if length is not None:
        environ["CONTENT_LENGTH"] = str(length)
    if length is None or terminated:
        environ["wsgi.input_terminated"] = True
    return WsgiResponse.from_app(WsgiApplication(service.composition.site), environ)


def padded(size: int) -> bytes:
    """A login of exactly so many bytes."""
    body = envelope("AuthenticateUser", LOGIN)
    return body + b" " * (size - len(body))


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("settings_", "limit"), [({}, 65536), ({"WebServices__MaxRequestBytes": "2048"}, 2048)])
def test_a_body_larger_than_the_limit(make_service: Make, settings_: dict[str, str], limit: int, chunked: bool) -> None:
    """413 from one byte more, whether the body says its length or not; the limit is a setting."""
    service = make_service(**settings_)
    for size, status in ((limit, 200), (limit + 1, 413)):
        response = send(service, "/srv.asmx", io.BytesIO(padded(size)), "text/xml", None if chunked else size)
        assert response.status_code == status


@pytest.mark.parametrize("path", ["/srv.asmx", "/srv.asmx/AuthenticateUser", "/other"])
def test_a_body_that_says_it_is_too_large_is_not_read(service: Service, path: str) -> None:
    """413 by its Content-Length alone: SECURITY F1."""
    stream = Stream(10**9)
    response = send(service, path, stream, FORM, 10**9)
    assert (response.status_code, response.content_type, stream.taken) == (413, PLAIN, 0)


@pytest.mark.parametrize("path", ["/srv.asmx", "/srv.asmx/AuthenticateUser"])
def test_a_body_that_goes_on_for_ever_is_read_to_the_limit(service: Service, path: str) -> None:
    """413 while reading a chunked body: SECURITY F1."""
    stream = Stream(10**9)
    assert send(service, path, stream, FORM, None).status_code == 413
    assert stream.taken < 2 * 65536


@pytest.mark.parametrize("terminated", [False, True])
def test_a_body_that_ends_early(service: Service, terminated: bool) -> None:
    """400, and nothing runs: SECURITY H4."""
    ticket = mint(service)
    body = f"AuthenticationTicket={ticket}".encode()
    response = send(service, "/srv.asmx/LogOut", io.BytesIO(body), FORM, len(body) + 1, terminated=terminated)
    assert response.status_code == 400
    assert service.is_valid(ticket)


# --- methods ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "HEAD", "PROPFIND", "QUERY"])
def test_any_other_method_on_an_operation(service: Service, method: str) -> None:
    """405 with Allow, and nothing runs: SECURITY F7."""
    ticket = mint(service)
    response = service.http.open(
        f"/srv.asmx/LogOut?AuthenticationTicket={ticket}",
        method=method,
        data=f"AuthenticationTicket={ticket}",
        content_type=FORM,
    )
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, POST"
    assert service.is_valid(ticket)


@pytest.mark.parametrize(("off", "allowed"), [("HttpGet", "POST"), ("HttpPost", "GET")])
def test_allow_names_only_what_is_on(make_service: Make, off: str, allowed: str) -> None:
    """RFC 9110 section 15.5.6."""
    response = make_service(**without(off)).http.put("/srv.asmx/LogOut")
    assert (response.status_code, response.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "PROPFIND"])
def test_any_other_method_on_the_service(service: Service, method: str) -> None:
    """405 with Allow, and nothing runs."""
    ticket = mint(service)
    response = service.http.open(
        "/srv.asmx",
        method=method,
        data=envelope("LogOut", {"AuthenticationTicket": ticket}),
        content_type=TEXT_XML,
    )
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD, POST"
    assert service.is_valid(ticket)


@pytest.mark.parametrize("path", ["/srv.asmx", "/srv.asmx?WSDL", "/srv.asmx?disco", "/srv.asmx?op=LogOut", "/nowhere"])
def test_head_is_get_without_a_body(service: Service, path: str) -> None:
    """The same status and headers, the body's length among them (RFC 9110 section 9.3.2)."""
    head, got = service.http.head(path), service.http.get(path)
    del head.headers["X-Request-Id"], got.headers["X-Request-Id"]
    assert head.status_code == got.status_code
    assert list(head.headers) == list(got.headers)
    assert head.content_length == len(got.data)
    assert head.data == b""
    assert got.data


def test_head_on_an_operation_has_no_body(service: Service) -> None:
    """405, and nothing runs."""
    response = service.http.head("/srv.asmx/ServerInfo")
    assert (response.status_code, response.data) == (405, b"")


# --- the server's own faults ------------------------------------------------------------------------------------------

SECRET = "Secret of the rules"


@in_every_binding
def test_a_fault_of_ours(
    service: Service, call: Call, monkeypatch: pytest.MonkeyPatch, logged: list[logging.LogRecord]
) -> None:
    """500 and one sentence. The log has the rest, once, under the answer's request id."""

    def bug(*_: object) -> None:
        raise LookupError(SECRET)

    monkeypatch.setattr(service.composition.authentication, "log_in", bug)
    response = call(service, "AuthenticateUser", **LOGIN)
    assert response.status_code == 500
    assert one_sentence_of(response) == UNABLE
    (record,) = logged
    assert response.headers["X-Request-Id"] in record.getMessage()
    assert record.exc_info is not None
    assert SECRET not in response.text
    assert "LookupError" not in response.text


def one_sentence_of(response: TestResponse) -> str:
    """The text of a server's fault in any binding."""
    if response.content_type == PLAIN:
        return response.text
    root = ElementTree.fromstring(response.data)
    if response.content_type == TEXT_XML:
        assert fault_of(response)[0] == "soap:Server"
        return fault_of(response)[1]
    assert root.findtext(f".//{{{SOAP12}}}Value") == "soap:Receiver"
    return root.findtext(f".//{{{SOAP12}}}Text", "")


@pytest.fixture
def storeless(tmp_path: Path, clock: Clock) -> Iterator[Service]:
    """The service after somebody dropped its table of users."""
    file = tmp_path / "users.db"
    composition = compose(load_settings(None, environ={"ConnectionStrings__Users": f"sqlite:///{file}"}), clock=clock)
    service = Service(composition, clock)
    add_user(service, "jsmith")
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE users")
    connection.close()
    yield service
    composition.close()


@in_every_binding
def test_a_store_that_does_not_answer(storeless: Service, call: Call) -> None:
    """SOAP: 500 and a fault; GET and POST: 503 with Retry-After. No SQL, no path."""
    response = call(storeless, "AuthenticateUser", **LOGIN)
    if response.content_type == PLAIN:
        assert said(response) == (503, UNAVAILABLE)
        assert int(response.headers["Retry-After"]) > 0
    else:
        assert response.status_code == 500
        assert one_sentence_of(response) == f"{UNABLE} ---> {UNAVAILABLE}"


@pytest.mark.parametrize(
    "request_",
    [
        Request(
            "POST", "/srv.asmx", "", HeaderMap([("content-type", "text/xml")]), envelope("AuthenticateUser", LOGIN)
        ),
        Request("GET", "/srv.asmx/AuthenticateUser", f"UID=jsmith&PWD={PASSWORD}", HeaderMap()),
    ],
)
def test_a_login_queue_that_is_full(service: Service, request_: Request) -> None:
    """As for a store that does not answer."""
    begun = service.composition.site.begin(request_)
    assert not isinstance(begun, Response)
    response = service.composition.site.unavailable(begun)
    assert response.status == (503 if request_.method == "GET" else 500)
    assert UNAVAILABLE.encode() in response.body


# --- hosts and paths --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "host", "status"),
    [
        ("*", "anything.example.com:8080", 200),
        ("srv.example.com", "srv.example.com", 200),
        ("srv.example.com", "SRV.example.com:8080", 200),
        ("a.example.com;*.example.org", "x.example.org", 200),
        ("*.example.org", "example.org", 400),
        ("*.example.org", "x.y.example.org", 200),
        ("srv.example.com", "example.com", 400),
        ("srv.example.com", "evil.example.net", 400),
        ("srv.example.com", "srv.example.com.evil.net", 400),
        ("*", "a,b", 400),
        ("*", "a<script>", 400),
        ("*", "", 400),
        ("*", "[::1]:8080", 200),
    ],
)
@pytest.mark.parametrize("path", ["/srv.asmx/ServerInfo", "/srv.asmx"])
def test_a_host_that_is_not_allowed(make_service: Make, allowed: str, host: str, status: int, path: str) -> None:
    """400, text/plain."""
    response = make_service(AllowedHosts=allowed).http.get(path, headers={"Host": host})
    assert response.status_code == status
    if status == 400:
        assert response.content_type == PLAIN
        assert host not in response.text or host == ""


@pytest.mark.parametrize("path", ["/srv.asmx", "/SRV.ASMX", "/Srv.Asmx"])
def test_the_path_in_any_letter_case(service: Service, path: str) -> None:
    """2.5: as on IIS; the operation's name exactly."""
    assert service.http.get(f"{path}/ServerInfo").status_code == 200
    assert service.http.post(path, data=envelope("ServerInfo", {}), content_type="text/xml").status_code == 200
    assert said(service.http.get(f"{path}/serverinfo"))[0] == 500


@pytest.mark.parametrize(
    ("base", "path", "status"),
    [
        ("/InfoRouter", "/InfoRouter/srv.asmx", 200),
        ("/InfoRouter", "/inforouter/SRV.asmx", 200),
        ("/a/b", "/a/b/srv.asmx", 200),
        ("/InfoRouter", "/srv.asmx", 404),
        ("/InfoRouter", "/InfoRouterX/srv.asmx", 404),
        ("/InfoRouter", "/InfoRouter", 404),
        ("/InfoRouter", "/InfoRouter/InfoRouter/srv.asmx", 404),
        ("", "/InfoRouter/srv.asmx", 404),
    ],
)
def test_the_path_base(make_service: Make, base: str, path: str, status: int) -> None:
    """2.5: under any configured path base, and nowhere else."""
    service = make_service(PathBase=base)
    assert service.http.get(f"{path}/ServerInfo").status_code == status
    assert service.http.post(path, data=envelope("ServerInfo", {}), content_type="text/xml").status_code == status


@pytest.mark.parametrize("path", ["/favicon.ico", "/other.asmx", "/srv.asmx.bak", "/srv", "/x/srv.asmx", "/srv.asm"])
def test_other_paths(service: Service, path: str) -> None:
    """404, text/plain."""
    assert said(service.http.get(path))[0] == 404
    assert said(service.http.post(path, data=b"", content_type="text/xml"))[0] == 404


# --- everything else --------------------------------------------------------------------------------------------------

ECHO = Target()
STATUSES = {200, 302, 400, 404, 405, 413, 415, 500}
CONTENT_TYPES = st.one_of(
    st.sampled_from(
        [
            *(
                "text/xml",
                TEXT_XML,
                "text/xml; charset=utf-16",
                "application/soap+xml",
                FORM,
                f"{FORM}; charset=utf-16",
                "",
            ),
            *('application/soap+xml; action="', 'text/xml; charset="', "text/xml; charset*=utf-8''x", "text/xml;;;=;"),
            *("multipart/form-data; boundary=b", "application/json", 'application/soap+xml; action="a"; action="b"'),
        ]
    ),
    st.text(st.characters(max_codepoint=255), max_size=40),
)
PATHS = st.one_of(
    st.sampled_from(["/srv.asmx", "/srv.asmx/AuthenticateUser", "/SRV.ASMX/", "/srv.asmx/Nope", "/"]),
    st.text(max_size=20).map(lambda text: f"/srv.asmx/{text}"),
)
NEVER_SAID = (b"Traceback", b"Error:", b"site-packages", b"expat", b"lxml", b"spyne", b"sqlalchemy", b"/src/")


def assert_is_of_the_contract(response: Response) -> None:
    """A status of 2.4, a body of the content type that it names, and nothing of the program's inside."""
    headers = dict(response.headers)
    assert response.status in STATUSES
    assert headers["content-type"] in {
        TEXT_XML,
        PLAIN,
        "application/soap+xml; charset=utf-8",
        "text/html; charset=utf-8",
    }
    assert all("\n" not in value and "\r" not in value for value in headers.values())
    if "xml" in headers["content-type"]:
        ElementTree.fromstring(response.body)
    else:
        response.body.decode()
    assert not any(word in response.body for word in NEVER_SAID)


@settings(max_examples=200)
@given(ANY_BYTES, CONTENT_TYPES, st.one_of(st.none(), st.text(st.characters(max_codepoint=255), max_size=30)), PATHS)
def test_any_body_gets_an_answer_of_the_contract(body: bytes, content_type: str, action: str | None, path: str) -> None:
    """Whatever the bytes, the content type, the SOAPAction and the path."""
    headers = [("content-type", content_type), *([("soapaction", action)] if action is not None else [])]
    assert_is_of_the_contract(ECHO.site.handle(Request("POST", path, "", HeaderMap(headers), body)))
    ECHO.taken()


@given(
    st.one_of(st.text(max_size=60), st.text(st.sampled_from("UIDPW=&%+;CF09?#<"), max_size=40)),
    PATHS,
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "get", "", "É"]),
)
def test_any_query_gets_an_answer_of_the_contract(query: str, path: str, method: str) -> None:
    """Whatever the query string, the path and the method."""
    assert_is_of_the_contract(ECHO.site.handle(Request(method, path, query, HeaderMap())))
    ECHO.taken()


@given(ANY_BYTES, st.sampled_from(["text/xml", "application/soap+xml"]))
def test_what_is_no_envelope_never_reaches_the_rules(body: bytes, content_type: str) -> None:
    """An operation runs only for a request that names it."""
    ECHO.site.handle(Request("POST", "/srv.asmx", "", HeaderMap([("content-type", content_type)]), body))
    given = ECHO.taken()
    assert not given or b"AuthenticateUser" in body


@settings(max_examples=50)
@given(st.binary(max_size=60), st.sampled_from([None, b"text/xml", b"\xff", FORM.encode()]))
def test_any_bytes_through_wsgi_get_an_answer(body: bytes, content_type: bytes | None) -> None:
    """In the environment of a WSGI server."""
    environ = {"QUERY_STRING": body.decode("latin-1"), "REMOTE_ADDR": "127.0.0.1"}
    header = None if content_type is None else content_type.decode("latin-1")
    for method in ("GET", "POST"):
        response = ECHO.http.open(
            "/srv.asmx/AuthenticateUser", method=method, data=body, content_type=header, environ_overrides=environ
        )
        assert response.status_code in STATUSES
    ECHO.taken()
