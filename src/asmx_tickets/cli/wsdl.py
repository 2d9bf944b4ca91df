"""``asmx-tickets wsdl``: the service description."""

from typing import Annotated

import typer

from asmx_tickets.cli.options import SettingsFile, read_settings


def _address(url: str | None) -> str | None:
    if url is not None and not url.lower().startswith(("http://", "https://")):
        raise typer.BadParameter("must begin with http:// or https://")
    return url


def wsdl(
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="ADDRESS",
            callback=_address,
            help="The service's address in it, such as https://tickets.example.com/srv.asmx; by default that of Urls.",
        ),
    ] = None,
    settings: SettingsFile = None,
) -> None:
    """Print the WSDL."""
    loaded = read_settings(settings)
    from asmx_tickets.hosting.composition import service_description
    from asmx_tickets.service import PATH

    typer.echo(service_description(loaded, url or f"{loaded.urls[0].local_url}{loaded.path_base}{PATH}"), nl=False)
