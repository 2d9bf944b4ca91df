"""What all tests share: the composed service with a clock that can be moved, and clients that speak its bindings."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from asmx_tickets.settings.model import load_settings
from tests.clients.summary import pytest_terminal_summary  # noqa: F401 - pytest calls it
from tests.support.postgresql import PostgresServer
from tests.support.redis import RedisServer, TlsRedisServer
from tests.support.service import HASHER, Clock, ListHandler, Service, composing

# Several hundred processes of the program are started, and each would compile all of it anew; and each process of
# pytest would write the assertions of all tests anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shared machine stalls now and then; that is no finding.
hypothesis_settings.register_profile("shared machine", deadline=None)


hypothesis_settings.load_profile("shared machine")


@pytest.fixture
def logged() -> Iterator[list[logging.LogRecord]]:
    """What reaches the program's log. pytest's own caplog listens to loggers that keep to themselves too."""
    records: list[logging.LogRecord] = []
    handler = ListHandler(records)
    logging.getLogger().addHandler(handler)
    yield records
    logging.getLogger().removeHandler(handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever stops, hangs and kills a store of its own waits in real time, and so belongs to the slow ones."""
    for item in items:
        if {"own_redis", "own_postgres"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One Redis for a whole worker of the test run; empty it or use a prefix of your own. Never stopped or paused."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.remove()


@pytest.fixture(scope="session")
def shared_tls_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsRedisServer]:
    """As ``shared_redis``, over TLS."""
    server = TlsRedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.remove()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis to be stopped, paused, emptied and started again."""
    yield from _running(RedisServer, tmp_path)


@pytest.fixture(params=[RedisServer, TlsRedisServer])
def either_redis(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RedisServer]:
    """``own_redis``, once without TLS and once with it."""
    yield from _running(request.param, tmp_path)


def _running(kind: type[RedisServer], place: Path) -> Iterator[RedisServer]:
    folder = place / "redis"
    folder.mkdir()
    server = kind(folder)
    yield server
    server.remove()


@pytest.fixture(scope="session")
def shared_postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL for a whole worker of the test run; ask it for a database of your own. Never stopped or paused."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL to be stopped, paused, killed and started again."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@contextmanager
def _composing(clock: Clock, folder: Path) -> Iterator[Callable[..., Service]]:
    """A function that composes the demo service with settings; what it made is closed in the end."""
    nothing = folder / "nothing.json"
    nothing.write_text("{}")
    with composing() as compose:

        def make(**settings: str) -> Service:
            loaded = load_settings(nothing, environ=settings)
            composition = compose(loaded, demo=True, clock=clock, local_zone=UTC, passwords=HASHER, steady_clock=clock)
            return Service(composition, clock)

        yield make


@pytest.fixture
def make_service(clock: Clock, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Compose the demo service with some settings: ``make_service(PathBase="/Base")``, ``__`` for ``:``."""
    with _composing(clock, tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Service]]:
    """As ``make_service``, but the service is composed once for a module and the same settings. It is for tests that
    change nothing but tickets of their own, and its clock stands still."""
    with _composing(Clock(), tmp_path_factory.mktemp("shared")) as make:
        yield cache(make)


@pytest.fixture
def service(make_service: Callable[..., Service]) -> Service:
    """The demo's service: jsmith / Secret123! and the others of CONTRACT 3."""
    return make_service()
