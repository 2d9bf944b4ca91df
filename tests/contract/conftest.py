"""The demo's service as in ``tests/conftest.py``, in a tenth of the time: the rest would be spent on three hashes."""

from collections.abc import Callable, Iterator
from datetime import UTC, tzinfo

import pytest

from asmx_tickets.hosting.composition import Composition, compose
from asmx_tickets.hosting.demo import add_demo_users, demo_settings
from asmx_tickets.settings import Settings, load_settings
from asmx_tickets.users.passwords import HashParameters, PasswordHasher
from tests.conftest import Clock, Service
from tests.contract.steps import hash_of


class RememberingHasher(PasswordHasher):
    """Real hashes, each made once."""

    def hash(self, password: str) -> str:
        return hash_of(password)


@pytest.fixture
def make_service(clock: Clock) -> Iterator[Callable[..., Service]]:
    """As in ``tests/conftest.py``; also takes the local zone."""
    made: list[Composition] = []

    def make(*, local_zone: tzinfo | None = UTC, **settings: str) -> Service:
        loaded = load_settings(None, environ=settings) if settings else Settings()
        composition = compose(demo_settings(loaded), clock=clock, local_zone=local_zone)
        made.append(composition)
        add_demo_users(composition.directory, RememberingHasher(HashParameters()))
        return Service(composition, clock)

    yield make
    for composition in made:
        composition.close()
