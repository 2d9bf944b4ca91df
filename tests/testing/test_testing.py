"""The demo server for authors of clients, and the pytest plugin that brings it."""

import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from asmx_tickets.testing import DemoServer
from tests.support.program import complete

DOCS = Path(__file__).parent.parent.parent / "docs" / "clients.md"


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with DemoServer() as started:
        yield started


def call(server: DemoServer, operation: str, **parameters: str) -> str:
    with urllib.request.urlopen(f"{server.address}/{operation}", urlencode(parameters).encode(), timeout=10) as answer:
        return str(answer.read().decode())


def log_in(server: DemoServer, password: str = "Secret123!") -> str:
    return call(server, "AuthenticateUser", UID="jsmith", PWD=password)


def ticket_of(answer: str) -> str:
    found = re.search(r' ticket="([^"]+)"', answer)
    assert found is not None, answer
    return found[1]


def test_its_clock_can_be_moved(server: DemoServer) -> None:
    """Tickets expire, and waits after failed logins pass."""
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/srv\.asmx", server.address)
    ticket = ticket_of(log_in(server))
    for _ in range(10):
        server.advance(60)
        log_in(server, "wrong")
    assert "[900]" in log_in(server)  # for half a minute: the clock goes on by itself, too
    server.advance(60)
    assert 'success="true"' in log_in(server)
    assert 'success="true"' in call(server, "isValidTicket", AuthenticationTicket=ticket)
    server.advance(days=30)
    assert "[901]" in call(server, "isValidTicket", AuthenticationTicket=ticket)


def test_a_reset_ends_all_tickets_and_sets_the_clock_right(server: DemoServer) -> None:
    def now() -> datetime:
        said = re.search(r'Coordinated_Universal_Time="([^"]+)Z"', call(server, "ServerInfo"))
        assert said is not None
        return datetime.fromisoformat(said[1])

    server.reset()
    begun, ticket = now(), ticket_of(log_in(server))
    server.advance(days=800)
    assert now() - begun >= timedelta(days=800)
    server.reset()
    assert now() - begun < timedelta(days=1)
    assert "[901]" in call(server, "isValidTicket", AuthenticationTicket=ticket)
    assert 'success="true"' in log_in(server)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_time_goes_forward_only(server: DemoServer, seconds: float) -> None:
    with pytest.raises(ValueError, match="advance wants seconds"):
        server.advance(seconds)


def test_a_command_that_it_does_not_know_is_an_error(server: DemoServer) -> None:
    done = complete("asmx_tickets.testing", stdin="back 5\n\nreset\n")
    address, *answers = done.stdout.splitlines()
    assert address.startswith("http://127.0.0.1:")
    assert answers == [*["error: there is advance SECONDS, and reset"] * 2, "ok"]
    assert not done.stderr


def test_a_server_that_has_ended_says_so(server: DemoServer) -> None:
    with DemoServer() as other:
        other._process.kill()
        other._process.wait()
        with pytest.raises(RuntimeError, match="has ended"):
            other.advance(1)


def test_the_example_of_the_docs_works_wherever_the_package_is_installed(tmp_path: Path) -> None:
    """pytest finds the plugin by itself."""
    (example,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    (tmp_path / "test_client.py").write_text(example)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert "1 passed" in done.stdout, done.stdout
