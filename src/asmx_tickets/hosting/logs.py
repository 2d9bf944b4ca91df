"""The log, on standard error. Whoever reads it may stop reading: the service goes on (SECURITY R4)."""

import logging
import os
import queue
import select
import sys
from contextlib import suppress
from logging.handlers import QueueHandler, QueueListener
from typing import Any

from asmx_tickets.settings.model import Settings

_WAITING_LINES = 10_000
_STOP_SECONDS = 1.0
_LONGEST_LINE = 4096
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

# ASP.NET's names for Python's levels.
_LEVELS = {
    "Trace": logging.DEBUG,
    "Debug": logging.DEBUG,
    "Information": logging.INFO,
    "Warning": logging.WARNING,
    "Error": logging.ERROR,
    "Critical": logging.CRITICAL,
    "None": logging.CRITICAL + 1,
}


def configure_logging(settings: Settings) -> None:
    """Log from the level that Logging:LogLevel:Default names. Each line is there, or dropped, before this goes on."""
    _log_through(_StandardError(), settings)


class BackgroundLog:
    """Logs from a thread of its own, for a process that must not wait: lines too many to be kept are dropped."""

    def __init__(self, settings: Settings) -> None:
        self._lines: queue.Queue[Any] = queue.Queue(_WAITING_LINES)
        self._listener = _Listener(self._lines, _to_standard_error())
        self._listener.start()
        _log_through(_DroppingHandler(self._lines), settings)

    def close(self) -> None:
        """Write what waits, if somebody reads it within a second."""
        self._listener.stop()


class _StandardError(logging.Handler):
    """Writes what the reader of standard error takes at once: for a process that must not wait, nor start threads."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter(_FORMAT))

    def emit(self, record: logging.LogRecord) -> None:
        line = f"{self.format(record)}\n".encode("utf-8", "replace")[:_LONGEST_LINE]
        with suppress(OSError, ValueError, AttributeError):  # there may be no standard error
            descriptor = sys.stderr.fileno()
            # A pipe that is ready takes as many bytes as this without waiting (POSIX's PIPE_BUF).
            if select.select([], [descriptor], [], 0)[1]:
                os.write(descriptor, line)


class _DroppingHandler(QueueHandler):
    def __init__(self, lines: queue.Queue[Any]) -> None:
        super().__init__(lines)
        # A record is made text before it is queued; the line's form is the other end's business.
        self.setFormatter(logging.Formatter("%(message)s"))

    def enqueue(self, record: logging.LogRecord) -> None:
        with suppress(queue.Full):
            self.queue.put_nowait(record)


class _Listener(QueueListener):
    def stop(self) -> None:
        with suppress(queue.Full):
            self.enqueue_sentinel()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)


def _to_standard_error() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(_FORMAT))
    return handler


def set_level(settings: Settings) -> None:
    """Log from another level on."""
    logging.getLogger().setLevel(_LEVELS[settings.logging.log_level.default])


def _log_through(handler: logging.Handler, settings: Settings) -> None:
    logging.basicConfig(handlers=[handler], force=True)
    set_level(settings)
    for library in ("alembic", "spyne", "uvicorn"):  # these tell of every step of a start
        logging.getLogger(library).setLevel(logging.WARNING)
