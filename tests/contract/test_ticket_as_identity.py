"""CONTRACT 1.2: a ticket is an identity: it stands for a user name and a password."""

from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from tests.contract.steps import (
    DEAD_TICKETS,
    FAILED,
    NOBODYS_TICKET,
    add_user,
    ask,
    expire_on,
    in_30_days,
    in_every_binding,
    mint,
)
from tests.support.service import PASSWORD, TRUSTED_PASSWORD, Service, error_of, root_of

LOGINS = ("AuthenticateUser", "AuthenticateUser1", "RenewTicket")
every_login = pytest.mark.parametrize("operation", LOGINS)


@in_every_binding
@every_login
def test_a_live_ticket_and_an_empty_password_answer_with_that_same_ticket(
    service: Service, call: Callable[..., TestResponse], operation: str
) -> None:
    """AuthenticateUser(UID=ticket, PWD="") answers with that same ticket, window restarted."""
    ticket = mint(service)
    service.clock.advance(days=29)
    root = root_of(call(service, operation, UID=ticket, PWD=""))
    assert root.attrib["ticket"] == ticket
    assert root.attrib["username"] == "jsmith"
    assert root.attrib["expireOn"] == in_30_days(service) == expire_on(service, ticket)


@every_login
def test_a_password_left_out_counts_as_empty(service: Service, operation: str) -> None:
    """In SOAP. A form without PWD lacks a parameter."""
    ticket = mint(service)
    assert service.call(operation, UID=ticket).attrib["ticket"] == ticket


@pytest.mark.parametrize("spelling", ["{{{}}}", "({})", " {} "])
def test_the_ticket_may_be_spelled_in_any_way(service: Service, spelling: str) -> None:
    """As everywhere else (CONTRACT 1.2)."""
    ticket = mint(service)
    assert service.call("AuthenticateUser", UID=spelling.format(ticket.upper()), PWD="").attrib["ticket"] == ticket


def test_any_number_of_clients_may_share_one(service: Service) -> None:
    """A ticket is not a session: all of them get the same one, and it is the only one there is."""
    ticket = mint(service)
    answers = [service.call("AuthenticateUser", UID=ticket, PWD="").attrib["ticket"] for _ in range(5)]
    assert answers == [ticket] * 5
    assert len(list(service.composition.tickets.summaries())) == 1


@every_login
@pytest.mark.parametrize("dead", DEAD_TICKETS)
def test_a_dead_one_is_900(service: Service, operation: str, dead: Callable[[Service], str]) -> None:
    """Not [901]: in place of a name it is a wrong name."""
    assert error_of(service.call(operation, UID=dead(service), PWD="")) == FAILED


@every_login
@pytest.mark.parametrize("password", ["wrong", PASSWORD, " "])
def test_a_live_ticket_with_a_password_is_900(service: Service, operation: str, password: str) -> None:
    """A live ticket and an *empty* password: with any other it is a name, and nobody's."""
    assert error_of(service.call(operation, UID=mint(service), PWD=password)) == FAILED


@every_login
def test_header_and_cookie_are_no_identity(service: Service, operation: str) -> None:
    """They stand in for ticket parameters, never for UID."""
    ticket = mint(service)
    headers = [("Authorization", f"SOTicket {ticket}"), ("Cookie", f"ticket={ticket}")]
    assert error_of(ask(service, operation, headers, UID="", PWD="")) == FAILED


def test_an_identitys_lang_is_the_sessions(service: Service) -> None:
    """Lang sets the session's language: here that of the ticket itself."""
    ticket = mint(service)
    service.call("AuthenticateUser1", UID=ticket, PWD="", Lang="de")
    preferences = service.call("GetCurrentUser", authenticationTicket=ticket).find("User/Preferences")
    assert preferences is not None
    assert preferences.get("Language") == "German"


# OldTicket beside it


def test_an_old_ticket_of_the_same_user_beside_it_is_renewed(service: Service) -> None:
    """An OldTicket beside it is renewed if it is the same user's."""
    identity, old = mint(service), mint(service)
    service.clock.advance(days=29)
    assert service.call("RenewTicket", UID=identity, PWD="", OldTicket=old).attrib["ticket"] == old
    assert expire_on(service, old) == in_30_days(service)


def test_an_old_ticket_of_another_user_beside_it_is_not_renewed(service: Service) -> None:
    """An OldTicket beside it is renewed *only* if it is the same user's: the other's stays as it is."""
    add_user(service, "other")
    identity, others = mint(service), mint(service, "other")
    before = expire_on(service, others)
    service.clock.advance(days=29)
    root = service.call("RenewTicket", UID=identity, PWD="", OldTicket=others)
    assert root.attrib["username"] == "jsmith"
    assert root.attrib["ticket"] != others
    assert expire_on(service, others) == before


def test_a_dead_old_ticket_beside_it_stays_dead(service: Service) -> None:
    """The identity gives no rights that the ticket does not have: it revives nothing."""
    root = service.call("RenewTicket", UID=mint(service), PWD="", OldTicket=NOBODYS_TICKET)
    assert root.attrib["username"] == "jsmith"
    assert not service.is_valid(NOBODYS_TICKET)


def test_the_same_ticket_may_stand_in_both_places(service: Service) -> None:
    """OldTicket alive and of the same user → the same GUID."""
    ticket = mint(service)
    service.clock.advance(days=29)
    root = service.call("RenewTicket", UID=ticket, PWD="", OldTicket=ticket)
    assert root.attrib["ticket"] == ticket
    assert root.attrib["expireOn"] == in_30_days(service)


def test_a_dead_identity_renews_no_old_ticket(service: Service) -> None:
    """The identity is checked even when OldTicket is alive; [900], and the window stays as it is."""
    old = mint(service)
    before = expire_on(service, old)
    service.clock.advance(days=29)
    assert error_of(service.call("RenewTicket", UID=NOBODYS_TICKET, PWD="", OldTicket=old)) == FAILED
    assert expire_on(service, old) == before


# CreateTicketforUser


def test_create_ticket_for_user_takes_no_ticket_for_a_name(service: Service) -> None:
    """CreateTicketforUser takes no ticket for a name, nor for the secret."""
    ticket = mint(service)
    for secret, name in [(TRUSTED_PASSWORD, ticket), ("", ticket), (ticket, "jsmith")]:
        assert error_of(service.call("CreateTicketforUser", TrustedUserPwd=secret, UserName=name)) == FAILED
