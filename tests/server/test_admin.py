"""What an operator sees of a running server, and does with it, from the command line."""

import hashlib
import json
import re
import secrets
import signal
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.support.command_line import run_in
from tests.support.redis import RedisServer
from tests.support.server import Server, StartServer

WORKERS = ["one process", "several processes"]


def command(folder: Path, *arguments: str, stdin: str = "", exit_code: int = 0, **environ: str) -> str:
    done = run_in(folder, *arguments, stdin=stdin, exit_code=exit_code, **environ)
    return done.stdout if exit_code == 0 else done.stderr


def ticket_of(answer: str) -> str:
    found = re.search('ticket="([^"]+)"', answer) or re.search("ticket='([^']+)'", answer)
    assert found is not None, answer
    return found[1]


def log_in(server: Server) -> str:
    return ticket_of(ask(server, "AuthenticateUser", UID="alice", PWD="correct%20horse"))


def is_alive(server: Server, ticket: str) -> bool:
    return 'success="true"' in ask(server, "isValidTicket", AuthenticationTicket=ticket)


def ask(server: Server, operation: str, **parameters: str) -> str:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    with urlopen(f"{server.address}/{operation}?{query}", timeout=10) as response:
        return str(response.read().decode())


@pytest.fixture(params=WORKERS)
def environ(request: pytest.FixtureRequest, shared_redis: RedisServer, tmp_path: Path) -> dict[str, str]:
    """Settings for tickets in memory, and for several processes with tickets in Redis."""
    if request.param == "one process":
        return {}
    prefix = f"{tmp_path.name}:"
    return {"ConnectionStrings__Tickets": shared_redis.url, "Tickets__KeyPrefix": prefix, "Workers": "2"}


def test_status_tells_of_all_processes(tmp_path: Path, start_server: StartServer, environ: dict[str, str]) -> None:
    command(tmp_path, "user", "add", "alice", stdin="correct horse\n")
    server = start_server(environ=environ)
    for password in ("correct%20horse", "wrong", "correct%20horse", "correct%20horse"):
        ask(server, "AuthenticateUser", UID="alice", PWD=password)
    told = dict(line.split(": ", 1) for line in command(tmp_path, "status", **environ).splitlines())
    assert (told["logins"], told["refusals"], told["tickets"]) == ("3", "1", "3")
    assert (told["workers"], told["store users"], told["store audit"]) == (environ.get("Workers", "1"), "ok", "ok")
    as_json = json.loads(command(tmp_path, "status", "--json", **environ))
    assert (as_json["tickets"], as_json["store"]["users"]) == (3, "ok")
    assert server.stop() == 0
    assert "No server listens at" in command(tmp_path, "status", exit_code=1, **environ)


def rows(table: str) -> list[dict[str, str]]:
    header, *lines = table.splitlines()
    return [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]


def test_tickets_are_listed_and_ended(tmp_path: Path, start_server: StartServer, environ: dict[str, str]) -> None:
    """By GUID, by the short hash that the list shows, or by user; the command says how many it ended."""
    secret = secrets.token_hex(16)
    environ["TrustedUserPwd"] = secret
    for name in ("alice", "bob"):
        command(tmp_path, "user", "add", name, stdin="correct horse\n")
    server = start_server(environ=environ)
    by_hash, by_guid, *_ = (log_in(server) for _ in range(4))
    bobs = ticket_of(ask(server, "CreateTicketforUser", TrustedUserPwd=secret, UserName="bob"))
    listed = rows(command(tmp_path, "ticket", "list", **environ))
    assert sorted(row["user_name"] for row in listed) == ["alice"] * 4 + ["bob"]
    assert not any(ticket.replace("-", "") in str(listed).replace("-", "") for ticket in (by_hash, by_guid, bobs))
    assert {(row["address"], row["binding"]) for row in listed} == {("127.0.0.1", "HTTP GET")}
    (bob,) = rows(command(tmp_path, "ticket", "list", "--user", "BOB", **environ))
    assert (bob["impersonated"], bob["issued"]) == ("true", bob["last_used"])
    short = hashlib.sha256(bytes.fromhex(by_hash.replace("-", ""))).hexdigest()[:8]
    for text, ticket in ((short, by_hash), (by_guid, by_guid)):
        assert is_alive(server, ticket)
        assert command(tmp_path, "ticket", "revoke", text, **environ) == "1 ticket ended\n"
        assert not is_alive(server, ticket)
        assert "no such live ticket" in command(tmp_path, "ticket", "revoke", text, exit_code=1, **environ)
    assert command(tmp_path, "ticket", "revoke", "--user", "alice", **environ) == "2 tickets ended\n"
    assert is_alive(server, bobs)
    assert command(tmp_path, "user", "disable", "bob", **environ) == "1 ticket ended\n"
    assert not is_alive(server, bobs)


def test_a_locked_account_is_seen_and_unlocked(
    tmp_path: Path, start_server: StartServer, environ: dict[str, str]
) -> None:
    """Its live ticket works all the while (SECURITY D19)."""
    command(tmp_path, "user", "add", "alice", stdin="correct horse\n")
    environ["Throttling__DisableAt"] = "5"
    server = start_server(environ=environ)
    assert command(tmp_path, "user", "unlock", "alice", **environ) == "There are no failed logins.\n"
    ticket = log_in(server)
    for _ in range(6):
        ask(server, "AuthenticateUser", UID="alice", PWD="wrong")
    (row,) = rows(command(tmp_path, "user", "list", "--locked", **environ))
    assert (row["user_name"], row["networks"], row["failures"]) == ("alice", "127.0.0.1", "5")
    assert (row["until"], row["last_from"]) == ("unlocked", "127.0.0.1")
    shown = command(tmp_path, "user", "show", "alice", **environ)
    assert "failed_logins: 5 from 127.0.0.1, the last from 127.0.0.1 at " in shown
    assert "locked: 1\n" in command(tmp_path, "status", **environ)
    assert command(tmp_path, "user", "unlock", "alice", **environ) == "Unlocked.\n"
    assert rows(command(tmp_path, "user", "list", "--locked", **environ)) == []
    assert is_alive(server, ticket)
    assert log_in(server)
    noted = (tmp_path / "App_Data" / "audit.jsonl").read_text()
    assert '"event": "user_unlocked", "user": "alice"' in noted


def test_a_killed_servers_socket_is_replaced(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    assert (tmp_path / "App_Data" / "admin.sock").exists()
    while True:  # its worker goes with it, a moment later
        try:
            start_server()
            break
        except pytest.fail.Exception:
            time.sleep(0.1)
    assert "uptime: " in command(tmp_path, "status")
