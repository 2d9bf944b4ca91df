"""What commands print about failed logins: how many, from where, and until when logins have to wait."""

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from asmx_tickets.cli.administration import administration
from asmx_tickets.cli.output import Facts, print_rows, utc
from asmx_tickets.errors import Unavailable, UserError

if TYPE_CHECKING:
    from asmx_tickets.hosting.administration import Administration
    from asmx_tickets.settings.model import Settings
    from asmx_tickets.throttling import Failures
    from asmx_tickets.users.user import User

_COLUMNS = ("userid", "user_name", "networks", "failures", "until", "last_from", "last_at")
_OTHERS = "networks without a logon in 30 days"


def print_locked(settings: "Settings", users: Iterable["User"], *, as_json: bool) -> None:
    """Print a row for each user and network from which passwords are refused now. Raises as ``administration``."""
    with administration(settings) as admin:
        print_rows(_COLUMNS, _locked(admin, users), as_json=as_json)


def told(settings: "Settings", user: "User") -> str | None:
    """A user's failed logins in one line; None if there are none, or the server that knows does not run."""
    try:
        with administration(settings) as admin:
            failures = admin.failures(user.id)
    except (Unavailable, UserError):
        return None
    return "; ".join(map(_sentence, failures)) or None


def _locked(admin: "Administration", users: Iterable["User"]) -> Iterator[Facts]:
    locked = set(admin.locked())
    for user in users:
        for each in admin.failures(user.id) if user.id in locked else ():
            if each.wait or each.disabled:
                yield {
                    "userid": user.id,
                    "user_name": user.profile.user_name,
                    "networks": each.network or _OTHERS,
                    "failures": each.number,
                    "until": _until(each),
                    "last_from": each.last_from,
                    "last_at": utc(time.time() - each.ago),
                }


def _sentence(failures: "Failures") -> str:
    until = f", passwords refused until {_until(failures)}" if failures.wait or failures.disabled else ""
    where = f"{failures.number} from {failures.network or _OTHERS}"
    return f"{where}, the last from {failures.last_from} at {utc(time.time() - failures.ago)}{until}"


def _until(failures: "Failures") -> str | None:
    return "unlocked" if failures.disabled else utc(time.time() + failures.wait)
