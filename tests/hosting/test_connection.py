"""The front door on a real socket: how it speaks HTTP, and what it does when clients take too long (RFC 9112)."""

import asyncio
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from asmx_tickets.hosting.door import DoorLimits
from tests.support.door import CLOSE, RunningDoor, read_answers, read_to_end, request, statuses
from tests.support.service import PASSWORD, Service, envelope

FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


RunDoor = Callable[..., RunningDoor]


@pytest.fixture(scope="module")
def service(shared_service: Callable[..., Service]) -> Service:
    return shared_service()


@pytest.fixture
def run_door(service: Service) -> Iterator[RunDoor]:
    started: list[RunningDoor] = []

    def run(**limits: float) -> RunningDoor:
        started.append(RunningDoor(service, DoorLimits(**limits)))  # type: ignore[arg-type]
        return started[-1]

    yield run
    for door in started:
        door.close()


@pytest.fixture
def door(run_door: RunDoor) -> RunningDoor:
    return run_door()


def soap_login(*headers: str, user: str = "jsmith", password: str = PASSWORD) -> bytes:
    body = envelope("AuthenticateUser", {"UID": user, "PWD": password})
    head = ["Content-Type: text/xml; charset=utf-8", f"Content-Length: {len(body)}", *headers]
    return request("/srv.asmx", *head, method="POST", body=body)


# --- messages ---------------------------------------------------------------------------------------------------------


def test_every_answer_has_the_common_headers_and_an_id(door: RunningDoor) -> None:
    """The parser's own refusals too."""
    for sent in (
        request("/", CLOSE),
        b"nonsense\r\n\r\n",
        request("/" + "a" * 9000, CLOSE),
        request("/healthz", CLOSE),
    ):
        head = door.raw(sent).partition(b"\r\n\r\n")[0].decode()
        for name in ("x-content-type-options: nosniff", "server: asmx-tickets", "date: ", "connection: close"):
            assert f"\r\n{name}" in head
        assert re.search(r"\r\nx-request-id: [0-9a-f]+-[0-9a-f]+\r\n", head)


@pytest.mark.parametrize("at", [1, 10, 60, 150, 300, -20, -1])
def test_a_request_may_come_in_pieces(door: RunningDoor, at: int) -> None:
    """Whether its head is known or not, and wherever it is cut in two."""
    whole = soap_login(CLOSE)
    for _ in range(3):
        assert b'success="true"' in door.raw(whole[:at], whole[at:])


def test_a_request_may_come_a_byte_at_a_time(door: RunningDoor) -> None:
    whole = soap_login(CLOSE)
    assert b'success="true"' in door.raw(*(whole[at : at + 1] for at in range(len(whole))))


def test_requests_in_one_piece_are_answered_in_order(door: RunningDoor) -> None:
    """Whether their calls wait or not."""
    calls = [request("/healthz"), soap_login(), request("/srv.asmx/ServerInfo"), soap_login(), request("/nope", CLOSE)]
    for _ in range(2):
        answers = door.raw(b"".join(calls))
        assert statuses(answers) == [200, 200, 200, 200, 404]
        order = [answers.index(b"ok"), answers.index(b"isAuthenticated"), answers.index(b"ServerName")]
        assert order == sorted(order)


def test_a_kept_connection_takes_one_request_after_the_other(door: RunningDoor) -> None:
    with door.connect() as connection:
        for _ in range(5):
            connection.sendall(soap_login())
            assert b'success="true"' in read_answers(connection, 1)


@pytest.mark.parametrize(
    ("version", "headers", "kept"),
    [
        ("1.0", "", False),
        ("1.0", "Connection: keep-alive\r\n", True),
        ("1.1", "", True),
        ("1.1", "Connection: close\r\n", False),
    ],
)
def test_whether_a_connection_is_kept(door: RunningDoor, version: str, headers: str, kept: bool) -> None:
    """RFC 9112 section 9.3. The answer says so too."""
    sent = f"GET /healthz HTTP/{version}\r\nHost: localhost\r\n{headers}\r\n".encode()
    with door.connect() as connection:
        for _ in range(2 if kept else 1):
            connection.sendall(sent)
            answer = read_answers(connection, 1)
            assert (b"connection: keep-alive" if kept else b"connection: close") in answer
        if not kept:
            assert connection.recv(1) == b""


def test_http_1_0_needs_no_host(door: RunningDoor) -> None:
    assert statuses(door.raw(b"GET /srv.asmx/ServerInfo HTTP/1.0\r\n\r\n")) == [200]


def test_chunks_extensions_and_trailers(door: RunningDoor) -> None:
    """Trailers are dropped: no header comes after the body (CONTRACT 2.7)."""
    body = b"UID=jsmith&PWD=" + PASSWORD.encode()
    chunks = b"5;a=b\r\n" + body[:5] + b"\r\n%x\r\n" % (len(body) - 5) + body[5:] + b"\r\n0\r\n"
    trailers = b"Host: evil\r\nX-Trailer: a\r\nContent-Type: text/xml\r\n\r\n"
    head = request("/srv.asmx/AuthenticateUser", "Transfer-Encoding: chunked", CLOSE, method="POST")
    head = head.replace(b"Host: localhost\r\n", b"Host: localhost\r\n" + FORM)
    assert b'success="true"' in door.raw(head + chunks + trailers)


def test_a_client_that_expects_100_continue_gets_it(door: RunningDoor) -> None:
    """Mono and WCF expect it for every POST (RFC 9110 section 10.1.1)."""
    head, body = soap_login("Expect: 100-continue").split(b"\r\n\r\n", 1)
    with door.connect() as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert b'success="true"' in read_answers(connection, 1)


def test_a_body_that_is_too_large_gets_no_100_continue(door: RunningDoor) -> None:
    sent = request("/srv.asmx", "Content-Length: 70000", "Expect: 100-continue", method="POST")
    assert statuses(door.raw(sent)) == [413]


@pytest.mark.parametrize("upgrade", ["h2c", "websocket", "TLS/1.0"])
def test_an_upgrade_is_ignored(door: RunningDoor, upgrade: str) -> None:
    """The request is answered, and so is the next one."""
    first = request("/healthz", f"Upgrade: {upgrade}", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAM")
    assert statuses(door.raw(first + request("/healthz", CLOSE))) == [200, 200]


def test_header_values_reach_the_service_byte_for_byte(door: RunningDoor, service: Service) -> None:
    """Another program's cookie of any bytes does not hide the ticket beside it (CONTRACT 1.2)."""
    ticket = service.log_in().encode()
    for odd in ("Şükrü".encode(), "Şükrü".encode("iso-8859-9"), b"\xff\xfe", b'"', b"a=b=c", b"\xc3"):
        for name in (b"ticket", b"Ticket", b"TICKET"):
            cookie = b"Cookie: name=" + odd + b"; " + name + b"=" + ticket + b"\r\n"
            sent = request("/srv.asmx/isValidTicket", CLOSE).replace(b"Host:", cookie + b"Host:")
            assert b'success="true"' in door.raw(sent), odd


def test_the_authority_of_an_absolute_target_is_the_host(door: RunningDoor) -> None:
    """RFC 9112 section 3.2.2."""
    sent = b"GET http://right.example/srv.asmx?wsdl HTTP/1.1\r\nHost: wrong.example\r\nConnection: close\r\n\r\n"
    answer = door.raw(sent)
    assert b"http://right.example/srv.asmx" in answer
    assert b"wrong.example" not in answer


def test_a_cut_body_runs_nothing(door: RunningDoor, service: Service) -> None:
    """400 (SECURITY H4), whether the head is known or not."""
    whole = soap_login()
    with door.connect() as connection:
        connection.sendall(whole)
        read_answers(connection, 1)
    before = len(list(service.composition.tickets.summaries()))
    for missing in (1, 50, 150):
        assert statuses(door.raw(whole[:-missing], half_close=True)) == [400]
    assert len(list(service.composition.tickets.summaries())) == before


def test_a_half_closed_client_gets_its_answer(door: RunningDoor) -> None:
    assert b'success="true"' in door.raw(soap_login(), half_close=True)


# --- time -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HT", b"POST / HTTP/1.1\r\nHost: a\r\n"])
def test_a_head_has_five_seconds(door: RunningDoor, sent: bytes) -> None:
    """From the first byte, or from the connection's beginning where none comes (SECURITY H1)."""
    with door.connect() as connection:
        connection.sendall(sent)
        door.settle(1)
        door.pass_time(4.9)
        assert len(door.door) == 1
        door.pass_time(0.2)
        assert read_to_end(connection) == b""


@pytest.mark.parametrize("known", [False, True])
def test_a_body_has_ten_seconds(door: RunningDoor, known: bool) -> None:
    """All of it, however it drips; then 408 (SECURITY H2)."""
    whole = soap_login()
    with door.connect() as connection:
        if known:
            connection.sendall(whole)
            read_answers(connection, 1)
        connection.sendall(whole[:-50])
        door.settle(1)
        door.pass_time(6)
        connection.sendall(whole[-50:-40])
        door.settle(1)
        door.pass_time(4.5)
        assert statuses(read_to_end(connection)) == [408]


def test_a_refused_client_that_sends_on_is_cut_off_after_two_seconds(door: RunningDoor) -> None:
    """Until then what it sends is thrown away, since a connection that breaks may lose the answer (RFC 9112 9.6)."""
    with door.connect() as connection:
        connection.sendall(request("/srv.asmx", "Content-Length: 52428800", method="POST"))
        assert statuses(read_to_end(connection)) == [413]
        connection.sendall(b"x" * 1_000_000)
        door.pass_time(1.9)
        assert len(door.door) == 1
        door.pass_time(0.2)
        door.settle(0)


def test_an_idle_connection_has_75_seconds(door: RunningDoor) -> None:
    with door.connect() as connection:
        connection.sendall(request("/healthz"))
        read_answers(connection, 1)
        door.pass_time(74)
        assert len(door.door) == 1
        door.pass_time(2)
        assert read_to_end(connection) == b""


def test_a_client_that_never_reads_is_cut_off(door: RunningDoor) -> None:
    """The server keeps one answer and 64 KiB for it, for no longer than ten seconds."""
    with door.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(0.2)
        sent = request("/srv.asmx?wsdl") * 200
        with suppress(TimeoutError):
            for _ in range(10_000):
                connection.sendall(sent)
        (client,) = door.door._clients
        assert 0 < client.unsent_bytes < 64 * 1024 + 100_000
        assert len(client._waiting) < 20_000  # type: ignore[attr-defined]
        door.pass_time(1)
        assert len(door.door) == 1
        door.pass_time(10.5)
        door.settle(0)


def test_an_idle_client_makes_room_for_one_too_many(run_door: RunDoor, logged: list[Any]) -> None:
    """The log says so once a minute."""
    door = run_door(connections=3)
    clients = [door.connect() for _ in range(3)]
    try:
        for client in clients:
            client.sendall(request("/healthz"))
            read_answers(client, 1)
        for seconds, lines in ((0, 1), (59, 1), (1, 2)):
            door.pass_time(seconds)
            late = door.connect()
            clients.append(late)
            late.sendall(request("/healthz"))
            assert b"200 OK" in read_answers(late, 1)
            assert sum("idle ones are disconnected" in record.getMessage() for record in logged) == lines
        assert len(door.door) == 3
        assert read_to_end(clients[0]) == b""
    finally:
        for client in clients:
            client.close()


@pytest.mark.parametrize(
    "begun", [b"GET /healthz HT", b"POST /srv.asmx HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na"]
)
def test_the_client_that_began_a_request_first_makes_room_for_one_too_many(run_door: RunDoor, begun: bytes) -> None:
    """Otherwise a few clients that never end a request would shut out all others (SECURITY H1). One whose call runs
    stays."""
    door = run_door(connections=3)
    with ExitStack() as stack:
        clients = [stack.enter_context(door.connect()) for _ in range(3)]
        for client in clients:
            client.sendall(begun)
            door.run(asyncio.sleep(0.02))
        busy = next(iter(door.door._clients))
        busy._busy = True  # type: ignore[attr-defined]
        late = stack.enter_context(door.connect())
        late.sendall(request("/healthz"))
        assert b"200 OK" in read_answers(late, 1)
        assert read_to_end(clients[1]) == b""
        assert busy in door.door._clients
        busy._busy = False  # type: ignore[attr-defined]


# --- what is remembered -----------------------------------------------------------------------------------------------


def test_no_object_of_the_process_keeps_a_secret() -> None:
    """A thousand calls carry secrets in every way there is. Then every object in the server is searched for them."""
    command = [sys.executable, "-m", "tests.support.searched_door"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        port = int(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            password = process.stdout.readline().strip()
            connection.sendall(soap_login(user="keeper", password=password))
            ticket = re.search(rb'ticket="([0-9a-f-]{36})"', read_answers(connection, 1))
            assert ticket is not None
            secrets = {"password": password, "ticket": ticket[1].decode(), "marked": "marked-5eCret"}
            calls = [*secret_calls(secrets["ticket"], secrets["marked"]), soap_login(user="keeper", password=password)]
            for number in range(1000):
                connection.sendall(calls[number % len(calls)])
                read_answers(connection, 1)
        process.stdin.write(" ".join(secret[::-1] for secret in secrets.values()) + "\n")
        process.stdin.close()
        found = dict(zip(secrets, json.loads(process.stdout.readline()), strict=True))
    assert found == {name: [] for name in secrets}


def secret_calls(ticket: str, marked: str) -> list[bytes]:
    """A request for each place that can carry a secret."""
    form = f"UID=jsmith&PWD={marked}".encode()
    return [
        soap_login(f"Cookie: ticket={ticket}; x={marked}"),
        soap_login(f"Authorization: Basic {marked}"),
        soap_login(f"X-Api-Key: {marked}"),
        request(f"/srv.asmx/isValidTicket?AuthenticationTicket={ticket}&x={marked}"),
        soap_login(password=marked),
        request(
            "/srv.asmx/AuthenticateUser", "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(form)}", method="POST", body=form,
        ),
    ]  # fmt: skip


def test_a_known_head_and_an_unknown_one_mean_the_same(door: RunningDoor) -> None:
    """The parser reads the first of the same requests, and the others are looked up."""
    answers = set()
    with door.connect() as connection:
        for _ in range(4):
            connection.sendall(request("/srv.asmx/Nope", "Content-Length: 0", method="POST"))
            answers.add(_without_date_and_id(read_answers(connection, 1)))
    assert len(door.door.heads) == 1
    assert len(answers) == 1


def answer_to(connection: socket.socket, query: str) -> bytes:
    connection.sendall(request(f"/srv.asmx/isValidTicket?{query}"))
    return _without_date_and_id(read_answers(connection, 1))


def _without_date_and_id(answer: bytes) -> bytes:
    return re.sub(rb"(x-request-id|date): .*\r\n", b"", answer)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 200),
        ("a=1", 200),
        ("AuthenticationTicket=16a0207a-b6d0-4b3c-991f-d27c48a883d3", 200),
        ("%41=%zz&b", 200),
        ("a=b#c", 200),
        ("a=%00", 200),
        ('"<>', 200),
        ("AuthenticationTicket=%00", 400),
        ("é", 200),
        ("a b", 400),
    ],
)
def test_a_head_that_is_known_but_for_its_query_means_the_same(door: RunningDoor, query: str, status: int) -> None:
    """The query is not part of what is remembered."""
    with door.connect() as connection:
        first = answer_to(connection, query)
    with door.connect() as connection:
        answer_to(connection, "marked=secret")
        known = answer_to(connection, query)
    assert statuses(first) == [status]
    assert known == first
    assert not any(b"secret" in raw or (query and query.encode() in raw) for raw in door.door.heads)
