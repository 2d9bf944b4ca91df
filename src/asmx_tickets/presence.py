"""Logs once when a store no longer answers, and once when it is back."""

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from asmx_tickets.errors import Busy, Unavailable

T = TypeVar("T")

RELAPSE_SECONDS = 60.0
"""A store that is gone again so soon after it was back comes and goes."""
QUIET_SECONDS = 10.0
"""How long a store that comes and goes must not fail to be back."""

_log = logging.getLogger(__name__)


class Presence:
    """Follows how calls to a store end. ``name`` is its name for people; ``clock`` gives seconds that never run back.

    A store that answers some calls and not others has two lines in the log when that begins and two when it is over,
    not two for each call. ``observer``, if any, gets the duration of each answer in seconds. Safe to use from several
    threads.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._gone_at: float | None = None
        self._failed_at = self._back_at = -math.inf
        self._quiet = 0.0
        self.observer: Callable[[float], object] | None = None

    @property
    def is_gone(self) -> bool:
        return self._gone_at is not None

    def ask(self, question: Callable[[], T], *, proves: bool = True) -> T:
        """Call the store, and note how that ends. A store that is too busy to answer is not gone.

        ``proves``: whether an answer to this question means that the store is back.
        """
        began = self._clock()
        try:
            answer = question()
        except Busy:
            raise
        except Unavailable as error:
            self.failed(error)
            error.told = True
            raise
        if proves:
            self.worked(began)
        if self.observer is not None:
            self.observer(self._clock() - began)
        return answer

    def failed(self, cause: object) -> None:
        """It did not answer."""
        with self._lock:
            self._failed_at = now = self._clock()
            if self._gone_at is not None:
                return
            self._gone_at = now
            self._quiet = QUIET_SECONDS if now - self._back_at < RELAPSE_SECONDS else 0.0
        _log.error("%s is gone: %s", self._name, str(cause).removeprefix(f"{self._name} "))

    def worked(self, began: float | None = None) -> None:
        """It answered a call that began at ``began``, or now. One that began before the last failure proves nothing."""
        if self._gone_at is None:
            return
        with self._lock:
            gone_at, now = self._gone_at, self._clock()
            if gone_at is None or (now if began is None else began) < self._failed_at + self._quiet:
                return
            self._gone_at, self._back_at = None, now
        _log.warning("%s is back after %.0f s", self._name, now - gone_at)
