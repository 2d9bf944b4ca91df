"""``asmx-tickets migrate``: the schema of the users' database."""

from contextlib import closing
from typing import Annotated

import typer

from asmx_tickets.cli.options import SettingsFile, read_settings


def migrate(
    *,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; say what would be done.")] = False,
    breaking: Annotated[
        bool,
        typer.Option("--breaking", help="Also what servers of the previous version can't work with. Stop them first."),
    ] = False,
    settings: SettingsFile = None,
) -> None:
    """Bring the users' database to this version's schema.

    Servers may run meanwhile. A change that would break them is refused.
    """
    from asmx_tickets.users.source import is_sql

    url = read_settings(settings).connection_strings.users.get_secret_value()
    if not is_sql(url):
        typer.echo("No SQL database has the users: there is nothing to migrate.")
        return
    from asmx_tickets.users import migrations
    from asmx_tickets.users.opening import open_database

    with closing(open_database(url, make=not check)) as database:
        if check:
            typer.echo(_TO_DO[migrations.check(database, breaking=breaking).name])
        else:
            typer.echo(_DONE[migrations.upgrade(database, breaking=breaking).name])


_NOTHING = {
    "CURRENT": "The database is up to date.",
    "AHEAD": "A newer version has changed the database, and this one can work with it.",
}
_TO_DO = _NOTHING | {
    "EMPTY": "The database is empty: the tables would be made.",
    "BEHIND": "The database would be brought up to date; servers of the previous version can go on with it.",
    "BREAKING": "The database would be brought up to date; servers of the previous version must be stopped first.",
}
_DONE = _NOTHING | dict.fromkeys(("EMPTY", "BEHIND", "BREAKING"), "The database was brought up to date.")
