"""Signals are noted by their handlers and acted on elsewhere, in one loop.

This imports the standard library only, because the command line notes signals before it loads anything else.
"""

import signal
from collections.abc import Callable
from contextlib import suppress

STOP = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGQUIT", "SIGBREAK") if hasattr(signal, name))
RELOAD = getattr(signal, "SIGHUP", None)


class Signals:
    """The signals that have come and have not been handled yet."""

    def __init__(self) -> None:
        self.stop = False
        self.reload = False
        self._wake: Callable[[], object] | None = None

    def note(self) -> None:
        """Note signals from now on, instead of their default actions."""
        for number in STOP:
            signal.signal(number, self._on_stop)
        if RELOAD is not None:
            signal.signal(RELOAD, self._on_reload)
        if hasattr(signal, "SIGCHLD"):
            # A parent that ignores it passes that on, and then nobody could learn how a worker ended.
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def wake(self, wake: Callable[[], object] | None) -> None:
        """Call this for each signal, so that whoever waits for it wakes up. It must not block."""
        self._wake = wake

    def ask_reload(self) -> None:
        """Do as if the signal to reload had come."""
        self.reload = True
        self._tell()

    def _on_stop(self, _number: int, _frame: object) -> None:
        self.stop = True
        self._tell()

    def _on_reload(self, _number: int, _frame: object) -> None:
        self.ask_reload()

    def _tell(self) -> None:
        if self._wake is not None:
            with suppress(OSError):
                self._wake()


SIGNALS = Signals()
"""The signals of this process, which has only one such object."""
