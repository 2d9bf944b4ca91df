"""The stores that the settings name."""

import logging
from pathlib import Path

import pytest

from asmx_tickets.errors import Unavailable
from asmx_tickets.hosting.stores import EvictionWarnings, open_stores, recall_networks
from asmx_tickets.settings.model import Settings
from asmx_tickets.settings.sections import ConnectionStrings, Tickets
from asmx_tickets.settings.types import ConnectionString
from asmx_tickets.throttling import LOGINS, TRUSTED_PASSWORDS, Attempt, MemoryThrottle
from asmx_tickets.tickets import Origin, TicketRules, new_guid
from asmx_tickets.tickets.cache import TicketSummary
from asmx_tickets.tickets.memory import MemoryTicketCache
from tests.support.processes import free_port
from tests.support.redis import RedisServer
from tests.support.service import Clock
from tests.throttling.attempts import ACCOUNT, ADMITTED, fail, lock


def test_evictions_are_logged_once_a_minute(clock: Clock, logged: list[logging.LogRecord]) -> None:
    """SECURITY D17: the first at once, then the number of those since."""
    warn = EvictionWarnings(clock)
    ended = TicketSummary(42, 0.0, 0.0, "0a1b2c3d")
    for _ in range(3):
        warn(ended)
    clock.advance(60)
    warn(ended)
    said = [record.getMessage() for record in logged]
    assert [line.partition(" live")[0] for line in said] == ["ended 1", "ended 3"]
    assert "0a1b2c3d of user 42" in said[0]


def test_stores_in_memory_keep_tickets_over_a_restart(clock: Clock, tmp_path: Path) -> None:
    """Only if Tickets:PersistTo names a file."""
    guid = bytes(16)
    for file, survives in ((str(tmp_path / "tickets.bin"), True), ("", False)):
        settings = Settings(tickets=Tickets(persist_to=file))
        before, after = (open_stores(settings, clock=clock, steady_clock=clock) for _ in range(2))
        before.start()
        before.tickets.add(guid, user_id=42, security_stamp=1, language="en", previous_logon=None)
        before.stop()
        after.start()
        assert (after.tickets.look(guid) is not None) is survives
        assert (after.warnings(), dict(after.checks)) == ((), {})


def test_known_networks_outlive_a_restart_with_the_tickets(clock: Clock) -> None:
    """SECURITY D19: those from which live tickets were requested, and those that sent the right TrustedUserPwd."""
    tickets, logins, trusted = (
        MemoryTicketCache(TicketRules(100.0), clock=clock),
        MemoryThrottle(LOGINS, clock=clock),
        MemoryThrottle(TRUSTED_PASSWORDS, clock=clock),
    )
    for origin in (Origin("198.51.100.1", "SOAP 1.1"), Origin("198.51.100.2", "SOAP 1.1", True), Origin()):
        tickets.add(new_guid(), user_id=42, security_stamp=1, language="en", previous_logon=None, origin=origin)
    recall_networks(tickets, logins, trusted, clock)
    lock(logins, "42", address="203.0.113.1")
    for address, admission in (("198.51.100.1", ADMITTED), ("198.51.100.2", ACCOUNT)):
        assert logins.admit(Attempt("42", True, address)) is admission
    for address, knows in (("198.51.100.1", False), ("198.51.100.2", True)):
        for _ in range(5):
            fail(trusted, "", address=address)
        assert trusted.recognize(Attempt("", False, address)) is knows


def test_stores_in_redis_report_whether_it_answers(clock: Clock, shared_redis: RedisServer) -> None:
    """At the start by a warning, and later by a check of /readyz."""
    there, gone = (
        open_stores(
            Settings(connection_strings=ConnectionStrings(tickets=ConnectionString(url))),
            clock=clock,
            steady_clock=clock,
        )
        for url in (shared_redis.url, f"redis://127.0.0.1:{free_port()}/0")
    )
    there.checks["tickets"]()
    assert not any("127.0.0.1" in line for line in there.warnings())
    with pytest.raises(Unavailable):
        gone.checks["tickets"]()
    assert len(gone.warnings()) == 1
    for stores in (there, gone):
        stores.start()
        stores.stop()
