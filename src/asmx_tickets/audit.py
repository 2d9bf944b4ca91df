"""The audit log: one line of JSON for everything that gives, refuses or ends access (SECURITY L8).

The line of a new ticket is written before the ticket is made, so none is made while the log is full, gone or stuck
(SECURITY R4); refusals and logouts go on. Nothing in it is a secret: tickets are short hashes.
"""

import errno
import json
import os
import select
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from asmx_tickets.errors import SettingsError, Unavailable

LONGEST_NAME = 64
# What a pipe takes as a whole or not at all; no line is longer.
_LONGEST_LINE = 4096
_STUCK_SECONDS = 1.0


class Event(StrEnum):
    """What can happen."""

    LOGIN = "login"
    LOGIN_REFUSED = "login_refused"
    IMPERSONATION = "impersonation"
    IMPERSONATION_REFUSED = "impersonation_refused"
    RENEWAL = "renewal"
    LOGOUT = "logout"
    LOCK = "lock"
    USER_ADDED = "user_added"
    USER_ENABLED = "user_enabled"
    USER_DISABLED = "user_disabled"
    USER_CHANGED = "user_changed"
    USER_DELETED = "user_deleted"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - an event
    TICKETS_REVOKED = "tickets_revoked"


class Caller(NamedTuple):
    """Who asks: the network address and the binding, or an operator's account on this machine; and the request's id."""

    address: str = ""
    binding: str = ""
    request: str = ""
    operator: str = ""


class Record(NamedTuple):
    """What happened to whom. ``user`` is the account's name, or what was typed where there is no account."""

    event: Event
    caller: Caller
    user: str = ""
    user_id: int | None = None
    ticket: str = ""
    """The ticket's short hash."""
    reason: str = ""
    """Why it was refused, for operators alone: clients are never told."""


class AuditLog(Protocol):
    """Where records go."""

    def write(self, record: Record) -> None:
        """Keep a record; it is there when this returns. Raises Unavailable."""
        ...

    def check(self) -> None:
        """Find out whether a record could be kept now. Raises Unavailable."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class NoAudit(AuditLog):
    """Keeps nothing."""

    def write(self, record: Record) -> None:
        pass

    def check(self) -> None:
        pass

    def close(self) -> None:
        pass


class CooperativeAudit(AuditLog):
    """Another audit log, for calls that run on an event loop: nothing of it waits there, and none waits for long."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    def write(self, record: Record) -> None:
        # The command line writes an audit log, too, and has no event loop.
        from asmx_tickets.waiting import Lane, in_thread

        try:
            in_thread(Lane.AUDIT, partial(self._audit.write, record), seconds=_STUCK_SECONDS)
        except TimeoutError:
            raise Unavailable("The audit log can't be written (it is stuck).") from None

    def check(self) -> None:
        self._audit.check()

    def close(self) -> None:
        self._audit.close()


class AuditFile(AuditLog):
    """A file that is set aside when it gets too long: ``audit.jsonl``, ``audit.jsonl.1`` … ``.N``, newest first.

    Several processes may write to the same one. It is readable by its owner alone. Raises SettingsError when it can't
    be opened.
    """

    def __init__(
        self, file: Path, *, max_bytes: int = 10_000_000, keep: int = 9, clock: Callable[[], float] = time.time
    ) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._keep = keep
        self._clock = clock
        self._lock = threading.Lock()
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = self._open()
        except OSError as error:
            raise SettingsError(f"Audit:To {file} can't be opened: {error.strerror}.") from None

    def write(self, record: Record) -> None:
        line = written(record, self._clock())
        with self._lock, _writing():
            _lock(self._descriptor)
            try:
                self._follow(len(line))
                self._append(line)
            finally:
                _unlock(self._descriptor)

    def check(self) -> None:
        with self._lock, _writing():
            _lock(self._descriptor)
            try:
                self._follow(_LONGEST_LINE)
                space = os.statvfs(self._file)
            finally:
                _unlock(self._descriptor)
            if space.f_bavail * space.f_frsize < _LONGEST_LINE:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        os.close(self._descriptor)

    def _open(self) -> int:
        descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "it is no file")
        return descriptor

    def _follow(self, more: int) -> None:
        """Come to the file that has the name now, with room for the line. Called and left with the lock held."""
        while True:
            mine = os.fstat(self._descriptor)
            with suppress(FileNotFoundError):
                named = self._file.stat()
                if (named.st_dev, named.st_ino) == (mine.st_dev, mine.st_ino):
                    if not mine.st_size or mine.st_size + more <= self._max_bytes:
                        return
                    self._set_aside()
            descriptor = self._open()
            _lock(descriptor)
            os.close(self._descriptor)
            self._descriptor = descriptor

    def _set_aside(self) -> None:
        names = [self._file, *(self._file.with_name(f"{self._file.name}.{n}") for n in range(1, self._keep + 1))]
        for older, newer in zip(reversed(names[1:]), reversed(names[:-1]), strict=True):
            with suppress(FileNotFoundError):
                newer.replace(older)
        if self._keep == 0:
            self._file.unlink()

    def _append(self, line: bytes) -> None:
        before = os.fstat(self._descriptor).st_size
        written_bytes = os.write(self._descriptor, line)
        if written_bytes != len(line):
            # The disk is full: half a line would spoil the next one.
            os.ftruncate(self._descriptor, before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class AuditStream(AuditLog):
    """Standard output. A reader that does not read makes ``write`` fail after a second, and never hang."""

    def __init__(self, descriptor: int = 1, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._descriptor = _own_description(descriptor)

    def write(self, record: Record) -> None:
        line = written(record, self._clock())
        if not self._lock.acquire(timeout=_STUCK_SECONDS):
            raise Unavailable("The audit log can't be written (nobody reads standard output).")
        try:
            with _writing():
                self._push(line)
        finally:
            self._lock.release()

    def check(self) -> None:
        with _writing():
            self._wait_for_reader(time.monotonic() + _STUCK_SECONDS)

    def close(self) -> None:
        os.close(self._descriptor)

    def _push(self, line: bytes) -> None:
        end = time.monotonic() + _STUCK_SECONDS
        while line:
            self._wait_for_reader(end)
            with suppress(BlockingIOError):
                line = line[os.write(self._descriptor, line) :]

    def _wait_for_reader(self, end: float) -> None:
        _, writable, _ = select.select([], [self._descriptor], [], max(0.0, end - time.monotonic()))
        if not writable:
            raise OSError(errno.EAGAIN, "nobody reads standard output")


def written(record: Record, now: float) -> bytes:
    """A record's line. Whatever is no printable ASCII is escaped, as JSON does; empty fields are left out."""
    moment = datetime.fromtimestamp(now, UTC)
    fields: dict[str, object] = {
        "time": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z",
        "event": record.event.value,
        "user": record.user[:LONGEST_NAME],
        "user_id": record.user_id,
        "ticket": record.ticket,
        "reason": record.reason[:LONGEST_NAME],
        "address": record.caller.address[:LONGEST_NAME],
        "binding": record.caller.binding,
        "request": record.caller.request[:LONGEST_NAME],
        "operator": record.caller.operator[:LONGEST_NAME],
    }
    text = json.dumps({name: value for name, value in fields.items() if value not in {None, ""}})
    line = text.replace("\x7f", "\\u007f").encode() + b"\n"
    if len(line) > _LONGEST_LINE:
        raise ValueError("an audit line must fit into a pipe's buffer")
    return line


if sys.platform == "win32":  # pragma: no cover - where nothing renames or cuts a file that another process has open

    def _lock(descriptor: int) -> None:
        pass

    def _unlock(descriptor: int) -> None:
        pass

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        end = time.monotonic() + _STUCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise OSError(errno.EAGAIN, "another program keeps it locked") from None
                time.sleep(0.005)
            else:
                return

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextmanager
def _writing() -> Iterator[None]:
    """Turns what the system says into Unavailable."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"The audit log can't be written ({error.strerror}).") from error


def _own_description(descriptor: int) -> int:
    """The same output, opened anew without blocking, so that this changes nothing for others who write to it."""
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        # A socket, or no /proc: the time limit then holds for all but a rare race.
        return os.dup(descriptor)
