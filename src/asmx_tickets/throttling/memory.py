"""Failures in the memory of this process: a restart forgets them."""

import logging
import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Generic, TypeVar

from asmx_tickets.throttling.records import AccountRecord, AddressRecord, AlarmRecord, Record, milliseconds
from asmx_tickets.throttling.rules import AddressRule, ThrottleRules, network_of
from asmx_tickets.throttling.throttle import (
    DECIDED_WITHIN,
    KEPT,
    MAX_ADDRESSES,
    MAX_UNKNOWN,
    SWEEP,
    Admission,
    Attempt,
    Throttle,
)

_SEVERITY = {admission: severity for severity, admission in enumerate(Admission)}
_Kept = TypeVar("_Kept", bound=Record)
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

        Of unknown accounts and of addresses so many are remembered, those with the latest attempts. ``on_alarm`` is
        told in one line what ``rules.alarm`` is about.
        """
        self._clock = clock
        self._on_alarm = on_alarm
        self._lock = threading.Lock()
        self._accounts: dict[bool, _Shelf[AccountRecord]] = {}
        self._addresses: _Shelf[AddressRecord] | None = None
        if rules.account is not None:
            for known, limit in ((True, None), (False, max_unknown)):
                self._accounts[known] = _Shelf(AccountRecord, rules.account, KEPT, limit)
        if rules.address is not None:
            self._addresses = _Shelf(AddressRecord, rules.address, _kept_for(rules.address), max_addresses)
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
            records = [shelf.find(key, now) for shelf, key in places]
            for record in records:
                record.abandoned(attempt.id)  # Asked once more, it does not stand in its own way.
            admissions = (record.admission(now) for record in records)
            admission = max(admissions, key=_SEVERITY.__getitem__, default=Admission.ADMITTED)
            if admission is Admission.ADMITTED:
                for (shelf, key), record in zip(places, records, strict=True):
                    record.reserve(attempt.id, now)
                    shelf.keep(key, record, now)
        return admission

    def succeeded(self, attempt: Attempt) -> None:
        self._decide(attempt, lambda record, _: record.succeeded(attempt.id))

    def failed(self, attempt: Attempt) -> float:
        wait = self._decide(attempt, lambda record, now: record.failed(attempt.id, now))
        alarm = self._alarm
        if alarm is not None:
            with self._lock:
                raised = alarm.count(self._now())
            if raised:
                self._on_alarm(str(alarm.rule))
        return wait

    def abandoned(self, attempt: Attempt) -> None:
        self._decide(attempt, lambda record, _: record.abandoned(attempt.id))

    def keep(self, rules: ThrottleRules) -> None:
        with self._lock:
            for accounts in self._accounts.values():
                accounts.change(rules.account, KEPT)
            if self._addresses is not None and rules.address is not None:
                self._addresses.change(rules.address, _kept_for(rules.address))

    def _places(self, attempt: Attempt) -> "list[tuple[_Shelf[Any], bytes | str]]":
        """Where the attempt is counted."""
        places: list[tuple[_Shelf[Any], bytes | str]] = []
        if self._accounts:
            # However long the name was, what is kept of it is short.
            digest = sha256(attempt.account.encode("utf-8", "surrogatepass")).digest()
            places.append((self._accounts[attempt.known], digest))
        if self._addresses is not None:
            places.append((self._addresses, network_of(attempt.address)))
        return places

    def _decide(self, attempt: Attempt, change: Callable[[Record, int], None]) -> float:
        """Change what is remembered of the attempt. How long its account has to wait, seconds."""
        wait = 0.0
        places = self._places(attempt)
        with self._lock:
            now = self._now()
            for shelf, key in places:
                record = shelf.find(key, now)
                change(record, now)
                shelf.keep(key, record, now)
                if isinstance(record, AccountRecord):
                    wait = record.wait(now) / 1000
        return wait

    def _now(self) -> int:
        return math.floor(self._clock() * 1000)


def _kept_for(rule: AddressRule) -> float:
    """Seconds after which an address's record is blank, whatever was in it."""
    return rule.burst * rule.seconds + DECIDED_WITHIN


class _Shelf(Generic[_Kept]):
    """The records of one kind, with the one kept for longest in front. Beyond ``limit`` that one goes."""

    def __init__(self, make: Callable[[Any], _Kept], rule: Any, kept_for: float, limit: int | None) -> None:
        self._make = make
        self._rule = rule
        self._kept_for = milliseconds(kept_for)
        self._limit = limit
        self._records: OrderedDict[bytes | str, _Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._records)

    def change(self, rule: Any, kept_for: float) -> None:
        """Keep another rule from now on."""
        self._rule, self._kept_for = rule, milliseconds(kept_for)
        for record in self._records.values():
            record.keep(rule)

    def find(self, key: bytes | str, now: int) -> _Kept:
        """The record up to date, or a blank one."""
        record = self._records.get(key)
        if record is None:
            record = self._make(self._rule)
        record.reach(now)
        return record

    def keep(self, key: bytes | str, record: _Kept, now: int) -> None:
        """Remember a record, unless there is nothing to remember of it."""
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
