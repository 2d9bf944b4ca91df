"""Logs once when a store no longer answers, and once when it is back."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from asmx_tickets.errors import Busy, Unavailable

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Presence:
    """Follows how calls to a store end. ``name`` is its name for people; ``clock`` gives seconds that never run back.

    ``observer``, if any, gets the duration of each answer in seconds.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._gone_at: float | None = None
        self.observer: Callable[[float], object] | None = None

    @property
    def is_gone(self) -> bool:
        return self._gone_at is not None

    def ask(self, question: Callable[[], T]) -> T:
        """Call the store, and note how that ends. A store that is too busy to answer is not gone."""
        began = self._clock()
        try:
            answer = question()
        except Busy:
            raise
        except Unavailable as error:
            self.failed(error)
            raise
        self.worked()
        if self.observer is not None:
            self.observer(self._clock() - began)
        return answer

    def failed(self, cause: object) -> None:
        """It did not answer."""
        if self._gone_at is None:
            self._gone_at = self._clock()
            _log.error("%s is gone: %s", self._name, cause)

    def worked(self) -> None:
        """It answered."""
        gone_at = self._gone_at
        if gone_at is not None:
            self._gone_at = None
            _log.warning("%s is back after %.0f s", self._name, self._clock() - gone_at)
