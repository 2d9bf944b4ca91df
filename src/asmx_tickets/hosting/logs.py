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
        dropping = _DroppingHandler(self._lines)
        self._listener = _Listener(self._lines, _Writer(dropping))
        self._listener.start()
        _log_through(dropping, settings)

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

    dropped = 0
    """How many lines there was no room for."""

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1


class _Writer(logging.Handler):
    """Writes to standard error, waiting for its reader. What can't be written, to a full disk say, is lost and counted.

    The first line that is written again comes after one that says how many were lost.
    """

    def __init__(self, dropping: _DroppingHandler) -> None:
        super().__init__()
        self._dropping = dropping
        self._lost = self._told = 0
        self._half = False

    def emit(self, record: logging.LogRecord) -> None:
        lost = self._lost + self._dropping.dropped
        if lost > self._told:
            said = f"{lost - self._told} lines before this one were lost: nobody read the log, or its disk was full"
            if not self._is_written(self._dropping.format(_warning(said))):
                self._lost += 1
                return
            self._told = lost
        if not self._is_written(record.getMessage()):
            self._lost += 1

    def _is_written(self, line: str) -> bool:
        """Write a line, behind the end of one that was written in part."""
        left = ("\n" * self._half + line + "\n").encode("utf-8", "replace")
        try:
            while left:
                left = left[os.write(sys.stderr.fileno(), left) :]
                self._half = bool(left)
        except (OSError, ValueError, AttributeError):  # there may be no standard error
            return False
        return True


def _warning(said: str) -> logging.LogRecord:
    return logging.LogRecord(__name__, logging.WARNING, "", 0, said, None, None)


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
