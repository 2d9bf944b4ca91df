"""A real server process on a free loopback port."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.processes import free_port


@dataclass
class Server:
    """A running ``asmx-tickets serve``."""

    process: subprocess.Popen[str]
    port: int
    address: str

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)

    def raw(self, data: bytes, *, half_close: bool = False, timeout: float = 15) -> bytes:
        """Send exact bytes and give what comes back until the server closes or nothing comes for ``timeout``."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            received = b""
            try:
                while piece := connection.recv(65536):
                    received += piece
            except TimeoutError:
                pass
            return received


StartServer = Callable[..., Server]


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Start servers; each is ended, by its process id, when the test is over."""
    started: list[Server] = []

    def start(*arguments: str, environ: dict[str, str] | None = None, cwd: Path = tmp_path) -> Server:
        port = free_port()
        command = [sys.executable, "-m", "asmx_tickets", "serve", "--urls", f"http://127.0.0.1:{port}", *arguments]
        with (tmp_path / f"stderr-{port}.txt").open("w") as log:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env={**os.environ, **(environ or {})},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        if found is None:
            process.wait(timeout=10)
            pytest.fail(f"no address line: {line!r}, {(tmp_path / f'stderr-{port}.txt').read_text()}")
        started.append(Server(process, port, found[0]))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.process.terminate()
            try:
                server.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                server.process.kill()
                server.process.wait()
        if server.process.stdout is not None:
            server.process.stdout.close()


@pytest.fixture
def demo(start_server: StartServer) -> Server:
    return start_server("--demo")
