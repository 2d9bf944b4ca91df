"""``asmx-tickets settings``: what the settings are, and where they came from."""

import json
from typing import Annotated

import typer

from asmx_tickets.cli.options import SettingsFile, read_settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, which is also the default.")]


def settings(as_json: AsJson = True, settings: SettingsFile = None) -> None:
    """Print the settings in force as JSON, secrets as ****.

    Below "sources" is where each value came from.
    """
    loaded = read_settings(settings)
    shown = {"settings": loaded.model_dump(mode="json", by_alias=True), "sources": dict(loaded.sources)}
    typer.echo(json.dumps(shown, indent=2))
