"""``asmx-tickets ticket …``: the live tickets of a cache that servers share."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer

from asmx_tickets.audit import Event
from asmx_tickets.cli.auditing import auditing
from asmx_tickets.cli.command_line import CommandLine
from asmx_tickets.cli.options import SettingsFile, find_user, open_users, read_settings
from asmx_tickets.cli.output import AsJson, ended, print_rows, utc
from asmx_tickets.errors import Unavailable, UserError
from asmx_tickets.tickets.ticket import digest, parse_guid, short_hash

if TYPE_CHECKING:
    from asmx_tickets.settings.model import Settings
    from asmx_tickets.tickets.redis import RedisTicketCache
    from asmx_tickets.users.sql import SqlUserDirectory

app = CommandLine("ticket", "Show and end tickets in the shared cache (Redis).")

UserName = Annotated[str | None, typer.Option("--user", metavar="NAME", help="Of this user only.")]


@app.command("list")
def list_tickets(user: UserName = None, as_json: AsJson = False, settings: SettingsFile = None) -> None:
    """Print the live tickets: user, last use, expiry and a short hash, never the ticket itself."""
    loaded = read_settings(settings)
    with _shared_cache(loaded) as tickets, open_users(loaded) as directory:
        of_user = None if user is None else find_user(directory, user).id
        name_of = _names(directory)
        rows = (
            {
                "user_name": name_of(ticket.user_id),
                "last_used": utc(ticket.last_used_at),
                "expires": utc(ticket.expires_at),
                "ticket": ticket.short_hash,
            }
            for ticket in tickets.summaries(of_user)
        )
        print_rows(("user_name", "last_used", "expires", "ticket"), rows, as_json=as_json)


@app.command()
def revoke(
    ticket: Annotated[
        str | None, typer.Argument(metavar="TICKET", help="The ticket; - reads it from standard input.")
    ] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="NAME", help="All of this user's tickets.")] = None,
    settings: SettingsFile = None,
) -> None:
    """End a ticket, or all of a user's, on every server at once."""
    if (ticket is None) == (user is None):
        raise typer.BadParameter("name either a TICKET or --user NAME")
    loaded = read_settings(settings)
    with _shared_cache(loaded) as tickets, auditing(loaded) as note:
        if user is not None:
            with open_users(loaded) as directory:
                found = find_user(directory, user)
            note(Event.TICKETS_REVOKED, found.profile.user_name, found.id)
            count = tickets.remove_user(found.id)
        else:
            guid = _guid(sys.stdin.readline() if ticket == "-" else ticket or "")
            live = tickets.look(guid)
            if live is None:
                raise UserError("There is no such live ticket.")
            note(Event.TICKETS_REVOKED, user_id=live.user_id, ticket=short_hash(digest(guid)))
            count = 0 if tickets.remove(guid) is None else 1
    typer.echo(ended(count))


def end_tickets(settings: "Settings", user_id: int) -> int | None:
    """End the tickets of a user who was just disabled, deleted or given a new password: how many, None if unknown.

    They are dead without this too, by the user's security stamp; so a cache that does not answer is worth a line only.
    """
    if not settings.connection_strings.tickets_are_shared:
        return None
    try:
        with _shared_cache(settings) as tickets:
            return tickets.remove_user(user_id)
    except Unavailable as error:
        typer.echo(f"{error} The user's tickets are dead all the same, and vanish when they expire.", err=True)
        return None


@contextmanager
def _shared_cache(settings: "Settings") -> Iterator["RedisTicketCache"]:
    if not settings.connection_strings.tickets_are_shared:
        typer.echo(
            "asmx-tickets: ConnectionStrings:Tickets is memory://, so the tickets live inside the server process and"
            " can't be reached from here. Restart the server to end them all, or keep them in Redis.",
            err=True,
        )
        raise typer.Exit(2)
    from asmx_tickets.hosting.stores import shared_ticket_cache

    tickets = shared_ticket_cache(settings)
    try:
        yield tickets
    finally:
        tickets.close()


def _guid(text: str) -> bytes:
    guid = parse_guid(text)
    if guid is None:
        raise typer.BadParameter("TICKET is no GUID")
    return guid


def _names(directory: "SqlUserDirectory") -> Callable[[int], str]:
    @cache
    def name_of(user_id: int) -> str:
        user = directory.get(user_id)
        return f"#{user_id}" if user is None else user.profile.user_name

    return name_of
