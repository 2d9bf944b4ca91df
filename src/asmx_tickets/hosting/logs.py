"""The log, on standard error. The service goes on even if its reader stops reading (SECURITY R4)."""

import json
import logging
import os
import queue
import select
import sys
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from typing import Any

from asmx_tickets.settings.model import Settings

_WAITING_LINES = 10_000
_STOP_SECONDS = 1.0
_LONGEST_LINE = 4096
_LONGEST_MESSAGE, _LONGEST_TRACEBACK = 1000, 2500

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
_NAMES = {level: name for name, level in reversed(_LEVELS.items())} | {logging.DEBUG: "Debug"}


class TextFormatter(logging.Formatter):
    """A line of text; a traceback goes on below it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")


class JsonFormatter(logging.Formatter):
    """A line of JSON. A record's ``fields`` are added to its message."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z",
            "level": _NAMES.get(record.levelno, record.levelname),
            "category": record.name,
            "message": record.getMessage()[:_LONGEST_MESSAGE],
        }
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)[-_LONGEST_TRACEBACK:]
        return json.dumps(line)


def configure_logging(settings: Settings) -> None:
    """Log from the level that Logging:LogLevel:Default names. Each line is written or dropped at once."""
    _log_through(_StandardError(), settings)


class BackgroundLog:
    """Logs from a separate thread, for a process that must not wait. If too many lines wait, new ones are dropped."""

    def __init__(self, settings: Settings) -> None:
        self._lines: queue.Queue[Any] = queue.Queue(_WAITING_LINES)
        self._listener = _Listener(self._lines, logging.StreamHandler(sys.stderr))
        self._listener.start()
        _log_through(_DroppingHandler(self._lines), settings)

    def close(self) -> None:
        """Write the waiting lines, if somebody reads them within a second."""
        self._listener.stop()


class _StandardError(logging.Handler):
    """Writes only what standard error accepts at once, for a process that must neither wait nor start threads."""

    def emit(self, record: logging.LogRecord) -> None:
        line = f"{self.format(record)}\n".encode("utf-8", "replace")[:_LONGEST_LINE]
        with suppress(OSError, ValueError, AttributeError):  # there may be no standard error
            descriptor = sys.stderr.fileno()
            # A pipe that is ready takes as many bytes as this without waiting (POSIX's PIPE_BUF).
            if select.select([], [descriptor], [], 0)[1]:
                os.write(descriptor, line)


class _DroppingHandler(QueueHandler):
    """Formats the line at once, and leaves the writing to the thread."""

    def enqueue(self, record: logging.LogRecord) -> None:
        with suppress(queue.Full):
            self.queue.put_nowait(record)


class _Listener(QueueListener):
    def stop(self) -> None:
        with suppress(queue.Full):
            self.enqueue_sentinel()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)


def adjust_logging(settings: Settings) -> None:
    """Log from the level and in the form that the settings say."""
    root = logging.getLogger()
    root.setLevel(_LEVELS[settings.logging.log_level.default])
    for handler in root.handlers:
        if isinstance(handler, _StandardError | _DroppingHandler):
            handler.setFormatter(JsonFormatter() if settings.logging.format == "json" else TextFormatter())


def _log_through(handler: logging.Handler, settings: Settings) -> None:
    logging.basicConfig(handlers=[handler], force=True)
    adjust_logging(settings)
    for library in ("alembic", "spyne", "uvicorn"):  # these tell of every step of a start
        logging.getLogger(library).setLevel(logging.WARNING)
