"""Neither the logins of one client (SECURITY D20) nor a stuck audit log (SECURITY R4) shuts out the others."""

import fcntl
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from asmx_tickets.audit import AuditFile, AuditLog, AuditStream, log
from asmx_tickets.hosting.door import DoorLimits
from asmx_tickets.users.passwords import PasswordHasher, Verification
from asmx_tickets.waiting import Lane
from tests.support.door import RunningDoor, read_answers, request, statuses
from tests.support.processes import wait_until
from tests.support.service import PASSWORD, Service

Make = Callable[..., Service]
Connect = Callable[[], socket.socket]
QUARTER = 16  # of the 64 places that two hashes at a time have
REFUSED = b"[900]"


class Hashing:
    """Counts password checks, which wait until ``free`` is set."""

    def __init__(self) -> None:
        self.count = 0
        self.free = threading.Event()
        self.free.set()

    def __call__(self, stored_hash: str | None, password: str) -> Verification:
        self.count += 1
        assert self.free.wait(20)
        return Verification(ok=stored_hash is not None and password == PASSWORD, needs_rehash=False)


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> Hashing:
    hashing = Hashing()
    monkeypatch.setattr(PasswordHasher, "verify", hashing)
    return hashing


@contextmanager
def served(service: Service) -> Iterator[tuple[RunningDoor, Connect]]:
    """A door, and a function that connects to it. All connections are closed in the end."""
    door = RunningDoor(service, DoorLimits())
    with closing(door), ExitStack() as stack:
        yield door, lambda: stack.enter_context(door.connect())


def send(connection: socket.socket, operation: str, address: str = "10.1.1.1", **parameters: str) -> socket.socket:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    connection.sendall(request(f"/srv.asmx/{operation}?{query}", f"X-Forwarded-For: {address}"))
    return connection


def answer(connection: socket.socket) -> bytes:
    return read_answers(connection, 1)


def until(door: RunningDoor, holds: Callable[[], bool]) -> None:
    async def look() -> bool:
        return holds()

    wait_until(lambda: bool(door.run(look())), 20)


def test_the_refusal_of_an_address_costs_no_hash(make_service: Make, hashing: Hashing) -> None:
    service = make_service(
        ForwardedHeaders__KnownProxies__0="127.0.0.1", Throttling__FailuresPerAddress="3", Throttling__Failures="1"
    )
    with served(service) as (_, connect):
        client = connect()
        assert REFUSED in answer(send(client, "AuthenticateUser", "10.3.3.3", UID="locked", PWD="x"))
        for number in range(3):
            assert REFUSED in answer(send(client, "AuthenticateUser", UID=f"nobody{number}", PWD="x"))
        before = hashing.count
        hashing.free.clear()  # what hashes is not answered from here on
        for number in range(200):
            assert REFUSED in answer(send(client, "AuthenticateUser", UID=f"made-up{number}", PWD="x"))
        for _ in range(100):
            assert REFUSED in answer(send(client, "AuthenticateUser", UID="locked", PWD="x"))
        assert hashing.count == before
        hashing.free.set()
        other = answer(send(client, "AuthenticateUser", "10.2.2.2", UID="jsmith", PWD=PASSWORD))
        assert b'success="true"' in other


def test_one_address_cannot_fill_the_queue_and_calls_that_need_no_hash_never_queue(
    make_service: Make, hashing: Hashing
) -> None:
    service = make_service(ForwardedHeaders__KnownProxies__0="127.0.0.1", Throttling__FailuresPerAddress="1000")
    ticket = service.log_in()
    hashing.free.clear()
    with served(service) as (door, connect):
        flood = [send(connect(), "AuthenticateUser", UID=f"made-up{n}", PWD="x") for n in range(QUARTER)]
        until(door, lambda: door.hub.waiting(Lane.HASH) == QUARTER)
        too_many = answer(send(connect(), "AuthenticateUser", UID="made-up", PWD="x"))
        assert statuses(too_many) == [503]
        other = send(connect(), "AuthenticateUser", "10.2.2.2", UID="jsmith", PWD=PASSWORD)
        until(door, lambda: door.hub.waiting(Lane.HASH) == QUARTER + 1)
        for address in ("10.1.1.1", "10.2.2.2"):
            client = connect()
            valid = answer(send(client, "isValidTicket", address, AuthenticationTicket=ticket))
            assert b'success="true"' in valid
            renewed = answer(send(client, "RenewTicket", address, UID=ticket, PWD="", OldTicket=ticket))
            assert b'success="true"' in renewed
            assert b'success="true"' in answer(send(client, "AuthenticateUser", address, UID=ticket, PWD=""))
        assert door.hub.waiting(Lane.HASH) == QUARTER + 1
        hashing.free.set()
        assert b'success="true"' in answer(other)
        assert all(REFUSED in answer(connection) for connection in flood)


class StuckFile:
    """An audit log's file that another program keeps locked."""

    def __init__(self, folder: Path) -> None:
        self.audit: AuditLog = AuditFile(folder / "audit.jsonl")
        self._other = os.open(folder / "audit.jsonl", os.O_RDWR)

    def stick(self) -> None:
        fcntl.flock(self._other, fcntl.LOCK_EX)

    def go_on(self) -> None:
        fcntl.flock(self._other, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._other)


class StuckStream:
    """A pipe that nobody reads."""

    def __init__(self, folder: Path) -> None:
        self._reader, self._writer = os.pipe()
        self.audit: AuditLog = AuditStream(self._writer)
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)

    def stick(self) -> None:
        for size in (4096, 1):
            try:
                while True:
                    os.write(self._writer, b"x" * size)
            except BlockingIOError:
                pass

    def go_on(self) -> None:
        try:
            while True:
                os.read(self._reader, 65536)
        except BlockingIOError:
            pass

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)


Stuck = StuckFile | StuckStream


@pytest.fixture(params=[StuckFile, StuckStream])
def stuck(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stuck]:
    """An audit log that gets stuck when a test tells it to, in place of the one that the settings name."""
    made = request.param(tmp_path)
    monkeypatch.setattr("asmx_tickets.hosting.composition.audit_log", lambda *_: made.audit)
    yield made
    made.close()


def test_a_stuck_audit_log_holds_up_only_what_must_be_logged(
    make_service: Make, hashing: Hashing, stuck: Stuck, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = make_service(Audit__To="stdout")
    ticket = service.log_in()
    monkeypatch.setattr(log, "STUCK_SECONDS", 20)
    stuck.stick()
    with served(service) as (door, connect):
        login = send(connect(), "AuthenticateUser", UID="jsmith", PWD=PASSWORD)
        until(door, lambda: door.hub.waiting(Lane.AUDIT) == 1)
        client = connect()
        for _ in range(50):
            assert b'success="true"' in answer(send(client, "isValidTicket", AuthenticationTicket=ticket))
        assert door.hub.waiting(Lane.AUDIT) == 1
        stuck.go_on()
        assert b'success="true"' in answer(login)


def test_a_login_that_cannot_be_logged_is_refused(
    make_service: Make, hashing: Hashing, stuck: Stuck, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = make_service(Audit__To="stdout")
    monkeypatch.setattr(log, "STUCK_SECONDS", 0.05)
    stuck.stick()
    with served(service) as (_, connect):
        client = connect()
        refused = answer(send(client, "AuthenticateUser", UID="jsmith", PWD=PASSWORD))
        assert statuses(refused) == [503]
        assert not re.search(rb'ticket="', refused)
        client.sendall(request("/readyz"))
        assert b"Not ready: audit." in answer(client)
        stuck.go_on()
        monkeypatch.setattr(log, "STUCK_SECONDS", 20)
        assert b'success="true"' in answer(send(client, "AuthenticateUser", UID="jsmith", PWD=PASSWORD))
