"""An address and a ticket file belong to one server, and a second one gets an error."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from asmx_tickets.errors import SettingsError
from asmx_tickets.hosting.sockets import listen, lock_file
from asmx_tickets.settings.types import ListenAddress
from tests.support.processes import free_port


def close_all(sockets: list[socket.socket]) -> None:
    for each in sockets:
        each.close()


@pytest.fixture
def taken() -> Iterator[int]:
    port = free_port()
    sockets = listen([ListenAddress("127.0.0.1", port)])
    yield port
    close_all(sockets)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "*"])
def test_an_address_in_use_is_refused(taken: int, host: str) -> None:
    """``*`` includes it."""
    with pytest.raises(SettingsError, match=rf"port {taken}: another program listens there"):
        listen([ListenAddress(host, taken)])


def test_an_address_in_use_through_all_addresses_is_refused() -> None:
    port = free_port()
    sockets = listen([ListenAddress("*", port)])
    try:
        with pytest.raises(SettingsError, match="another program listens there"):
            listen([ListenAddress("127.0.0.1", port)])
    finally:
        close_all(sockets)


def test_a_refused_address_releases_those_before_it(taken: int) -> None:
    free = free_port()
    with pytest.raises(SettingsError):
        listen([ListenAddress("127.0.0.1", free), ListenAddress("127.0.0.1", taken)])
    close_all(listen([ListenAddress("127.0.0.1", free)]))


def test_a_port_is_free_again_at_once_though_clients_were_connected() -> None:
    """Connections that a closed server left in TIME_WAIT do not block the port."""
    port = free_port()
    (server,) = listen([ListenAddress("127.0.0.1", port)])
    with socket.create_connection(("127.0.0.1", port)) as client:
        server.setblocking(True)
        accepted, _ = server.accept()
        accepted.close()
        assert client.recv(1) == b""
    server.close()
    close_all(listen([ListenAddress("127.0.0.1", port)]))


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(SettingsError, match="this machine has no such address"):
        listen([ListenAddress("192.0.2.1", free_port())])


def test_an_address_that_cannot_be_looked_up_is_refused() -> None:
    """The resolver numbers its errors differently from the system, and the message must be the resolver's."""
    with pytest.raises(SettingsError, match=r"can't listen on ::1%nothing port \d+: (?!Unknown error)\w+"):
        listen([ListenAddress("::1%nothing", free_port())])


def test_an_ipv6_address_on_a_machine_without_ipv6_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_family(*_: object) -> socket.socket:
        raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))

    monkeypatch.setattr(socket, "socket", no_such_family)
    with pytest.raises(SettingsError, match="Urls: can't listen on ::1 port 8080: Address family not supported"):
        listen([ListenAddress("::1", 8080)])


def test_ipv6_and_ipv4_are_two_addresses() -> None:
    """``[::]`` doesn't take IPv4's, so both may be in Urls."""
    port = free_port()
    try:
        close_all(listen([ListenAddress("::", port), ListenAddress("*", port)]))
    except SettingsError as error:
        if "another program" in str(error):
            raise
        pytest.skip(str(error))


def test_a_ticket_file_has_one_owner(tmp_path: Path) -> None:
    """By whatever name it or its folder is reached; another server may have it once the owner is gone."""
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    (tmp_path / "link.bin").symlink_to(tmp_path / "data" / "tickets.bin")
    with closing(lock_file(tmp_path / "data" / "tickets.bin", "Tickets:PersistTo")):
        with pytest.raises(SettingsError, match=r"another server uses .*tickets\.bin"):
            lock_file(tmp_path / "link" / "tickets.bin", "Tickets:PersistTo")
        with pytest.raises(SettingsError, match=r"another server uses .*link\.bin"):
            lock_file(tmp_path / "link.bin", "Tickets:PersistTo")
        lock_file(tmp_path / "data" / "other.bin", "Tickets:PersistTo").close()
    lock_file(tmp_path / "link" / "tickets.bin", "Tickets:PersistTo").close()


def test_a_lock_file_is_private(tmp_path: Path) -> None:
    """Other users cannot read it, and it is never reached through a link."""
    file = tmp_path / "new" / "tickets.bin"
    lock_file(file, "Tickets:PersistTo").close()
    lock = file.with_name("tickets.bin.lock")
    assert lock.stat().st_mode & 0o777 == 0o600
    assert lock.parent.stat().st_mode & 0o777 == 0o700
    lock.unlink()
    lock.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingsError, match="can't be opened"):
        lock_file(file, "Tickets:PersistTo")
    assert not (tmp_path / "elsewhere").exists()
