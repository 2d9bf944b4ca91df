"""Random sequences on every throttle and on a model that remembers all that happened and counts anew each time."""

import math
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from asmx_tickets.throttling import AccountRule, AddressRule, Admission, Attempt, ThrottleRules
from tests.throttling.attempts import ACCOUNT, ADDRESS, ADMITTED, BUSY, DISABLED

SUCCESS, FAILURE, FORGIVEN = "success", "failure", "forgiven"
OTHERS = ""
RULES = ThrottleRules(
    AccountRule(
        free=3,
        first_wait=1.0,
        longest_wait=8.0,
        forget_after=60.0,
        disable_at=9,
        many=6,
        many_wait=16.0,
        known_for=100.0,
    ),
    AddressRule(4, 3.0),
)


@dataclass
class Undecided:
    """An attempt without an outcome. ``place`` is the count that it belongs to; None once that count is forgotten."""

    attempt: Attempt
    end: float
    place: tuple[str, str] | None


@dataclass
class Model:
    """A throttle written without regard to speed. Times are seconds, and sums of fractions that floats have exactly.

    A place is an account with a network that it knows, or with OTHERS; or an address.
    """

    rules: ThrottleRules
    now: float = 0.0
    history: dict[Any, list[tuple[float, str]]] = field(default_factory=dict)
    undecided: dict[str, Undecided] = field(default_factory=dict)
    logons: dict[tuple[str, str], float] = field(default_factory=dict)
    stamps: dict[str, int] = field(default_factory=dict)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for each in sorted(self.undecided.values(), key=lambda each: each.end):
            if each.end <= self.now:
                self.decide(each.attempt, FAILURE, each.end)
        for place in [place for place, at in self.logons.items() if at + 100 <= self.now]:
            del self.logons[place]
            self.history.pop(place, None)
            for each in self.undecided.values():
                each.place = None if each.place == place else each.place

    def decide(self, attempt: Attempt, outcome: str, at: float | None = None) -> None:
        was = self.undecided.pop(attempt.id, None)
        moment = self.now if at is None else at
        account = account_of(attempt)
        if outcome == SUCCESS:
            for place in ((account, OTHERS), (account, attempt.network)):
                self.history.setdefault(place, []).append((moment, FORGIVEN))
            self.logons[account, attempt.network] = moment
        elif outcome == FAILURE and was is not None:
            for place in (was.place, address_of(attempt)):
                if place is not None:
                    self.history.setdefault(place, []).append((moment, FAILURE))

    def place(self, attempt: Attempt) -> tuple[str, str]:
        own = account_of(attempt), attempt.network
        return own if own in self.logons else (account_of(attempt), OTHERS)

    def places(self, account: str) -> list[tuple[str, str]]:
        return [(account, OTHERS), *(place for place in self.logons if place[0] == account)]

    def forgive(self, account: str) -> None:
        for place in self.places(account):
            self.history.setdefault(place, []).append((self.now, FORGIVEN))

    def counts(self, place: tuple[str, str]) -> tuple[int, int, float]:
        """Failures since the last success, those since the last long pause, the time of the last."""
        failures = streak = 0
        last = -math.inf
        for at, what in [*self.history.get(place, []), (self.now, "")]:
            if at - last >= self.rules.account.forget_after:
                streak = 0
            if what == FORGIVEN:
                failures = streak = 0
            if what == FAILURE:
                failures, streak, last = failures + 1, streak + 1, at
        return failures, streak, last

    def wait(self, place: tuple[str, str]) -> float:
        failures, streak, last = self.counts(place)
        if failures >= 9:
            return math.inf
        wait = (0, 0, 0, 1, 2, 4, 8, 8, 8)[streak]
        if place[1] == OTHERS and failures > 6:
            wait = 16
        return max(0.0, last + wait - self.now)

    def level(self, address: str) -> float:
        level, last = 0.0, -math.inf
        for at, _ in self.history.get(address, []):
            level, last = max(0.0, level - (at - last)) + self.rules.address.seconds, at
        return max(0.0, level - (self.now - last))

    def admit(self, attempt: Attempt) -> Admission:
        account, address, place = account_of(attempt), address_of(attempt), self.place(attempt)
        if self.stamps.setdefault(account, attempt.stamp) != attempt.stamp:
            self.stamps[account] = attempt.stamp
            self.forgive(account)
        if self.level(address) > 3 * 3.0:
            return ADDRESS
        wait = self.wait(place)
        if wait:
            return DISABLED if wait == math.inf else ACCOUNT
        rivals = [other.place for other in self.undecided.values()].count(place)
        neighbours = [address_of(other.attempt) for other in self.undecided.values()].count(address)
        failures, streak, _ = self.counts(place)
        if rivals and (streak + rivals >= 3 or failures + rivals >= 9):
            return BUSY
        if self.level(address) + neighbours * 3.0 > 3 * 3.0:
            return BUSY
        self.undecided[attempt.id] = Undecided(attempt, self.now + 10, place)
        return ADMITTED


def account_of(attempt: Attempt) -> str:
    return f"account {attempt.account} {attempt.known}"


def address_of(attempt: Attempt) -> str:
    return f"address {attempt.address}"


class ThrottleMachine(RuleBasedStateMachine):
    """Attempts at few accounts from few addresses, decided in any order, late or never."""

    def __init__(self, back_end: Any) -> None:
        super().__init__()
        self.back_end = back_end

    @initialize()
    def start(self) -> None:
        self.throttle = self.back_end.throttle(RULES)
        self.model = Model(RULES)
        self.tried: list[Attempt] = []
        self.stamps = {"a": 1, "b": 1}

    @rule(
        account=st.sampled_from("ab"),
        known=st.booleans(),
        address=st.sampled_from(["192.0.2.1", "192.0.2.2"]),
        failing=st.booleans(),
    )
    def attempt(self, account: str, known: bool, address: str, failing: bool) -> None:
        """Failing ones are decided at once, so that waits are reached in few steps."""
        tried = Attempt(account, known, address, self.stamps[account] if known else 0)
        admission = self.model.admit(tried)
        assert self.throttle.admit(tried) is admission
        if admission is ADMITTED:
            self.tried.append(tried)
            if failing:
                self.fail_attempt(tried)

    @precondition(lambda self: self.tried)
    @rule(data=st.data(), outcome=st.sampled_from([SUCCESS, FAILURE, FAILURE, ""]))
    def decide(self, data: st.DataObject, outcome: str) -> None:
        """Some were decided before; for them only a success means anything."""
        tried = data.draw(st.sampled_from(self.tried))
        if outcome == FAILURE:
            self.fail_attempt(tried)
        else:
            self.model.decide(tried, outcome)
            (self.throttle.succeeded if outcome else self.throttle.abandoned)(tried)

    @rule(seconds=st.sampled_from([0.125, 0.5, 1.0, 2.0, 3.0, 8.0, 9.875, 30.0, 60.0]))
    def pass_time(self, seconds: float) -> None:
        self.model.pass_time(seconds)
        self.back_end.pass_time(seconds)

    @rule(account=st.sampled_from("ab"))
    def set_password(self, account: str) -> None:
        self.stamps[account] += 1

    @invariant()
    def shows_operators_what_there_is(self) -> None:
        """Known accounts that have to wait somewhere, and each count that has failures."""
        model, locked = self.model, set()
        for account in "ab":
            expected = []
            for place in model.places(f"account {account} True"):
                failures, _, last = model.counts(place)
                wait = model.wait(place)
                if failures:
                    finite, disabled = (0.0, True) if wait == math.inf else (wait, False)
                    expected.append((place[1], failures, finite, disabled, model.now - last))
                if wait:
                    locked.add(account)
            told = self.throttle.failures(account)
            assert {(each.network, each.number, each.wait, each.disabled, each.ago) for each in told} == set(expected)
        assert set(self.throttle.locked()) == locked

    @rule(account=st.sampled_from("ab"))
    def unlock(self, account: str) -> None:
        there_were = bool(self.throttle.failures(account))
        assert self.throttle.unlock(account) is there_were
        self.model.forgive(f"account {account} True")

    def fail_attempt(self, tried: Attempt) -> None:
        was = self.model.undecided.get(tried.id)
        place = self.model.place(tried) if was is None or was.place is None else was.place
        self.model.decide(tried, FAILURE)
        assert self.throttle.failed(tried) == self.model.wait(place)


def test_does_what_a_naive_throttle_does(back_end: Any) -> None:
    run_state_machine_as_test(
        lambda: ThrottleMachine(back_end),
        settings=settings(
            max_examples=100,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
