"""The records of an account's and an address's failures, and the rules that act on them.

Times are whole milliseconds of one clock: exact, and the same in every back-end. ``advance`` brings a record up to date
before any other method is called. The clock may step back: a time in the future then counts as now, so nobody waits
longer than from now on (SECURITY R5).
"""

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from typing import Any

from asmx_tickets.throttling.rules import AccountRule, AddressRule, AlarmRule
from asmx_tickets.throttling.throttle import DECIDED_WITHIN, MAX_NETWORKS, Admission, Attempt, Failures


def milliseconds(seconds: float) -> int:
    """The nearest whole number of milliseconds."""
    return round(seconds * 1000)


_HELD = milliseconds(DECIDED_WITHIN)


class ThrottleRecord(ABC):
    """The record of an account or an address."""

    __slots__ = ()
    kept_at: int

    @abstractmethod
    def advance(self, now: int) -> None:
        """Bring it up to date: an attempt without an outcome in time has failed."""

    @abstractmethod
    def admission(self, attempt: Attempt, now: int) -> Admission:
        """The answer to an attempt."""

    @abstractmethod
    def reserve(self, attempt: Attempt, now: int) -> None:
        """An attempt is admitted."""

    @abstractmethod
    def succeeded(self, attempt: Attempt, now: int) -> None:
        """An attempt's password was right."""

    @abstractmethod
    def failed(self, attempt: Attempt, now: int) -> float:
        """An attempt's password was wrong. Changes nothing if the attempt took too long: it has failed already.

        How long the account has to wait there then, ms; ``inf`` if it is disabled, 0 for an address.
        """

    @abstractmethod
    def abandoned(self, attempt: Attempt) -> None:
        """An attempt's password was not looked at. Changes nothing if the attempt took too long."""

    @abstractmethod
    def keep(self, rule: Any) -> None:
        """Keep this rule from now on, with what is counted already."""

    @abstractmethod
    def is_blank(self, now: int) -> bool:
        """Whether there is nothing to remember."""


class Count(ABC):
    """Failures that count together, the last of them at ``failed_at``; and attempts that are undecided, each with the
    time by which it has failed."""

    __slots__ = ("failed_at", "undecided")

    def __init__(self) -> None:
        self.undecided: tuple[tuple[str, int], ...] = ()  # Not a dict: most have none, and an empty one takes memory.
        self.failed_at = 0

    def advance(self, now: int) -> None:
        """Bring it up to date: an attempt without an outcome in time has failed."""
        self.failed_at = min(self.failed_at, now)
        if not self.undecided:
            return
        for end in sorted(end for _, end in self.undecided if end <= now):
            self.add(end)
        self.undecided = tuple((each, min(end, now + _HELD)) for each, end in self.undecided if end > now)

    def reserve(self, attempt: Attempt, now: int) -> None:
        """An attempt is admitted."""
        self.undecided = (*self.undecided, (attempt.id, now + _HELD))

    def release(self, attempt: Attempt) -> bool:
        """An attempt is decided. Whether it was undecided here."""
        before = self.undecided
        self.undecided = tuple(each for each in before if each[0] != attempt.id)
        return len(self.undecided) < len(before)

    @abstractmethod
    def add(self, at: int) -> None:
        """Count a failure."""


class AccountCount(Count):
    """Of an account, the failures from one network that it knows, or those from all others together.

    ``failures`` are all since the last success, ``streak`` those since a pause long enough to be forgotten, ``source``
    is the network of the last one. ``succeeded_at`` is the last success; None for the count of all others.
    """

    __slots__ = ("failures", "rule", "source", "streak", "succeeded_at")

    def __init__(self, rule: AccountRule, succeeded_at: int | None = None) -> None:
        super().__init__()
        self.rule = rule
        self.failures = self.streak = 0
        self.source = ""
        self.succeeded_at = succeeded_at

    def admission(self, now: int) -> Admission:
        """What one attempt more would hear."""
        if wait := self.wait(now):
            return Admission.DISABLED if wait == math.inf else Admission.ACCOUNT
        undecided = len(self.undecided)
        if undecided and (self._streak(now) + undecided >= self.rule.free or self.is_disabled(undecided)):
            return Admission.BUSY
        return Admission.ADMITTED

    def wait(self, now: int) -> float:
        """How long the account has to wait from now on, ms; ``inf`` if it is disabled."""
        if self.is_disabled():
            return math.inf
        seconds = self.rule.wait_after(self._streak(now))
        if self.succeeded_at is None and self.failures > self.rule.many:
            seconds = max(seconds, self.rule.many_wait)
        return max(0, self.failed_at + milliseconds(seconds) - now)

    def is_disabled(self, more: int = 0) -> bool:
        """Whether every password is refused until an operator acts, or would be after ``more`` failures."""
        return 0 < self.rule.disable_at <= self.failures + more

    def add(self, at: int) -> None:
        self.streak = self._streak(at) + 1
        self.failures += 1
        self.failed_at = at

    def forgive(self) -> None:
        """Forget the failures."""
        self.failures = self.streak = 0

    def _streak(self, at: int) -> int:
        return self.streak if at - self.failed_at < milliseconds(self.rule.forget_after) else 0


class AccountRecord(ThrottleRecord):
    """An account's failures: those from each network that it knows, and those from all others together."""

    __slots__ = ("kept_at", "known", "others", "rule", "stamp")

    def __init__(self, rule: AccountRule) -> None:
        self.kept_at = self.stamp = 0
        self.rule = rule
        self.others = AccountCount(rule)
        self.known: dict[str, AccountCount] = {}

    def keep(self, rule: AccountRule) -> None:
        self.rule = rule
        for count in self._counts():
            count.rule = rule

    def advance(self, now: int) -> None:
        self.others.advance(now)
        oldest = now - milliseconds(self.rule.known_for)
        for network, count in [*self.known.items()]:
            count.advance(now)
            count.succeeded_at = min(count.succeeded_at or 0, now)
            if count.succeeded_at <= oldest:
                del self.known[network]

    def admission(self, attempt: Attempt, now: int) -> Admission:
        if attempt.stamp != self.stamp:
            self.stamp = attempt.stamp
            self.forgive()
        return self._count(attempt).admission(now)

    def reserve(self, attempt: Attempt, now: int) -> None:
        self._count(attempt).reserve(attempt, now)

    def succeeded(self, attempt: Attempt, now: int) -> None:
        self.abandoned(attempt)
        self.others.forgive()
        self.know(attempt.network, now)
        self.known[attempt.network].forgive()

    def know(self, network: str, at: int) -> None:
        """The account has logged on from there."""
        count = self.known.setdefault(network, AccountCount(self.rule, at))
        count.succeeded_at = max(count.succeeded_at or at, at)
        if len(self.known) > MAX_NETWORKS:
            del self.known[min(self.known, key=lambda each: self.known[each].succeeded_at or 0)]

    def failed(self, attempt: Attempt, now: int) -> float:
        count = next((count for count in self._counts() if count.release(attempt)), None)
        if count is None:
            return self._count(attempt).wait(now)
        count.add(now)
        count.source = attempt.network
        return count.wait(now)

    def abandoned(self, attempt: Attempt) -> None:
        for count in self._counts():
            count.release(attempt)

    def forgive(self) -> bool:
        """Forget all failures. Whether there were any."""
        there_were = any(count.failures for count in self._counts())
        for count in self._counts():
            count.forgive()
        return there_were

    def failures(self, now: int) -> tuple[Failures, ...]:
        """What an operator may know."""
        return tuple(
            Failures(
                network,
                count.failures,
                0.0 if count.is_disabled() else count.wait(now) / 1000,
                count.is_disabled(),
                count.source,
                (now - count.failed_at) / 1000,
            )
            for network, count in (("", self.others), *self.known.items())
            if count.failures
        )

    def is_locked(self, now: int) -> bool:
        """Whether the account has to wait somewhere."""
        return any(count.wait(now) for count in self._counts())

    def is_blank(self, now: int) -> bool:
        return not (self.others.failures or self.others.undecided or self.known)

    def _count(self, attempt: Attempt) -> AccountCount:
        return self.known.get(attempt.network, self.others)

    def _counts(self) -> Iterator[AccountCount]:
        yield self.others
        yield from self.known.values()


class AddressRecord(Count, ThrottleRecord):
    """A bucket that failures fill and time empties. ``level`` is how long that takes, from ``failed_at`` on."""

    __slots__ = ("interval", "kept_at", "level", "size")

    def __init__(self, rule: AddressRule) -> None:
        super().__init__()
        self.keep(rule)
        self.kept_at = self.level = 0

    def keep(self, rule: AddressRule) -> None:
        self.interval = milliseconds(rule.seconds)
        self.size = rule.burst * self.interval

    def admission(self, attempt: Attempt, now: int) -> Admission:
        room = self.size - self._level(now)
        if room < self.interval:
            return Admission.ADDRESS
        return Admission.ADMITTED if room >= self.interval * (len(self.undecided) + 1) else Admission.BUSY

    def succeeded(self, attempt: Attempt, now: int) -> None:
        self.release(attempt)

    def failed(self, attempt: Attempt, now: int) -> float:
        if self.release(attempt):
            self.add(now)
        return 0

    def abandoned(self, attempt: Attempt) -> None:
        self.release(attempt)

    def add(self, at: int) -> None:
        self.level = self._level(at) + self.interval
        self.failed_at = at

    def is_blank(self, now: int) -> bool:
        return not (self._level(now) or self.undecided)

    def _level(self, at: int) -> int:
        return max(0, self.level - (at - self.failed_at))


class AlarmRecord:
    """The last failures of all, as many as raise the alarm, and when it was raised last."""

    __slots__ = ("raised_at", "rule", "times")

    def __init__(self, rule: AlarmRule) -> None:
        self.rule = rule
        self.times: deque[int] = deque(maxlen=rule.failures)
        self.raised_at: int | None = None

    def count(self, now: int) -> bool:
        """Count a failure. Returns whether the alarm is raised."""
        window = milliseconds(self.rule.seconds)
        self.times.append(now)
        if self.raised_at is not None:
            self.raised_at = min(self.raised_at, now)
            if now - self.raised_at < window:
                return False
        if len(self.times) < self.rule.failures or now - self.times[0] >= window:
            return False
        self.raised_at = now
        return True
