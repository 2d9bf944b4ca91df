"""A connection counts as a client from its TLS handshake on, and one that begins none makes room for others."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import uvloop

from asmx_tickets.hosting.door import DoorLimits
from tests.support.certificates import self_signed
from tests.support.door import RunningDoor, read_answers, read_to_end, request
from tests.support.processes import free_port
from tests.support.server import servers_in
from tests.support.service import Service

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
RunDoor = Callable[..., RunningDoor]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("pair"))


@pytest.fixture(params=LOOPS)
def run_door(
    request: pytest.FixtureRequest, shared_service: Callable[..., Service], pair: tuple[Path, Path]
) -> Iterator[RunDoor]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    started: list[RunningDoor] = []

    def run(**limits: float) -> RunningDoor:
        limited = DoorLimits(**limits)  # type: ignore[arg-type]
        started.append(RunningDoor(shared_service(), limited, context, LOOPS[request.param]))
        return started[-1]

    yield run
    for door in started:
        door.close()


def over_tls(connection: socket.socket, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    return context.wrap_socket(connection)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_requests_over_tls_are_answered(run_door: RunDoor, version: ssl.TLSVersion) -> None:
    door = run_door()
    with door.connect() as plain, over_tls(plain, version) as client:
        for _ in range(3):
            client.sendall(request("/srv.asmx/ServerInfo"))
            assert b"200 OK" in read_answers(client, 1)
        door.settle(1)
    door.settle(0)


def test_a_handshake_has_five_seconds(run_door: RunDoor) -> None:
    door = run_door()
    with door.connect() as client:
        door.settle(1)
        door.pass_time(4.5)
        assert len(door.door) == 1
        door.pass_time(1)
        assert read_to_end(client) == b""
    door.settle(0)


def test_a_silent_client_makes_room_for_one_too_many(run_door: RunDoor, logged: list[logging.LogRecord]) -> None:
    door = run_door(connections=3)
    with ExitStack() as stack:
        clients = [stack.enter_context(door.connect()) for _ in range(3)]
        door.settle(3)
        with over_tls(stack.enter_context(door.connect())) as late:
            late.sendall(request("/srv.asmx/ServerInfo"))
            assert b"200 OK" in read_answers(late, 1)
        assert read_to_end(clients[0]) == b""
    assert sum("idle ones are disconnected" in record.getMessage() for record in logged) == 1


def test_bytes_that_are_no_handshake_end_the_connection(run_door: RunDoor, logged: list[logging.LogRecord]) -> None:
    door = run_door()
    assert b"200 OK" not in door.raw(request("/srv.asmx/ServerInfo"))
    door.settle(0)
    assert not [record for record in logged if record.levelno >= logging.WARNING]


@pytest.mark.slow
def test_silent_clients_do_not_take_all_descriptors(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    """A real server with 128 descriptors, and twice as many clients who begin no handshake."""
    port = free_port()
    environ = {"Certificate__Path": str(pair[0]), "Certificate__KeyPath": str(pair[1])}
    with servers_in(tmp_path) as start, ExitStack() as stack:
        urls = f"http://127.0.0.1:{free_port()};https://127.0.0.1:{port}"
        start("--demo", "--urls", urls, environ=environ, limits=["--nofile=128:128"])
        for _ in range(256):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        with over_tls(stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))) as client:
            client.sendall(request("/srv.asmx/ServerInfo"))
            assert b"200 OK" in read_answers(client, 1)
