"""The interface of audit logs, and those that keep nothing themselves."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

from asmx_tickets.audit.record import REFUSALS, Record
from asmx_tickets.errors import Unavailable
from asmx_tickets.presence import Presence

STUCK_SECONDS = 1.0
"""How long anybody waits for a log that can't be written."""


class AuditLog(Protocol):
    """Where records go."""

    def write(self, record: Record) -> None:
        """Keep a record; it is there when this returns. Raises Unavailable."""
        ...

    def flush(self) -> None:
        """Write the records that were held back and are now due. Raises Unavailable."""
        ...

    def check(self) -> None:
        """Find out whether a record could be kept now. Raises Unavailable."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class NoAudit(AuditLog):
    """Keeps nothing."""

    def write(self, record: Record) -> None:
        pass

    def flush(self) -> None:
        pass

    def check(self) -> None:
        pass

    def close(self) -> None:
        pass


class SplitAudit(AuditLog):
    """Two logs: one for what anybody can cause, so that a flood of it pushes out nothing else (SECURITY D22)."""

    def __init__(self, kept: AuditLog, refusals: AuditLog) -> None:
        self._kept = kept
        self._refusals = refusals

    def write(self, record: Record) -> None:
        (self._refusals if record.event in REFUSALS else self._kept).write(record)

    def flush(self) -> None:
        pass

    def check(self) -> None:
        self._kept.check()
        self._refusals.check()

    def close(self) -> None:
        self._kept.close()
        self._refusals.close()


class OuterAudit(AuditLog):
    """Wraps another audit log; subclasses add something to ``write``."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    def flush(self) -> None:
        self._audit.flush()

    def check(self) -> None:
        self._audit.check()

    def close(self) -> None:
        self._audit.close()


class CooperativeAudit(OuterAudit):
    """Another audit log, for calls that run on an event loop: nothing of it waits there, and none waits for long."""

    def __init__(self, audit: AuditLog) -> None:
        super().__init__(audit)
        self.presence = Presence("the audit log")
        self._has_room = True

    def write(self, record: Record) -> None:
        # A line may just fit into what a full disk has left: that is no room yet.
        self.presence.ask(partial(self._write, record), proves=self._has_room)

    def check(self) -> None:
        self._has_room = False
        self.presence.ask(self._audit.check)
        self._has_room = True

    def _write(self, record: Record) -> None:
        # The command line writes an audit log, too, and has no event loop.
        from asmx_tickets.waiting import Lane, in_thread

        try:
            in_thread(Lane.AUDIT, partial(self._audit.write, record), seconds=STUCK_SECONDS)
        except TimeoutError:
            raise Unavailable("The audit log can't be written (it is stuck).") from None


@contextmanager
def writing(where: Path | str) -> Iterator[None]:
    """Turn the operating system's errors into Unavailable."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"The audit log can't be written ({where}: {error.strerror}).") from error
