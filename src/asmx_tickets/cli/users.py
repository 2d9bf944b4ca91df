"""``asmx-tickets user …``: the accounts."""

import csv
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asmx_tickets.audit import Event
from asmx_tickets.cli.auditing import auditing
from asmx_tickets.cli.command_line import CommandLine
from asmx_tickets.cli.options import SettingsFile, find_user, open_users, read_settings
from asmx_tickets.cli.output import AsJson, Value, print_facts, print_rows, utc

if TYPE_CHECKING:
    from asmx_tickets.users.user import User

app = CommandLine("user", "Add, show, change and remove users.")

_COLUMNS = (
    "userid", "user_name", "first_name", "last_name", "email", "domain", "language", "read_only", "enabled",
    "last_logon", "last_password_change",
)  # fmt: skip

Name = Annotated[str, typer.Argument(metavar="NAME", help="The login name, in any letter case.")]
FirstName = Annotated[str | None, typer.Option("--first-name", metavar="TEXT")]
LastName = Annotated[str | None, typer.Option("--last-name", metavar="TEXT")]
Email = Annotated[str | None, typer.Option("--email", metavar="ADDRESS")]
Domain = Annotated[str | None, typer.Option("--domain", metavar="TEXT")]
Language = Annotated[
    str | None, typer.Option("--language", metavar="CODE", help="A code such as de; empty for the system's default.")
]
ReadOnly = Annotated[
    bool | None, typer.Option("--read-only/--no-read-only", help="Shown in GetCurrentUser, without effect here.")
]


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The login name.")],
    *,
    first_name: FirstName = None,
    last_name: LastName = None,
    email: Email = None,
    domain: Domain = None,
    language: Language = None,
    read_only: ReadOnly = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="May not log in yet.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Add a user and print the userid.

    The password is asked for, or read from standard input as one line.
    """
    from asmx_tickets.cli.account import hasher, new_password
    from asmx_tickets.users.user import Profile, name_taken

    given = _given(
        first_name=first_name, last_name=last_name, email=email, domain=domain, language=language, read_only=read_only
    )
    profile = Profile(name, **given, enabled=not disabled)
    loaded = read_settings(settings)
    rules = loaded.account_rules()
    rules.check_profile(profile)
    with open_users(loaded, make=True) as directory, auditing(loaded) as note:
        # Before a password is typed twice for nothing; adding asks again.
        if directory.find(name) is not None:
            raise name_taken(name)
        password_hash = hasher(loaded).hash(new_password(rules, name))
        with directory.together():
            user_id = directory.add(profile, password_hash)
            note(Event.USER_ADDED, name, user_id)
    typer.echo(str(user_id))
    _warn(rules.warnings(profile))


@app.command("set")
def set_profile(
    name: Name,
    *,
    user_name: Annotated[str | None, typer.Option("--user-name", metavar="NAME", help="Another login name.")] = None,
    first_name: FirstName = None,
    last_name: LastName = None,
    email: Email = None,
    domain: Domain = None,
    language: Language = None,
    read_only: ReadOnly = None,
    settings: SettingsFile = None,
) -> None:
    """Change what is known of a user. Tickets go on."""
    from asmx_tickets.cli.account import opened
    from asmx_tickets.users.user import Profile

    given = _given(
        user_name=user_name,
        first_name=first_name,
        last_name=last_name,
        email=email,
        domain=domain,
        language=language,
        read_only=read_only,
    )
    if not given:
        raise typer.BadParameter("name at least one thing to change, such as --email ADDRESS")
    with opened(name, settings) as account:
        rules = account.settings.account_rules()
        # What is there already is not judged.
        rules.check_profile(Profile(**{"user_name": name} | given))
        profile = replace(account.user.profile, **given)
        account.change(Event.USER_CHANGED, ", ".join(given), profile=profile)
    _warn(rules.warnings(profile))


@app.command("list")
def list_users(
    *,
    locked: Annotated[
        bool, typer.Option("--locked", help="Only those who must wait after failed logins, and from where.")
    ] = False,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> None:
    """Print all users by name."""
    loaded = read_settings(settings)
    with open_users(loaded) as directory:
        if locked:
            from asmx_tickets.cli import failures

            failures.print_locked(loaded, directory.all(), as_json=as_json)
        else:
            print_rows(_COLUMNS, map(_facts, directory.all()), as_json=as_json)


@app.command()
def show(name: Name, as_json: AsJson = False, settings: SettingsFile = None) -> None:
    """Print what is known of a user, one thing a line.

    Failed logins are told where they can be asked for.
    """
    from asmx_tickets.cli import failures

    loaded = read_settings(settings)
    with open_users(loaded) as directory:
        user = find_user(directory, name)
    print_facts(_facts(user) | {"failed_logins": failures.told(loaded, user)}, as_json=as_json)


@app.command()
def unlock(name: Name, settings: SettingsFile = None) -> None:
    """Forget a user's failed logins.

    Nobody has to wait for them any more. Tickets go on.
    """
    from asmx_tickets.cli.administration import administration

    loaded = read_settings(settings)
    with open_users(loaded) as directory:
        user = find_user(directory, name)
    with administration(loaded) as admin, auditing(loaded) as note:
        if not admin.failures(user.id):
            typer.echo("There are no failed logins.")
            return
        note(Event.USER_UNLOCKED, user.profile.user_name, user.id)
        admin.unlock(user.id)
    typer.echo("Unlocked.")


@app.command()
def password(name: Name, settings: SettingsFile = None) -> None:
    """Set a user's password and end the user's tickets.

    It is asked for, or read from standard input as one line.
    """
    from asmx_tickets.cli.account import hasher, new_password, opened

    with opened(name, settings) as account:
        secret = new_password(account.settings.account_rules(), account.user.profile.user_name)
        account.change(Event.PASSWORD_CHANGED, password_hash=hasher(account.settings).hash(secret))
        account.end_tickets()


@app.command()
def enable(name: Name, settings: SettingsFile = None) -> None:
    """Let a user log in."""
    from asmx_tickets.cli.account import opened

    with opened(name, settings) as account:
        account.change(Event.USER_ENABLED, enabled=True)


@app.command()
def disable(name: Name, settings: SettingsFile = None) -> None:
    """Keep a user from logging in and end the user's tickets."""
    from asmx_tickets.cli.account import opened

    with opened(name, settings) as account:
        account.change(Event.USER_DISABLED, enabled=False)
        account.end_tickets()


@app.command()
def delete(
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask. Without a terminal it never asks.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Remove a user for good and end the user's tickets."""
    from asmx_tickets.cli.account import opened

    with opened(name, settings) as account:
        if not yes and sys.stdin.isatty():
            typer.confirm(f"Remove the user {account.user.profile.user_name} for good?", abort=True)
        account.delete()
        account.end_tickets()


@app.command("export")
def export_users(settings: SettingsFile = None) -> None:
    """Print all users as CSV that import takes, in UTF-8.

    Passwords are not in it: `user import --update` leaves those of users who are there.
    """
    from asmx_tickets.users.user import PROFILE_FIELDS

    with open_users(read_settings(settings)) as directory:
        line = csv.writer(typer.get_text_stream("stdout", encoding="utf-8"), lineterminator="\n").writerow
        line(PROFILE_FIELDS)
        for user in directory.all():
            values = (getattr(user.profile, field) for field in PROFILE_FIELDS)
            line(str(value).lower() if isinstance(value, bool) else value for value in values)


@app.command("import")
def import_users(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV in UTF-8; - is standard input.")],
    *,
    update: Annotated[bool, typer.Option("--update", help="Change users who are there already.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Add the users of a CSV file; each line counts by itself.

    The header names user_name, password and any of first_name, last_name, email, domain, language, read_only and
    enabled, in any order; Excel's UserName and First Name will do. Between the fields are commas, semicolons or tabs.
    Bad lines are named on standard error; the exit code is 1 if there were any.

    With --update users who are there get what the columns say, and keep their password where the column is missing or
    empty. A new password, or enabled=false, ends their tickets.
    """
    from asmx_tickets.cli import csv_import
    from asmx_tickets.cli.account import hasher
    from asmx_tickets.cli.tickets import end_tickets

    loaded = read_settings(settings)
    with open_users(loaded, make=True) as directory, auditing(loaded) as note:
        importer = csv_import.Importer(
            directory,
            hasher(loaded),
            loaded.account_rules(),
            note,
            update,
            lambda user_id: end_tickets(loaded, user_id) or 0,
        )
        exit_code = csv_import.run(file, importer)
    raise typer.Exit(exit_code)


def _given(**options: str | bool | None) -> dict[str, Any]:
    """What was named on the command line."""
    return {field: value for field, value in options.items() if value is not None}


def _warn(warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        typer.echo(f"asmx-tickets: {warning}", err=True)


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
