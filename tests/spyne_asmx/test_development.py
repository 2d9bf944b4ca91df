"""``python -m spyne_asmx FILE:NAME`` serves an application while it is being written."""

import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import IO
from urllib.error import HTTPError

import pytest
from werkzeug.test import Client

from spyne_asmx.development import NotServable, load
from tests.support.processes import free_port
from tests.support.program import complete

SERVICE = """
import spyne_asmx as asmx
from spyne_asmx.spyne import Integer32, Service, rpc

class Sums(Service):
    @rpc(Integer32, Integer32, _returns=Integer32)
    def Add(ctx, a, b):
        return a + b

application = asmx.AsmxApplication([Sums], "urn:sums", "Sums")
endpoint = asmx.AsmxEndpoint(application, "/other/Sums.asmx")
wsgi = asmx.WsgiApplication(endpoint)
asgi = asmx.AsgiApplication(endpoint)
several = asmx.AsmxEndpoints(endpoint, asmx.AsmxEndpoint(application, "/Sums.asmx"))
number = 1

def plain(environ, start_response):
    start_response("200 OK", [])
    return [b"plain"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sums.py").write_text(SERVICE)
    return tmp_path


class Output:
    """What a program prints, a line at a time; a line that does not come fails the test."""

    def __init__(self, stream: IO[str]) -> None:
        self._lines: Queue[str] = Queue()
        self._reader = Thread(target=lambda: [self._lines.put(line) for line in stream], daemon=True)
        self._reader.start()

    def line(self) -> str:
        return self._lines.get(timeout=30).rstrip("\n")


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[tuple[str, Output]]:
    """The address that the command prints, and what it prints from then on."""
    # Not forked: with --reload it starts itself again, by the command that it was started with.
    command = [sys.executable, "-m", "spyne_asmx", "sums.py:application", "--port", str(free_port()), *arguments]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    output = Output(process.stdout)
    try:
        yield output.line().removeprefix("answers at "), output
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()


def get(address: str) -> str:
    try:
        with urllib.request.urlopen(address, timeout=10) as response:
            return str(response.read().decode())
    except HTTPError as error:
        with error:
            return f"{error.code} {error.read().decode()}"


def test_it_prints_its_address_and_every_request(folder: Path) -> None:
    with serving(folder) as (address, output):
        assert address.startswith("http://127.0.0.1:")
        assert address.endswith("/Sums.asmx")
        assert ">3</int>" in get(f"{address}/Add?a=1&b=2")
        assert output.line() == "GET /Sums.asmx/Add?a=1&b=2 200"


def test_it_loads_a_changed_file_again(folder: Path) -> None:
    """While the file is broken, every request is answered with the reason."""
    with serving(folder, "--reload") as (address, output):
        assert ">3</int>" in get(f"{address}/Add?a=1&b=2")
        output.line()
        (folder / "sums.py").write_text("x = (")
        reason = output.line()
        assert reason.endswith("sums.py, line 1: SyntaxError: '(' was never closed")
        # By the time it answers it watches the file again.
        assert get(address) == f"500 {reason}\n"
        output.line()
        (folder / "sums.py").write_text(SERVICE.replace("a + b", "a * b"))
        assert output.line() == f"answers at {address}"
        assert ">2</int>" in get(f"{address}/Add?a=1&b=2")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("application", "/Sums.asmx"),
        ("endpoint", "/other/Sums.asmx"),
        ("wsgi", "/other/Sums.asmx"),
        ("asgi", "/other/Sums.asmx"),
    ],
)
def test_what_can_be_served(folder: Path, name: str, path: str) -> None:
    served = load(f"sums.py:{name}")
    assert served.paths == (path,)
    assert ">3</int>" in Client(served.application).get(f"{path}/Add?a=1&b=2").text


def test_several_endpoints_can_be_served(folder: Path) -> None:
    served = load("sums.py:several")
    assert served.paths == ("/other/Sums.asmx", "/Sums.asmx")
    for path in served.paths:
        assert ">3</int>" in Client(served.application).get(f"{path}/Add?a=1&b=2").text


def test_any_wsgi_application_can_be_served(folder: Path) -> None:
    served = load("sums.py:plain")
    assert (served.paths, Client(served.application).get("/").text) == (("",), "plain")


def test_neighbours_of_the_file_are_found(folder: Path) -> None:
    (folder / "inside").mkdir()
    (folder / "inside" / "app.py").write_text("from values import endpoint")
    (folder / "inside" / "values.py").write_text(SERVICE)
    assert load("inside/app.py:endpoint").paths == ("/other/Sums.asmx",)


@pytest.mark.parametrize(
    ("target", "text", "line"),
    [
        ("app.py", "", "app.py: say FILE:NAME, such as calculator.py:app"),
        ("none.py:app", "", "none.py: there is no such file"),
        ("app.py:nothing", "app = 1", "app.py has no nothing"),
        (
            "app.py:app",
            "app = 1",
            "app.py:app is a int; it must be an AsmxApplication, an AsmxEndpoint, AsmxEndpoints,",
        ),
        ("app.py:app", "\nimport nowhere", "app.py, line 2: ModuleNotFoundError: No module named 'nowhere'"),
        ("app.py:app", "raise ValueError('a\\nb')", "app.py, line 1: ValueError: a b"),
        (
            "app.py:application",
            SERVICE.replace("    def Add", "    async def Add"),
            "Add: async def is not supported",
        ),
    ],
)
def test_what_cannot_be_served_is_refused_in_one_line(folder: Path, target: str, text: str, line: str) -> None:
    (folder / "app.py").write_text(text)
    with pytest.raises(NotServable) as refused:
        load(target)
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_address_that_is_taken_is_refused_in_one_line(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = complete("spyne_asmx", "sums.py:application", "--port", str(port), cwd=folder)
    expected = f"127.0.0.1:{port}: Address already in use; choose another with --host and --port\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", expected)
