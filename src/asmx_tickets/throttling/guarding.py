"""One attempt at a password, from admission to outcome."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from asmx_tickets.errors import Unavailable
from asmx_tickets.throttling.throttle import Admission, Attempt, Throttle, Throttled
from asmx_tickets.waiting import pause

_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.08


class Outcome:
    """The outcome of an admitted attempt. Only the first call counts."""

    def __init__(self, throttle: Throttle, attempt: Attempt) -> None:
        self._throttle = throttle
        self._attempt = attempt
        self._open = True

    def succeeded(self) -> None:
        """The password was right. Raises Unavailable, and then nobody must be let in."""
        if self._close():
            self._throttle.succeeded(self._attempt)

    def failed(self) -> float:
        """The password was wrong. How long the account waits now; see ``Throttle.failed``. Raises Unavailable."""
        return self._throttle.failed(self._attempt) if self._close() else 0.0

    def abandoned(self) -> None:
        """The password was not looked at. Never raises: if the store is gone, the attempt will count as failed."""
        if self._close():
            with suppress(Unavailable):
                self._throttle.abandoned(self._attempt)

    def _close(self) -> bool:
        was_open, self._open = self._open, False
        return was_open


@contextmanager
def guarding(
    throttle: Throttle,
    attempt: Attempt,
    *,
    patience: float = 2.0,
    sleep: Callable[[float], None] = pause,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Outcome]:
    """Check a password inside this block, once the attempt is admitted, and report the outcome.

    >>> with guarding(throttle, attempt) as outcome:
    ...     if right(password):
    ...         outcome.succeeded()
    ...     else:
    ...         outcome.failed()

    A block that is left without an outcome, by an exception or not, was abandoned. Waits for undecided attempts of
    others, ``patience`` seconds at most, and never as a penalty (SECURITY D8). ``clock`` gives seconds.

    Raises:
        Throttled: the password must not be looked at now.
        Unavailable: the throttle can't be asked, or others were undecided for too long.
    """
    _await_admission(throttle, attempt, patience, sleep, clock)
    outcome = Outcome(throttle, attempt)
    try:
        yield outcome
    finally:
        outcome.abandoned()


def _await_admission(
    throttle: Throttle, attempt: Attempt, patience: float, sleep: Callable[[float], None], clock: Callable[[], float]
) -> None:
    end = clock() + patience
    interval = _FIRST_PAUSE
    while (admission := throttle.admit(attempt)) is not Admission.ADMITTED:
        if admission is not Admission.BUSY:
            raise Throttled(admission)
        left = end - clock()
        if left <= 0:
            raise Unavailable("Too many logins of one account, or from one address, wait for each other.")
        sleep(min(interval, left))
        interval = min(2 * interval, _LONGEST_PAUSE)
