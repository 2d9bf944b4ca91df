"""What the commands share: their common option, and how they read the settings."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from asmx_tickets.settings import Settings

SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", metavar="FILE", help="Settings file; ./appsettings.json by default, if there is one."),
]


def read_settings(file: Path | None, overrides: Mapping[str, str] = MappingProxyType({})) -> "Settings":
    """The settings from the file, this process's environment and the command line. Raises SettingsError."""
    from asmx_tickets.settings import load_settings

    return load_settings(file, environ=os.environ, overrides=overrides)
