"""CONTRACT 2.3: HTTP GET and POST forms, through the real service."""

from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from spyne_asmx import Request
from spyne_asmx.http import HeaderMap
from tests.contract.steps import FAILED, INVALID, add_user, mint
from tests.fuzz.target import Target
from tests.support.service import PASSWORD, SOAP11, SOAP12, Service, envelope, error_of, root_of
from tests.support.strategies import XML_TEXT

FORM = "application/x-www-form-urlencoded"
MISSING = "Missing parameter: {}."


def get(service: Service, operation: str, query: str) -> TestResponse:
    """A GET with a query string as it is written."""
    return service.http.get(f"/srv.asmx/{operation}?{query}")


def post(service: Service, operation: str, body: str | bytes, content_type: str = FORM) -> TestResponse:
    """A POST with a form body as it is written."""
    return service.http.post(f"/srv.asmx/{operation}", data=body, content_type=content_type)


both = pytest.mark.parametrize("send", [get, post])
Send = Callable[[Service, str, str], TestResponse]


def succeeds(response: TestResponse) -> bool:
    assert response.status_code == 200, response.text
    return root_of(response).attrib["success"] == "true"


# --- the answer -------------------------------------------------------------------------------------------------------


@both
def test_the_answer_is_the_bare_root(service: Service, send: Send) -> None:
    """A declaration, a line break, the root: to the byte."""
    response = send(service, "LogOut", f"AuthenticationTicket={mint(service)}")
    assert response.status_code == 200
    assert response.content_type == "text/xml; charset=utf-8"
    assert response.data == b'<?xml version="1.0" encoding="utf-8"?>\n<root success="true" />'


@both
def test_a_refusal_is_a_normal_answer(service: Service, send: Send) -> None:
    """CONTRACT 1: HTTP 200."""
    response = send(service, "LogOut", "AuthenticationTicket=abc")
    assert response.status_code == 200
    assert response.data == (
        b'<?xml version="1.0" encoding="utf-8"?>\n'
        b'<root success="false" error="[901] Session expired or Invalid ticket" />'
    )


@both
def test_children_are_indented_by_two_spaces(service: Service, send: Send) -> None:
    """As CONTRACT 1.3 prints them."""
    lines = send(service, "GetCurrentUser", f"authenticationTicket={mint(service)}").text.split("\n")
    assert [line[: line.index("<") + 5] for line in lines] == [
        "<?xml",
        "<root",
        "  <User",
        "    <Pref",
        "    <Task",
        "  </Use",
        "</roo",
    ]


# --- what is taken ----------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    "form",
    [
        f"UID=jsmith&PWD={PASSWORD}",
        f"PWD={PASSWORD}&UID=jsmith",
        f"uid=jsmith&pwd={PASSWORD}",
        f"uId=jsmith&Pwd={PASSWORD}",
        "UID=%6Asmith&PWD=Secret123%21",
        "U%49D=jsmith&PWD=Secret123%21",
        f"UID=jsmith&PWD={PASSWORD}&x=1&Lang=",
        f"&UID=jsmith&&PWD={PASSWORD}&",
        f"UID=jsmith&PWD={PASSWORD}&UID=retired&PWD=wrong",
        f"uid=jsmith&PWD={PASSWORD}&UID=retired",
    ],
)
def test_parameters_are_found(service: Service, send: Send, form: str) -> None:
    """In any order, names without regard to case, unknown ones ignored, of a repeated one the first counts."""
    assert succeeds(send(service, "AuthenticateUser", form))


@both
def test_of_a_repeated_parameter_only_the_first_counts(service: Service, send: Send) -> None:
    """A right one behind a wrong one does not help."""
    assert error_of(root_of(send(service, "AuthenticateUser", f"UID=&UID=jsmith&PWD={PASSWORD}"))) == FAILED


@both
@pytest.mark.parametrize("operation", ["AuthenticateUser1", "RenewTicket"])
def test_optional_parameters_may_be_left_out(service: Service, send: Send, operation: str) -> None:
    """Those that CONTRACT 1 marks with `?`."""
    assert succeeds(send(service, operation, f"UID=jsmith&PWD={PASSWORD}"))


@both
@pytest.mark.parametrize("operation", ["isValidTicket", "GetCurrentUser", "LogOut"])
def test_a_ticket_may_be_left_out(service: Service, send: Send, operation: str) -> None:
    """CONTRACT 1; without another carrier there is none."""
    assert error_of(root_of(send(service, operation, ""))) == INVALID


@both
@pytest.mark.parametrize(
    ("operation", "form", "missing"),
    [
        ("AuthenticateUser", "UID=jsmith", "PWD"),
        ("AuthenticateUser", "PWD=x", "UID"),
        ("AuthenticateUser", "", "UID"),
        ("AuthenticateUser1", "Lang=de", "UID"),
        ("RenewTicket", "UID=jsmith&OldTicket=", "PWD"),
        ("CreateTicketforUser", "UserName=jsmith", "TrustedUserPwd"),
        ("CreateTicketforUser", "TrustedUserPwd=x", "UserName"),
        ("AuthenticateUser", "UID=jsmith;PWD=x", "PWD"),
    ],
)
def test_a_required_parameter_that_is_missing(
    service: Service, send: Send, operation: str, form: str, missing: str
) -> None:
    """2.4: ASMX names the first. A semicolon separates nothing (SECURITY F4)."""
    response = send(service, operation, form)
    assert response.status_code == 500
    assert response.content_type == "text/plain; charset=utf-8"
    assert response.text == MISSING.format(missing)


@pytest.mark.parametrize(
    "content_type",
    [
        FORM,
        f"{FORM}; charset=utf-8",
        f"{FORM};charset=UTF-8",
        "Application/X-WWW-Form-URLEncoded",
        f'{FORM}; charset="utf-8"',
    ],
)
def test_content_types_of_a_form(service: Service, content_type: str) -> None:
    """With or without a charset, in any letter case."""
    assert succeeds(post(service, "AuthenticateUser", f"UID=jsmith&PWD={PASSWORD}", content_type))


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        *((charset, "j%C3%BCrgen") for charset in ("utf-8", "utf8", "'utf-8'", "UTF_8", "cp65001", '""', "''", None)),
        *((charset, "j%FCrgen") for charset in ("iso-8859-1", "windows-1252", "latin1", "cp1252", "ansi", "latin9")),
        ("windows-1254", "j%FCrgen"),
        ("gb18030", "j%A8%B9rgen"),
    ],
)
def test_a_form_is_read_in_its_charset(service: Service, charset: str | None, name: str) -> None:
    """UTF-8 unless the header says otherwise."""
    add_user(service, "jürgen")
    content_type = FORM if charset is None else f"{FORM}; charset={charset}"
    assert succeeds(post(service, "AuthenticateUser", f"UID={name}&PWD={PASSWORD}", content_type))


@pytest.mark.parametrize("name", [quote("жаба"), "жаба"])
def test_a_query_is_read_as_utf8_escaped_or_raw(service: Service, name: str) -> None:
    """Browsers escape it, curl does not. A WSGI server hands bytes over, our own server text."""
    add_user(service, "жаба")
    query = f"UID={name}&PWD={PASSWORD}"
    environ = {"QUERY_STRING": query.encode().decode("latin-1")}
    assert succeeds(service.http.get("/srv.asmx/AuthenticateUser", environ_overrides=environ))
    request = Request("GET", "/srv.asmx/AuthenticateUser", query, HeaderMap())
    assert b'success="true"' in service.composition.site.handle(request).body


@pytest.mark.parametrize("query", ["AuthenticationTicket=\xff", "AuthenticationTicket=%FF"])
def test_a_query_that_is_not_utf8_has_replacement_characters(service: Service, query: str) -> None:
    """CONTRACT 2.3, for raw bytes and escaped ones alike."""
    response = service.http.get("/srv.asmx/isValidTicket", environ_overrides={"QUERY_STRING": query})
    assert error_of(root_of(response)) == "[901] Session expired or Invalid ticket"


# --- values -----------------------------------------------------------------------------------------------------------

ECHO = Target()


@given(XML_TEXT, XML_TEXT, XML_TEXT, st.sampled_from([quote, quote_plus]))
def test_what_a_form_can_carry_arrives_unchanged(
    user_name: str, password: str, language: str, quoting: Callable[..., str]
) -> None:
    """Any UID, any PWD, any Lang, by GET and by POST."""
    form = urlencode({"UID": user_name, "PWD": password, "Lang": language}, quote_via=quoting)
    by_get = ECHO.http.get(f"/srv.asmx/AuthenticateUser1?{form}")
    by_post = ECHO.http.post("/srv.asmx/AuthenticateUser1", data=form, content_type=FORM)
    assert error_of(root_of(by_get)) == error_of(root_of(by_post)) == FAILED
    assert ECHO.taken() == [("log_in", user_name, password, language)] * 2


@given(XML_TEXT)
def test_soap_and_forms_carry_the_same(text: str) -> None:
    """What one binding can say, the other can: no user is locked out of a binding by a password."""
    ECHO.http.post("/srv.asmx", data=envelope("AuthenticateUser", {"UID": text, "PWD": text}), content_type="text/xml")
    ECHO.http.post("/srv.asmx/AuthenticateUser", data=urlencode({"UID": text, "PWD": text}), content_type=FORM)
    one, other = ECHO.taken()
    assert one == other == ("log_in", text, text, None)


# --- what old clients send --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        "UID=%u006asmith&PWD=Secret123!",
        "UID=%6Asmith&PWD=Secret123%21",
        "UID=jsmith&PWD=%u0053ecret123%u0021",
        "UID=%u006Asmith&PWD=%53ecret123%u0021",
        "UID=%6a%73mith&PWD=Secret%3123!",
        "UID=jsmith&PWD=Secret123!&%=%u",
    ],
)
@both
def test_escapes_are_read_as_dotnet_reads_them(service: Service, send: Send, form: str) -> None:
    """CONTRACT 2.3."""
    assert succeeds(send(service, "AuthenticateUser", form))


@pytest.mark.parametrize(
    ("escaped", "name"),
    [
        ("%uD83D%uDE00", "\U0001f600"),
        ("%uD83D", "\ufffd"),
        ("%uDE00x", "\ufffdx"),
        ("%E9", "\ufffd"),
        ("%C3%A9%", "é%"),
        ("j%u00fcrgen", "jürgen"),
        ("%u0130", "\u0130"),
    ],
)
@both
def test_a_name_can_be_written_with_any_escape(service: Service, send: Send, escaped: str, name: str) -> None:
    """Half a surrogate pair and what is no UTF-8 are U+FFFD."""
    add_user(service, name)
    assert succeeds(send(service, "AuthenticateUser", f"UID={escaped}&PWD={PASSWORD}"))


@pytest.mark.parametrize(
    "ignored",
    [
        "__VIEWSTATE=" + "x" * 20_000,
        "__VIEWSTATE=" + "%2B" * 10_000,
        "__VIEWSTATE=" + "x" * 60_000,
        "odd=%00&%01=%uFFFF",
        "&".join(f"field{number}={number}" for number in range(200)),
        "&".join(["f=1"] * 990),
        "n" * 30_000,
    ],
)
def test_fields_that_nobody_reads_may_be_as_large_as_the_body(service: Service, ignored: str) -> None:
    """CONTRACT 2.1."""
    assert succeeds(post(service, "AuthenticateUser", f"UID=jsmith&{ignored}&PWD={PASSWORD}"))


@pytest.mark.parametrize("password", ["100%sure", "a%", "%zz", "50%u", "%%", "1%2"])
def test_a_percent_sign_that_starts_no_escape_stands_for_itself(service: Service, password: str) -> None:
    """CONTRACT 2.3."""
    add_user(service, "percent", password=password)
    response = service.http.post("/srv.asmx/AuthenticateUser", data=f"UID=percent&PWD={password}", content_type=FORM)
    assert root_of(response).attrib["success"] == "true"


@pytest.mark.parametrize(
    "content_type", [None, "application/json", "text/xml", "multipart/form-data; boundary=x", "text/plain", "nonsense"]
)
@pytest.mark.parametrize("body", [b"", b"{}", b"\x00\xff"])
def test_an_operation_without_parameters_reads_no_body(service: Service, content_type: str | None, body: bytes) -> None:
    """CONTRACT 2.3: the vendor's own sample posts nothing at all."""
    response = service.http.post("/srv.asmx/ServerInfo", data=body, content_type=content_type)
    assert root_of(response).attrib["success"] == "true"


CODINGS = dict.fromkeys(
    ["UTF-8", "utf8", "8bit", "7bit", "quoted-printable", "none", "binary", "identity", "iso-8859-1", "text/xml", ""],
    200,
) | dict.fromkeys(
    ["gzip", "x-gzip", "deflate", "br", "zstd", "compress", "identity, gzip", "gzip, identity", "UTF-8,gzip", "GZIP"],
    415,
)


@pytest.mark.parametrize("content_type", [FORM, "text/xml", "application/soap+xml"])
@pytest.mark.parametrize(("coding", "status"), CODINGS.items())
def test_a_content_encoding_counts_where_it_names_a_compression(
    service: Service, coding: str, status: int, content_type: str
) -> None:
    """CONTRACT 2.3 and SECURITY X12: what is no compression is ignored, and a compressed body refused."""
    path, body = "/srv.asmx/AuthenticateUser", b"UID=jsmith&PWD=Secret123!"
    if content_type != FORM:
        soap = SOAP11 if content_type == "text/xml" else SOAP12
        path, body = "/srv.asmx", envelope("AuthenticateUser", {"UID": "jsmith", "PWD": PASSWORD}, soap=soap)
    response = service.http.post(path, data=body, content_type=content_type, headers={"Content-Encoding": coding})
    assert response.status_code == status
    assert (b'success="true"' in response.data) is (status == 200)
