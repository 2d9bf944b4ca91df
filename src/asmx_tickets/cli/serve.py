"""``asmx-tickets serve``: the server."""

from functools import partial
from typing import Annotated

import typer

from asmx_tickets.cli.options import SettingsFile, read_settings


def serve(
    settings: SettingsFile = None,
    urls: Annotated[
        str | None,
        typer.Option("--urls", metavar="URLS", help="Where to listen, such as http://*:8080; overrides the settings."),
    ] = None,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Serve jsmith / Secret123! from memory, to this machine only."),
    ] = False,
) -> None:
    """Serve until SIGTERM, SIGINT or SIGQUIT. SIGHUP reads the settings again. Prints the address."""
    read = partial(read_settings, settings, {} if urls is None else {"Urls": urls})
    loaded = read()
    from asmx_tickets.hosting import server

    raise typer.Exit(server.serve(loaded, read, demo=demo))
