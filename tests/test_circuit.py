"""The circuit breaker, with a clock that is moved."""

import pytest

from asmx_tickets.circuit import Circuit
from tests.support.service import Clock


@pytest.fixture
def circuit(clock: Clock) -> Circuit:
    return Circuit(pause=0.5, clock=clock)


def test_lets_calls_through_until_one_fails(circuit: Circuit, clock: Clock) -> None:
    assert not circuit.is_open
    assert circuit.may_try()
    assert circuit.failed(clock())
    assert circuit.is_open
    assert not circuit.may_try()


def test_one_call_in_each_pause_may_try(circuit: Circuit, clock: Clock) -> None:
    circuit.failed(clock())
    for _ in range(3):
        clock.advance(0.4)
        assert not circuit.may_try()
        clock.advance(0.1)
        assert circuit.may_try()
        assert not circuit.may_try()


def test_the_next_try_comes_a_pause_after_the_last_one_failed(circuit: Circuit, clock: Clock) -> None:
    """However long it took, so that somebody who calls again and again does not wait each time."""
    circuit.failed(clock())
    clock.advance(0.5)
    assert circuit.may_try()
    began = clock()
    clock.advance(0.6)
    assert not circuit.failed(began)
    assert circuit.is_open
    assert not circuit.may_try()
    clock.advance(0.5)
    assert circuit.may_try()


def test_a_call_that_works_closes_it(circuit: Circuit, clock: Clock) -> None:
    circuit.failed(clock())
    circuit.worked()
    assert not circuit.is_open
    assert circuit.may_try()


def test_a_failure_while_others_work_opens_nothing(circuit: Circuit, clock: Clock) -> None:
    began = clock()
    clock.advance(0.1)
    circuit.worked()
    clock.advance(0.4)
    assert not circuit.failed(began)
    assert not circuit.is_open


def test_a_failure_after_the_last_call_that_worked_opens_it(circuit: Circuit, clock: Clock) -> None:
    circuit.worked()
    clock.advance(0.1)
    began = clock()
    clock.advance(0.5)
    assert circuit.failed(began)
