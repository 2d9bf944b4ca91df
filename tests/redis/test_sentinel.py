"""A Redis that Sentinels watch: when its master dies, a replica takes its place (SECURITY R2)."""

import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from asmx_tickets.errors import Unavailable
from asmx_tickets.tickets import new_guid
from asmx_tickets.tickets.redis import RedisTicketCache
from tests.support.processes import free_port, wait_until
from tests.support.redis import RedisSentinel, RedisServer, open_cache
from tests.support.ticket_caches import WINDOW

pytestmark = pytest.mark.slow  # Servers are killed and hang, and calls have to end in time.

FIELDS: dict[str, Any] = {"user_id": 42, "security_stamp": 1, "language": "en", "previous_logon": None}


def eventually(happens: Callable[[], bool]) -> None:
    wait_until(happens, 20)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[RedisServer]]:
    """A master and its replica, which is up to date."""
    folders = [tmp_path / name for name in ("master", "replica", "sentinel")]
    for folder in folders:
        folder.mkdir()
    master = RedisServer(folders[0], "repl-diskless-sync-delay 0")
    replica = RedisServer(folders[1], f"replicaof 127.0.0.1 {master.port}")
    with replica.client() as client:
        eventually(lambda: client.info("replication")["master_link_status"] == "up")
    yield [master, replica]
    master.stop()
    replica.stop()


@pytest.fixture
def sentinel(servers: list[RedisServer], tmp_path: Path) -> Iterator[RedisSentinel]:
    watching = RedisSentinel(tmp_path / "sentinel", servers[0])
    eventually(lambda: watching.replicas() == 1)
    yield watching
    watching.stop()


@pytest.fixture
def cache(sentinel: RedisSentinel) -> Iterator[RedisTicketCache]:
    # One of the Sentinels is gone, which must not matter.
    url = f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{sentinel.port}/tickets/0"
    opened = open_cache(url, sliding_expiration=WINDOW)
    yield opened
    opened.close()


def test_a_failover_revives_no_ticket_and_loses_none(
    cache: RedisTicketCache, sentinel: RedisSentinel, servers: list[RedisServer]
) -> None:
    """The master dies right after the last LogOut. Meanwhile every call ends in time."""
    master, replica = servers
    guids = [new_guid() for _ in range(300)]
    for guid in guids:
        cache.add(guid, **FIELDS)
    cache.add(kept := new_guid(), **{**FIELDS, "user_id": 43})  # The removals wait for a replica, and it comes first.
    for guid in guids[:200]:
        assert cache.remove(guid) is not None
    assert cache.remove_user(42) == 100
    master.stop(signal.SIGKILL)

    def works() -> bool:
        began = time.monotonic()
        try:
            return cache.look(kept) is not None
        except Unavailable as error:
            assert "tickets of Sentinel" in str(error)
            return False
        finally:
            assert time.monotonic() - began < 1.2

    eventually(works)
    assert sentinel.master_port() == replica.port
    assert [guid for guid in guids if cache.look(guid)] == []
    assert cache.renew(kept) is not None


def test_the_end_of_a_ticket_waits_a_moment_for_a_replica(cache: RedisTicketCache, servers: list[RedisServer]) -> None:
    """If none answers it is reported all the same: the master has done it."""
    _, replica = servers
    guid = new_guid()
    for end in (lambda: cache.remove(guid), lambda: cache.remove_user(42)):
        cache.add(guid, **FIELDS)
        assert cache.look(guid) is not None
        replica.pause()
        began = time.monotonic()
        assert end()
        assert 0.09 < time.monotonic() - began < 1
        replica.go_on()
        assert cache.look(guid) is None


def test_a_master_that_was_replaced_while_it_hung_is_not_believed(
    cache: RedisTicketCache, sentinel: RedisSentinel, servers: list[RedisServer]
) -> None:
    master, replica = servers
    cache.add(guid := new_guid(), **FIELDS)
    with master.client() as client:
        client.execute_command("WAIT", 1, 5000)
    master.pause()
    eventually(lambda: sentinel.master_port() == replica.port)
    with replica.client() as client:
        eventually(lambda: client.info("replication")["role"] == "master")

    def ended() -> bool:
        try:
            return cache.remove(guid) is not None
        except Unavailable:
            return False

    eventually(ended)
    master.go_on()
    for _ in range(200):
        assert cache.look(guid) is None


def test_without_a_sentinel_that_answers_the_cache_is_unavailable(
    cache: RedisTicketCache, sentinel: RedisSentinel, servers: list[RedisServer]
) -> None:
    sentinel.stop()
    began = time.monotonic()
    with pytest.raises(Unavailable, match="has no master that a Sentinel knows"):
        cache.look(new_guid())
    assert time.monotonic() - began < 1.2


def test_sentinels_that_hang_do_not_keep_calls_waiting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = ",".join([f"127.0.0.1:{silent.getsockname()[1]}"] * 5)
        cache = open_cache(f"redis+sentinel://{url}/tickets", sliding_expiration=WINDOW)
        began = time.monotonic()
        with pytest.raises(Unavailable):
            cache.look(new_guid())
        assert time.monotonic() - began < 1.2
        cache.close()
