"""A ticket in a user name's place: identified, then checked, then renewed once, then noted once (CONTRACT 1.2)."""

from collections.abc import Callable

import pytest

from asmx_tickets.access.authentication import Authentication, Session
from asmx_tickets.access.refusals import AuthenticationFailed, GenerationNotAllowed, InvalidTicket
from asmx_tickets.tickets.ticket import digest, format_guid, short_hash
from tests.support.rules import CALLER, Rules
from tests.support.service import PASSWORD

DEAD = "00000000-1111-2222-3333-444444444444"

LogIn = Callable[[Authentication, str], Session]
LOGINS: dict[str, LogIn] = {
    "AuthenticateUser": lambda rules, name: rules.log_in(name, "", None, CALLER),
    "AuthenticateUser1": lambda rules, name: rules.log_in(name, "", "de", CALLER),
    "RenewTicket": lambda rules, name: rules.renew(name, "", None, None, CALLER),
    "RenewTicket with Lang": lambda rules, name: rules.renew(name, "", "de", None, CALLER),
}
every_login = pytest.mark.parametrize("log_in", LOGINS.values(), ids=LOGINS.keys())


def short(guid: bytes) -> str:
    return f"ticket {short_hash(digest(guid))}"


@pytest.fixture
def ticket(rules: Rules) -> bytes:
    guid = rules.authentication().log_in("jsmith", PASSWORD, None, CALLER).guid
    rules.noted()
    return guid


@every_login
def test_a_live_one_is_renewed_once_and_noted_once(rules: Rules, ticket: bytes, log_in: LogIn) -> None:
    assert log_in(rules.authentication(), format_guid(ticket)).guid == ticket
    assert rules.tickets.renewals == 1
    assert rules.noted() == [("renewal", "jsmith", "")]


@pytest.mark.parametrize("language", [None, "de"])
def test_as_uid_and_old_ticket_it_is_renewed_once_and_noted_once(
    rules: Rules, ticket: bytes, language: str | None
) -> None:
    session = rules.authentication().renew(format_guid(ticket), "", language, ticket, CALLER)
    assert (session.guid, session.ticket.language) == (ticket, language or "en")
    assert rules.tickets.renewals == 1
    assert rules.noted() == [("renewal", "jsmith", "")]


def test_with_an_old_ticket_of_the_user_only_that_is_renewed(rules: Rules, ticket: bytes) -> None:
    old = rules.authentication().log_in("jsmith", PASSWORD, None, CALLER).guid
    rules.noted()
    assert rules.authentication().renew(format_guid(ticket), "", None, old, CALLER).guid == old
    assert rules.tickets.renewals == 1
    assert rules.noted() == [("renewal", "jsmith", "")]


@every_login
def test_a_dead_one_is_noted(rules: Rules, log_in: LogIn) -> None:
    with pytest.raises(AuthenticationFailed):
        log_in(rules.authentication(), DEAD)
    [(event, name, reason)] = rules.noted()
    assert (event, reason) == ("login_refused", "dead ticket")
    assert name.startswith("ticket ")


@every_login
def test_the_sysadmins_is_refused_before_it_is_renewed_and_noted(rules: Rules, ticket: bytes, log_in: LogIn) -> None:
    before = rules.tickets.look(ticket)
    rules.clock.advance(60)
    with pytest.raises(GenerationNotAllowed):
        log_in(rules.authentication(sysadmin="JSmith"), format_guid(ticket))
    assert rules.tickets.look(ticket) == before
    assert rules.noted() == [("login_refused", "jsmith", "the sysadmin")]


@every_login
def test_one_that_ends_meanwhile_is_refused(rules: Rules, ticket: bytes, log_in: LogIn) -> None:
    rules.tickets.before_renewal = lambda: rules.tickets.remove(ticket)
    with pytest.raises(AuthenticationFailed):
        log_in(rules.authentication(), format_guid(ticket))
    assert rules.noted() == [("login_refused", short(ticket), "dead ticket")]


@pytest.mark.parametrize(
    "use",
    [
        lambda rules, guid: rules.validate(guid),
        lambda rules, guid: rules.use(guid),
        lambda rules, guid: rules.log_out(guid, CALLER),
    ],
    ids=["isValidTicket", "GetCurrentUser", "LogOut"],
)
def test_a_live_ticket_of_an_account_that_became_the_sysadmins_is_901(
    rules: Rules, ticket: bytes, use: Callable[[Authentication, bytes], Session]
) -> None:
    with pytest.raises(InvalidTicket):
        use(rules.authentication(sysadmin="JSMITH"), ticket)


def test_others_tickets_stay_alive(rules: Rules, ticket: bytes) -> None:
    assert rules.authentication(sysadmin="chief").validate(ticket).user.profile.user_name == "jsmith"
