"""What only the throttle in memory does: its memory is bounded, and it can recall logons of an earlier run."""

import tracemalloc
from collections.abc import Callable

import pytest

from asmx_tickets.throttling import LOGINS, TRUSTED_PASSWORDS, AddressRule, Attempt, MemoryThrottle, ThrottleRules
from asmx_tickets.throttling.throttle import DECIDED_WITHIN, MAX_ADDRESSES, MAX_UNKNOWN
from tests.support.service import Clock
from tests.throttling.attempts import ACCOUNT, ADMITTED, attempt, fail, lock, succeed

Make = Callable[..., MemoryThrottle]


@pytest.fixture
def make(clock: Clock) -> Make:
    return lambda rules=LOGINS, **options: MemoryThrottle(rules, clock=clock, **options)


def test_a_flood_of_names_and_addresses_is_held_up_to_the_limits(make: Make) -> None:
    """SECURITY B2, with the limits by default."""
    throttle = make()
    lock(throttle)
    for n in range(MAX_UNKNOWN + 5_000):
        address = f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"
        assert throttle.admit(attempt(f"name{n}", known=False, address=address)) is ADMITTED
    assert throttle.held == (1, MAX_UNKNOWN, MAX_ADDRESSES)
    assert succeed(throttle, address="192.0.2.9") is ACCOUNT


def test_memory_is_flat_once_the_limits_are_reached(make: Make) -> None:
    """Even with names of 10 kB and attempts that are never decided."""
    throttle = make(max_unknown=200, max_addresses=200)
    tracemalloc.start()
    try:
        sizes = []
        for n in range(2_000):
            throttle.admit(attempt(f"{n:010000d}", known=False, address=f"{n:010000d}"))
            if n in {600, 1_999}:
                sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sizes[1] < 1.1 * sizes[0] + 50_000
    assert sizes[1] < 2_000_000


def test_abandoned_attempts_take_up_no_memory(make: Make) -> None:
    throttle = make()
    for n in range(100):
        throttle.admit(tried := attempt(f"{n}:1"))
        throttle.abandoned(tried)
    assert throttle.held == (0, 0, 0)


@pytest.mark.parametrize(("days", "knows"), [(19.9, True), (20.1, False)])
def test_recalls_logons_of_an_earlier_run(make: Make, clock: Clock, days: float, knows: bool) -> None:
    """SECURITY D19: for the rest of the 30 days since the latest one. No failure is forgotten over it."""
    throttle = make()
    fail(throttle, "42", address="203.0.113.1")
    for ago in (20, 10, 15):
        throttle.recall(Attempt("42", True, "198.51.100.1"), ago * 86_400.0)
    assert [each.number for each in throttle.failures("42")] == [1]
    clock.advance(days=days)
    lock(throttle, "42", address="203.0.113.1")
    assert (throttle.admit(Attempt("42", True, "198.51.100.1")) is ADMITTED) is knows


@pytest.mark.parametrize(("days", "knows"), [(19.9, True), (20.1, False)])
def test_recalls_where_a_secret_was_right(make: Make, clock: Clock, days: float, knows: bool) -> None:
    throttle = make(TRUSTED_PASSWORDS)
    program = Attempt("", False, "198.51.100.1")
    for ago in (20, 10, 15):
        throttle.recall(program, ago * 86_400.0)
    clock.advance(days=days)
    for _ in range(5):
        fail(throttle, "", address=program.address)
    assert throttle.recognize(program) is knows


def test_known_networks_take_little_memory(make: Make) -> None:
    """SECURITY D19: less than 1 kB for each account with one network, however often it logs on."""
    throttle = make()
    tracemalloc.start()
    try:
        for n in range(4_000):
            assert succeed(throttle, str(n % 1000), address=f"198.51.100.{n % 1000 % 250}") is ADMITTED
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert throttle.held == (1000, 0, 0)
    assert size < 1_000_000


def test_addresses_go_once_their_failures_are_over(make: Make, clock: Clock) -> None:
    throttle = make(ThrottleRules(None, AddressRule(burst=5, seconds=2.0)))
    for n in range(100):
        fail(throttle, address=f"192.0.2.{n}")
    clock.advance(5 * 2.0 + DECIDED_WITHIN)
    for n in range(60):
        fail(throttle, address=f"198.51.100.{n}")
    assert throttle.held == (0, 0, 60)


@pytest.mark.parametrize("start", [-1e6, -0.5, 0.0, 0.0004, 1e9])
def test_the_clock_may_start_anywhere(start: float) -> None:
    clock = Clock(start)
    throttle = MemoryThrottle(LOGINS, clock=clock)
    lock(throttle)
    clock.advance(0.9)
    assert fail(throttle) is ACCOUNT
    clock.advance(0.101)
    assert succeed(throttle) is ADMITTED
