"""What an operator sees of a running server, and does with it, from the command line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.server.conftest import Server, StartServer
from tests.support.redis import RedisServer

WORKERS = ["one process", "several processes"]


def command(folder: Path, *arguments: str, stdin: str = "", exit_code: int = 0, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "asmx_tickets", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environ},
    )
    assert done.returncode == exit_code, done.stderr
    return done.stdout if exit_code == 0 else done.stderr


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
