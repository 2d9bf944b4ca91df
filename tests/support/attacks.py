"""What the tests against attackers share: services and servers that show their insides, bytes to send, statistics."""

import json
import math
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.test import Client, TestResponse

from asmx_tickets.tickets import digest, short_hash
from asmx_tickets.tickets.ticket import parse_guid
from asmx_tickets.users.hash_parameters import HashParameters
from asmx_tickets.users.passwords import PasswordHasher, Verification
from spyne_asmx.wsgi import WsgiApplication
from tests.contract.steps import FAILED
from tests.fuzz.target import Target
from tests.support import program
from tests.support.processes import free_port
from tests.support.server import Server
from tests.support.service import NAMESPACE, PASSWORD, SOAP12, Service, envelope, error_of, root_of

TRUSTED = "f2a96c1d07b84e5390ab44d1c8e7f653"
ENVIRONMENT_CANARY = "cnry-of-the-environment-77c1b0"


# For tests that fail to log in and are not about throttling.
UNTHROTTLED = {
    "Throttling__Failures": "1000",
    "Throttling__FailuresPerAddress": "100000",
    "Throttling__DisableAt": "0",
}


# Each refusal has a line of its own in the audit log.
UNMERGED = {"Audit__MergeSeconds": "0"}


def audit_lines(text: str) -> list[dict[str, Any]]:
    """The audit log's records in a text that may have other lines too."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@dataclass
class WatchedServer(Server):
    """A running ``asmx-tickets serve``, with what it wrote in its folder."""

    folder: Path

    def raw(self, data: bytes, *, half_close: bool = False, timeout: float = 15, source: str = "127.0.0.1") -> bytes:
        """As Server.raw, from one of this machine's loopback addresses. It also gets the answer to a request that the
        server does not read to its end."""
        address = ("127.0.0.1", self.port)
        received = b""
        with socket.create_connection(address, timeout=timeout, source_address=(source, 0)) as connection:
            with suppress(ConnectionError):
                connection.sendall(data)
                if half_close:
                    connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionError, TimeoutError):
                while piece := connection.recv(65536):
                    received += piece
        return received

    def log_in(self) -> str:
        """A fresh ticket of the demo's jsmith."""
        answer = self.raw(http(f"/srv.asmx/AuthenticateUser?UID=jsmith&PWD={PASSWORD}"))
        return re.findall('ticket="([^"]+)"', answer.decode())[0]

    @property
    def stdout(self) -> str:
        return (self.folder / "stdout.txt").read_text()

    @property
    def stderr(self) -> str:
        return (self.folder / "stderr.txt").read_text()


def http(
    target: str, body: bytes = b"", *lines: str, method: str = "", content_type: str = "", host: str = "localhost"
) -> bytes:
    """A request as bytes; POST if it has a body."""
    head = [f"{method or ('POST' if body else 'GET')} {target} HTTP/1.1", f"Host: {host}", "Connection: close", *lines]
    head += [f"Content-Type: {content_type}"] if content_type else []
    head += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body


def on_the_wire(operation: str, **parameters: str) -> dict[str, bytes]:
    """A call as bytes, by the binding's name."""
    form = "application/x-www-form-urlencoded"
    fields = urlencode(parameters)
    action = f"SOAPAction: {NAMESPACE}{operation}"
    body11, body12 = envelope(operation, parameters), envelope(operation, parameters, soap=SOAP12)
    return {
        "SOAP 1.1": http("/srv.asmx", body11, action, content_type="text/xml; charset=utf-8"),
        "SOAP 1.2": http("/srv.asmx", body12, content_type="application/soap+xml"),
        "GET": http(f"/srv.asmx/{operation}?{fields}"),
        "POST": http(f"/srv.asmx/{operation}", fields.encode(), content_type=form),
    }


def status_of(answer: bytes) -> int:
    """The status of an answer; 0 if there is none."""
    return int(answer[9:12] or b"0")


def headers_of(answer: bytes) -> dict[str, str]:
    """An answer's headers, by their names in lower case."""
    head = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head)}


@contextmanager
def running(folder: Path, *arguments: str, **environ: str) -> Iterator[WatchedServer]:
    """A server in a folder, which has an ``appsettings.json`` or gets an empty one; its output is written there too."""
    (folder / "appsettings.json").touch()
    if not (folder / "appsettings.json").read_text():
        (folder / "appsettings.json").write_text("{}")
    port = free_port()
    command = ["asmx_tickets", "serve", "--urls", f"http://127.0.0.1:{port}", *arguments]
    with (folder / "stdout.txt").open("w") as out, (folder / "stderr.txt").open("w") as log:
        process = program.start(
            *command,
            cwd=folder,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=log,
            text=True,
        )
    server = WatchedServer(process, port, f"http://127.0.0.1:{port}/srv.asmx", folder)
    try:
        end = time.monotonic() + 20
        while not re.search("asmx-tickets answers at", server.stdout):
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"no address line: {server.stdout!r}, {server.stderr}")
            time.sleep(0.01)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def mint_for(service: Service, user_name: str) -> str:
    """A fresh ticket from a service of ``make_stored_service``. It costs no hash."""
    return service.call("CreateTicketforUser", TrustedUserPwd=TRUSTED, UserName=user_name).attrib["ticket"]


def hash_in_logs(ticket: str) -> str:
    """What the logs show of a ticket."""
    return short_hash(digest(parse_guid(ticket) or b""))


def has_ticket(answer: TestResponse) -> bool:
    """Whether a login or an impersonation succeeded. Otherwise the answer must have the one text for all failures."""
    root = root_of(answer)
    if root.attrib["success"] == "true":
        return True
    assert error_of(root) == FAILED
    return False


class CountingHasher(PasswordHasher):
    """Counts the passwords that it verifies, and of them those that it compares with an account's hash."""

    def __init__(self, parameters: HashParameters) -> None:
        super().__init__(parameters)
        self.compared = 0
        self.verified = 0
        self._counting = threading.Lock()

    def verify(self, stored_hash: str | None, password: str) -> Verification:
        with self._counting:
            self.verified += 1
            self.compared += stored_hash is not None
        return super().verify(stored_hash, password)


@dataclass
class GuessedService(Service):
    """The composed service as a client at ``address`` sees it, and as its operator does.

    ``hasher.compared`` counts the passwords that were compared with an account's, ``hasher.verified`` all that took the
    time of a comparison.
    """

    hasher: CountingHasher = field(kw_only=True)
    audit: Path = field(kw_only=True)
    address: str = field(default="192.0.2.1", kw_only=True)

    def __post_init__(self) -> None:
        application = WsgiApplication(self.composition.site)
        self.http = Client(lambda environ, start: application({**environ, "REMOTE_ADDR": self.address}, start))

    def live_tickets(self) -> int:
        return len(list(self.composition.tickets.summaries()))

    def audited(self) -> list[dict[str, Any]]:
        """The audit log so far; what was refused comes last."""
        refused = self.audit.with_name(f"{self.audit.stem}-refused.jsonl")
        return audit_lines(self.audit.read_text() + refused.read_text())

    def reasons(self) -> list[str]:
        """Why logins were refused, the oldest first."""
        return [line["reason"] for line in self.audited() if line["event"] == "login_refused"]


@dataclass(frozen=True)
class Difference:
    """How much longer the calls of one class took than those of another made at nearly the same moments, seconds."""

    of_medians: float
    share: float
    """Of the other's median."""
    low: float
    high: float
    """95 % confidence interval of the median of the differences between neighbours."""
    p: float
    """Of the hypothesis that both take the same time: rank sums (Mann-Whitney), two-sided."""

    def __str__(self) -> str:
        interval = f"95 % of [{self.low * 1e6:+.4g}, {self.high * 1e6:+.4g}] us"
        return f"{self.of_medians * 1e6:+.4g} us ({self.share:+.3%}), {interval}, p = {self.p:.3f}"


def difference(times: Sequence[float], others: Sequence[float]) -> Difference:
    """Of calls made in turns, where ``times[i]`` and ``others[i]`` were neighbours."""
    of_medians = median(times) - median(others)
    pairs = sorted(one - other for one, other in zip(times, others, strict=True))
    # Order statistics: whatever the distribution is, the number of n values below the median is binomial.
    rank = max(0, math.floor(len(pairs) / 2 - 0.98 * math.sqrt(len(pairs))))
    return Difference(of_medians, of_medians / median(others), pairs[rank], pairs[-1 - rank], rank_sum_p(times, others))


def rank_sum_p(times: Sequence[float], others: Sequence[float]) -> float:
    """The two-sided p of the Mann-Whitney test, by its normal approximation, with the correction for ties."""
    ranks: dict[float, float] = {}
    everything = sorted([*times, *others])
    ties = 0
    for start, value in enumerate(everything):
        if value not in ranks:
            count = bisect_right(everything, value) - start
            ranks[value] = start + (count + 1) / 2
            ties += count**3 - count
    mine, theirs, total = len(times), len(others), len(everything)
    above = sum(ranks[value] for value in times) - mine * (mine + 1) / 2
    variance = mine * theirs / 12 * (total + 1 - ties / (total * (total - 1)))
    return math.erfc(abs(above - mine * theirs / 2) / math.sqrt(2 * variance))


def in_turns(
    calls: Mapping[str, Callable[[], float]], *, rounds: int, seconds: float, least: int = 1, seed: int = 1
) -> dict[str, list[float]]:
    """What the calls give that are made in rounds, one of each class in random order.

    It ends after so many rounds, or after so many seconds once the ``least`` number of rounds is made, and in any case
    after six times the seconds.
    """
    chance = random.Random(seed)
    times: dict[str, list[float]] = {name: [] for name in calls}
    begun = time.monotonic()
    for number in range(1, rounds + 1):
        for name in chance.sample(sorted(calls), len(calls)):
            times[name].append(calls[name]())
        if time.monotonic() > begun + seconds * (1 if number >= least else 6):
            break
    return times


TARGET = Target()
