"""A rolling restart of two nodes behind the nginx of docs/scaling.md: no client sees it."""

import http.client
import re
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.processes import Child, free_port, program
from tests.support.server import Server, StartServer

DOCS = Path(__file__).parents[2] / "docs" / "scaling.md"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
DRAINING = {"Shutdown__DrainSeconds": "3"}


def start(start_server: StartServer, port: int) -> Server:
    return start_server("--demo", "--urls", f"http://127.0.0.1:{port}", environ=DRAINING)


@contextmanager
def nginx(folder: Path, nodes: tuple[int, int]) -> Iterator[int]:
    """The port of an nginx that is configured as the docs say, in front of two nodes."""
    port = free_port()
    found = re.search(r"cat > nginx.conf <<'END'\n(.*?)\nEND\n", DOCS.read_text(), re.DOTALL)
    assert found is not None
    text = found[1]
    for documented, real in zip((8081, 8082, 8443), (*nodes, port), strict=True):
        text = text.replace(f"127.0.0.1:{documented}", f"127.0.0.1:{real}")
    (folder / "nginx.conf").write_text(f"daemon off;\n{text}")
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out cert.pem"
    subprocess.run([program("openssl"), *words.split()], cwd=folder, check=True, capture_output=True)
    child = Child([program("nginx", Path("/usr/sbin")), "-p", str(folder), "-c", "nginx.conf"], folder)
    child.start(lambda: is_open(port))
    try:
        yield port
    finally:
        child.stop()


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ask(port: int, answers: "Counter[int]", over: threading.Event) -> None:
    """Ask over one connection after another until ``over`` is set."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    while not over.is_set():
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=15, context=context)
        for _ in range(50):
            connection.request("POST", "/srv.asmx/isValidTicket", "AuthenticationTicket=", FORM)
            answer = connection.getresponse()
            answer.read()
            answers[answer.status] += 1
        connection.close()


@pytest.mark.slow
def test_a_rolling_restart_is_seen_by_no_client(tmp_path: Path, start_server: StartServer) -> None:
    """With three seconds of Shutdown:DrainSeconds, each node is restarted under load, one after the other."""
    ports = free_port(), free_port()
    nodes = [start(start_server, port) for port in ports]
    answers, over = Counter[int](), threading.Event()
    with nginx(tmp_path, ports) as port:
        clients = [threading.Thread(target=ask, args=(port, answers, over)) for _ in range(8)]
        for client in clients:
            client.start()
        for number in (0, 1):
            time.sleep(0.5)
            assert nodes[number].stop() == 0
            nodes[number] = start(start_server, ports[number])
        time.sleep(0.5)
        over.set()
        for client in clients:
            client.join()
    assert set(answers) == {200}, answers
    assert answers[200] > 1000
