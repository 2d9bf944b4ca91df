"""What the commands share: their common option, how they read the settings, and how they find users."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from asmx_tickets.errors import UserError

if TYPE_CHECKING:
    from asmx_tickets.settings.model import Settings
    from asmx_tickets.users.directory import UserDirectory
    from asmx_tickets.users.user import User

SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", metavar="FILE", help="Settings file; ./appsettings.json by default, if there is one."),
]


def read_settings(file: Path | None, overrides: Mapping[str, str] = MappingProxyType({})) -> "Settings":
    """The settings from the file, this process's environment and the command line. Raises SettingsError."""
    from asmx_tickets.settings.model import load_settings

    return load_settings(file, environ=os.environ, overrides=overrides)


@contextmanager
def open_users(settings: "Settings", *, make: bool = False) -> Iterator["UserDirectory"]:
    """The users' directory that the settings name; one that is not there is made for commands that add users alone.

    Raises SettingsError and Unavailable.
    """
    from asmx_tickets.users.source import open_source

    with closing(open_source(settings.connection_strings.kept_users(), make=make).directory) as directory:
        yield directory


def find_user(directory: "UserDirectory", name: str) -> "User":
    """The user with a login name. Raises UserError."""
    credentials = directory.find(name)
    if credentials is None:
        raise UserError(f"There is no user {name!r}.")
    return credentials.user
