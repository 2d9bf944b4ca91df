"""CONTRACT 3: how the server starts and ends."""

import os
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.support.command_line import complete, run_in
from tests.support.processes import free_port
from tests.support.server import Server, StartServer


def _serve(cwd: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A start that is expected to fail."""
    return complete("serve", *arguments, cwd=cwd, env={**os.environ, **environ})


def test_sigterm_answers_what_is_under_way_and_exits_0(demo: Server) -> None:
    """A login that was sent before the signal is answered after it."""
    answers: list[bytes] = []
    form = b"UID=jsmith&PWD=Secret123!"
    request = (
        b"POST /srv.asmx/AuthenticateUser HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(form)
    )
    with socket.create_connection(("127.0.0.1", demo.port), timeout=15) as connection:
        connection.sendall(request + form[:-1])
        time.sleep(0.2)  # the server waits for the last byte now
        threading.Timer(0.3, lambda: connection.sendall(form[-1:])).start()
        demo.process.send_signal(signal.SIGTERM)
        while piece := connection.recv(65536):
            answers.append(piece)
    assert b'success="true"' in b"".join(answers)
    assert demo.process.wait(timeout=15) == 0


@pytest.mark.slow
def test_a_server_with_nothing_to_do_ends_at_once(start_server: StartServer) -> None:
    """Also one with a client that may send more: no step of a stop waits for a round number of milliseconds."""
    seconds = []
    for _ in range(5):
        server = start_server("--demo")
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
            began = time.monotonic()
            assert server.stop() == 0
            seconds.append(time.monotonic() - began)
    assert min(seconds) < 0.1


def test_sigint_exits_0(demo: Server) -> None:
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(timeout=15) == 0


@pytest.mark.slow
def test_a_client_that_hangs_does_not_hold_up_the_end(demo: Server) -> None:
    """SECURITY R6: gone within 12 s whatever clients do."""
    with socket.create_connection(("127.0.0.1", demo.port)) as connection:
        connection.sendall(b"POST /srv.asmx HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")
        time.sleep(0.2)
        started = time.monotonic()
        assert demo.stop() == 0
        assert time.monotonic() - started < 12


def test_a_killed_worker_is_replaced(demo: Server) -> None:
    """SECURITY R7: back within 5 s."""
    children = subprocess.run(["pgrep", "-P", str(demo.process.pid)], capture_output=True, text=True, check=True)
    os.kill(int(children.stdout.split()[0]), signal.SIGKILL)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if b"200 OK" in demo.raw(
                b"GET /srv.asmx/ServerInfo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            ):
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail("no answer for 5 s")


def test_a_killed_supervisor_takes_its_worker_along(demo: Server) -> None:
    """SECURITY R7: nothing keeps the port."""
    demo.process.kill()
    demo.process.wait()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", demo.port)) != 0:
                return
        time.sleep(0.05)
    pytest.fail("the worker lives on")


def test_a_busy_port_is_one_line(tmp_path: Path, demo: Server) -> None:
    """Never a traceback, never a second server on the same port."""
    failed = _serve(tmp_path, "--demo", "--urls", f"http://127.0.0.1:{demo.port}")
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert str(demo.port) in failed.stderr


def test_the_demo_listens_on_loopback_only(tmp_path: Path) -> None:
    failed = _serve(tmp_path, "--demo", "--urls", f"http://*:{free_port()}")
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1


def test_the_demo_leaves_nothing_on_disk(tmp_path: Path, start_server: StartServer) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    server = start_server("--demo", cwd=folder)
    server.stop()
    assert list(folder.iterdir()) == []


def test_without_users_it_starts_and_says_how_to_add_one(tmp_path: Path, start_server: StartServer) -> None:
    """One line on standard error, and the service answers."""
    server = start_server()
    log = (tmp_path / f"stderr-{server.port}.txt").read_text()
    assert log.count("asmx-tickets user add") == 1
    assert b"success=" in server.raw(
        b"GET /srv.asmx/ServerInfo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )


def test_standard_output_is_the_address_line_alone(demo: Server) -> None:
    """Scripts read the address from it; logs go to standard error."""
    assert demo.address == f"http://127.0.0.1:{demo.port}/srv.asmx"
    assert demo.stop() == 0
    assert demo.process.stdout is not None
    assert demo.process.stdout.read() == ""


def test_kill_9_during_logins_corrupts_nothing(tmp_path: Path, start_server: StartServer) -> None:
    """Every user is still there and the database is whole."""
    run_in(tmp_path, "user", "add", "alice", stdin="Secret123!\n")
    form = b"UID=alice&PWD=Secret123!"
    login = (
        b"POST /srv.asmx/AuthenticateUser HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(form)
    )
    for _ in range(3):
        server = start_server()
        clients = [threading.Thread(target=_ask_until_gone, args=(server, login + form)) for _ in range(4)]
        for client in clients:
            client.start()
        time.sleep(0.5)
        server.process.kill()
        for client in clients:
            client.join(timeout=10)
    with closing(sqlite3.connect(tmp_path / "App_Data" / "users.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert b'success="true"' in start_server().raw(login + form)


def _ask_until_gone(server: Server, request: bytes) -> None:
    with suppress(OSError):
        while server.raw(request, timeout=5):
            pass


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract name"])
def test_a_service_manager_is_told_when_it_answers_and_when_it_stops(
    tmp_path: Path, start_server: StartServer, abstract: bool
) -> None:
    """As systemd expects of a service of type notify; the address line may come a moment later."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(20)
        name = f"{tmp_path}/notify"
        manager.bind(f"\0{name}" if abstract else name)
        server = start_server("--demo", environ={"NOTIFY_SOCKET": f"@{name}" if abstract else name})
        assert manager.recv(100) == b"READY=1"
        assert server.stop() == 0
        assert manager.recv(100) == b"STOPPING=1"
