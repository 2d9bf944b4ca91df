"""The stores as the settings want them."""

import logging

from asmx_tickets.hosting.stores import EvictionWarnings
from asmx_tickets.tickets.cache import TicketSummary
from tests.conftest import Clock


def test_evictions_are_told_once_a_minute(clock: Clock, logged: list[logging.LogRecord]) -> None:
    """SECURITY D17: the first at once; then how many there were since."""
    warn = EvictionWarnings(clock)
    ended = TicketSummary(42, 0.0, 0.0, "0a1b2c3d")
    for _ in range(3):
        warn(ended)
    clock.advance(60)
    warn(ended)
    said = [record.getMessage() for record in logged]
    assert [line.partition(" live")[0] for line in said] == ["ended 1", "ended 3"]
    assert "0a1b2c3d of user 42" in said[0]
