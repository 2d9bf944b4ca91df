"""A circuit breaker: while a server hangs, only one caller now and then waits for it."""

import threading
import time
from collections.abc import Callable


class Circuit:
    """While it is closed, calls go through. A failure opens it; then one call at a time may try again.

    The next one may try ``pause`` seconds after that try has failed, or after it began if nobody says how it ended. A
    failed call opens it only if no other call has worked since that call began, so a single unlucky call does not shut
    out the others. Safe to use from several threads.
    """

    def __init__(self, *, pause: float, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` gives seconds that never run backwards."""
        self._pause = pause
        self._clock = clock
        self._lock = threading.Lock()
        self._worked_at = float("-inf")
        self._try_at: float | None = None  # None: closed.

    @property
    def is_open(self) -> bool:
        return self._try_at is not None

    def may_try(self) -> bool:
        """Whether this caller may go through now. While it is open, only the one whose turn it is may try."""
        with self._lock:
            now = self._clock()
            if self._try_at is None:
                return True
            if now < self._try_at:
                return False
            self._try_at = now + self._pause
            return True

    def worked(self) -> bool:
        """Note that a call went well. True if that has closed a circuit that was open."""
        self._worked_at = self._clock()
        if self._try_at is None:
            return False
        with self._lock:
            was_open = self._try_at is not None
            self._try_at = None
        return was_open

    def failed(self, began: float) -> bool:
        """Note that a call which began at ``began`` has failed. True if that has opened a circuit that was closed."""
        with self._lock:
            if self._worked_at > began:
                return False
            was_closed = self._try_at is None
            self._try_at = self._clock() + self._pause
            return was_closed
