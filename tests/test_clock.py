"""SECURITY R5: a clock that has jumped is believed once it has kept its time for a minute."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asmx_tickets.clock import DOUBT_SECONDS, JUMP_SECONDS, BelievedClock
from asmx_tickets.tickets.cache import TicketRules
from asmx_tickets.tickets.memory import MemoryTicketCache
from tests.support.service import DAY, Clock

GUID = bytes(16)


class Machine:
    """A machine's clocks: time passes for both, and the time of day may be set."""

    def __init__(self) -> None:
        self.wall, self.steady = Clock(), Clock(5.0)
        self.clock = BelievedClock(self.wall, self.steady)

    def pass_time(self, seconds: float) -> None:
        self.wall.advance(seconds)
        self.steady.advance(seconds)

    def right(self, wrong_by: float = 0.0) -> bool:
        """Whether the clock gives the time of day less these seconds, by which that is wrong."""
        return self.clock() == pytest.approx(self.wall() - wrong_by)


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.mark.parametrize("step", [0.5, -0.5, 3599, -3599])
def test_small_steps_count_at_once(machine: Machine, step: float) -> None:
    """As a time server makes them, one after another, however far they lead."""
    for _ in range(50):
        machine.wall.advance(step)
        assert machine.right()
        machine.pass_time(10)
        assert machine.right()


@pytest.mark.parametrize("jump", [31 * DAY, -31 * DAY, 3700, -3700])
def test_a_jump_counts_after_a_minute(machine: Machine, jump: float, logged: list[logging.LogRecord]) -> None:
    """The log says when it is seen, and when it is believed."""
    machine.wall.advance(jump)
    for _ in range(6):
        assert machine.right(wrong_by=jump)
        machine.pass_time(DOUBT_SECONDS / 6)
    assert machine.right()
    assert [record.getMessage() for record in logged] == [
        f"the system's clock jumped by {jump:+.0f} s: not believed for 60 s",
        f"the system's clock jumped by {jump:+.0f} s and stays so: believed from now on",
    ]


def test_one_wrong_reading_changes_nothing(machine: Machine, logged: list[logging.LogRecord]) -> None:
    for jump in (31 * DAY, -31 * DAY):
        machine.wall.advance(jump)
        assert machine.right(wrong_by=jump)
        machine.pass_time(2)
        machine.wall.advance(-jump)
        assert machine.right()
    assert len(logged) == 4


def test_wrong_readings_that_differ_are_not_believed_together(machine: Machine) -> None:
    """A minute of nonsense is no minute of one time."""
    for number in range(1, 20):
        machine.wall.advance(number * DAY)
        assert machine.right(wrong_by=number * (number + 1) / 2 * DAY)
        machine.pass_time(20)


def test_a_wrong_reading_ends_no_ticket_and_makes_none_live_longer(machine: Machine) -> None:
    cache = MemoryTicketCache(TicketRules(30 * DAY), clock=machine.clock)
    fields = {"user_id": 42, "security_stamp": 1, "language": "en", "previous_logon": None}
    before = cache.add(GUID, **fields)
    machine.wall.advance(days=31)
    assert cache.look(GUID) == before
    during = cache.add(bytes(15) + b"\1", **fields)
    machine.pass_time(1)
    machine.wall.advance(days=-31)
    assert during.expires_at == before.expires_at
    machine.pass_time(30 * DAY)
    assert cache.look(GUID) is None


def test_what_expired_by_a_believed_jump_stays_dead(machine: Machine) -> None:
    cache = MemoryTicketCache(TicketRules(30 * DAY), clock=machine.clock)
    cache.add(GUID, user_id=42, security_stamp=1, language="en", previous_logon=None)
    for jump in (31, -31):
        machine.wall.advance(days=jump)
        for _ in range(3):
            machine.clock()
            machine.pass_time(DOUBT_SECONDS)
        assert machine.right()
        assert cache.look(GUID) is None


@given(st.lists(st.tuples(st.floats(-(10**7), 10**7), st.floats(0, DOUBT_SECONDS / 2)), max_size=50))
def test_it_never_moves_by_more_than_has_passed_nor_by_less(steps: list[tuple[float, float]]) -> None:
    """Within the steps that count at once, whatever the clock does, as long as no jump lasts a minute."""
    machine = Machine()
    told = machine.clock()
    for jump, seconds in steps:
        machine.wall.advance(jump)
        machine.pass_time(seconds)
        now = machine.clock()
        assert abs(now - told - seconds) <= JUMP_SECONDS + 1e-3
        told = now
        if abs(jump) > JUMP_SECONDS:
            machine.wall.advance(-jump)
            told = machine.clock()
