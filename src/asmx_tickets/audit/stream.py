"""The audit log on standard output."""

import errno
import os
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from asmx_tickets.audit import log
from asmx_tickets.audit.log import AuditLog, writing
from asmx_tickets.audit.record import Record, written
from asmx_tickets.errors import Unavailable


class AuditStream(AuditLog):
    """Standard output. If its reader does not read, ``write`` fails after a second instead of hanging."""

    def __init__(self, descriptor: int = 1, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._descriptor = _own_description(descriptor)

    def write(self, record: Record) -> None:
        line = written(record, self._clock())
        if not self._lock.acquire(timeout=log.STUCK_SECONDS):
            raise Unavailable("The audit log can't be written (standard output: nobody reads it).")
        try:
            with writing("standard output"):
                self._push(line)
        finally:
            self._lock.release()

    def flush(self) -> None:
        pass

    def check(self) -> None:
        with writing("standard output"):
            self._wait_for_reader(time.monotonic() + log.STUCK_SECONDS)

    def close(self) -> None:
        os.close(self._descriptor)

    def _push(self, line: bytes) -> None:
        end = time.monotonic() + log.STUCK_SECONDS
        while line:
            self._wait_for_reader(end)
            with suppress(BlockingIOError):
                line = line[os.write(self._descriptor, line) :]

    def _wait_for_reader(self, end: float) -> None:
        _, writable, _ = select.select([], [self._descriptor], [], max(0.0, end - time.monotonic()))
        if not writable:
            raise OSError(errno.EAGAIN, "nobody reads it")


def _own_description(descriptor: int) -> int:
    """The same output, opened anew without blocking, so that this changes nothing for others who write to it."""
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        # A socket, or no /proc: the time limit then holds for all but a rare race.
        return os.dup(descriptor)
