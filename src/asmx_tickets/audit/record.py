"""What an audit log keeps: what happened to whom, as one line of JSON."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

LONGEST_NAME = 64
LONGEST_LINE = 4096
"""What a pipe takes as a whole or not at all; no line is longer."""


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
    USER_UNLOCKED = "user_unlocked"
    TICKETS_REVOKED = "tickets_revoked"


REFUSALS = frozenset({Event.LOGIN_REFUSED, Event.IMPERSONATION_REFUSED, Event.LOCK})
"""What anybody can cause, without an account or a secret."""


class Caller(NamedTuple):
    """The caller: a network address and a binding, or an operator's account on this machine, and the request's id."""

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
    times: int = 1
    """How many equal records it stands for."""


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
        "count": record.times if record.times > 1 else None,
    }
    text = json.dumps({name: value for name, value in fields.items() if value not in {None, ""}})
    line = text.replace("\x7f", "\\u007f").encode() + b"\n"
    if len(line) > LONGEST_LINE:
        raise ValueError("an audit line must fit into a pipe's buffer")
    return line
