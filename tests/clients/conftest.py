"""A demo server for real clients, what runs their programs, and the table of those that passed."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.summary import PROPERTY
from tests.support.server import servers_in

HERE = Path(__file__).parent
NODE = HERE / "node"

Ran = Callable[[str, str, str], None]


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


def needs(package: str, *programs: str) -> None:
    """Skip the test unless these programs of a Debian package are there."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} here: install Debian's {package}")


def needs_node_modules() -> None:
    """Skip the test unless node and the npm packages of node/package.json are there."""
    needs("nodejs", "node")
    if not (NODE / "node_modules").is_dir():
        pytest.skip("no npm packages here: run npm install --prefix tests/clients/node")


def output_of(*command: str | Path) -> str:
    """What a program printed; the test fails with all it said when the program fails."""
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=90)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
