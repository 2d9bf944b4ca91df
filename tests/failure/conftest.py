"""Deployments with users, and clients of their servers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.server.conftest import start_server
from tests.support.deployment import PASSWORD, TRUSTED, Client, Deployment
from tests.support.server import Server, StartServer

__all__ = ["start_server"]  # pytest finds the fixture here


@pytest.fixture
def client_of() -> Iterator[Callable[[Server], Client]]:
    """Makes clients of a server."""
    made: list[Client] = []

    def make(server: Server) -> Client:
        made.append(Client(server.port))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def deploy(tmp_path: Path, start_server: StartServer) -> Callable[..., Deployment]:
    """Makes a deployment with the user alice. Settings are named as in the environment (``Tickets__KeyPrefix=…``)."""

    def make(**settings: str) -> Deployment:
        folder = tmp_path / "deployment"
        folder.mkdir()
        deployment = Deployment(folder, {"TrustedUserPwd": TRUSTED, **settings}, start_server)
        deployment.command("user", "add", "alice", stdin=f"{PASSWORD}\n")
        return deployment

    return make
