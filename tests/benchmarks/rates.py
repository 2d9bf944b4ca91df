"""Calls of isValidTicket a second on one core, and their processor time: ours and the peers' take turns."""

import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks.client import Connection
from tests.benchmarks.load import Load, run, write_requests
from tests.benchmarks.messages import get_request, shapeless_request, soap_request
from tests.benchmarks.ours import demo_server, mint
from tests.benchmarks.peers.commands import PEERS
from tests.benchmarks.processes import LOAD_CORE, SERVER_CORE, NotInstalled, Server, running
from tests.benchmarks.shared import log_in_often, redis_server, shared_server

OURS = "asmx-tickets"
OURS_GET = "asmx-tickets, GET"
OURS_SHAPELESS = "asmx-tickets, no known shape"
OURS_REDIS = "asmx-tickets, tickets in Redis"
_ROOT = Path(__file__).parents[2]
_WINDOW = 30 * 86400
_IN_USE = 1000  # of the live tickets, how many the load asks for, round robin
_ROOT_ELEMENT = re.compile(rb"<root\b([^>]*?)/?>")
_ATTRIBUTE = re.compile(rb'([A-Za-z]+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Subject:
    """A server and the requests it is loaded with."""

    server: Server
    requests: Path


@dataclass(frozen=True, slots=True)
class Rates:
    """The runs of each subject, one a round; and for what could not be measured, what is missing."""

    runs: dict[str, list[Load]]
    missing: dict[str, str]
    tickets: int

    def rate(self, name: str) -> float:
        return median(load.rate for load in self.runs[name])

    def cpu_us(self, name: str) -> float:
        return median(load.cpu_us for load in self.runs[name])

    def rate_ratios(self, name: str, to: str) -> list[float]:
        """The rate as a multiple of another's, in each round."""
        return [mine.rate / other.rate for mine, other in zip(self.runs[name], self.runs[to], strict=True)]

    def cpu_ratios(self, name: str, to: str) -> list[float]:
        """The processor time as a multiple of another's, in each round."""
        return [mine.cpu_us / other.cpu_us for mine, other in zip(self.runs[name], self.runs[to], strict=True)]


def measure(rounds: int, seconds: float, tickets: int) -> Rates:
    """All servers run on the same core until the end. In each round each of them is loaded once."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        missing: dict[str, str] = {}
        subjects = stack.enter_context(_subjects(Path(directory), tickets, missing))
        for subject in subjects.values():
            run(subject.server, subject.requests, 1)
        runs: dict[str, list[Load]] = {name: [] for name in subjects}
        for _ in range(rounds):
            for name, subject in subjects.items():
                runs[name].append(run(subject.server, subject.requests, seconds))
        return Rates(runs, missing, tickets)


@contextmanager
def _subjects(directory: Path, count: int, missing: dict[str, str]) -> Iterator[dict[str, Subject]]:
    with ExitStack() as stack:
        ours = stack.enter_context(demo_server(directory, SERVER_CORE))
        # Peers give tickets the same life, except for the seconds that minting takes.
        expires_at = time.time() + _WINDOW
        tickets = mint(ours, count)
        live = directory / "tickets"
        live.write_text("".join(f"{ticket} {expires_at}\n" for ticket in tickets))
        used = tickets[:: max(1, count // _IN_USE)]
        soap = write_requests([soap_request(ticket) for ticket in used], directory / "soap")
        get = write_requests([get_request(ticket) for ticket in used], directory / "get")
        shapeless = write_requests([shapeless_request(ticket) for ticket in used], directory / "shapeless")
        subjects = {
            OURS: Subject(ours, soap),
            OURS_GET: Subject(ours, get),
            OURS_SHAPELESS: Subject(ours, shapeless),
        }
        try:
            subjects[OURS_REDIS] = stack.enter_context(_on_redis(directory / "redis"))
        except NotInstalled as what:
            missing[OURS_REDIS] = str(what)
        wanted = _said(ours, soap_request(used[0]))
        for name, prepare in PEERS.items():
            own = directory / name.replace(" ", "-")
            own.mkdir()
            try:
                command = prepare(own, live)
            except NotInstalled as what:
                missing[name] = str(what)
                continue
            python_path = {"PYTHONPATH": str(_ROOT)}
            server = stack.enter_context(running(command, core=SERVER_CORE, directory=own, environ=python_path))
            if (said := _said(server, soap_request(used[0]))) != wanted:
                raise RuntimeError(f"{name} answers {said}, not {wanted}")
            subjects[name] = Subject(server, soap)
        yield subjects


@contextmanager
def _on_redis(directory: Path) -> Iterator[Subject]:
    """The service with its tickets in Redis, which shares the load's core."""
    directory.mkdir()
    with redis_server(directory, LOAD_CORE) as redis, shared_server(directory, 1, redis, SERVER_CORE) as server:
        tickets = log_in_often(server)
        yield Subject(server, write_requests([soap_request(ticket) for ticket in tickets], directory / "soap"))


def _said(server: Server, request: bytes) -> dict[bytes, bytes]:
    """What an answer says about the ticket, however it is written; of expireOn the day."""
    with Connection(server.port) as connection:
        answer = connection.ask(request)
    root = _ROOT_ELEMENT.search(answer.body)
    if answer.status != 200 or root is None:
        raise RuntimeError(f"{server.process.args} answers {answer}")
    said = dict(_ATTRIBUTE.findall(root[1]))
    said.pop(b"xmlns", None)
    return said | {b"expireOn": said[b"expireOn"][:10]}
