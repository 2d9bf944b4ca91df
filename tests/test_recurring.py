"""What the log says of calls that a store leaves without an answer: not a line for each."""

import logging

import pytest

from asmx_tickets.errors import Unavailable
from asmx_tickets.recurring import QUIET_SECONDS, Recurring
from tests.support.service import Clock


def test_it_is_said_when_it_begins_and_when_it_is_over(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """Each cause by itself."""
    recurring = Recurring(clock)
    for number in range(100):
        recurring.note("calls are not answered", Unavailable("Redis is full"), f"request {number}")
        clock.advance(0.1)
        recurring.tell()
    recurring.note("calls are not answered", Unavailable("too many wait"), "request 100")
    clock.advance(QUIET_SECONDS)
    recurring.tell()
    recurring.tell()
    recurring.note("calls are not answered", Unavailable("Redis is full"), "request 101")
    assert caplog.messages == [
        "calls are not answered, first request 0: Redis is full",
        "calls are not answered, first request 100: too many wait",
        "over: calls are not answered, 100 in 10 s: Redis is full",
        "over: calls are not answered, 1 in 0 s: too many wait",
        "calls are not answered, first request 101: Redis is full",
    ]


def test_what_the_log_says_already_is_not_said_again(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """Each call is there at the level Debug."""
    recurring = Recurring(clock)
    cause = Unavailable("no connection")
    cause.told = True
    with caplog.at_level(logging.DEBUG):
        recurring.note("calls are not answered", cause, "request 7")
    recurring.tell(quiet=0)
    assert caplog.record_tuples == [
        ("asmx_tickets.recurring", logging.DEBUG, "calls are not answered, request 7: no connection")
    ]


def test_causes_of_any_number_are_few_lines(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    recurring = Recurring(clock)
    for number in range(1000):
        recurring.note("calls are not answered", Unavailable(f"cause {number}"), "request 1")
    assert len(caplog.messages) == 101
    recurring.tell(quiet=0)
    assert caplog.messages[-1] == "over: calls are not answered, 900 in 0 s: other causes"
