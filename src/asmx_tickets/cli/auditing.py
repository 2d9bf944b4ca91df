"""What operators do, for the audit log (SECURITY L8)."""

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from asmx_tickets.audit import AuditStream, Caller, Event, Record

if TYPE_CHECKING:
    from asmx_tickets.settings.model import Settings

Note = Callable[..., None]


@contextmanager
def auditing(settings: "Settings") -> Iterator[Note]:
    """Gives ``note(event, user="", user_id=None, ticket="", reason="")``.

    The log is opened first, so that nothing is changed where it can't be; and where the server's goes to standard
    output, which here belongs to the command, this goes to standard error. Raises SettingsError and Unavailable.
    """
    from asmx_tickets.hosting.stores import audit_log
    from asmx_tickets.settings.sections import STDOUT

    log = AuditStream(2) if settings.audit.to == STDOUT else audit_log(settings)
    caller = Caller(binding="command line", operator=_operator())

    def note(event: Event, user: str = "", user_id: int | None = None, *, ticket: str = "", reason: str = "") -> None:
        log.write(Record(event, caller, user, user_id, ticket, reason))

    try:
        yield note
    finally:
        log.close()


def _operator() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as in containers
        return ""
