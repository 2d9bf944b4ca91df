"""A real server takes up its settings file again, by SIGHUP or by command, and loses no ticket."""

import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import complete, run_in
from tests.support.redis import RedisServer
from tests.support.server import Server, StartServer

SECRET, OTHER = "0123456789abcdef-canary", "fedcba9876543210-canary"


@dataclass
class Reloaded:
    """A server with a settings file that can be rewritten."""

    server: Server
    file: Path
    log: Path

    def reload(self, tree: dict[str, Any] | str) -> str:
        """Write the file, send SIGHUP, and give what the log says then."""
        before = len(self.log.read_text())
        self.file.write_text(tree if isinstance(tree, str) else json.dumps(tree))
        self.server.process.send_signal(signal.SIGHUP)
        return self.logged("(the settings were read again|the new settings are not used)", before)

    def logged(self, pattern: str, start: int = 0) -> str:
        end = time.monotonic() + 15
        while re.search(pattern, self.log.read_text()[start:]) is None:
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.02)
        return self.log.read_text()[start:]

    def call(self, operation: str, host: str = "", **parameters: str) -> str:
        """Call an operation; the whole answer, or the status of an error."""
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        request = urllib.request.Request(
            f"{self.server.address}/{operation}?{query}", headers={"Host": host} if host else {}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                text: str = answer.read().decode()
                return text
        except urllib.error.HTTPError as error:
            with error:
                return str(error.code)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition: workers take up settings a moment after the supervisor."""
        end = time.monotonic() + 15
        while not condition():
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.02)


Start = Callable[..., Reloaded]


@pytest.fixture
def start(start_server: StartServer, tmp_path: Path) -> Start:
    def start(tree: dict[str, Any], *arguments: str) -> Reloaded:
        file = tmp_path / "appsettings.json"
        file.write_text(json.dumps(tree))
        file.chmod(0o600)
        server = start_server("--settings", str(file), *arguments)
        return Reloaded(server, file, tmp_path / f"stderr-{server.port}.txt")

    return start


def ticket_of(answer: str) -> str:
    found = re.search(r'ticket="([^"]+)"', answer)
    assert found is not None, answer
    return found[1]


def test_the_rewritten_file_counts_and_no_ticket_is_lost(start: Start) -> None:
    running = start({"ServerInfo": {"Company": "Before"}}, "--demo")
    ticket = ticket_of(running.call("AuthenticateUser", UID="jsmith", PWD="Secret123!"))
    log = running.reload(
        {
            "ServerInfo": {"Company": "After"},
            "Languages": {"Supported": ["en", "nl"], "Default": "nl"},
            "AllowedHosts": "a.example.com;127.0.0.1",
            "WebServices": {"Protocols": ["HttpGet"], "MaxRequestBytes": 2048},
            "Cors": {"AllowedOrigins": ["https://app.example.com"]},
            "Tickets": {"MaxTotal": 5},
            "Logging": {"LogLevel": {"Default": "Debug"}, "Access": True, "Format": "json"},
        }
    )
    assert "only a restart changes Tickets:MaxTotal" in log
    assert "ServerInfo:Company" in log
    running.until(lambda: 'Company="After"' in running.call("ServerInfo"))
    assert 'success="true"' in running.call("isValidTicket", AuthenticationTicket=ticket)
    assert "Dutch" in running.call(
        "GetCurrentUser",
        authenticationTicket=ticket_of(running.call("AuthenticateUser1", UID="jsmith", PWD="Secret123!", Lang="xx")),
    )
    assert running.call("ServerInfo", host="other.example.com") == "400"
    page = b"GET /srv.asmx HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    assert b" 404 " in running.server.raw(page)  # Documentation is off
    running.logged('"message": "GET /srv.asmx 404 ')


def test_a_bad_file_changes_nothing_and_says_why(start: Start) -> None:
    running = start({"ServerInfo": {"Company": "Before"}}, "--demo")
    for bad, reason in [
        ('{"ServerInfo": ', "no valid JSON"),
        ({"ServerInfo": {"Company": "After"}, "Languages": {"Default": "xx"}}, "Languages:Default must have"),
        ({"ServerInfo": {"Company": "After"}, "Nonsense": {"x": 1}}, "Nonsense:x is not a known key"),
        ({"ServerInfo": {"Company": "After"}, "Throttling": {"Failures": "0"}}, "Throttling:Failures must"),
    ]:
        log = running.reload(bad)
        assert "the new settings are not used" in log
        assert reason in log
        assert "Traceback" not in log
    time.sleep(0.3)
    assert 'Company="Before"' in running.call("ServerInfo")
    running.file.unlink()
    running.server.process.send_signal(signal.SIGHUP)
    running.logged("can't be read: No such file")
    assert 'Company="Before"' in running.call("ServerInfo")


def test_the_shared_secret_can_be_changed(start: Start, tmp_path: Path) -> None:
    """It is in a file of its own, which is read again too."""
    secret = tmp_path / "trusted"
    secret.write_text(SECRET)
    tree = {"TrustedUserPwd": {"File": "trusted"}, "Audit": {"To": ""}}
    running = start(tree)
    run_in(tmp_path, "user", "add", "alice", "--settings", str(running.file), stdin="correct horse battery")

    def works(value: str) -> bool:
        return 'success="true"' in running.call("CreateTicketforUser", TrustedUserPwd=value, UserName="alice")

    assert works(SECRET)
    secret.write_text(OTHER)
    running.reload(tree | {"ServerInfo": {"Company": "After"}})
    # Wrong secrets are throttled, so the other change is waited for.
    running.until(lambda: 'Company="After"' in running.call("ServerInfo"))
    assert works(OTHER)
    assert not works(SECRET)
    assert "canary" not in running.log.read_text()


def test_all_workers_reload_and_later_ones_start_with_the_new_settings(start: Start, shared_redis: RedisServer) -> None:
    running = start(
        {
            "Workers": 2,
            "ServerInfo": {"Company": "Before"},
            "ConnectionStrings": {"Tickets": shared_redis.url, "Users": "sqlite:///users.db"},
            "Tickets": {"KeyPrefix": "reload-test:"},
        }
    )
    running.reload(
        {
            "Workers": 3,
            "ServerInfo": {"Company": "After"},
            "ConnectionStrings": {"Tickets": shared_redis.url, "Users": "sqlite:///users.db"},
            "Tickets": {"KeyPrefix": "reload-test:"},
        }
    )
    assert "only a restart changes Workers" in running.log.read_text()
    running.until(lambda: 'Company="After"' in running.call("ServerInfo"))
    running.until(lambda: all('Company="After"' in running.call("ServerInfo") for _ in range(20)))
    supervisor = running.server.process.pid
    workers = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    assert len(workers) == 2
    os.kill(int(workers[0]), signal.SIGKILL)
    running.logged("starting another one")
    assert all('Company="After"' in running.call("ServerInfo") for _ in range(20))


@pytest.mark.parametrize("workers", [1, 2])
def test_the_reload_command_makes_a_server_reload(start: Start, shared_redis: RedisServer, workers: int) -> None:
    """It says what changes, what does not, and what is wrong."""
    tree: dict[str, Any] = {"ServerInfo": {"Company": "Before"}, "Admin": {"Socket": "admin.sock"}}
    if workers > 1:
        stores = {"Tickets": shared_redis.url, "Users": "sqlite:///users.db"}
        tree |= {"Workers": workers, "ConnectionStrings": stores, "Tickets": {"KeyPrefix": "reload-command:"}}
    running = start(tree)

    def reload(tree: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        running.file.write_text(json.dumps(tree))
        return complete("reload", "--settings", str(running.file))

    assert reload(tree).stdout == "nothing has changed\n"
    done = reload(tree | {"ServerInfo": {"Company": "After"}, "Audit": {"Keep": 3}})
    assert done.stdout == "changed: ServerInfo:Company\nonly a restart changes: Audit:Keep\n"
    running.until(lambda: all('Company="After"' in running.call("ServerInfo") for _ in range(50 * workers)))
    done = reload(tree | {"Certificate": {"Path": 5}, "Languages": {"Default": "xx"}})
    assert (done.returncode, done.stdout) == (1, "")
    assert "Languages:Default must have other values" in done.stderr
    assert 'Company="After"' in running.call("ServerInfo")
