"""Counts failures in the memory of this process. A restart forgets them."""

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any, Generic, TypeVar

from asmx_tickets.throttling.records import AccountRecord, AddressRecord, AlarmRecord, ThrottleRecord, milliseconds
from asmx_tickets.throttling.rules import AddressRule, ThrottleRules
from asmx_tickets.throttling.throttle import (
    DECIDED_WITHIN,
    KEPT,
    MAX_ADDRESSES,
    MAX_UNKNOWN,
    SWEEP,
    Admission,
    Attempt,
    Failures,
    Throttle,
)

_SEVERITY = {admission: severity for severity, admission in enumerate(Admission)}
T = TypeVar("T")
_RecordType = TypeVar("_RecordType", bound=ThrottleRecord)
_BATCH = 128  # Of many accounts, how many are looked at before others get their turn.
_log = logging.getLogger(__name__)


class MemoryThrottle(Throttle):
    """Counts the failures of one process. Safe to use from several threads."""

    def __init__(
        self,
        rules: ThrottleRules,
        *,
        clock: Callable[[], float],
        max_unknown: int = MAX_UNKNOWN,
        max_addresses: int = MAX_ADDRESSES,
        on_alarm: Callable[[str], object] = _log.warning,
    ) -> None:
        """``clock`` gives seconds, best those of a clock that is never set, such as ``time.monotonic``.

        ``max_unknown`` and ``max_addresses`` bound how many unknown accounts and addresses are remembered: those with
        the latest attempts. ``on_alarm`` gets a line that says what ``rules.alarm`` has found.
        """
        self._clock = clock
        self._on_alarm = on_alarm
        self._lock = threading.Lock()
        self._accounts: dict[bool, _Records[AccountRecord]] = {}
        self._addresses: _Records[AddressRecord] | None = None
        if rules.account is not None:
            for known, limit in ((True, None), (False, max_unknown)):
                self._accounts[known] = _Records(AccountRecord, rules.account, KEPT, limit)
        if rules.address is not None:
            self._addresses = _Records(AddressRecord, rules.address, _kept_for(rules.address), max_addresses)
        self._recognized: OrderedDict[str, int] = OrderedDict()
        self._recognized_for = milliseconds(rules.address.known_for) if rules.address is not None else 0
        self._max_addresses = max_addresses
        self._alarm = AlarmRecord(rules.alarm) if rules.alarm is not None else None

    @property
    def held(self) -> tuple[int, int, int]:
        """How many known accounts, unknown accounts and addresses take up memory."""
        with self._lock:
            known, unknown = (len(self._accounts.get(known, ())) for known in (True, False))
            return known, unknown, len(self._addresses or ())

    def admit(self, attempt: Attempt) -> Admission:
        places = self._places(attempt)
        with self._lock:
            now = self._now()
            records = [kept.find(key, now) for kept, key in places]
            for record in records:
                record.abandoned(attempt)  # Asked once more, it does not stand in its own way.
            admissions = (record.admission(attempt, now) for record in records)
            admission = max(admissions, key=_SEVERITY.__getitem__, default=Admission.ADMITTED)
            if admission is Admission.ADMITTED:
                for (kept, key), record in zip(places, records, strict=True):
                    record.reserve(attempt, now)
                    kept.keep(key, record, now)
        return admission

    def succeeded(self, attempt: Attempt) -> None:
        self._decide(attempt, lambda record, now: record.succeeded(attempt, now))

    def failed(self, attempt: Attempt) -> float:
        waits = self._decide(attempt, lambda record, now: record.failed(attempt, now))
        alarm = self._alarm
        if alarm is not None:
            with self._lock:
                raised = alarm.count(self._now())
            if raised:
                self._on_alarm(str(alarm.rule))
        return max(waits, default=0) / 1000

    def abandoned(self, attempt: Attempt) -> None:
        self._decide(attempt, lambda record, _: record.abandoned(attempt))

    def recall(self, attempt: Attempt, ago: float) -> None:
        """Note an attempt that succeeded ``ago`` seconds before now, before this throttle was made."""
        with self._lock:
            now = self._now()
            at = now - milliseconds(ago)
            if self._accounts:
                accounts, key = self._accounts[attempt.known], _account_key(attempt)
                record = accounts.find(key, now)
                record.know(attempt.network, at)
                accounts.keep(key, record, now)
            elif at > self._recognized.get(attempt.network, -math.inf):
                self._recognize(attempt.network, at)

    def recognize(self, attempt: Attempt) -> bool:
        network = attempt.network
        with self._lock:
            now = self._now()
            known_at = min(self._recognized.get(network, -math.inf), now)
            if known_at + self._recognized_for <= now and self._addresses is not None:
                record = self._addresses.find(network, now)
                if record.admission(attempt, now) is Admission.ADDRESS:
                    return False
            self._recognize(network, now)
        return True

    def failures(self, account: str) -> tuple[Failures, ...]:
        with self._lock:
            now = self._now()
            return self._accounts[True].find(account, now).failures(now) if self._accounts else ()

    def locked(self) -> Iterator[str]:
        if not self._accounts:
            return
        accounts = self._accounts[True]
        with self._lock:
            keys = accounts.keys()
        for start in range(0, len(keys), _BATCH):
            with self._lock:
                now = self._now()
                found = [key for key in keys[start : start + _BATCH] if accounts.find(key, now).is_locked(now)]
            yield from map(str, found)
            time.sleep(0)  # Otherwise this thread has the lock again before a waiting one wakes up.

    def unlock(self, account: str) -> bool:
        if not self._accounts:
            return False
        accounts = self._accounts[True]
        with self._lock:
            now = self._now()
            record = accounts.find(account, now)
            there_were = record.forgive()
            accounts.keep(account, record, now)
        return there_were

    def keep(self, rules: ThrottleRules) -> None:
        with self._lock:
            for accounts in self._accounts.values():
                accounts.change(rules.account, KEPT)
            if self._addresses is not None and rules.address is not None:
                self._addresses.change(rules.address, _kept_for(rules.address))

    def _recognize(self, network: str, at: int) -> None:
        self._recognized[network] = at
        self._recognized.move_to_end(network)
        if len(self._recognized) > self._max_addresses:
            self._recognized.popitem(last=False)

    def _places(self, attempt: Attempt) -> "list[tuple[_Records[Any], bytes | str]]":
        """Where the attempt is counted."""
        places: list[tuple[_Records[Any], bytes | str]] = []
        if self._accounts:
            places.append((self._accounts[attempt.known], _account_key(attempt)))
        if self._addresses is not None:
            places.append((self._addresses, attempt.network))
        return places

    def _decide(self, attempt: Attempt, change: Callable[[ThrottleRecord, int], T]) -> list[T]:
        """Change what is remembered of the attempt; what that gives for each record."""
        changes = []
        places = self._places(attempt)
        with self._lock:
            now = self._now()
            for kept, key in places:
                record = kept.find(key, now)
                changes.append(change(record, now))
                kept.keep(key, record, now)
        return changes

    def _now(self) -> int:
        return math.floor(self._clock() * 1000)


def _account_key(attempt: Attempt) -> bytes | str:
    """The key of an account's record. A name of any length has a short key."""
    return attempt.account if attempt.known else sha256(attempt.account.encode("utf-8", "surrogatepass")).digest()


def _kept_for(rule: AddressRule) -> float:
    """Seconds after which an address's record is blank, whatever was in it."""
    return rule.burst * rule.seconds + DECIDED_WITHIN


class _Records(Generic[_RecordType]):
    """The records of one kind, oldest first. Beyond ``limit`` the oldest one is dropped."""

    def __init__(self, make: Callable[[Any], _RecordType], rule: Any, kept_for: float, limit: int | None) -> None:
        self._make = make
        self._rule = rule
        self._kept_for = milliseconds(kept_for)
        self._limit = limit
        self._records: OrderedDict[bytes | str, _RecordType] = OrderedDict()

    def __len__(self) -> int:
        return len(self._records)

    def change(self, rule: Any, kept_for: float) -> None:
        """Apply another rule from now on."""
        self._rule, self._kept_for = rule, milliseconds(kept_for)
        for record in self._records.values():
            record.keep(rule)

    def keys(self) -> list[bytes | str]:
        """The keys of all records."""
        return list(self._records)

    def find(self, key: bytes | str, now: int) -> _RecordType:
        """The record up to date, or a blank one."""
        record = self._records.get(key)
        if record is None:
            record = self._make(self._rule)
        record.advance(now)
        return record

    def keep(self, key: bytes | str, record: _RecordType, now: int) -> None:
        """Store a record, or drop it if it is blank."""
        records = self._records
        if record.is_blank(now):
            records.pop(key, None)
        else:
            record.kept_at = now
            records[key] = record
            records.move_to_end(key)
        for _ in range(SWEEP):
            if not records:
                return
            oldest = next(iter(records))
            if records[oldest].kept_at + self._kept_for > now and (self._limit is None or len(records) <= self._limit):
                return
            del records[oldest]
