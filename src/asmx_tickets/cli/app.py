"""The command ``asmx-tickets``. Modules that take long to load are imported inside the commands that need them."""

from typing import Any

import typer
from typer.core import TyperGroup

from asmx_tickets.cli import serve, settings, tickets, users, wsdl
from asmx_tickets.errors import AsmxTicketsError


class Commands(TyperGroup):
    """Commands that end with one line on standard error and exit code 1 when something is wrong (CONTRACT 3)."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except AsmxTicketsError as error:
            typer.echo(f"asmx-tickets: {error}", err=True)
            raise typer.Exit(1) from error


app = typer.Typer(
    name="asmx-tickets",
    cls=Commands,
    help="The ticket service /srv.asmx.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables would show passwords.
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.add_typer(users.app)
app.add_typer(tickets.app)
app.command("wsdl")(wsdl.wsdl)
app.command("settings")(settings.settings)
