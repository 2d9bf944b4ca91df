"""The command ``asmx-tickets``. Modules that take long to load are imported inside the commands that need them."""

from typing import Annotated

import typer

from asmx_tickets.cli import migrate, reload, serve, settings, status, tickets, users, wsdl
from asmx_tickets.cli.command_line import NAME, CommandLine

app = CommandLine(NAME, "The ticket service /srv.asmx.", add_completion=True)
app.command("serve")(serve.serve)
app.command("migrate")(migrate.migrate)
app.add_typer(users.app)
app.add_typer(tickets.app)
app.command("status")(status.status)
app.command("reload")(reload.reload)
app.command("wsdl")(wsdl.wsdl)
app.command("settings")(settings.settings)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"{NAME} {version(NAME)}")
        raise typer.Exit


@app.callback()
def _before_any_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
