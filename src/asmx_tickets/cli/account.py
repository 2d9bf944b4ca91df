"""One account that a command changes."""

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from asmx_tickets.audit import Event
from asmx_tickets.cli.auditing import Note, auditing
from asmx_tickets.cli.options import find_user, open_users, read_settings
from asmx_tickets.cli.output import ended
from asmx_tickets.cli.tickets import end_tickets
from asmx_tickets.errors import UserError

if TYPE_CHECKING:
    from asmx_tickets.access.accounts import AccountRules
    from asmx_tickets.settings.model import Settings
    from asmx_tickets.users.directory import UserDirectory
    from asmx_tickets.users.passwords import PasswordHasher
    from asmx_tickets.users.user import User


@dataclass(frozen=True, slots=True)
class Account:
    """An account that is there. What is done to it is in the audit log, or it isn't done."""

    settings: "Settings"
    user: "User"
    _directory: "UserDirectory"
    _note: Note

    def change(self, event: Event, reason: str = "", **changes: Any) -> None:
        """Change what ``UserDirectory.change`` can. Raises UserError where the account is gone by now."""
        with self._directory.together():
            self._happened(event, reason, self._directory.change(self.user.id, **changes))

    def delete(self) -> None:
        """Remove the account for good. Raises UserError where it is gone by now."""
        with self._directory.together():
            self._happened(Event.USER_DELETED, "", self._directory.remove(self.user.id))

    def end_tickets(self) -> None:
        """End the user's tickets, and print how many there were."""
        count = end_tickets(self.settings, self.user.id)
        if count is not None:
            typer.echo(ended(count))

    def _happened(self, event: Event, reason: str, is_there: bool) -> None:
        name = self.user.profile.user_name
        if not is_there:
            raise UserError(f"There is no user {name!r} any more.")
        self._note(event, name, self.user.id, reason=reason)


@contextmanager
def opened(name: str, settings_file: Path | None) -> Iterator[Account]:
    """The account of a login name. Raises UserError, SettingsError and Unavailable."""
    settings = read_settings(settings_file)
    with open_users(settings) as directory, auditing(settings) as note:
        yield Account(settings, find_user(directory, name), directory, note)


def hasher(settings: "Settings") -> "PasswordHasher":
    """What makes the hashes of new passwords."""
    from asmx_tickets.hosting.stores import password_hasher

    return password_hasher(settings)


def new_password(rules: "AccountRules", user_name: str) -> str:
    """The password, typed twice on a terminal, else one line of standard input. Raises UserError if it won't do."""
    if sys.stdin.isatty():
        secret = getpass.getpass("Password: ")
        if getpass.getpass("The same again: ") != secret:
            raise UserError("The two passwords differ.")
    else:
        try:
            line = sys.stdin.buffer.readline().decode()
        except UnicodeDecodeError:
            raise UserError("The password on standard input is not UTF-8.") from None
        secret = line.removesuffix("\n").removesuffix("\r")
    rules.check_password(secret, user_name)
    return secret
