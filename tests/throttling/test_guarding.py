"""``guarding``: from admission to outcome, in whichever way the block is left."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from asmx_tickets.errors import Unavailable
from asmx_tickets.throttling import LOGINS, Admission, Attempt, MemoryThrottle, Throttled
from asmx_tickets.throttling.guarding import guarding
from asmx_tickets.throttling.redis import RedisThrottle
from tests.support.redis import RedisServer
from tests.support.throttles import redis_client
from tests.throttling.attempts import ACCOUNT, ADDRESS, ADMITTED, BUSY, DISABLED, attempt, fail, lock, once_available


@dataclass
class Timer:
    """A clock that sleeping moves, and what happens during the sleeps."""

    now: float = 100.0
    slept: list[float] = field(default_factory=list)
    meanwhile: list[Attempt] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def throttle(timer: Timer) -> MemoryThrottle:
    return MemoryThrottle(LOGINS, clock=timer.clock)


def failures_left(throttle: MemoryThrottle) -> int:
    """How many more failures from unknown networks cost the account no wait."""
    left = 0
    while fail(throttle, address=f"203.0.113.{left}") is ADMITTED:
        left += 1
    return left


def test_a_right_password(throttle: MemoryThrottle) -> None:
    fail(throttle)
    with guarding(throttle, attempt()) as outcome:
        outcome.succeeded()
    assert failures_left(throttle) == 5


def test_a_wrong_password_gives_the_wait(throttle: MemoryThrottle) -> None:
    waits = []
    for _ in range(5):
        with guarding(throttle, attempt()) as outcome:
            waits.append(outcome.failed())
    assert waits == [0, 0, 0, 0, 1]


def test_a_block_left_by_an_exception_was_abandoned(throttle: MemoryThrottle) -> None:
    """SECURITY R3: the store of users was down, or too many logins waited for their hash."""
    for _ in range(20):
        with pytest.raises(Unavailable, match="down"), guarding(throttle, attempt()):
            raise Unavailable("The users are down.")
    assert failures_left(throttle) == 5


def test_a_block_left_without_an_outcome_was_abandoned(throttle: MemoryThrottle) -> None:
    for _ in range(20):
        with guarding(throttle, attempt()):
            pass
    assert failures_left(throttle) == 5


def test_a_generator_that_is_thrown_away_abandons_its_attempt(throttle: MemoryThrottle) -> None:
    def logins() -> Iterator[None]:
        with guarding(throttle, attempt()):
            yield

    for _ in range(20):
        running = logins()
        next(running)
        del running
    assert failures_left(throttle) == 5


def test_an_outcome_noted_before_an_exception_counts(throttle: MemoryThrottle) -> None:
    with pytest.raises(ZeroDivisionError), guarding(throttle, attempt()) as outcome:
        outcome.failed()
        raise ZeroDivisionError
    assert failures_left(throttle) == 4


def test_the_first_outcome_counts(throttle: MemoryThrottle) -> None:
    fail(throttle)
    with guarding(throttle, attempt()) as outcome:
        outcome.failed()
        outcome.failed()
        outcome.succeeded()
        outcome.abandoned()
    assert failures_left(throttle) == 3


def test_a_refusal_comes_at_once_with_its_reason(throttle: MemoryThrottle, timer: Timer) -> None:
    """SECURITY D8: no sleep is a penalty."""
    lock(throttle)
    with (
        pytest.raises(Throttled, match="this account: wait") as refused,
        guarding(throttle, attempt(), sleep=timer.sleep, clock=timer.clock),
    ):
        pytest.fail("the password was looked at")
    assert refused.value.reason is ACCOUNT
    assert timer.slept == []


@pytest.mark.parametrize("reason", [ADDRESS, ACCOUNT, DISABLED])
def test_a_refusal_says_in_one_line_what_is_wrong(reason: Admission) -> None:
    message = str(Throttled(reason))
    assert message.startswith("Too many failed logins")
    assert "\n" not in message


def test_waits_for_others_to_be_decided(throttle: MemoryThrottle, timer: Timer) -> None:
    others = [attempt() for _ in range(5)]
    assert {throttle.admit(each) for each in others} == {ADMITTED}

    def sleep(seconds: float) -> None:
        timer.sleep(seconds)
        if len(timer.slept) == 4:
            throttle.succeeded(others[0])

    with guarding(throttle, attempt(), sleep=sleep, clock=timer.clock) as outcome:
        outcome.succeeded()
    assert timer.slept == [0.01, 0.02, 0.04, 0.08]


def test_is_refused_once_the_others_have_failed(throttle: MemoryThrottle, timer: Timer) -> None:
    others = [attempt() for _ in range(5)]
    assert {throttle.admit(each) for each in others} == {ADMITTED}

    def sleep(seconds: float) -> None:
        timer.sleep(seconds)
        throttle.failed(others.pop())

    with pytest.raises(Throttled), guarding(throttle, attempt(), sleep=sleep, clock=timer.clock):
        pytest.fail("the password was looked at")
    assert len(timer.slept) == 5


def test_gives_up_when_the_others_take_too_long(throttle: MemoryThrottle, timer: Timer) -> None:
    """It leaves nothing behind: what was never admitted is no failure."""
    for _ in range(5):
        throttle.admit(attempt(address="192.0.2.2"))
    with (
        pytest.raises(Unavailable, match="wait for each other"),
        guarding(throttle, attempt(), patience=2.0, sleep=timer.sleep, clock=timer.clock),
    ):
        pytest.fail("the password was looked at")
    assert sum(timer.slept) == pytest.approx(2.0)
    assert max(timer.slept) <= 0.08
    assert throttle.admit(attempt()) is BUSY
    assert throttle.held == (1, 0, 1)


def test_nobody_is_let_in_while_the_store_is_gone(own_redis: RedisServer) -> None:
    """Neither before the password is looked at nor after. An error in the block is the one that is raised."""
    with closing(redis_client(own_redis.url)) as client:
        throttle = RedisThrottle(client, LOGINS, prefix="throttle:")
        with pytest.raises(Unavailable, match="Redis"), guarding(throttle, attempt()) as outcome:
            own_redis.stop()
            outcome.succeeded()
        with pytest.raises(Unavailable, match="Redis"), guarding(throttle, attempt()):
            pytest.fail("the password was looked at")
        own_redis.start()
        once_available(lambda: fail(throttle, "43:1"))
        with pytest.raises(ZeroDivisionError), guarding(throttle, attempt()):
            own_redis.stop()
            raise ZeroDivisionError
