"""Ticket checks while others log in: server, load and logins share all cores of the machine."""

import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks.client import Connection, side_by_side
from tests.benchmarks.load import Load, run, write_requests
from tests.benchmarks.messages import login_request, soap_request
from tests.benchmarks.ours import demo_server, mint
from tests.benchmarks.processes import Server

CLIENTS = 8
FLOOD = 300
_ROOT = Path(__file__).parents[2]
_LEAD_IN = 0.5  # seconds that logins or hashes run before and after wrk, so that all of its run is under them


@dataclass(frozen=True, slots=True)
class Flood:
    """The outcome of FLOOD logins that were sent at once, each over its own connection."""

    answered: int
    refused: int
    told_when: int  # of the refused, how many with Retry-After
    longest: float  # seconds
    memory_mib: float  # resident, what the server took on top at its peak


@dataclass(frozen=True, slots=True)
class Storm:
    """Runs of the same load in three states, one of each in a round. Logins and hashes are per second."""

    quiet: list[Load]
    beside_argon2: list[Load]
    stormy: list[Load]
    hashes: list[float]
    logins: list[float]
    flood: Flood

    @property
    def rate_kept(self) -> float:
        """The share of the quiet rate that is left in a storm."""
        return median(s.rate / q.rate for s, q in zip(self.stormy, self.quiet, strict=True))

    @property
    def p99_ms(self) -> float:
        return median(load.p99_ms for load in self.stormy)

    @property
    def logins_kept(self) -> float:
        """Logins as a share of the hashes that argon2 alone does beside the same load."""
        return median(mine / alone for mine, alone in zip(self.logins, self.hashes, strict=True))


def measure(rounds: int, seconds: float) -> Storm:
    """Each round: the load alone, beside argon2 in another process, and beside CLIENTS that log in."""
    with tempfile.TemporaryDirectory() as directory, demo_server(Path(directory)) as server:
        requests = write_requests([soap_request(each) for each in mint(server, 1000)], Path(directory) / "soap")
        storm = Storm([], [], [], [], [], _flood(server))
        for _ in range(rounds):
            storm.quiet.append(run(server, requests, seconds, core=None))
            _beside_argon2(storm, server, requests, seconds)
            _beside_logins(storm, server, requests, seconds)
        return storm


def _beside_argon2(storm: Storm, server: Server, requests: Path, seconds: float) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.argon2_alone", str(seconds + 2 * _LEAD_IN)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as process:
        time.sleep(_LEAD_IN)
        storm.beside_argon2.append(run(server, requests, seconds, core=None))
        printed, _ = process.communicate(timeout=seconds + 60)
    storm.hashes.append(float(printed))


def _beside_logins(storm: Storm, server: Server, requests: Path, seconds: float) -> None:
    counts: list[int] = []
    ended = threading.Event()

    def log_in(_number: int) -> None:
        done = 0
        with Connection(server.port) as connection:
            while not ended.is_set():
                answer = connection.ask(login_request())
                if answer.status != 200:
                    raise RuntimeError(f"a login was answered {answer}")
                done += 1
        counts.append(done)

    began = time.perf_counter()
    logins = threading.Thread(target=side_by_side, args=(CLIENTS, log_in))
    logins.start()
    time.sleep(_LEAD_IN)
    try:
        storm.stormy.append(run(server, requests, seconds, core=None))
        time.sleep(_LEAD_IN)
    finally:
        ended.set()
        logins.join()
    if len(counts) != CLIENTS:
        raise RuntimeError("a login failed in the storm")
    storm.logins.append(sum(counts) / (time.perf_counter() - began))


def _flood(server: Server) -> Flood:
    """Send more logins at once than may wait, and watch the server's memory meanwhile."""
    outcomes: list[tuple[int, bool, float]] = []
    ready = threading.Barrier(FLOOD)
    before = peak = server.memory_bytes()

    def log_in(_number: int) -> None:
        with Connection(server.port, timeout=60) as connection:
            ready.wait(timeout=30)
            began = time.perf_counter()
            answer = connection.ask(login_request())
            outcomes.append((answer.status, b"\r\nretry-after:" in answer.head.lower(), time.perf_counter() - began))

    flood = threading.Thread(target=side_by_side, args=(FLOOD, log_in))
    flood.start()
    while flood.is_alive():
        peak = max(peak, server.memory_bytes())
        time.sleep(0.01)
    if len(outcomes) != FLOOD or {status for status, *_ in outcomes} - {200, 503}:
        raise RuntimeError(f"a login of the flood was lost: {len(outcomes)} answers, {sorted(outcomes)[-3:]}")
    return Flood(
        answered=sum(status == 200 for status, *_ in outcomes),
        refused=sum(status == 503 for status, *_ in outcomes),
        told_when=sum(status == 503 and told for status, told, _ in outcomes),
        longest=max(seconds for *_, seconds in outcomes),
        memory_mib=(peak - before) / 2**20,
    )
