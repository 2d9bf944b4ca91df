"""``asmx-tickets user …``: the accounts."""

import getpass
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asmx_tickets.audit import Event
from asmx_tickets.cli.auditing import auditing
from asmx_tickets.cli.command_line import CommandLine
from asmx_tickets.cli.options import SettingsFile, find_user, open_users, read_settings
from asmx_tickets.cli.output import AsJson, Value, print_facts, print_rows, utc
from asmx_tickets.cli.tickets import end_tickets
from asmx_tickets.errors import UserError

if TYPE_CHECKING:
    from asmx_tickets.access.accounts import AccountRules
    from asmx_tickets.settings.model import Settings
    from asmx_tickets.users.passwords import PasswordHasher
    from asmx_tickets.users.user import User

app = CommandLine("user", "Add, show, change and remove users.")

_COLUMNS = (
    "userid", "user_name", "first_name", "last_name", "email", "domain", "language", "read_only", "enabled",
    "last_logon", "last_password_change",
)  # fmt: skip

Name = Annotated[str, typer.Argument(metavar="NAME", help="The login name, in any letter case.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The login name.")],
    *,
    first_name: Annotated[str, typer.Option(metavar="TEXT")] = "",
    last_name: Annotated[str, typer.Option(metavar="TEXT")] = "",
    email: Annotated[str, typer.Option(metavar="ADDRESS")] = "",
    domain: Annotated[str, typer.Option(metavar="TEXT")] = "",
    language: Annotated[str, typer.Option(metavar="CODE", help="Such as de; the system default if left out.")] = "",
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Shown in GetCurrentUser, without effect here.")
    ] = False,
    disabled: Annotated[bool, typer.Option("--disabled", help="May not log in yet.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Add a user and print the userid. The password is asked for, or read from standard input as one line."""
    from asmx_tickets.users.user import Profile

    profile = Profile(name, first_name, last_name, email, domain, language, read_only, enabled=not disabled)
    loaded = read_settings(settings)
    rules = loaded.account_rules()
    rules.check_profile(profile)
    password_hash = _hasher(loaded).hash(_new_password(rules, name))
    with open_users(loaded, make=True) as directory, auditing(loaded) as note, directory.together():
        user_id = directory.add(profile, password_hash)
        note(Event.USER_ADDED, name, user_id)
    typer.echo(str(user_id))
    for warning in rules.warnings(profile):
        typer.echo(f"asmx-tickets: {warning}", err=True)


@app.command("list")
def list_users(as_json: AsJson = False, settings: SettingsFile = None) -> None:
    """Print all users by name."""
    with open_users(read_settings(settings)) as directory:
        print_rows(_COLUMNS, map(_facts, directory.all()), as_json=as_json)


@app.command()
def show(name: Name, as_json: AsJson = False, settings: SettingsFile = None) -> None:
    """Print what is known of a user, one thing a line."""
    with open_users(read_settings(settings)) as directory:
        print_facts(_facts(find_user(directory, name)), as_json=as_json)


@app.command()
def password(name: Name, settings: SettingsFile = None) -> None:
    """Set a user's password and end the user's tickets. It is asked for, or read from standard input as one line."""
    loaded = read_settings(settings)
    with open_users(loaded) as directory, auditing(loaded) as note:
        user = find_user(directory, name)
        password_hash = _hasher(loaded).hash(_new_password(loaded.account_rules(), user.profile.user_name))
        with directory.together():
            _done(directory.change(user.id, password_hash=password_hash), name)
            note(Event.PASSWORD_CHANGED, user.profile.user_name, user.id)
    end_tickets(loaded, user.id)


@app.command()
def enable(name: Name, settings: SettingsFile = None) -> None:
    """Let a user log in."""
    loaded = read_settings(settings)
    with open_users(loaded) as directory, auditing(loaded) as note:
        user = find_user(directory, name)
        with directory.together():
            _done(directory.change(user.id, enabled=True), name)
            note(Event.USER_ENABLED, user.profile.user_name, user.id)


@app.command()
def disable(name: Name, settings: SettingsFile = None) -> None:
    """Keep a user from logging in and end the user's tickets."""
    loaded = read_settings(settings)
    with open_users(loaded) as directory, auditing(loaded) as note:
        user = find_user(directory, name)
        with directory.together():
            _done(directory.change(user.id, enabled=False), name)
            note(Event.USER_DISABLED, user.profile.user_name, user.id)
    end_tickets(loaded, user.id)


@app.command()
def delete(name: Name, settings: SettingsFile = None) -> None:
    """Remove a user for good and end the user's tickets."""
    loaded = read_settings(settings)
    with open_users(loaded) as directory, auditing(loaded) as note:
        user = find_user(directory, name)
        with directory.together():
            _done(directory.remove(user.id), name)
            note(Event.USER_DELETED, user.profile.user_name, user.id)
    end_tickets(loaded, user.id)


@app.command("import")
def import_users(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="UTF-8, with a header line.")],
    settings: SettingsFile = None,
) -> None:
    """Add the users of a CSV file; each line counts by itself.

    The header names user_name, password and any of first_name, last_name, email, domain, language, read_only and
    enabled, in any order. Bad lines are named on standard error; the exit code is 1 if there were any.
    """
    from asmx_tickets.cli import csv_import

    loaded = read_settings(settings)
    with open_users(loaded, make=True) as directory, auditing(loaded) as note:
        adding = csv_import.Adding(directory, _hasher(loaded), loaded.account_rules(), partial(note, Event.USER_ADDED))
        exit_code = csv_import.run(file, adding)
    raise typer.Exit(exit_code)


def _hasher(settings: "Settings") -> "PasswordHasher":
    from asmx_tickets.hosting.stores import password_hasher

    return password_hasher(settings)


def _new_password(rules: "AccountRules", user_name: str) -> str:
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


def _done(changed: bool, name: str) -> None:
    if not changed:
        raise UserError(f"There is no user {name!r} any more.")


def _facts(user: "User") -> dict[str, Value]:
    """What is shown of a user, by column name."""
    profile = user.profile
    return {
        "userid": user.id,
        "user_name": profile.user_name,
        "first_name": profile.first_name,
        "last_name": profile.last_name,
        "email": profile.email,
        "domain": profile.domain,
        "language": profile.language,
        "read_only": profile.read_only,
        "enabled": profile.enabled,
        "last_logon": utc(user.last_logon),
        "last_password_change": utc(user.last_password_change),
    }
