"""CONTRACT 1.2: where the server looks for a ticket: the parameter, the header, the cookie."""

from collections.abc import Callable

import pytest
from werkzeug.test import Client

from spyne_asmx.http import HeaderMap, Request
from tests.contract.steps import INVALID, NOBODYS_TICKET, add_user, ask, mint
from tests.support.service import SOAP11, SOAP12, Service, envelope, error_of, root_of

Headers = list[tuple[str, str]]

PARAMETERS = {
    "isValidTicket": "AuthenticationTicket",
    "GetCurrentUser": "authenticationTicket",
    "LogOut": "AuthenticationTicket",
}
every_operation = pytest.mark.parametrize("operation", PARAMETERS)


def who(service: Service, headers: Headers, **parameters: str) -> str:
    """Whom isValidTicket takes the caller for, or its error."""
    root = ask(service, "isValidTicket", headers, **parameters)
    return root.attrib["username"] if root.attrib["success"] == "true" else error_of(root)


@pytest.fixture
def two_tickets(service: Service) -> dict[str, str]:
    """The text of a ticket by what it is: of jsmith, of another user, wrong in several ways, empty."""
    add_user(service, "other")
    return {
        "jsmith": mint(service),
        "other": mint(service, "other"),
        "unknown": NOBODYS_TICKET,
        "no GUID": "abc",
        "empty": "",
        "white space": " \t ",
    }


EMPTY = {"absent", "empty", "white space"}
STATES = ["absent", "empty", "white space", "jsmith", "other", "unknown", "no GUID"]


@every_operation
@pytest.mark.parametrize("scheme", ["SOTicket", "Bearer", "soticket", "BEARER"])
def test_every_operation_with_a_ticket_looks_at_the_header(service: Service, operation: str, scheme: str) -> None:
    """SOTicket or Bearer, in any letter case."""
    headers = [("Authorization", f"{scheme} {mint(service)}")]
    assert ask(service, operation, headers).attrib["success"] == "true"
    assert ask(service, operation, [("Authorization", f"{scheme} abc")]).attrib["success"] == "false"


@every_operation
def test_every_operation_with_a_ticket_looks_at_the_cookie(service: Service, operation: str) -> None:
    """Wherever it stands among other cookies."""
    headers = [("Cookie", f"a=1; ticket={mint(service)}; my_ticket=abc")]
    assert ask(service, operation, headers).attrib["success"] == "true"


@every_operation
def test_every_operation_lets_the_parameter_win(service: Service, operation: str) -> None:
    """Even over a header and a cookie that are right, when it is wrong itself."""
    ticket = mint(service)
    headers = [("Authorization", f"SOTicket {ticket}"), ("Cookie", f"ticket={ticket}")]
    assert error_of(ask(service, operation, headers, **{PARAMETERS[operation]: "abc"})) == INVALID


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("name", "value"), [("Authorization", "SOTicket {}"), ("Cookie", "ticket={}")])
def test_forms_look_at_header_and_cookie_too(service: Service, method: str, name: str, value: str) -> None:
    """As in SOAP; through the WSGI application."""
    client = Client(service.http.application, use_cookies=False)
    response = client.open(
        f"{service.path}/isValidTicket",
        method=method,
        headers={name: value.format(mint(service))},
        content_type="application/x-www-form-urlencoded",
    )
    assert root_of(response).attrib["success"] == "true"


@pytest.mark.parametrize(
    "authorization",
    ["Basic anNtaXRoOlNlY3JldDEyMyE=", "Negotiate YII=", "SOTickets {}", "Ticket {}", "{}", "SOTicket", "Bearer  "],
)
def test_another_authorization_is_no_ticket(service: Service, authorization: str) -> None:
    """Only SOTicket and Bearer carry tickets; beside anything else the cookie counts."""
    headers = [("Authorization", authorization.format(NOBODYS_TICKET)), ("Cookie", f"ticket={mint(service)}")]
    assert who(service, headers) == "jsmith"


@pytest.mark.parametrize("spelling", ["{{{}}}", "({})", " {} ", "\t{}"])
def test_header_and_cookie_are_spelled_like_parameters(service: Service, spelling: str) -> None:
    """GUIDs are read in the same way wherever they come from."""
    text = spelling.format(mint(service).upper())
    assert who(service, [("Authorization", f"SOTicket {text}")]) == "jsmith"
    assert who(service, [("Cookie", f"ticket={text}")]) == "jsmith"


@pytest.mark.parametrize(
    "twice",
    [
        lambda a, b: [("Authorization", f"SOTicket {a}"), ("Authorization", f"SOTicket {b}")],
        lambda a, b: [("Authorization", f"SOTicket {a}"), ("Authorization", f"Bearer {b}")],
        lambda a, b: [("Authorization", f"SOTicket {a},SOTicket {b}")],
        lambda a, b: [("Authorization", f"SOTicket {a}, {b}")],
        lambda a, b: [("Cookie", f"ticket={a}; ticket={b}")],
        lambda a, b: [("Cookie", f"ticket={a}"), ("Cookie", f"ticket={b}")],
        lambda a, b: [("Cookie", f"ticket={a}, ticket={b}")],
    ],
    ids=["headers", "schemes", "joined", "list", "cookies", "cookie headers", "joined cookies"],
)
def test_a_repeated_header_or_cookie_with_two_values_is_901(
    service: Service, two_tickets: dict[str, str], twice: Callable[[str, str], Headers]
) -> None:
    """SECURITY D15: whichever stands first."""
    good, other = two_tickets["jsmith"], two_tickets["other"]
    for first, second in [(good, other), (good, NOBODYS_TICKET), (NOBODYS_TICKET, good)]:
        assert who(service, twice(first, second)) == INVALID


@pytest.mark.parametrize(
    "token",
    [
        "abc",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "eyJhbGciOiJub25lIn0.e30.",
        "a" * 200,
        "a" * 3000,
        "0x12",
        "mF_9.B5f-4.1JqM",
        "b64token+/==",
        NOBODYS_TICKET + "0",
    ],
)
def test_a_bearer_token_that_is_no_guid_is_somebody_elses(
    service: Service, two_tickets: dict[str, str], token: str
) -> None:
    """It counts as absent, beside an SOTicket header as beside the cookie."""
    good = two_tickets["jsmith"]
    assert who(service, [("Authorization", f"Bearer {token}")]) == INVALID
    assert who(service, [("Authorization", f"Bearer {token}"), ("Cookie", f"ticket={good}")]) == "jsmith"
    assert who(service, [("Authorization", f"Bearer {token}"), ("Authorization", f"SOTicket {good}")]) == "jsmith"


@pytest.mark.parametrize(
    "joined",
    [
        "SOTicket {0}, SOTicket {0}",
        "SOTicket {0},SOTicket {0}",
        "SOTicket {0}, Bearer {0}",
        "Bearer eyJhbGciOiJub25lIn0.e30., SOTicket {0}",
        "SOTicket {0}, Bearer eyJhbGciOiJub25lIn0.e30.",
        "Basic anNtaXRoOng=,SOTicket {0}",
        "SOTicket {0}, Negotiate YII=",
        "Digest username=x, realm=y, SOTicket {{{0}}}",
        "Bearer a,\tBearer {0}",
    ],
)
def test_headers_that_a_proxy_has_joined_count_as_if_they_were_apart(service: Service, joined: str) -> None:
    """RFC 9110 section 5.3: a recipient may join header lines with commas."""
    assert who(service, [("Authorization", joined.format(mint(service)))]) == "jsmith"


@pytest.mark.parametrize(
    "joined",
    [
        "SOTicket {0}, Bearer {1}",
        "Bearer {0}, SOTicket {1}",
        "SOTicket {0}, Basic x, SOTicket {1}",
        "SOTicket {0}, {0}",
        "SOTicket {0},",
        "SOTicket {0}, SOTicket abc",
    ],
)
def test_two_values_in_joined_headers_are_none(service: Service, two_tickets: dict[str, str], joined: str) -> None:
    """SECURITY D15 and T5: neither of them counts, and nor does the cookie."""
    good, other = two_tickets["jsmith"], two_tickets["other"]
    for first, second in ((good, other), (good, NOBODYS_TICKET)):
        headers = [("Authorization", joined.format(first, second)), ("Cookie", f"ticket={good}")]
        assert who(service, headers) == INVALID


@pytest.mark.parametrize("site", [None, "none", "same-origin", "same-site"])
def test_the_cookie_counts_from_the_same_site(service: Service, site: str | None) -> None:
    """SECURITY D3: where Sec-Fetch-Site is absent, `none`, `same-origin` or `same-site`."""
    headers = [("Cookie", f"ticket={mint(service)}")]
    assert who(service, headers if site is None else [*headers, ("Sec-Fetch-Site", site)]) == "jsmith"


@pytest.mark.parametrize("site", ["cross-site", "anything"])
@every_operation
def test_the_cookie_does_not_count_from_another_site(service: Service, operation: str, site: str) -> None:
    """SECURITY D3: another site's page can't act with it; the ticket lives on."""
    ticket = mint(service)
    headers = [("Cookie", f"ticket={ticket}"), ("Sec-Fetch-Site", site)]
    assert error_of(ask(service, operation, headers)) == INVALID
    assert service.is_valid(ticket)


@pytest.mark.parametrize(
    "said",
    [
        ("Origin", "http://evil.example"),
        ("Origin", "https://localhost.evil.example"),
        ("Origin", "http://localhost:1"),
        ("Origin", "null"),
        ("Referer", "http://evil.example/http://localhost/"),
        ("Referer", "http://evil.example/"),
    ],
)
@pytest.mark.parametrize("binding", ["GET", "POST", "SOAP 1.1", "SOAP 1.2"])
def test_another_sites_logout_does_nothing(service: Service, binding: str, said: tuple[str, str]) -> None:
    """SECURITY D3, from a browser that sends no Sec-Fetch-Site."""
    ticket = mint(service)
    headers = {"Cookie": f"ticket={ticket}", said[0]: said[1]}
    client = Client(service.http.application, use_cookies=False)
    if binding in {"GET", "POST"}:
        form = "application/x-www-form-urlencoded"
        answer = client.open("/srv.asmx/LogOut", method=binding, headers=headers, content_type=form)
    else:
        soap, content_type = (SOAP11, "text/xml") if binding == "SOAP 1.1" else (SOAP12, "application/soap+xml")
        body = envelope("LogOut", {}, soap=soap)
        answer = client.post("/srv.asmx", data=body, headers=headers, content_type=content_type)
    assert error_of(root_of(answer)) == INVALID
    assert service.is_valid(ticket)


def test_parameter_and_header_count_from_anywhere(service: Service) -> None:
    """A browser adds neither by itself, so Sec-Fetch-Site matters to the cookie alone."""
    ticket = mint(service)
    cross_site = ("Sec-Fetch-Site", "cross-site")
    assert who(service, [cross_site], AuthenticationTicket=ticket) == "jsmith"
    assert who(service, [cross_site, ("Authorization", f"Bearer {ticket}")]) == "jsmith"


@pytest.mark.parametrize("cookie", ["x=\xe9; ticket={}", "ticket={}; x=\ufffd", "\ufffd"])
def test_a_cookie_header_with_odd_bytes_is_read_as_far_as_it_can_be(service: Service, cookie: str) -> None:
    """Other programs' cookies on the same host may hold anything. The ticket beside them counts, and nothing fails."""
    ticket = service.log_in()
    request = Request(
        "GET", "/srv.asmx/isValidTicket", "", HeaderMap([("host", "localhost"), ("cookie", cookie.format(ticket))])
    )
    answer = service.composition.site.handle(request)
    assert answer.status == 200
    assert (b'success="true"' in answer.body) is ("ticket" in cookie)


@pytest.mark.parametrize(
    "cookie",
    [
        "ticket={}",
        "Ticket={}",
        "TICKET={}",
        "tIcKeT={}",
        'ticket="{}"',
        "ticket={{{}}}",
        "ticket = {} ",
        "a=1;ticket={};b=2",
        "ASP.NET_SessionId=x1y2; Ticket={}; .ASPXAUTH=0A0B",
        "__utma=1.2.3.4; __utmz=1.utmcsr=(direct)|utmccn=(direct); ticket={}",
        'prefs={{"a":[1,2],"b":"c"}}; ticket={}',
        "flag; =nameless; ; ;; ticket={}",
        'quoted="a; b"; ticket={}',
        'open="never closed; ticket={}',
        "a=b=c==; ticket={}; a=d",
        "$Version=1; ticket={}; $Path=/",
        "tickets=x; myticket=y; ticket.=z; ticket={}",
        "ticket=; ticket={}",
        "ticket={0}; Ticket={0}",
    ],
)
def test_the_cookie_is_found_among_others(service: Service, cookie: str) -> None:
    """Its name in any letter case, whatever stands beside it."""
    assert who(service, [("Cookie", cookie.format(mint(service)))]) == "jsmith"


@pytest.mark.parametrize(
    "cookie", ["tickets={}", "ticket_={}", "x=ticket={}", "ticket", "ticket={}x", "a=ticket; {}", "tıcket={}"]
)
def test_what_only_resembles_the_cookie_is_none(service: Service, cookie: str) -> None:
    """Only the whole name counts."""
    assert who(service, [("Cookie", cookie.format(mint(service)))]) == INVALID
