"""``asmx-tickets status``: how the running server does."""

import typer

from asmx_tickets.cli.options import SettingsFile, read_settings


def status(settings: SettingsFile = None) -> None:
    """Print how the running server does, one thing a line: logins and refusals are the last minute's."""
    from asmx_tickets.cli.running import RunningServer

    told = RunningServer(read_settings(settings)).ask("status")
    stores = told.pop("stores")
    for name, value in told.items():
        typer.echo(f"{name}: {value}")
    for name, state in stores.items():
        typer.echo(f"store {name}: {state}")
