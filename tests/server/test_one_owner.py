"""An address and a ticket file have one owner, and a signal ends a server cleanly at any moment."""

import json
import os
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.command_line import COMMAND, complete, run_in, start
from tests.support.processes import free_port
from tests.support.server import Server, StartServer

CHECK = b"GET /srv.asmx/ServerInfo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
READY = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def serving(port: int, *arguments: str, scheme: str = "http") -> list[str]:
    return ["serve", "--urls", f"{scheme}://127.0.0.1:{port}", *arguments]


def add_user(folder: Path) -> None:
    run_in(folder, "user", "add", "alice", stdin="Secret123!\n")


def log_in(server: Server) -> bytes:
    form = b"UID=alice&PWD=Secret123!"
    head = b"POST /srv.asmx/AuthenticateUser HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    head += b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(form)
    answer = server.raw(head + form)
    return answer.partition(b'ticket="')[2][:36]


def is_valid(server: Server, ticket: bytes) -> bool:
    query = b"GET /srv.asmx/isValidTicket?AuthenticationTicket=" + ticket
    return b'success="true"' in server.raw(query + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")


def test_of_two_servers_that_start_at_once_one_serves(tmp_path: Path) -> None:
    """The other one says why it does not, in one line."""
    port = free_port()
    both = [start(*serving(port, "--demo"), cwd=tmp_path) for _ in range(2)]
    try:
        deadline = time.monotonic() + 30
        while all(server.poll() is None for server in both) and time.monotonic() < deadline:
            time.sleep(0.05)
        (loser,) = [server for server in both if server.poll() is not None]
        (winner,) = [server for server in both if server is not loser]
        _, errors = loser.communicate(timeout=10)
        assert loser.returncode == 1
        assert errors.count("\n") == 1
        assert f"port {port}: another program listens there" in errors
        assert winner.stdout is not None
        assert str(port) in winner.stdout.readline()
    finally:
        for server in both:
            if server.poll() is None:
                server.terminate()
            server.communicate(timeout=20)


def test_a_ticket_file_has_one_server(tmp_path: Path, start_server: StartServer) -> None:
    """Two would lose each other's tickets."""
    settings = {"Tickets__PersistTo": "tickets.bin"}
    start_server(environ=settings)
    second = complete(*serving(free_port()), cwd=tmp_path, env={**os.environ, **settings})
    assert second.returncode == 1
    assert "Tickets:PersistTo: another server uses" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_stop_keeps_tickets_though_a_client_hangs(
    tmp_path: Path, start_server: StartServer, number: signal.Signals
) -> None:
    """A client with half a body is cut off; the tickets are on the disk, and the exit code is 0 within 9 s."""
    add_user(tmp_path)
    settings = {"Tickets__PersistTo": "tickets.bin"}
    server = start_server(environ=settings)
    ticket = log_in(server)
    with socket.create_connection(("127.0.0.1", server.port)) as hanging:
        hanging.sendall(b"POST /srv.asmx HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        began = time.monotonic()
        server.process.send_signal(number)
        assert server.process.wait(timeout=20) == 0
        assert time.monotonic() - began < 9.5
    again = start_server(environ=settings)
    assert is_valid(again, ticket)


def seconds_of_a_start(folder: Path, settings: dict[str, str]) -> float:
    """How long a fresh process of the program takes until it serves."""
    began = time.monotonic()
    words = [*COMMAND, *serving(free_port())]
    environ = {**os.environ, **settings}
    with subprocess.Popen(words, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        taken = time.monotonic() - began
        process.terminate()
    return taken


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("group", [False, True], ids=["process", "group"])
@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
def test_a_stop_at_any_moment_of_the_start_loses_no_ticket(
    tmp_path: Path, start_server: StartServer, group: bool, twice: bool
) -> None:
    """From its first moment to half as long again as it takes on this machine: the exit code is 0 (or the signal's,
    before Python runs), and the tickets are there."""
    add_user(tmp_path)
    settings = {"Tickets__PersistTo": "tickets.bin"}
    server = start_server(environ=settings)
    ticket = log_in(server)
    assert server.stop() == 0
    whole = seconds_of_a_start(tmp_path, settings)
    for share in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 1.05, 1.2, 1.5):
        process = subprocess.Popen(
            [*COMMAND, *serving(free_port())], cwd=tmp_path, env={**os.environ, **settings}, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        time.sleep(share * whole)
        for _ in range(2 if twice else 1):
            (os.killpg if group else os.kill)(process.pid, signal.SIGTERM)
            time.sleep(0.02)
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 0 or (share < 0.4 and process.returncode == -signal.SIGTERM), (share, errors)
        assert b"Traceback" not in errors
    assert is_valid(start_server(environ=settings), ticket)


def test_after_a_crash_no_ticket_comes_back(tmp_path: Path, start_server: StartServer) -> None:
    """LogOut is final: what was saved before the run that crashed is too old (CONTRACT 1.2, SECURITY T7)."""
    add_user(tmp_path)
    settings = {"Tickets__PersistTo": "tickets.bin"}
    server = start_server(environ=settings)
    ticket = log_in(server)
    assert server.stop() == 0
    crashed = start_server(environ=settings)
    assert is_valid(crashed, ticket)
    crashed.process.kill()
    crashed.process.wait()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _is_locked(tmp_path / "tickets.bin.lock"):
        time.sleep(0.05)
    again = start_server(environ=settings)
    assert not is_valid(again, ticket)
    assert "did not stop in good order" in (tmp_path / f"stderr-{again.port}.txt").read_text()


def _is_locked(file: Path) -> bool:
    import fcntl

    with file.open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


@pytest.mark.slow
def test_a_hung_worker_is_replaced(demo: Server) -> None:
    """Within 15 s."""
    children = subprocess.run(["pgrep", "-P", str(demo.process.pid)], capture_output=True, text=True, check=True)
    os.kill(int(children.stdout.split()[0]), signal.SIGSTOP)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            if b"200 OK" in demo.raw(CHECK, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("no answer for 15 s")


def test_a_reader_of_the_log_that_stops_stops_nothing(tmp_path: Path) -> None:
    """Standard error is a full pipe: a dead worker is replaced all the same."""
    port = free_port()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while os.write(writer, b"x" * 4096):
            pass
    except BlockingIOError:
        os.set_blocking(writer, True)
    process = start(*serving(port, "--demo"), cwd=tmp_path, stderr=writer)
    try:
        assert process.stdout is not None
        server = Server(process, port, process.stdout.readline())
        children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True)
        os.kill(int(children.stdout.split()[0]), signal.SIGKILL)
        deadline = time.monotonic() + 10
        answer = b""
        while b"200 OK" not in answer and time.monotonic() < deadline:
            try:
                answer = server.raw(CHECK, timeout=1)
            except OSError:
                time.sleep(0.05)
        assert b"200 OK" in answer
    finally:
        process.terminate()
        assert process.wait(timeout=20) == 0
        assert process.stdout is not None
        process.stdout.close()
        os.close(reader)
        os.close(writer)


def test_a_server_that_drains_says_so_before_it_stops(start_server: StartServer) -> None:
    """/readyz is 503 while calls are still answered."""
    server = start_server("--demo", environ={"Shutdown__DrainSeconds": "2"})
    assert b"200 OK" in server.raw(READY)
    server.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 5
    while b"503" not in server.raw(READY) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert b"200 OK" in server.raw(CHECK)
    assert server.process.wait(timeout=20) == 0


# --- TLS --------------------------------------------------------------------------------------------------------------


def make_certificate(folder: Path, name: str, *, password: str = "") -> tuple[Path, Path]:
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    protection = ["-passout", f"pass:{password}"] if password else ["-nodes"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-days", "2", "-subj", f"/CN={name}", *protection,
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


def ask_over_tls(port: int, version: ssl.TLSVersion) -> tuple[bytes, bytes]:
    """The answer, and the certificate it came with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain, context.wrap_socket(plain) as connection:
        connection.sendall(CHECK)
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received, connection.getpeercert(binary_form=True) or b""


def test_http_and_https_at_once(tmp_path: Path, start_server: StartServer) -> None:
    """TLS 1.2 and 1.3; renewed files are taken up without a restart; documents say https."""
    certificate, key = make_certificate(tmp_path, "first", password="pass word")
    tls_port = free_port()
    (tmp_path / "appsettings.json").write_text(
        json.dumps({"Certificate": {"Path": "first.pem", "KeyPath": "first.key", "Password": "pass word"}})
    )
    plain_port = free_port()
    urls = f"http://127.0.0.1:{plain_port};https://127.0.0.1:{tls_port}"
    process = start("serve", "--demo", "--urls", urls, cwd=tmp_path)
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        assert f"http://127.0.0.1:{plain_port}/srv.asmx" in lines[0]
        assert f"https://127.0.0.1:{tls_port}/srv.asmx" in lines[1]
        assert b"200 OK" in Server(process, plain_port, "").raw(CHECK)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            answer, first = ask_over_tls(tls_port, version)
            assert b'success="true"' in answer
        renewed, renewed_key = make_certificate(tmp_path, "second", password="pass word")
        renewed_key.replace(key)
        renewed.replace(certificate)
        deadline = time.monotonic() + 10
        second = first
        while second == first and time.monotonic() < deadline:
            time.sleep(0.2)
            _, second = ask_over_tls(tls_port, ssl.TLSVersion.TLSv1_3)
        assert second != first
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=20)
    assert "Traceback" not in errors
    assert process.returncode == 0


@pytest.mark.slow
def test_a_handshake_that_does_not_come_is_not_waited_for(tmp_path: Path, start_server: StartServer) -> None:
    """A silent client holds a descriptor no longer than a request's head may take (SECURITY H1)."""
    certificate, key = make_certificate(tmp_path, "first")
    port = free_port()
    start_server(
        "--demo",
        *("--urls", f"http://127.0.0.1:{free_port()};https://127.0.0.1:{port}"),
        environ={"Certificate__Path": str(certificate), "Certificate__KeyPath": str(key)},
    )
    with socket.create_connection(("127.0.0.1", port), timeout=9) as silent:
        assert silent.recv(1) == b""


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "Certificate:Path must name"),
        ({"Certificate__Path": "nothing.pem"}, "nothing.pem can't be read: No such file"),
        ({"Certificate__Path": "first.pem", "Certificate__KeyPath": "second.key"}, "can't be used"),
        ({"Certificate__Path": "first.pem", "Certificate__KeyPath": "locked.key"}, "can't be used"),
        ({"Certificate__Path": "text.pem"}, "can't be used"),
    ],
)
def test_a_certificate_that_can_not_be_used_is_one_line(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    make_certificate(tmp_path, "first")
    make_certificate(tmp_path, "second")
    make_certificate(tmp_path, "locked", password="secret")
    (tmp_path / "text.pem").write_text("{}")
    arguments = serving(free_port(), "--demo", scheme="https")
    failed = complete(*arguments, cwd=tmp_path, env={**os.environ, **settings})
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert said in failed.stderr
    assert "secret" not in failed.stderr
