"""``asmx-tickets ticket …``: the live tickets, in Redis or in the running server."""

import sys
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer

from asmx_tickets.audit import Event
from asmx_tickets.cli.auditing import auditing
from asmx_tickets.cli.command_line import CommandLine
from asmx_tickets.cli.options import SettingsFile, find_user, open_users, read_settings
from asmx_tickets.cli.output import AsJson, Value, ended, print_rows, utc
from asmx_tickets.errors import Unavailable, UserError

if TYPE_CHECKING:
    from asmx_tickets.settings.model import Settings
    from asmx_tickets.tickets.cache import TicketSummary
    from asmx_tickets.users.directory import UserDirectory

app = CommandLine("ticket", "Show and end live tickets.")

_COLUMNS = ("user_name", "last_used", "expires", "ticket", "issued", "address", "binding", "impersonated")

UserName = Annotated[str | None, typer.Option("--user", metavar="NAME", help="Of this user only.")]


@app.command("list")
def list_tickets(user: UserName = None, as_json: AsJson = False, settings: SettingsFile = None) -> None:
    """Print the live tickets, a line each.

    A short hash stands for the ticket itself. Address and binding are those that it was asked for by; impersonated
    tells those of CreateTicketforUser.
    """
    from asmx_tickets.cli.administration import administration

    loaded = read_settings(settings)
    with administration(loaded) as admin, open_users(loaded) as directory:
        of_user = None if user is None else find_user(directory, user).id
        name_of = _names(directory)
        rows = (_facts(ticket, name_of(ticket.user_id)) for ticket in admin.live(of_user))
        print_rows(_COLUMNS, rows, as_json=as_json)


@app.command()
def revoke(
    ticket: Annotated[
        str | None,
        typer.Argument(metavar="TICKET", help="The ticket, or its short hash; - reads it from standard input."),
    ] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="NAME", help="All of this user's tickets.")] = None,
    settings: SettingsFile = None,
) -> None:
    """End a ticket, or all of a user's, on every server at once."""
    if (ticket is None) == (user is None):
        raise typer.BadParameter("name either a TICKET or --user NAME")
    from asmx_tickets.cli.administration import administration

    loaded = read_settings(settings)
    with administration(loaded) as admin, auditing(loaded) as note:
        if user is not None:
            with open_users(loaded) as directory:
                found = find_user(directory, user)
            note(Event.TICKETS_REVOKED, found.profile.user_name, found.id)
            count = admin.revoke_user(found.id)
        else:
            text = (sys.stdin.readline() if ticket == "-" else ticket or "").strip()
            short = _short(text)
            note(Event.TICKETS_REVOKED, user_id=admin.owner(text), ticket=short)
            count = admin.revoke(text)
    typer.echo(ended(count))


def end_tickets(settings: "Settings", user_id: int) -> int | None:
    """End the tickets of a user who was just disabled, deleted or given a new password: how many, None if unknown.

    They are dead without this too, by the user's security stamp; so a cache that does not answer is worth a line only,
    and a server that does not run none.
    """
    from asmx_tickets.cli.administration import administration

    try:
        with administration(settings) as admin:
            return admin.revoke_user(user_id)
    except (Unavailable, UserError) as error:
        if settings.connection_strings.tickets_are_shared:
            typer.echo(f"{error} The user's tickets are dead all the same, and vanish when they expire.", err=True)
        return None


def _facts(ticket: "TicketSummary", user_name: str) -> dict[str, Value]:
    """What is shown of a ticket, by column name."""
    return {
        "user_name": user_name,
        "last_used": utc(ticket.last_used_at),
        "expires": utc(ticket.expires_at),
        "ticket": ticket.short_hash,
        "issued": utc(ticket.issued_at),
        "address": ticket.origin.address,
        "binding": ticket.origin.binding,
        "impersonated": ticket.origin.impersonated,
    }


def _short(text: str) -> str:
    """The short hash of what was typed. Raises BadParameter for what is no ticket."""
    from asmx_tickets.tickets.ticket import digest, digests_begin, parse_guid, short_hash

    guid = parse_guid(text)
    try:
        return digests_begin(text).hex() if guid is None else short_hash(digest(guid))
    except ValueError:
        raise typer.BadParameter("TICKET is neither a GUID nor a short hash") from None


def _names(directory: "UserDirectory") -> Callable[[int], str]:
    @cache
    def name_of(user_id: int) -> str:
        user = directory.get(user_id)
        return f"#{user_id}" if user is None else user.profile.user_name

    return name_of
