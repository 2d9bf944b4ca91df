"""More of the front door: slow readers, answers without a body, hosts, and heads that are not kept."""

import socket
from collections.abc import Callable, Iterator

import pytest

from asmx_tickets.hosting.door import DoorLimits
from asmx_tickets.users.user import Profile
from tests.support.door import CLOSE, RunningDoor, read_answers, request, statuses
from tests.support.service import HASHER, PASSWORD, Service, envelope


@pytest.fixture(scope="module")
def service(shared_service: Callable[..., Service]) -> Service:
    """The demo's service, and a user whose name is not ASCII."""
    service = shared_service()
    service.composition.directory.add(Profile(user_name="Şükrü"), HASHER.hash(PASSWORD))
    return service


@pytest.fixture
def door(service: Service) -> Iterator[RunningDoor]:
    running = RunningDoor(service, DoorLimits())
    yield running
    running.close()


def _soap_call(*headers: str) -> bytes:
    body = envelope("ServerInfo", {})
    head = ["Content-Type: text/xml; charset=utf-8", f"Content-Length: {len(body)}", *headers]
    return request("/srv.asmx", *head, method="POST", body=body)


def test_a_client_that_never_reads_is_not_read_from(door: RunningDoor) -> None:
    """Until it takes its answers, whether the parser reads its requests or their heads are known."""
    with door.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(_soap_call())
        read_answers(connection, 1)
        (client,) = door.door._clients
        assert len(door.door.heads) == 1
        transport = client._transport  # type: ignore[attr-defined]
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

        async def send() -> None:
            for _ in range(2000):
                if transport.is_reading():
                    client.data_received(_soap_call())  # type: ignore[attr-defined]

        door.run(send())
        assert 32 * 1024 < client.unsent_bytes < 64 * 1024 + 4096


def test_a_client_that_reads_slowly_is_not_cut_off(door: RunningDoor) -> None:
    """Its backlog grows from sweep to sweep, but it takes something each time."""

    class SlowClient:
        deadline = float("inf")
        unsent_bytes = taken_bytes = 1
        was_closed = False

        def close(self) -> None:
            self.was_closed = True

    client = SlowClient()
    door.door.opened(client)  # type: ignore[arg-type]
    for _ in range(100):
        client.taken_bytes += 1000
        client.unsent_bytes += 1
        door.pass_time(5)
    assert not client.was_closed
    for _ in range(3):
        door.pass_time(5)
    assert client.was_closed
    door.door.closed(client)  # type: ignore[arg-type]


@pytest.mark.parametrize("target", ["/srv.asmx", "/srv.asmx/ServerInfo", "/healthz", "/nope"])
def test_an_answer_to_head_has_no_body(door: RunningDoor, target: str) -> None:
    """The head may give a length, but the next answer follows the head at once (RFC 9110 section 9.3.2)."""
    answers = door.raw(request(target, method="HEAD") + request("/healthz", CLOSE))
    _, _, rest = answers.partition(b"\r\n\r\n")
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n"), answers
    assert len(statuses(answers)) == 2


@pytest.mark.parametrize("target", ["/", "/srv.asmx", "/srv.asmx?WSDL", "/srv.asmx?op=LogOut", "/nope"])
def test_an_answer_to_head_gives_the_length_that_get_would_have(door: RunningDoor, target: str) -> None:
    """RFC 9110 section 9.3.2."""
    head, _, body = door.raw(request(target, CLOSE, method="HEAD")).partition(b"\r\n\r\n")
    assert body == b""
    _, _, body = door.raw(request(target, CLOSE)).partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}\r\n".encode() in head + b"\r\n"
    assert body


def test_100_continue_comes_after_the_answer_to_the_request_before(door: RunningDoor) -> None:
    head, body = _soap_call("Expect: 100-continue").split(b"\r\n\r\n", 1)
    with door.connect() as connection:
        connection.sendall(request("/healthz") + head + b"\r\n\r\n")
        received = b""
        while b"100 Continue\r\n\r\n" not in received:
            received += connection.recv(4096)
        assert statuses(received) == [200, 100]
        connection.sendall(body)
        assert statuses(read_answers(connection, 1)) == [200]


def test_http_1_0_gets_no_100_continue(door: RunningDoor) -> None:
    """RFC 9110 section 10.1.1."""
    sent = _soap_call("Expect: 100-continue").replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    head, body = sent.split(b"\r\n\r\n", 1)
    with door.connect() as connection:
        connection.sendall(head + b"\r\n\r\n")
        door.settle(1)
        connection.sendall(body)
        assert statuses(read_answers(connection, 1)) == [200]


@pytest.mark.parametrize(
    "start",
    [
        b"POST http://user:secret@localhost/srv.asmx HTTP/1.1\r\nHost: localhost",
        b"POST http://localhost/srv.asmx HTTP/1.1\r\nHost: localhost",
        b"POST /srv.asmx HTTP/1.1\r\nHost: user:secret@localhost",
        b"POST /srv.asmx#secret HTTP/1.1\r\nHost: localhost",
        b"POST /srv.asmx?secret HTTP/1.1\r\nHost: localhost",
        b"POST /srv.asmx HTTP/1.0\r\nConnection: keep-alive",
    ],
)
def test_a_head_with_a_secret_or_without_a_host_is_not_remembered(door: RunningDoor, start: bytes) -> None:
    """Credentials and fragments are secrets, and a request without a Host header has the host of its connection."""
    door.raw(start + b"\r\nContent-Type: text/xml\r\nContent-Length: 0\r\n\r\n" + request("/", CLOSE))
    assert list(door.door.heads) == []


@pytest.mark.parametrize("hosts", [b"", b"Host: localhost\r\nHost: localhost\r\n", b"Host: a\r\nHost: b\r\n"])
@pytest.mark.parametrize("target", [b"/healthz", b"/srv.asmx", b"http://localhost/srv.asmx"])
def test_a_request_names_exactly_one_host(door: RunningDoor, target: bytes, hosts: bytes) -> None:
    """RFC 9112 section 3.2, whatever the target."""
    assert statuses(door.raw(b"GET " + target + b" HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")) == [400]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("at", [0, 60, 250, -30, -10])
def test_a_body_after_an_upgrade_that_is_ignored_belongs_to_the_request(
    door: RunningDoor, chunked: bool, at: int
) -> None:
    """What follows it is the next request (RFC 9110 section 7.8): no part of a body is ever run as one."""
    body = b"UID=jsmith&PWD=" + PASSWORD.encode()
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    upgrade = ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAM")
    kind = "Content-Type: application/x-www-form-urlencoded"
    first = request("/srv.asmx/AuthenticateUser", *upgrade, kind, framing, method="POST")
    first += b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    answers = door.raw(first[:at], first[at:], request("/healthz", CLOSE))
    assert statuses(answers) == [200, 200]
    assert b'success="true"' in answers


@pytest.mark.parametrize("at", [0, 10, 45, -1])
def test_a_target_may_have_raw_utf8(door: RunningDoor, at: int) -> None:
    """curl and PHP send it so, and it means what it means escaped (CONTRACT 2.3)."""
    sent = request(f"/srv.asmx/AuthenticateUser?UID=Şükrü&PWD={PASSWORD}".encode().decode("latin-1"), CLOSE)
    assert b'success="true"' in door.raw(sent[:at], sent[at:])


def test_spaces_and_tabs_around_a_value_are_not_part_of_it(door: RunningDoor, service: Service) -> None:
    """RFC 9112 section 5."""
    headers = (f"Cookie: \tticket={service.log_in()}\t \t", "Connection:\tclose \t")
    sent = request("/srv.asmx/isValidTicket", *headers).replace(b"localhost", b" \tlocalhost\t ")
    assert b'success="true"' in door.raw(sent)


@pytest.mark.parametrize("headers", ["Content-Length: 70000", "Content-Length: x", "Transfer-Encoding: gzip, chunked"])
def test_the_refusal_of_a_head_request_has_no_body(door: RunningDoor, headers: str) -> None:
    """RFC 9110 section 9.3.2."""
    answer = door.raw(request("/srv.asmx", headers, method="HEAD"))
    assert b"HTTP/1.1 4" in answer or b"HTTP/1.1 501" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_an_empty_line_does_not_begin_a_request(door: RunningDoor) -> None:
    """Old clients send one after a form (RFC 9112 section 2.2): their connection is idle, and gets no answer."""
    with door.connect() as connection:
        connection.sendall(request("/healthz"))
        read_answers(connection, 1)
        connection.sendall(b"\r\n")
        door.settle(1)
        door.pass_time(70)
        connection.sendall(request("/healthz"))
        assert statuses(read_answers(connection, 1)) == [200]
    assert door.raw(b"\r\n\r\n", half_close=True) == b""
