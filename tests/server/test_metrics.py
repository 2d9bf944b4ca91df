"""What Prometheus reads of a real server, of one process and of several."""

import os
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.command_line import complete, run_in
from tests.support.processes import free_port
from tests.support.redis import RedisServer
from tests.support.server import Server, StartServer

Sample = Callable[..., float]


@dataclass
class Measured:
    """A server with metrics, and the port at which Prometheus reads them."""

    server: Server
    port: int

    def scrape(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=")
            text: str = answer.read().decode()
            return text

    def sum(self, name: str, **labels: str) -> float:
        """The sum of the samples of a name that have these labels."""
        samples = [each for family in text_string_to_metric_families(self.scrape()) for each in family.samples]
        return sum(each.value for each in samples if each.name == name and labels.items() <= each.labels.items())

    def until(self, number: float, name: str, **labels: str) -> None:
        """Wait until the sum is this number: gauges may be a second old."""
        end = time.monotonic() + 10
        while (found := self.sum(name, **labels)) != number:
            assert time.monotonic() < end, (name, found)
            time.sleep(0.05)

    def call(self, operation: str, **parameters: str) -> str:
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        try:
            with urllib.request.urlopen(f"{self.server.address}/{operation}?{query}", timeout=10) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return str(error.code)

    def log_in(self, password: str = "Secret123!") -> str:
        found = re.search(r' ticket="([^"]+)"', self.call("AuthenticateUser", UID="jsmith", PWD=password))
        return found[1] if found else ""


@pytest.fixture
def measured(start_server: StartServer) -> Measured:
    port = free_port()
    environ = {"Metrics__Listen": f"127.0.0.1:{port}", "Tickets__MaxPerUser": "2"}
    return Measured(start_server("--demo", environ=environ), port)


def test_calls_are_counted_by_operation_binding_and_outcome(measured: Measured) -> None:
    ticket = measured.log_in()
    assert 'success="true"' in measured.call("isValidTicket", AuthenticationTicket=ticket)
    measured.call("isValidTicket", AuthenticationTicket="none")
    measured.call("Nope")
    name = "asmx_tickets_call_seconds_count"
    assert measured.sum(name, operation="isValidTicket", binding="HTTP GET", outcome="ok") == 1
    assert measured.sum(name, operation="isValidTicket", outcome="refused") == 1
    assert measured.sum(name) == 3
    assert measured.sum("asmx_tickets_answers_total", status="200") == 3
    assert measured.sum("asmx_tickets_answers_total", status="500") == 1
    assert measured.sum("asmx_tickets_call_seconds_sum", operation="AuthenticateUser") > 0


def test_logins_are_counted_by_outcome(measured: Measured) -> None:
    """So are the tickets that they made, and those that MaxPerUser ended."""
    for _ in range(3):
        assert measured.log_in()
    for _ in range(6):
        measured.log_in("wrong")
    measured.call("CreateTicketforUser", TrustedUserPwd="wrong", UserName="jsmith")
    logins = "asmx_tickets_logins_total"
    assert measured.sum(logins, by="password", outcome="accepted") == 3
    assert measured.sum(logins, outcome="refused", reason="wrong password") == 5
    assert measured.sum(logins, outcome="throttled", reason="account") == 1
    assert measured.sum(logins, by="trusted", outcome="refused", reason="wrong TrustedUserPwd") == 1
    assert measured.sum("asmx_tickets_tickets_added_total") == 3
    assert measured.sum("asmx_tickets_tickets_evicted_total") == 1
    assert measured.sum("asmx_tickets_tickets") == 2


def test_stores_queues_and_connections_are_measured(measured: Measured) -> None:
    measured.log_in()
    measured.until(1, "asmx_tickets_store_up", store="users")
    assert measured.sum("asmx_tickets_store_seconds_count", store="users") > 0
    measured.until(0, "asmx_tickets_lane_calls", lane="hash")
    with urllib.request.urlopen(f"{measured.server.address}/ServerInfo", timeout=10):
        pass
    measured.until(0, "asmx_tickets_connections")


def test_metrics_have_no_secret_and_an_address_of_their_own(measured: Measured) -> None:
    """Nor do they have a user's name or an address (SECURITY L1)."""
    ticket = measured.log_in()
    measured.call("isValidTicket", AuthenticationTicket=ticket)
    text = measured.scrape()
    for secret in (ticket, "Secret123", "jsmith", "127.0.0.1"):
        assert secret not in text
    for elsewhere in ("/", "/srv.asmx", "/metrics/x"):
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(f"http://127.0.0.1:{measured.port}{elsewhere}", timeout=10)
        with error.value:
            assert error.value.code == 404
    assert measured.call("metrics") == "500"


def test_several_processes_are_measured_as_one(
    start_server: StartServer, shared_redis: RedisServer, tmp_path: Path
) -> None:
    """Whichever process answers. The counts of one that dies stay; its gauges go."""
    port = free_port()
    environ = {
        "Workers": "2",
        "ConnectionStrings__Tickets": shared_redis.url,
        "Tickets__KeyPrefix": f"{tmp_path.name}:",
        "Metrics__Listen": f"http://127.0.0.1:{port}",
    }
    run_in(tmp_path, "user", "add", "jsmith", stdin="Secret123!")
    measured = Measured(start_server(environ=environ), port)
    for _ in range(8):
        assert measured.log_in()
    count = "asmx_tickets_call_seconds_count"
    assert {measured.sum(count, operation="AuthenticateUser") for _ in range(6)} == {8}
    assert measured.sum("asmx_tickets_tickets") == 8
    assert measured.sum("asmx_tickets_audit_lines_total", outcome="written") == 8
    measured.until(1, "asmx_tickets_store_up", store="tickets")
    assert measured.sum("asmx_tickets_store_seconds_count", store="tickets") > 0
    supervisor = measured.server.process.pid
    worker = int(Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()[0])
    (folder,) = {path.parent for path in Path("/dev/shm").glob(f"asmx-tickets-metrics-*/gauge_live*_{worker}.db")} or {
        Path("none")
    }
    os.kill(worker, signal.SIGKILL)
    end = time.monotonic() + 15
    while list(folder.glob(f"gauge_live*_{worker}.db")):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert measured.sum(count, operation="AuthenticateUser") == 8
    assert measured.server.stop() == 0
    assert not folder.exists()


def test_an_address_that_is_taken_stops_the_start(measured: Measured, tmp_path: Path) -> None:
    environ = {**os.environ, "Metrics__Listen": f"127.0.0.1:{measured.port}"}
    done = complete("serve", "--demo", "--urls", f"http://127.0.0.1:{free_port()}", cwd=tmp_path, env=environ)
    assert done.returncode == 1
    assert f"Metrics:Listen: can't listen on 127.0.0.1 port {measured.port}: another program" in done.stderr
