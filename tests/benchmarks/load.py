"""Load with wrk: closed loop, 16 keep-alive connections, one thread."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.processes import LOAD_CORE, NotInstalled, Server, pinned

CONNECTIONS = 16
_SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of wrk measured. ``cpu`` is the server's processor time in seconds."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def cpu_us(self) -> float:
        """The server's processor time for one request, in microseconds."""
        return self.cpu / self.requests * 1e6


def write_requests(requests: Sequence[bytes], file: Path) -> Path:
    """Write requests into a file for wrk's script."""
    pieces = [f"{len(requests)}\n".encode(), *(b"%d\n%s\n" % (len(each), each) for each in requests)]
    file.write_bytes(b"".join(pieces))
    return file


def run(server: Server, requests: Path, seconds: float, *, core: int | None = LOAD_CORE) -> Load:
    """Load a server for some seconds. ``core`` None: wrk may run on any core.

    Raises RuntimeError unless every answer is good, and NotInstalled without wrk.
    """
    if shutil.which("wrk") is None:
        raise NotInstalled("wrk")
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--timeout", "10s", "-s"]
    address = f"http://127.0.0.1:{server.port}"
    before = server.cpu_seconds()
    done = subprocess.run(
        pinned([*command, str(_SCRIPT), address, "--", str(requests)], core),
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=True,
    )
    cpu = server.cpu_seconds() - before
    result = json.loads(done.stdout.strip().splitlines()[-1])
    if result.pop("errors"):
        raise RuntimeError(f"{server.process.args}: not every request was answered well:\n{done.stdout}")
    return Load(**result, cpu=cpu)
