"""The time that commands take to start."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks.client import Connection
from tests.benchmarks.messages import get_request
from tests.benchmarks.ours import serve_command
from tests.benchmarks.processes import is_listening, stop
from tests.support.processes import free_port

_PATIENCE = 30


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds, medians."""

    serve: float
    help: float


def measure(rounds: int) -> Start:
    """Turn by turn: the server until its first answer, and --help until it ends."""
    runs = [(_timed(_serve), _timed(_help)) for _ in range(rounds)]
    return Start(*(median(column) for column in zip(*runs, strict=True)))


def _timed(start: Callable[[], float]) -> float:
    began = time.perf_counter()
    return start() - began


def _serve() -> float:
    """The moment at which the first call was answered."""
    with tempfile.TemporaryDirectory() as directory:
        port = free_port()
        process = subprocess.Popen(
            serve_command(port), cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            deadline = time.monotonic() + _PATIENCE
            while not is_listening(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("serve --demo does not start")
                time.sleep(0.002)
            with Connection(port) as connection:
                connection.ask(get_request("none"))
            return time.perf_counter()
        finally:
            stop(process)


def _help() -> float:
    command = [sys.executable, "-m", "asmx_tickets", "--help"]
    subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, timeout=_PATIENCE, check=True)
    return time.perf_counter()
