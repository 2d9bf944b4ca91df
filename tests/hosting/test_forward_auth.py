"""The answer to a proxy that asks whose ticket a request brings (CONTRACT 1.2; SECURITY D3)."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asmx_tickets.errors import SettingsError, Unavailable
from asmx_tickets.hosting.forward_auth import percent_escaped
from asmx_tickets.settings.model import load_settings
from asmx_tickets.users.user import Profile
from spyne_asmx import HeaderMap, Request
from tests.support.service import HASHER, Clock, Service

DAYS = 86400


@pytest.fixture(scope="module")
def service(shared_service: Callable[..., Service]) -> Service:
    return shared_service(ForwardAuth__Path="/auth")


@pytest.fixture
def own_service(make_service: Callable[..., Service]) -> Service:
    """For a test that changes users."""
    return make_service(ForwardAuth__Path="/auth")


@dataclass
class Answer:
    status: int
    headers: dict[str, str]


def ask(service: Service, ticket: str | None = None, *more: tuple[str, str], method: str = "GET") -> Answer:
    """Ask with a ticket in the cookie, and more headers."""
    headers = [("Cookie", f"ticket={ticket}")] * (ticket is not None) + list(more)
    answer = service.composition.site.handle(Request(method, "/auth", "", HeaderMap(headers), host="site.example"))
    return Answer(answer.status, dict(answer.headers))


def test_a_ticket_names_its_user(service: Service) -> None:
    """Whether it comes in the cookie or in the header."""
    ticket = service.log_in()
    for answer in (ask(service, ticket), ask(service, None, ("Authorization", f"SOTicket {ticket}"))):
        assert answer.status == 200
        assert answer.headers["remote-user"] == "jsmith"
        assert answer.headers["remote-name"] == "John Smith"
        assert answer.headers["remote-email"] == "jsmith@example.com"
        assert "no-store" in answer.headers["cache-control"]
        assert ticket not in str(answer.headers)


def test_without_a_live_ticket_the_answer_is_401(service: Service) -> None:
    ticket = service.log_in()
    other = service.log_in()
    service.call("LogOut", AuthenticationTicket=ticket)
    for answer in (
        ask(service),
        ask(service, ticket),
        ask(service, "no-guid"),
        ask(service, other, ("Authorization", f"SOTicket {ticket}")),
        ask(service, other, ("Cookie", f"ticket={ticket}")),
    ):
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == "SOTicket"
        assert "remote-user" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Referer": "https://wiki.example.org/"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),
        ({"Sec-Fetch-Mode": "cors", "Origin": "http://site.example"}, 200),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 401),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Origin": "https://evil.example"}, 401),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Origin": "https://evil.example"}, 401),
        ({"Origin": "https://evil.example"}, 401),
        ({"Origin": "null"}, 401),
    ],
)
def test_a_page_of_another_site_may_link_there_and_no_more(
    service: Service, headers: dict[str, str], status: int
) -> None:
    """As with cookies that are SameSite=Lax: a link may, a form or a script may not."""
    assert ask(service, service.log_in(), *headers.items()).status == status


@pytest.mark.parametrize(("prolongs", "lives"), [("false", False), ("true", True)])
def test_it_prolongs_the_ticket_only_if_the_settings_say_so(
    make_service: Callable[..., Service], clock: Clock, prolongs: str, lives: bool
) -> None:
    service = make_service(ForwardAuth__Path="/auth", ForwardAuth__Prolongs=prolongs)
    ticket = service.log_in()
    clock.advance(20 * DAYS)
    assert ask(service, ticket).status == 200
    clock.advance(20 * DAYS)
    assert (ask(service, ticket).status == 200) is lives


def test_a_user_who_is_disabled_is_refused(own_service: Service) -> None:
    ticket = own_service.log_in()
    own_service.composition.directory.change(42, enabled=False)
    assert ask(own_service, ticket).status == 401


def test_a_name_of_any_letters_is_safe_in_a_header(own_service: Service) -> None:
    profile = Profile("jörg", first_name="Jörg 100%", last_name="Müller 李", email="")
    own_service.composition.directory.add(profile, HASHER.hash("Secret123!"))
    answer = ask(own_service, own_service.log_in("jörg"))
    assert answer.headers["remote-user"] == "j%C3%B6rg"
    assert answer.headers["remote-name"] == "J%C3%B6rg 100%25 M%C3%BCller %E6%9D%8E"
    assert answer.headers["remote-email"] == ""
    assert unquote(answer.headers["remote-name"]) == profile.full_name


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_headers_text_is_printable_ascii_and_can_be_read_back(text: str) -> None:
    written = percent_escaped(text)
    assert written.isascii()
    assert written.isprintable()
    assert unquote(written) == text


def test_a_store_that_is_out_is_503(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With 401, a proxy would send people to log in, which could not work. The log says why, once."""
    ticket = service.log_in()

    def out(_: bytes) -> None:
        raise Unavailable("Redis is gone")

    monkeypatch.setattr(service.composition.tickets, "look", out)
    answer = ask(service, ticket)
    assert answer.status == 503
    assert "retry-after" in answer.headers
    assert ask(service, ticket).status == 503
    (said,) = caplog.messages
    assert said.endswith(": Redis is gone")


def test_only_get_and_head_are_answered(service: Service) -> None:
    answer = ask(service, method="POST")
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD"


def test_it_is_off_unless_it_has_a_path(shared_service: Callable[..., Service]) -> None:
    service = shared_service()
    assert ask(service, service.log_in()).status == 404


@pytest.mark.parametrize("path", ["auth", "/healthz", "/srv.asmx", "/a b", "/auth/", "/..", "//x"])
def test_its_path_must_be_one_that_nothing_else_has(path: str) -> None:
    with pytest.raises(SettingsError, match="ForwardAuth:Path must be empty or a path of its own"):
        load_settings(environ={"ForwardAuth__Path": path})
