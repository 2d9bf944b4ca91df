"""Writes equal lines of an audit log as one with a count (SECURITY D22)."""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from asmx_tickets.audit.log import AuditLog
from asmx_tickets.audit.record import Caller, Event, Record
from asmx_tickets.errors import Unavailable

MOST = 1000
MOST_OF_A_NETWORK = 100
_MERGED = frozenset({Event.LOGIN_REFUSED, Event.IMPERSONATION_REFUSED, Event.RENEWAL})


@dataclass(slots=True)
class _Repeats:
    """How many equal records have come since one was written."""

    network: str
    until: float
    count: int = 0


class MergingAudit(AuditLog):
    """Writes the first of equal refusals at once, and those of the next ``seconds`` as one line with their count.

    Records are equal if they have the same event, reason, account and network; renewals, which are merged as well,
    also need the same ticket. If one network makes more than ``MOST_OF_A_NETWORK`` different ones, the account no
    longer tells them apart; if all together make more than ``MOST``, only the event does. So the number of lines is
    bounded, whatever is sent.

    Args:
        audit: the log that is written to.
        seconds: how long equal ones are counted; 0: each is written by itself.
        network_of: the network of an address.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        audit: AuditLog,
        *,
        seconds: float,
        network_of: Callable[[str], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._audit = audit
        self._seconds = seconds
        self._network_of = network_of
        self._clock = clock
        self._lock = threading.Lock()  # Never held while a record is written: see waiting.py.
        self._repeats: dict[Record, _Repeats] = {}  # In the order of their ends.
        self._by_network: Counter[str] = Counter()

    def write(self, record: Record) -> None:
        if not self._seconds or record.event not in _MERGED or self._is_first(record):
            self._audit.write(record)

    def flush(self) -> None:
        self._write_counted(self._clock())

    def check(self) -> None:
        self._audit.check()

    def close(self) -> None:
        try:
            self._write_counted(math.inf)
        finally:
            self._audit.close()

    def _is_first(self, record: Record) -> bool:
        """Whether no equal record was written lately. Otherwise this one is counted."""
        network = self._network_of(record.caller.address)
        equal = record._replace(caller=Caller(network))
        nameless = equal._replace(user="", user_id=None, ticket="")
        with self._lock:
            now = self._clock()
            for line in (equal, nameless, Record(record.event, Caller())):
                known = self._repeats.get(line)
                if known is not None and known.until > now:
                    known.count += 1
                    return False
                if known is not None or self._has_room(line, network):
                    break
            self._remember(line, _Repeats(network, now + self._seconds, known.count if known else 0))
        return True

    def _has_room(self, line: Record, network: str) -> bool:
        if not line.caller.address:
            return True  # One a kind of event.
        if line.user and self._by_network[network] >= MOST_OF_A_NETWORK:
            return False
        return len(self._repeats) < MOST

    def _remember(self, line: Record, repeats: _Repeats) -> None:
        self._forget(line)
        self._repeats[line] = repeats
        self._by_network[repeats.network] += 1

    def _forget(self, line: Record) -> int:
        """How many there were."""
        repeats = self._repeats.pop(line, None)
        if repeats is None:
            return 0
        self._by_network[repeats.network] -= 1
        if not self._by_network[repeats.network]:
            del self._by_network[repeats.network]
        return repeats.count

    def _write_counted(self, now: float) -> None:
        """Write the counts that are due. Raises Unavailable; counts that were not written go on."""
        with self._lock:
            due = [line for line, repeats in self._repeats.items() if repeats.until <= now]
        for line in due:
            with self._lock:
                network = self._network_of(line.caller.address)
                count = self._forget(line)
            if not count:
                continue
            try:
                self._audit.write(line._replace(times=count))
            except Unavailable:
                with self._lock:
                    more = self._forget(line)
                    self._remember(line, _Repeats(network, self._clock(), count + more))
                raise
