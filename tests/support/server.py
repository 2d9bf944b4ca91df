"""Real server processes on free loopback ports."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import program
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


@contextmanager
def servers_in(folder: Path) -> Iterator[StartServer]:
    """Starts servers that run in a folder; at the end each is ended, by its process id."""
    started: list[Server] = []

    def start(
        *arguments: str,
        environ: dict[str, str] | None = None,
        cwd: Path = folder,
        limits: Sequence[str] = (),
        module: str = "asmx_tickets",
    ) -> Server:
        """``limits`` are prlimit's, for a server that starts with them; ``module`` is what is run."""
        port = free_port()
        command = [module, "serve", "--urls", f"http://127.0.0.1:{port}", *arguments]
        log = folder / f"stderr-{port}.txt"
        environ = {**os.environ, **(environ or {})}
        with log.open("w") as errors:
            options = {"cwd": cwd, "env": environ, "stdout": subprocess.PIPE, "stderr": errors, "text": True}
            if limits:
                process = subprocess.Popen(["prlimit", *limits, sys.executable, "-m", *command], **options)
            else:
                process = program.start(*command, **options)
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        if found is None:
            process.wait(timeout=10)
            pytest.fail(f"no address line: {line!r}, {log.read_text()}")
        started.append(Server(process, port, found[0]))
        return started[-1]

    try:
        yield start
    finally:
        for server in started:
            _end(server.process)


def _end(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
