"""Directories to test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from asmx_tickets.users.database import Patience
from asmx_tickets.users.directory import UserDirectory
from asmx_tickets.users.hash_parameters import HashParameters
from asmx_tickets.users.passwords import PasswordHasher
from asmx_tickets.users.source import open_source
from asmx_tickets.users.sql import SqlUserDirectory, open_directory
from tests.support.directories import BACK_ENDS, KEPT
from tests.support.postgresql import PostgresServer
from tests.support.service import Clock


@pytest.fixture(params=BACK_ENDS)
def directory(request: pytest.FixtureRequest, clock: Clock) -> Iterator[UserDirectory]:
    """An empty directory of each kind."""
    opened = open_source(BACK_ENDS[request.param](request), clock=clock).directory
    yield opened
    opened.close()


@pytest.fixture(params=KEPT)
def kept_url(request: pytest.FixtureRequest) -> str:
    """A database of each kind that outlives its process, with nothing in it."""
    return KEPT[request.param](request)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where a SQLite file may be made."""
    return f"sqlite:///{tmp_path}/App_Data/users.db"


@pytest.fixture
def postgres_url(shared_postgres: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database with nothing in it."""
    made = shared_postgres.new_database()
    yield made
    shared_postgres.drop_database(made)


@pytest.fixture(scope="session")
def migrated_postgres_url(shared_postgres: PostgresServer) -> str:
    """A PostgreSQL database with the tables of a directory, one for a whole worker: making one takes a fifth of a
    second."""
    url = shared_postgres.new_database()
    open_directory(url).close()
    return url


@pytest.fixture
def emptied_postgres_url(shared_postgres: PostgresServer, migrated_postgres_url: str) -> str:
    """The same with nobody in it, and ids that begin at 1."""
    shared_postgres.run("TRUNCATE users RESTART IDENTITY", url=migrated_postgres_url)
    return migrated_postgres_url


@pytest.fixture
def file_directory(url: str, clock: Clock) -> Iterator[SqlUserDirectory]:
    """An empty directory in a SQLite file, with little patience."""
    opened = open_directory(url, clock=clock, patience=Patience(reading=0.05, writing=0.1, logon=0.05))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def cheap() -> HashParameters:
    """The cheapest parameters that are allowed."""
    return HashParameters(memory_kib=12_288, iterations=3, parallelism=1)


@pytest.fixture(scope="session")
def hasher(cheap: HashParameters) -> PasswordHasher:
    return PasswordHasher(cheap)
