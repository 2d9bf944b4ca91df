"""CONTRACT 1.2: how long a ticket lives, its language, its end, and how GUIDs are spelled."""

from collections.abc import Callable

import pytest

from asmx_tickets.users.user import Profile
from tests.contract.steps import INVALID, add_user, ask, expire_on, in_30_days, mint
from tests.support.service import PASSWORD, Service, error_of

Step = Callable[[Service, str], object]

# The window


def test_the_window_ends_at_the_second(service: Service) -> None:
    """Alive a second before 30 days are over, dead when they are."""
    ticket = mint(service)
    service.clock.advance(-1, days=30)
    assert service.is_valid(ticket)
    service.clock.advance(1)
    assert not service.is_valid(ticket)


def test_the_length_of_the_window_is_a_setting(make_service: Callable[..., Service]) -> None:
    """The length is a setting, and expireOn tells it."""
    service = make_service(Tickets__SlidingExpiration="00:20:00")
    ticket = mint(service)
    assert expire_on(service, ticket) == "2026-02-18T14:55:00Z"
    service.clock.advance(20 * 60)
    assert not service.is_valid(ticket)


USES: dict[str, Step] = {
    "GetCurrentUser": lambda service, ticket: service.call("GetCurrentUser", authenticationTicket=ticket),
    "GetCurrentUser by header": lambda service, ticket: ask(
        service, "GetCurrentUser", [("Authorization", f"SOTicket {ticket}")]
    ),
    "GetCurrentUser by cookie": lambda service, ticket: ask(
        service, "GetCurrentUser", [("Cookie", f"ticket={ticket}")]
    ),
    "RenewTicket": lambda service, ticket: service.call("RenewTicket", UID="jsmith", PWD=PASSWORD, OldTicket=ticket),
    "RenewTicket by header": lambda service, ticket: ask(
        service, "RenewTicket", [("Authorization", f"Bearer {ticket}")], UID="jsmith", PWD=PASSWORD
    ),
    "AuthenticateUser for a name": lambda service, ticket: service.call("AuthenticateUser", UID=ticket, PWD=""),
    "AuthenticateUser1 for a name": lambda service, ticket: service.call(
        "AuthenticateUser1", UID=ticket, PWD="", Lang="de"
    ),
    "RenewTicket for a name": lambda service, ticket: service.call("RenewTicket", UID=ticket, PWD=""),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_a_use_restarts_the_window(service: Service, use: Step) -> None:
    """A use is any successful call that takes the ticket: one on day 29 keeps it alive on day 58."""
    ticket = mint(service)
    service.clock.advance(days=29)
    use(service, ticket)
    assert expire_on(service, ticket) == in_30_days(service)
    service.clock.advance(days=29)
    assert service.is_valid(ticket)


def renewal_by_another_user(service: Service, ticket: str) -> None:
    add_user(service, "other")
    service.call("RenewTicket", UID="other", PWD=PASSWORD, OldTicket=ticket)


NO_USES: dict[str, Step] = {
    "isValidTicket": lambda service, ticket: service.call("isValidTicket", AuthenticationTicket=ticket),
    "isValidTicket by header": lambda service, ticket: ask(
        service, "isValidTicket", [("Authorization", f"SOTicket {ticket}")]
    ),
    "ServerInfo takes none": lambda service, ticket: ask(
        service, "ServerInfo", [("Authorization", f"SOTicket {ticket}"), ("Cookie", f"ticket={ticket}")]
    ),
    "AuthenticateUser takes none beside a name": lambda service, ticket: ask(
        service, "AuthenticateUser", [("Cookie", f"ticket={ticket}")], UID="jsmith", PWD=PASSWORD
    ),
    "a parameter wins": lambda service, ticket: ask(
        service, "GetCurrentUser", [("Authorization", f"SOTicket {ticket}")], authenticationTicket=mint(service)
    ),
    "RenewTicket fails": lambda service, ticket: service.call(
        "RenewTicket", UID="jsmith", PWD="wrong", OldTicket=ticket
    ),
    "RenewTicket by another user": renewal_by_another_user,
    "a ticket and a password": lambda service, ticket: service.call("AuthenticateUser", UID=ticket, PWD="wrong"),
    "LogOut of another ticket": lambda service, ticket: service.call("LogOut", AuthenticationTicket=mint(service)),
}


@pytest.mark.parametrize("call", NO_USES.values(), ids=NO_USES.keys())
def test_what_is_no_use_leaves_the_window_as_it_is(service: Service, call: Step) -> None:
    """A use is any *successful* call that *takes* the ticket, except isValidTicket."""
    ticket = mint(service)
    before = expire_on(service, ticket)
    service.clock.advance(days=29)
    call(service, ticket)
    assert expire_on(service, ticket) == before


def test_an_expired_ticket_is_gone_for_good(service: Service) -> None:
    """Not even a clock that is set back revives it."""
    ticket = mint(service)
    service.clock.advance(days=30)
    assert not service.is_valid(ticket)
    service.clock.advance(days=-29)
    assert not service.is_valid(ticket)


def test_after_expiry_a_new_login_gives_a_new_guid(service: Service) -> None:
    """A new login gives a new GUID; the old one stays dead."""
    old = service.log_in()
    service.clock.advance(days=30)
    assert service.log_in() != old
    assert not service.is_valid(old)


def test_every_login_gives_another_ticket(service: Service) -> None:
    """A user may have any number of tickets, all alive."""
    tickets = {service.log_in(), service.log_in(), mint(service)}
    assert len(tickets) == 3
    assert all(service.is_valid(ticket) for ticket in tickets)


# Lang


def language_of(service: Service, ticket: str) -> str | None:
    preferences = service.call("GetCurrentUser", authenticationTicket=ticket).find("User/Preferences")
    assert preferences is not None
    return preferences.get("Language")


@pytest.mark.parametrize("operation", ["AuthenticateUser1", "RenewTicket"])
@pytest.mark.parametrize(
    ("lang", "language"),
    [
        ("en", "English"),
        ("de", "German"),
        ("DE", "German"),
        ("tR", "Turkish"),
        ("xx", "English"),
        ("de-AT", "English"),
        ("German", "English"),
        ("d", "English"),
        ("", "Dutch"),
        (None, "Dutch"),
    ],
)
def test_lang_sets_the_sessions_language(service: Service, operation: str, lang: str | None, language: str) -> None:
    """Matched without regard to case; unknown → the system default; empty → the user's own preference."""
    add_user(service, "other", language="nl")
    parameters = {"UID": "other", "PWD": PASSWORD} | ({} if lang is None else {"Lang": lang})
    assert language_of(service, service.call(operation, **parameters).attrib["ticket"]) == language


def test_an_unknown_lang_is_the_system_default(make_service: Callable[..., Service]) -> None:
    """It is a setting, and counts for a user without a preference too."""
    service = make_service(Languages__Default="tr")
    unknown = service.call("AuthenticateUser1", UID="jsmith", PWD=PASSWORD, Lang="xx").attrib["ticket"]
    assert language_of(service, unknown) == "Turkish"
    add_user(service, "other")
    assert language_of(service, mint(service, "other")) == "Turkish"


@pytest.mark.parametrize("user_name", ["jsmith", "other"])
def test_without_lang_the_session_has_the_users_own_language(service: Service, user_name: str) -> None:
    """AuthenticateUser and CreateTicketforUser have no Lang: the user's own preference."""
    add_user(service, "other", language="FR")
    expected = {"jsmith": "English", "other": "French"}[user_name]
    assert language_of(service, service.log_in(user_name)) == expected
    assert language_of(service, mint(service, user_name)) == expected


def test_lang_is_the_sessions_only(service: Service) -> None:
    """The profile does not change, and neither do the user's other sessions, the older and the newer."""
    before = service.log_in()
    german = service.call("AuthenticateUser1", UID="jsmith", PWD=PASSWORD, Lang="de").attrib["ticket"]
    after = service.log_in()
    assert [language_of(service, ticket) for ticket in (before, german, after)] == ["English", "German", "English"]
    stored = service.composition.directory.get(42)
    assert stored is not None
    assert stored.profile.language == "en"


def test_lang_of_a_renewal_is_the_sessions_from_then_on(service: Service) -> None:
    """RenewTicket with a live OldTicket sets that session's language."""
    ticket = mint(service)
    service.call("RenewTicket", UID="jsmith", PWD=PASSWORD, Lang="fr", OldTicket=ticket)
    assert language_of(service, ticket) == "French"


# LogOut


@pytest.mark.parametrize(
    ("operation", "parameter"),
    [
        ("isValidTicket", "AuthenticationTicket"),
        ("GetCurrentUser", "authenticationTicket"),
        ("LogOut", "AuthenticationTicket"),
    ],
)
def test_after_log_out_the_very_next_call_gets_901(service: Service, operation: str, parameter: str) -> None:
    """LogOut removes the ticket at once."""
    ticket = mint(service)
    assert service.call("LogOut", AuthenticationTicket=ticket).attrib == {"success": "true"}
    assert error_of(service.call(operation, **{parameter: ticket})) == INVALID


@pytest.mark.parametrize(
    "headers", [("Authorization", "SOTicket {}"), ("Authorization", "Bearer {}"), ("Cookie", "ticket={}")]
)
def test_log_out_takes_the_ticket_from_header_and_cookie(service: Service, headers: tuple[str, str]) -> None:
    """As every operation does that takes a ticket."""
    ticket = mint(service)
    name, value = headers
    assert ask(service, "LogOut", [(name, value.format(ticket))]).attrib == {"success": "true"}
    assert not service.is_valid(ticket)


def test_log_out_ends_that_ticket_only(service: Service) -> None:
    """The user's other tickets live on."""
    first, second = mint(service), mint(service)
    service.call("LogOut", AuthenticationTicket=first)
    assert service.is_valid(second)


def test_a_refused_log_out_ends_nothing(service: Service) -> None:
    """A wrong parameter wins over the cookie, whose ticket stays alive."""
    ticket = mint(service)
    assert error_of(ask(service, "LogOut", [("Cookie", f"ticket={ticket}")], AuthenticationTicket="abc")) == INVALID
    assert service.is_valid(ticket)


# GUIDs


def known_ticket(service: Service) -> str:
    """A ticket with digits and letters in every place that a spelling changes."""
    guid = "0a1b2c3d-4e5f-0a1b-2c3d-4e5f0a1b2c3d"
    user = service.composition.directory.get(42)
    assert user is not None
    service.composition.tickets.add(
        bytes.fromhex(guid.replace("-", "")),
        user_id=user.id,
        security_stamp=user.security_stamp,
        language="en",
        previous_logon=None,
    )
    return guid


def test_a_ticket_is_given_back_in_lower_case_with_hyphens(service: Service) -> None:
    """`ticket` is a GUID in lower case with hyphens, however it was sent."""
    ticket = known_ticket(service)
    sent = f"{{{ticket.upper()}}}"
    assert service.call("RenewTicket", UID="jsmith", PWD=PASSWORD, OldTicket=sent).attrib["ticket"] == ticket
    assert service.call("AuthenticateUser", UID=sent, PWD="").attrib["ticket"] == ticket


# The account since


def test_a_ticket_shows_the_current_profile(service: Service) -> None:
    """A ticket is an identity: what it shows of the user is not frozen at login."""
    ticket = mint(service)
    service.composition.directory.change(42, profile=Profile("john.smith", first_name="Johnny", last_name="Smith"))
    root = service.call("isValidTicket", AuthenticationTicket=ticket)
    assert (root.attrib["username"], root.attrib["fullname"]) == ("john.smith", "Johnny Smith")
