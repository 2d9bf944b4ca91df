"""The pytest plugin, which pytest finds by itself where this package is installed."""

from collections.abc import Iterator

import pytest

from asmx_tickets.testing import DemoServer


@pytest.fixture(scope="session")
def _demo_server() -> Iterator[DemoServer]:
    with DemoServer() as server:
        yield server


@pytest.fixture
def ticket_server(_demo_server: DemoServer) -> DemoServer:
    """A demo ticket server: ``ticket_server.address``, and ``ticket_server.advance(days=31)`` moves its clock.

    One process serves all tests; for each it is as new.
    """
    _demo_server.reset()
    return _demo_server
