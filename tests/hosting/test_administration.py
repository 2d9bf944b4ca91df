"""What operators can do with the stores, whatever they type."""

from collections.abc import Callable, Iterator

import pytest

from asmx_tickets.errors import Unavailable, UserError
from asmx_tickets.hosting.administration import Status, StoreAdministration
from asmx_tickets.hosting.figures import Figures
from asmx_tickets.throttling import LOGINS, MemoryThrottle
from asmx_tickets.tickets import (
    TicketCache,
    TicketRules,
    TicketSummary,
    digest,
    format_guid,
    new_guid,
    short_hash,
)
from asmx_tickets.tickets.memory import MemoryTicketCache
from tests.support.service import Clock
from tests.throttling.attempts import fail


@pytest.fixture
def tickets(clock: Clock) -> MemoryTicketCache:
    return MemoryTicketCache(TicketRules(100.0), clock=clock)


@pytest.fixture
def operations(tickets: MemoryTicketCache, clock: Clock) -> StoreAdministration:
    return StoreAdministration(tickets, MemoryThrottle(LOGINS, clock=clock))


def add(tickets: TicketCache) -> bytes:
    tickets.add(guid := new_guid(), user_id=42, security_stamp=1, language="en", previous_logon=None)
    return guid


@pytest.mark.parametrize("name", [format_guid, lambda guid: short_hash(digest(guid))], ids=["GUID", "short hash"])
def test_a_ticket_is_found_and_ended(
    tickets: MemoryTicketCache, operations: StoreAdministration, name: Callable[[bytes], str]
) -> None:
    guid, other = add(tickets), add(tickets)
    assert operations.owner(name(guid)) == 42
    assert operations.revoke(name(guid)) == 1
    assert operations.revoke(name(guid)) == 0
    with pytest.raises(UserError, match="no such live ticket"):
        operations.owner(name(guid))
    assert operations.owner(name(other)) == 42


@pytest.mark.parametrize("text", ["", "*", "nonsense", "0a1b2c3d4e", "[0-9a-f]"])
def test_text_that_names_no_ticket_is_refused(operations: StoreAdministration, text: str) -> None:
    for ask in (operations.owner, operations.revoke):
        with pytest.raises(UserError, match="8 hexadecimal digits"):
            ask(text)


def test_a_short_hash_that_two_tickets_share_names_neither(operations: StoreAdministration) -> None:
    """Two tickets share one in 4 billion cases; their GUIDs tell them apart."""
    twins = [TicketSummary(each, 0.0, 1.0, "0a1b2c3d") for each in (1, 2)]
    operations._tickets.named = lambda _: twins  # type: ignore[method-assign]  # no two such tickets can be made
    with pytest.raises(UserError, match="2 live tickets have this short hash"):
        operations.owner("0a1b2c3d")


def test_users_are_unlocked_by_their_ids(operations: StoreAdministration) -> None:
    for _ in range(5):
        fail(operations._logins, "42")
    assert [*operations.locked()] == [42]
    assert operations.failures(42)[0].number == 5
    assert operations.unlock(42)
    assert [*operations.locked()] == []


def test_status_names_the_store_that_is_out_and_reports_the_rest(clock: Clock, tickets: MemoryTicketCache) -> None:
    def out() -> None:
        raise Unavailable("Redis does not answer.")

    class Gone(MemoryThrottle):
        def locked(self) -> Iterator[str]:
            raise Unavailable("Redis does not answer.")

    add(tickets)
    checks: dict[str, Callable[[], object]] = {"users": dict, "tickets": out}
    for throttle, locked in ((MemoryThrottle(LOGINS, clock=clock), 0), (Gone(LOGINS, clock=clock), None)):
        operations = StoreAdministration(tickets, throttle)
        told = Status(Figures(now=clock), tickets, operations, checks, workers=1).status()
        assert (told["tickets"], told.get("locked"), told["uptime"]) == (1, locked, 0)
        assert told["stores"] == {"users": "ok", "tickets": "Redis does not answer."}
