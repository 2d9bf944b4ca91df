"""Counters in memory that all server processes share: each process writes its own, and any can read the sum."""

import mmap
import struct
import threading
import time
from collections.abc import Callable

from asmx_tickets.audit import AuditLog, Event, OuterAudit, Record

MINUTE = 60
_LOGINS, _REFUSALS = range(2)
_COUNTED = {
    Event.LOGIN: _LOGINS,
    Event.IMPERSONATION: _LOGINS,
    Event.LOGIN_REFUSED: _REFUSALS,
    Event.IMPERSONATION_REFUSED: _REFUSALS,
}
_SECOND = struct.Struct("<qII")  # Which second, and what was counted in it.
_QUEUE = struct.Struct("<q")
_SEAT_SIZE = _QUEUE.size + MINUTE * _SECOND.size


class Figures:
    """The figures of ``seats`` processes. Made before they are forked. ``now`` gives seconds, the same in all."""

    def __init__(self, seats: int = 1, now: Callable[[], float] = time.monotonic) -> None:
        self._memory = mmap.mmap(-1, seats * _SEAT_SIZE)
        self._seats = seats
        self._now = now
        self._seat = 0
        self._lock = threading.Lock()
        self._started = now()

    def take(self, seat: int) -> None:
        """This process writes the figures of that seat from now on; those of its last process are forgotten."""
        self._seat = seat
        start = seat * _SEAT_SIZE
        self._memory[start : start + _SEAT_SIZE] = bytes(_SEAT_SIZE)

    def count(self, event: Event) -> None:
        """Count a login or a refusal."""
        kind = _COUNTED.get(event)
        if kind is None:
            return
        with self._lock:
            second = int(self._now())
            at = self._seat * _SEAT_SIZE + _QUEUE.size + second % MINUTE * _SECOND.size
            noted, *counts = _SECOND.unpack_from(self._memory, at)
            if noted != second:
                counts = [0, 0]
            counts[kind] += 1
            _SECOND.pack_into(self._memory, at, second, *counts)

    def note_queue(self, length: int) -> None:
        """Set how many passwords this process is checking or has waiting."""
        _QUEUE.pack_into(self._memory, self._seat * _SEAT_SIZE, length)

    def sums(self) -> dict[str, int]:
        """All processes together: the seconds since the start, the last minute's logins and refusals, the queue."""
        now = self._now()
        queue = logins = refusals = 0
        for start in range(0, self._seats * _SEAT_SIZE, _SEAT_SIZE):
            queue += _QUEUE.unpack_from(self._memory, start)[0]
            seconds = self._memory[start + _QUEUE.size : start + _SEAT_SIZE]
            for second, let_in, refused in _SECOND.iter_unpack(seconds):
                if second > now - MINUTE:
                    logins += let_in
                    refusals += refused
        return {"uptime": int(now - self._started), "logins": logins, "refusals": refusals, "queue": queue}


class CountingAudit(OuterAudit):
    """Counts the logins and refusals that are written to another audit log."""

    def __init__(self, audit: AuditLog, figures: Figures) -> None:
        super().__init__(audit)
        self._figures = figures

    def write(self, record: Record) -> None:
        self._audit.write(record)
        self._figures.count(record.event)
