"""Random sequences on every throttle and on a model that remembers all that happened and counts anew each time."""

import math
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from asmx_tickets.throttling import AccountRule, AddressRule, Admission, Attempt, ThrottleRules
from tests.throttling.attempts import ACCOUNT, ADDRESS, ADMITTED, BUSY, DISABLED

SUCCESS, FAILURE = "success", "failure"
RULES = ThrottleRules(
    AccountRule(free=3, first_wait=1.0, longest_wait=8.0, forget_after=60.0, disable_at=9), AddressRule(4, 3.0)
)


@dataclass
class Model:
    """All times in seconds; those that the machine uses are sums of exact binary fractions."""

    rules: ThrottleRules
    now: float = 0.0
    history: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    undecided: dict[str, tuple[Attempt, float]] = field(default_factory=dict)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for attempt, end in sorted(self.undecided.values(), key=lambda each: each[1]):
            if end <= self.now:
                self.decide(attempt, FAILURE, end)

    def decide(self, attempt: Attempt, outcome: str, at: float | None = None) -> None:
        if self.undecided.pop(attempt.id, None) is None and outcome == FAILURE:
            return
        keys = [account_of(attempt), address_of(attempt)] if outcome == FAILURE else [account_of(attempt)]
        for key in keys if outcome else []:
            self.history.setdefault(key, []).append((self.now if at is None else at, outcome))

    def counts(self, account: str) -> tuple[int, int, float]:
        """Failures since the last success, those since the last long pause, the time of the last."""
        failures = streak = 0
        last = -math.inf
        for at, what in [*self.history.get(account, []), (self.now, "")]:
            if at - last >= self.rules.account.forget_after:
                streak = 0
            if what == SUCCESS:
                failures = streak = 0
            if what == FAILURE:
                failures, streak, last = failures + 1, streak + 1, at
        return failures, streak, last

    def wait(self, account: str) -> float:
        failures, streak, last = self.counts(account)
        if failures >= 9:
            return math.inf
        return max(0.0, last + (0, 0, 0, 1, 2, 4, 8, 8, 8)[streak] - self.now)

    def level(self, address: str) -> float:
        level, last = 0.0, -math.inf
        for at, _ in self.history.get(address, []):
            level, last = max(0.0, level - (at - last)) + self.rules.address.seconds, at
        return max(0.0, level - (self.now - last))

    def admit(self, attempt: Attempt) -> Admission:
        account, address = account_of(attempt), address_of(attempt)
        wait = self.wait(account)
        if wait:
            return DISABLED if wait == math.inf else ACCOUNT
        if self.level(address) > 3 * 3.0:
            return ADDRESS
        rivals = [account_of(other) for other, _ in self.undecided.values()].count(account)
        neighbours = [address_of(other) for other, _ in self.undecided.values()].count(address)
        failures, streak, _ = self.counts(account)
        if rivals and (streak + rivals >= 3 or failures + rivals >= 9):
            return BUSY
        if self.level(address) + neighbours * 3.0 > 3 * 3.0:
            return BUSY
        self.undecided[attempt.id] = attempt, self.now + 10
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

    @rule(
        account=st.sampled_from("ab"),
        known=st.booleans(),
        address=st.sampled_from(["192.0.2.1", "192.0.2.2"]),
        failing=st.booleans(),
    )
    def attempt(self, account: str, known: bool, address: str, failing: bool) -> None:
        """Failing ones are decided at once, so that waits are reached in few steps."""
        tried = Attempt(account, known, address)
        admission = self.model.admit(tried)
        assert self.throttle.admit(tried) is admission
        if admission is ADMITTED:
            self.tried.append(tried)
            if failing:
                self.fail_attempt(tried)

    @precondition(lambda self: self.tried)
    @rule(data=st.data(), outcome=st.sampled_from([SUCCESS, FAILURE, FAILURE, ""]))
    def decide(self, data: st.DataObject, outcome: str) -> None:
        """Also some that were decided before; but only a success means anything then."""
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

    def fail_attempt(self, tried: Attempt) -> None:
        self.model.decide(tried, FAILURE)
        assert self.throttle.failed(tried) == self.model.wait(account_of(tried))


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
