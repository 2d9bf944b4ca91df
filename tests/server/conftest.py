"""Real server processes on free loopback ports."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import Server, StartServer, servers_in


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Start servers; each is ended when the test is over."""
    with servers_in(tmp_path) as start:
        yield start


@pytest.fixture
def demo(start_server: StartServer) -> Server:
    """A demo of the test's own."""
    return start_server("--demo")


@pytest.fixture(scope="session")
def shared_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One demo for a whole worker of the test run. Never stopped, and never kept busy."""
    with servers_in(tmp_path_factory.mktemp("demo")) as start:
        yield start("--demo")
