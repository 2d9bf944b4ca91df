"""The demo's service in another time zone than UTC."""

from collections.abc import Callable, Iterator
from datetime import tzinfo

import pytest

from asmx_tickets.hosting.composition import Composition, compose
from asmx_tickets.settings.model import Settings
from tests.support.service import HASHER, Clock, Service


@pytest.fixture
def make_service_in(clock: Clock) -> Iterator[Callable[[tzinfo | None], Service]]:
    """Compose the demo's service in a zone; None is the machine's."""
    made: list[Composition] = []

    def make(zone: tzinfo | None) -> Service:
        made.append(compose(Settings(), demo=True, clock=clock, local_zone=zone, passwords=HASHER))
        return Service(made[-1], clock)

    yield make
    for composition in made:
        composition.close()
