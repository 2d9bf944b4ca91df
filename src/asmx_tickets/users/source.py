"""The source of users that a URL names. A kind's own module is imported only where it is opened."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from asmx_tickets.users.directory import UserDirectory

if TYPE_CHECKING:
    from asmx_tickets.users.passwords import PasswordHasher
    from asmx_tickets.users.verifier import Verifier

_SQL = "asmx_tickets.users.sql"

SOURCES = {"sqlite": _SQL, "postgresql": _SQL}
"""The module of each kind, by the scheme of its URL. Its own ``open_source`` takes and gives what the one here does."""


@dataclass(frozen=True, slots=True)
class UserSource:
    """The accounts, and who checks their passwords.

    ``verifier`` makes a Verifier from the directory that it is to ask, the hasher of the settings, and a clock of epoch
    seconds. It is used on the event loop: it waits by :mod:`~asmx_tickets.waiting` alone, as the directory that it is
    given does.
    """

    directory: UserDirectory
    verifier: "Callable[[UserDirectory, PasswordHasher, Callable[[], float]], Verifier]"


def open_source(url: str, *, clock: Callable[[], float] = time.time, make: bool = True) -> UserSource:
    """The source that ``ConnectionStrings:Users`` names.

    Args:
        url: as the settings give it.
        clock: epoch seconds UTC.
        make: whether what the source needs is made where it is missing, such as a file or tables.

    Raises:
        SettingsError: the source can't be used.
        Unavailable: it does not answer.
    """
    source: UserSource = import_module(_module(url)).open_source(url, clock=clock, make=make)
    return source


def is_sql(url: str) -> bool:
    """Whether the users are in a SQL database."""
    return _module(url) == _SQL


def _module(url: str) -> str:
    return SOURCES[re.split("[+:]", url, maxsplit=1)[0]]
