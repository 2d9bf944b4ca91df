"""What is remembered of an account and of an address, and what follows from it.

Times are whole milliseconds of one clock: exact, and the same in every back-end. A record is brought up to date, by
``reach``, before anything else is asked of it or done to it. The clock may step: what was noted by a clock that was
ahead counts as noted now, so nobody ever waits longer than from now on (SECURITY R5).
"""

import math
from abc import ABC, abstractmethod
from collections import deque
from typing import Any

from asmx_tickets.throttling.rules import AccountRule, AddressRule, AlarmRule
from asmx_tickets.throttling.throttle import DECIDED_WITHIN, Admission


def milliseconds(seconds: float) -> int:
    """The nearest whole number of milliseconds."""
    return round(seconds * 1000)


_HELD = milliseconds(DECIDED_WITHIN)


class Record(ABC):
    """The failures of one account or address, the last of them at ``failed_at``; and its attempts that are undecided,
    each with the time by which it has failed."""

    __slots__ = ("failed_at", "kept_at", "undecided")

    def __init__(self) -> None:
        self.undecided: tuple[tuple[str, int], ...] = ()  # Not a dict: most have none, and an empty one takes memory.
        self.failed_at = self.kept_at = 0

    def reach(self, now: int) -> None:
        """Bring it up to date: what took too long to be decided has failed."""
        self.failed_at = min(self.failed_at, now)
        if not self.undecided:
            return
        for end in sorted(end for _, end in self.undecided if end <= now):
            self.count(end)
        self.undecided = tuple((each, min(end, now + _HELD)) for each, end in self.undecided if end > now)

    def reserve(self, attempt: str, now: int) -> None:
        """An attempt is admitted."""
        self.undecided = (*self.undecided, (attempt, now + _HELD))

    def succeeded(self, attempt: str) -> None:
        """An attempt's password was right."""
        self._release(attempt)

    def failed(self, attempt: str, now: int) -> None:
        """An attempt's password was wrong. Changes nothing if the attempt took too long: it has failed already."""
        if self._release(attempt):
            self.count(now)

    def abandoned(self, attempt: str) -> None:
        """An attempt's password was not looked at. Changes nothing if the attempt took too long."""
        self._release(attempt)

    def _release(self, attempt: str) -> bool:
        before = self.undecided
        self.undecided = tuple(each for each in before if each[0] != attempt)
        return len(self.undecided) < len(before)

    @abstractmethod
    def admission(self, now: int) -> Admission:
        """What one attempt more would hear."""

    @abstractmethod
    def count(self, at: int) -> None:
        """Count a failure."""

    @abstractmethod
    def keep(self, rule: Any) -> None:
        """Keep this rule from now on, with what is counted already."""

    @abstractmethod
    def is_blank(self, now: int) -> bool:
        """Whether there is nothing to remember."""


class AccountRecord(Record):
    """``failures`` are all since the last success, ``streak`` those since a pause long enough to be forgotten."""

    __slots__ = ("failures", "rule", "streak")

    def __init__(self, rule: AccountRule) -> None:
        super().__init__()
        self.keep(rule)
        self.failures = self.streak = 0

    def keep(self, rule: AccountRule) -> None:
        self.rule = rule

    def admission(self, now: int) -> Admission:
        if wait := self.wait(now):
            return Admission.DISABLED if wait == math.inf else Admission.ACCOUNT
        undecided = len(self.undecided)
        if undecided and (self._streak(now) + undecided >= self.rule.free or self._disabled_at(undecided)):
            return Admission.BUSY
        return Admission.ADMITTED

    def wait(self, now: int) -> float:
        """How long the account has to wait from now on; ``inf`` if it is disabled."""
        if self._disabled_at():
            return math.inf
        return max(0, self.failed_at + milliseconds(self.rule.wait_after(self._streak(now))) - now)

    def count(self, at: int) -> None:
        self.streak = self._streak(at) + 1
        self.failures += 1
        self.failed_at = at

    def succeeded(self, attempt: str) -> None:
        super().succeeded(attempt)
        self.failures = self.streak = 0

    def is_blank(self, now: int) -> bool:
        return not (self.failures or self.undecided)

    def _disabled_at(self, more: int = 0) -> bool:
        return 0 < self.rule.disable_at <= self.failures + more

    def _streak(self, at: int) -> int:
        return self.streak if at - self.failed_at < milliseconds(self.rule.forget_after) else 0


class AddressRecord(Record):
    """A bucket that failures fill and time empties. ``level`` is how long that takes, from ``failed_at`` on."""

    __slots__ = ("interval", "level", "size")

    def __init__(self, rule: AddressRule) -> None:
        super().__init__()
        self.keep(rule)
        self.level = 0

    def keep(self, rule: AddressRule) -> None:
        self.interval = milliseconds(rule.seconds)
        self.size = rule.burst * self.interval

    def admission(self, now: int) -> Admission:
        room = self.size - self._level(now)
        if room < self.interval:
            return Admission.ADDRESS
        return Admission.ADMITTED if room >= self.interval * (len(self.undecided) + 1) else Admission.BUSY

    def count(self, at: int) -> None:
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
        """Count a failure. Whether that is to be told."""
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
