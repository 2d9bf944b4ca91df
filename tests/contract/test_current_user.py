"""CONTRACT 1.3: GetCurrentUser."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta, timezone, tzinfo

import pytest
from werkzeug.test import TestResponse

from asmx_tickets.users.user import Profile
from tests.contract.steps import add_user, hash_of, in_every_binding, mint
from tests.support.service import PASSWORD, Service, error_of, root_of

USER = {
    "exists": "true",
    "UserID": "42",
    "FirstName": "John",
    "LastName": "Smith",
    "Email": "jsmith@example.com",
    "Enabled": "TRUE",
    "UserName": "jsmith",
    "Domain": "MyLibrary",
    "LastLogonDate": "",
    "LastPasswordChangeDate": "2026-02-18T14:35:00",
    "AuthenticationAuthority": "Native",
    "ReadOnlyUser": "FALSE",
}
PREFERENCES = {
    "Language": "English",
    "DefaultPortal": "",
    "ShowArchives": "FALSE",
    "ShowHiddens": "FALSE",
    "NotificationType": "INSTANT",
    "NotificationTypeId": "1",
    "EmailType": "HTML",
    "AttachDocumentToEmail": "FALSE",
}


def user_of(service: Service, ticket: str) -> dict[str, str]:
    user = service.call("GetCurrentUser", authenticationTicket=ticket).find("User")
    assert user is not None
    return dict(user.attrib)


def last_logon(service: Service, ticket: str) -> str:
    return user_of(service, ticket)["LastLogonDate"]


@in_every_binding
def test_the_user_has_the_attributes_of_the_contract_in_its_order(
    service: Service, call: Callable[..., TestResponse]
) -> None:
    """Success; child element `User` with its attributes, Preferences and TaskRedirection, as in the example."""
    root = root_of(call(service, "GetCurrentUser", authenticationTicket=mint(service)))
    assert root.attrib == {"success": "true"}
    (user,) = root
    assert (user.tag, list(user.attrib.items())) == ("User", list(USER.items()))
    preferences, redirection = user
    assert (preferences.tag, list(preferences.attrib.items())) == ("Preferences", list(PREFERENCES.items()))
    assert (redirection.tag, redirection.attrib, list(redirection)) == ("TaskRedirection", {}, [])


def test_the_document_is_the_contracts_to_the_letter(service: Service) -> None:
    """The bare root over GET, children indented by two spaces."""
    user = " ".join(f'{name}="{value}"' for name, value in USER.items())
    preferences = " ".join(f'{name}="{value}"' for name, value in PREFERENCES.items())
    assert service.get("GetCurrentUser", authenticationTicket=mint(service)).text == (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<root success="true">\n'
        f"  <User {user}>\n"
        f"    <Preferences {preferences} />\n"
        "    <TaskRedirection />\n"
        "  </User>\n"
        "</root>"
    )


def test_a_read_only_user_is_shown_as_one(service: Service) -> None:
    """`Enabled` and `ReadOnlyUser` are `TRUE`/`FALSE`."""
    service.composition.directory.change(42, profile=Profile("jsmith", read_only=True))
    user = user_of(service, mint(service))
    assert (user["ReadOnlyUser"], user["Enabled"]) == ("TRUE", "TRUE")


def test_a_profile_with_nothing_but_a_name_has_empty_attributes(service: Service) -> None:
    """All attributes are there, empty where there is nothing to say."""
    user_id = add_user(service, "other")
    user = user_of(service, mint(service, "other"))
    assert list(user) == list(USER)
    assert (user["UserID"], user["UserName"]) == (str(user_id), "other")
    assert [user[name] for name in ("FirstName", "LastName", "Email", "Domain")] == [""] * 4


# LastLogonDate


def test_there_is_no_last_logon_at_the_first_login(service: Service) -> None:
    """Dates are empty where there is none: this login itself does not count."""
    assert last_logon(service, service.log_in()) == ""


def test_last_logon_is_the_login_before_this_tickets(service: Service) -> None:
    """LastLogonDate is the last login with a password before this ticket's, and later ones don't change it."""
    first = service.log_in()
    service.clock.advance(days=1)
    second = service.log_in()
    service.clock.advance(days=1)
    third = service.log_in()
    assert [last_logon(service, ticket) for ticket in (first, second, third)] == [
        "",
        "2026-02-18T14:35:00",
        "2026-02-19T14:35:00",
    ]


def test_impersonation_does_not_count(service: Service) -> None:
    """A ticket of CreateTicketforUser is no login: neither for the next login nor for the next such ticket."""
    service.log_in()
    service.clock.advance(days=1)
    impersonated = mint(service)
    service.clock.advance(days=1)
    assert last_logon(service, impersonated) == "2026-02-18T14:35:00"
    assert last_logon(service, mint(service)) == "2026-02-18T14:35:00"
    assert last_logon(service, service.log_in()) == "2026-02-18T14:35:00"


def test_a_ticket_for_a_name_does_not_count(service: Service) -> None:
    """Only a login with a password counts, not a ticket that stands for one."""
    ticket = service.log_in()
    service.clock.advance(days=1)
    service.call("AuthenticateUser", UID=ticket, PWD="")
    service.clock.advance(days=1)
    assert last_logon(service, ticket) == ""
    assert last_logon(service, service.log_in()) == "2026-02-18T14:35:00"


def test_a_failed_login_does_not_count(service: Service) -> None:
    """A wrong password is no login."""
    service.log_in()
    service.clock.advance(days=1)
    error_of(service.call("AuthenticateUser", UID="jsmith", PWD="wrong"))
    service.clock.advance(days=1)
    assert last_logon(service, service.log_in()) == "2026-02-18T14:35:00"


def test_a_renewal_is_a_login_with_a_password(service: Service) -> None:
    """It leaves the renewed ticket's LastLogonDate as it is, and is the next ticket's."""
    ticket = service.log_in()
    service.clock.advance(days=1)
    service.call("RenewTicket", UID="jsmith", PWD=PASSWORD, OldTicket=ticket)
    service.clock.advance(days=1)
    assert last_logon(service, ticket) == ""
    assert last_logon(service, service.log_in()) == "2026-02-19T14:35:00"


# Other dates


def test_last_password_change_is_when_the_password_was_set(service: Service) -> None:
    """Not when it was last used, nor when the profile changed."""
    service.clock.advance(days=1)
    service.composition.directory.change(42, password_hash=hash_of(PASSWORD))
    service.clock.advance(days=1)
    service.composition.directory.change(42, profile=Profile("jsmith", first_name="Johnny"))
    assert user_of(service, service.log_in())["LastPasswordChangeDate"] == "2026-02-19T14:35:00"


@pytest.mark.parametrize(
    ("hours", "local"),
    [
        (0, "2026-02-18T14:35:00"),
        (5.5, "2026-02-18T20:05:00"),
        (10, "2026-02-19T00:35:00"),
        (-15, "2026-02-17T23:35:00"),
    ],
)
def test_dates_are_local(make_service_in: Callable[[tzinfo], Service], hours: float, local: str) -> None:
    """Without a zone; the day may be another than in UTC."""
    service = make_service_in(timezone(timedelta(hours=hours)))
    service.log_in()
    user = user_of(service, service.log_in())
    assert (user["LastLogonDate"], user["LastPasswordChangeDate"]) == (local, local)


@pytest.fixture
def central_europe(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's zone, with summer time from the last Sunday of March to that of October."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows has no other way to set the zone")
@pytest.mark.usefixtures("central_europe")
def test_local_time_is_the_machines_with_its_summer_time(make_service_in: Callable[[None], Service]) -> None:
    """A moment in winter is shown in winter time, even in summer."""
    service = make_service_in(None)
    service.log_in()
    service.clock.advance(days=150)
    service.composition.directory.change(42, password_hash=hash_of(PASSWORD))
    user = user_of(service, service.log_in())
    assert user["LastLogonDate"] == "2026-02-18T15:35:00"
    assert user["LastPasswordChangeDate"] == "2026-07-18T16:35:00"
    assert service.call("ServerInfo").attrib["UTC_Offset"] == "2"


# Language


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("en", "English"),
        ("de", "German"),
        ("fr", "French"),
        ("nl", "Dutch"),
        ("tr", "Turkish"),
        ("el", "Greek"),
        ("pt-BR", "Portuguese (Brazil)"),
    ],
)
def test_language_is_the_english_name_of_the_sessions_language(
    make_service: Callable[..., Service], code: str, name: str
) -> None:
    """Of any configured language, one with a region too."""
    codes = ("en", "de", "fr", "nl", "tr", "el", "pt-BR")
    service = make_service(**{f"Languages__Supported__{n}": each for n, each in enumerate(codes)})
    ticket = service.call("AuthenticateUser1", UID="jsmith", PWD=PASSWORD, Lang=code).attrib["ticket"]
    preferences = service.call("GetCurrentUser", authenticationTicket=ticket).find("User/Preferences")
    assert preferences is not None
    assert preferences.get("Language") == name
