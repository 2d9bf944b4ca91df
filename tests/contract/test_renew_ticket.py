"""CONTRACT 1.2: RenewTicket with every kind of OldTicket, from every carrier."""

from collections.abc import Callable

import pytest

from tests.contract.steps import FAILED, NOBODYS_TICKET, add_user, ask, expire_on, in_30_days, mint
from tests.support.service import GUID, PASSWORD, Service, error_of

CARRIERS = {
    "parameter": lambda ticket: ([], {"OldTicket": ticket}),
    "SOTicket": lambda ticket: ([("Authorization", f"SOTicket {ticket}")], {}),
    "Bearer": lambda ticket: ([("Authorization", f"Bearer {ticket}")], {}),
    "cookie": lambda ticket: ([("Cookie", f"ticket={ticket}")], {}),
}
Carrier = Callable[[str], tuple[list[tuple[str, str]], dict[str, str]]]
in_every_carrier = pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS.keys())


def renew(service: Service, carrier: Carrier, ticket: str, *, user_name: str = "jsmith") -> str:
    """RenewTicket with name and password and an old ticket; the ticket that comes back."""
    headers, parameters = carrier(ticket)
    answer = ask(service, "RenewTicket", headers, UID=user_name, PWD=PASSWORD, **parameters)
    assert GUID.fullmatch(answer.attrib["ticket"])
    return answer.attrib["ticket"]


def owner(service: Service, ticket: str) -> str:
    return service.call("isValidTicket", AuthenticationTicket=ticket).attrib["username"]


@in_every_carrier
def test_alive_and_of_the_same_user_is_the_same_guid_restarted(service: Service, carrier: Carrier) -> None:
    """OldTicket alive and of the same user → the same GUID, its window restarted."""
    ticket = mint(service)
    service.clock.advance(days=29)
    assert renew(service, carrier, ticket) == ticket
    assert expire_on(service, ticket) == in_30_days(service)


def test_the_answer_to_a_renewal_tells_the_restarted_window(service: Service) -> None:
    """expireOn is the renewed ticket's."""
    ticket = mint(service)
    service.clock.advance(days=29)
    answer = service.call("RenewTicket", UID="jsmith", PWD=PASSWORD, OldTicket=ticket)
    assert answer.attrib["expireOn"] == in_30_days(service)


@in_every_carrier
def test_unknown_is_a_new_guid(service: Service, carrier: Carrier) -> None:
    """OldTicket unknown → a new GUID: one that was not made here is never adopted (SECURITY T3)."""
    assert renew(service, carrier, NOBODYS_TICKET) != NOBODYS_TICKET
    assert not service.is_valid(NOBODYS_TICKET)


@in_every_carrier
def test_expired_is_a_new_guid(service: Service, carrier: Carrier) -> None:
    """OldTicket dead → a new GUID, and the old one stays dead."""
    old = mint(service)
    service.clock.advance(days=30)
    new = renew(service, carrier, old)
    assert new != old
    assert service.is_valid(new)
    assert not service.is_valid(old)


@in_every_carrier
def test_logged_out_is_a_new_guid(service: Service, carrier: Carrier) -> None:
    """OldTicket dead → a new GUID: no renewal revives what LogOut has ended."""
    old = mint(service)
    service.call("LogOut", AuthenticationTicket=old)
    new = renew(service, carrier, old)
    assert new != old
    assert not service.is_valid(old)


def test_ended_by_a_new_password_is_a_new_guid(service: Service) -> None:
    """OldTicket dead → a new GUID: a ticket from before the password was changed is dead."""
    old = mint(service)
    known = service.composition.directory.find("jsmith")
    assert known is not None
    service.composition.directory.change(42, password_hash=known.password_hash)
    assert renew(service, CARRIERS["parameter"], old) != old
    assert not service.is_valid(old)


@in_every_carrier
def test_another_users_is_a_new_guid_and_the_others_is_untouched(service: Service, carrier: Carrier) -> None:
    """OldTicket alive but of another user → a new GUID, the other's ticket untouched (SECURITY T6)."""
    add_user(service, "other", language="nl")
    others = mint(service, "other")
    before = expire_on(service, others)
    service.clock.advance(days=29)
    new = renew(service, carrier, others)
    assert new != others
    assert owner(service, new) == "jsmith"
    assert owner(service, others) == "other"
    assert expire_on(service, others) == before


@pytest.mark.parametrize("parameters", [{}, {"OldTicket": ""}, {"OldTicket": " \t\n"}])
def test_without_any_it_is_a_login(service: Service, parameters: dict[str, str]) -> None:
    """No OldTicket, no header, no cookie → as AuthenticateUser1; white space alone is empty."""
    old = mint(service)
    new = service.call("RenewTicket", UID="jsmith", PWD=PASSWORD, **parameters).attrib["ticket"]
    assert new != old
    assert owner(service, new) == "jsmith"
    assert service.is_valid(old)


@pytest.mark.parametrize("carrier", ["SOTicket", "Bearer", "cookie"])
@pytest.mark.parametrize("old_ticket", ["", " \t\n"])
def test_header_and_cookie_stand_in_for_an_empty_old_ticket(service: Service, carrier: str, old_ticket: str) -> None:
    """Where OldTicket is not supplied or empty, the server looks at header and cookie."""
    ticket = mint(service)
    headers, _ = CARRIERS[carrier](ticket)
    answer = ask(service, "RenewTicket", headers, UID="jsmith", PWD=PASSWORD, OldTicket=old_ticket)
    assert answer.attrib["ticket"] == ticket


@pytest.mark.parametrize("carrier", ["SOTicket", "Bearer", "cookie"])
def test_a_header_or_cookie_that_is_no_guid_counts_as_absent(service: Service, carrier: str) -> None:
    """A header or cookie that is no GUID counts as absent here: no `invalid ticket format`, but a login."""
    assert owner(service, renew(service, CARRIERS[carrier], "abc")) == "jsmith"


def test_an_old_ticket_wins_over_header_and_cookie_even_when_it_is_dead(service: Service) -> None:
    """As a login, it gives a new ticket: neither the dead one nor the header's."""
    ticket = mint(service)
    headers = [("Authorization", f"SOTicket {ticket}"), ("Cookie", f"ticket={ticket}")]
    answer = ask(service, "RenewTicket", headers, UID="jsmith", PWD=PASSWORD, OldTicket=NOBODYS_TICKET)
    assert answer.attrib["ticket"] not in {ticket, NOBODYS_TICKET}


def test_a_header_wins_over_the_cookie_even_when_it_is_dead(service: Service) -> None:
    """As a login, it gives a new ticket: neither the dead one nor the cookie's."""
    ticket = mint(service)
    headers = [("Authorization", f"SOTicket {NOBODYS_TICKET}"), ("Cookie", f"ticket={ticket}")]
    answer = ask(service, "RenewTicket", headers, UID="jsmith", PWD=PASSWORD)
    assert answer.attrib["ticket"] not in {ticket, NOBODYS_TICKET}


def test_behind_a_header_that_is_no_guid_the_cookie_counts(service: Service) -> None:
    """It counts as absent here, so the next carrier is asked."""
    ticket = mint(service)
    headers = [("Authorization", "SOTicket nonsense"), ("Cookie", f"ticket={ticket}")]
    assert ask(service, "RenewTicket", headers, UID="jsmith", PWD=PASSWORD).attrib["ticket"] == ticket


def test_a_cookie_from_another_site_renews_nothing(service: Service) -> None:
    """SECURITY D3: such a cookie counts as absent."""
    ticket = mint(service)
    before = expire_on(service, ticket)
    service.clock.advance(days=1)
    headers = [("Cookie", f"ticket={ticket}"), ("Sec-Fetch-Site", "cross-site")]
    assert ask(service, "RenewTicket", headers, UID="jsmith", PWD=PASSWORD).attrib["ticket"] != ticket
    assert expire_on(service, ticket) == before


@in_every_carrier
@pytest.mark.parametrize(("user_name", "password"), [("jsmith", "wrong"), ("jsmith", ""), ("nobody", PASSWORD)])
def test_the_credentials_are_checked_even_when_the_old_ticket_is_alive(
    service: Service, carrier: Carrier, user_name: str, password: str
) -> None:
    """In whichever carrier it comes."""
    headers, parameters = carrier(mint(service))
    answer = ask(service, "RenewTicket", headers, UID=user_name, PWD=password, **parameters)
    assert error_of(answer) == FAILED
