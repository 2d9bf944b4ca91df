"""Directories to test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from asmx_tickets.users.passwords import HashParameters, PasswordHasher
from asmx_tickets.users.sql import SqlUserDirectory, open_directory
from tests.conftest import Clock

BACK_ENDS: dict[str, Callable[[Path], str]] = {
    "SQLite file": lambda folder: f"sqlite:///{folder}/users.db",
    "SQLite in memory": lambda folder: "sqlite://",
}


@pytest.fixture(params=BACK_ENDS)
def directory(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[SqlUserDirectory]:
    """An empty directory of each kind."""
    opened = open_directory(BACK_ENDS[request.param](tmp_path), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where a SQLite file may be made."""
    return f"sqlite:///{tmp_path}/App_Data/users.db"


@pytest.fixture
def file_directory(url: str, clock: Clock) -> Iterator[SqlUserDirectory]:
    """An empty directory in a SQLite file, with little patience."""
    opened = open_directory(url, clock=clock, queue_seconds=0.05, lock_seconds=0.05)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def cheap() -> HashParameters:
    """The cheapest parameters that are allowed."""
    return HashParameters(memory_kib=12_288, iterations=3, parallelism=1)


@pytest.fixture(scope="session")
def hasher(cheap: HashParameters) -> PasswordHasher:
    return PasswordHasher(cheap)
