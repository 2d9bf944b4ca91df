"""A demo server for real clients, what runs their programs, and the table of those that passed."""

from collections.abc import Callable, Iterator

import pytest

from tests.clients.summary import PROPERTY
from tests.support.programs import Ran
from tests.support.server import servers_in


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the demo service in a real server process; the clients share it, each with tickets of its own."""
    with servers_in(tmp_path_factory.mktemp("server")) as start:
        server = start("--demo")
        yield server.address
        assert server.stop() == 0


@pytest.fixture
def ran(record_property: Callable[[str, object], None]) -> Ran:
    """Say which client, in which version, ran over which binding, for the table at the end of the run."""

    def ran(client: str, version: str, binding: str) -> None:
        record_property(PROPERTY, [client, version, binding])

    return ran
