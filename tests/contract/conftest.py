"""The demo's service in another time zone than UTC."""

from collections.abc import Callable, Iterator
from datetime import tzinfo

import pytest

from asmx_tickets.settings.model import Settings
from tests.support.service import HASHER, Clock, Service, composing


@pytest.fixture
def make_service_in(clock: Clock) -> Iterator[Callable[[tzinfo | None], Service]]:
    """Compose the demo's service in a zone; None is the machine's."""
    with composing() as compose:
        yield lambda zone: Service(
            compose(Settings(), demo=True, clock=clock, local_zone=zone, passwords=HASHER), clock
        )
