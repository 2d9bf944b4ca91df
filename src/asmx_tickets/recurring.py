"""Logs what may happen with every call: once when it begins, and once when it is over, with how often it happened."""

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from asmx_tickets.errors import Unavailable

QUIET_SECONDS = 10.0
"""What has not happened for so long is over."""
UNANSWERED = "calls are not answered"
_MOST = 100

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Times:
    """How often something has happened since it began."""

    began: float
    last: float
    count: int = 1


class Recurring:
    """Counts what happens for one cause, from its first time until it has not happened for QUIET_SECONDS.

    What the log has from a Presence already is left out, except at the level Debug. ``clock`` gives seconds that never
    run back. Safe to use from several threads.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], _Times] = {}

    def note(self, what: str, cause: Unavailable, example: str) -> None:
        """``what`` happened, because of ``cause``; ``example`` is whom it happened to."""
        _log.debug("%s, %s: %s", what, example, cause)
        if cause.told:
            return
        now = self._clock()
        with self._lock:
            text = str(cause) if len(self._known) < _MOST or (what, str(cause)) in self._known else "other causes"
            known = self._known.get((what, text))
            if known is None:
                self._known[what, text] = _Times(now, now)
            else:
                known.count += 1
                known.last = now
        if known is None:
            _log.warning("%s, first %s: %s", what, example, text)

    def tell(self, quiet: float = QUIET_SECONDS) -> None:
        """Log what is over. To be called regularly."""
        now = self._clock()
        with self._lock:
            over = [(key, times) for key, times in self._known.items() if now - times.last >= quiet]
            for key, _ in over:
                del self._known[key]
        for (what, text), times in over:
            _log.warning("over: %s, %d in %d s: %s", what, times.count, math.ceil(times.last - times.began), text)
