"""Answers of Redis that are lost or cut short on their way, and those that are errors. SECURITY R1, A8."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from asmx_tickets.errors import Unavailable
from asmx_tickets.tickets import Ticket, new_guid
from asmx_tickets.tickets.redis import RedisTicketCache
from tests.support.redis import RedisServer, open_cache
from tests.support.ticket_caches import WINDOW

GUID = bytes(range(16))
FIELDS: dict[str, Any] = {"user_id": 42, "security_stamp": 1, "language": "en", "previous_logon": None}
Call = Callable[[RedisTicketCache], Any]
CALLS: dict[str, Call] = {
    "look": lambda cache: cache.look(GUID),
    "renew": lambda cache: cache.renew(GUID),
    "summaries": lambda cache: list(cache.summaries()),
    "add": lambda cache: cache.add(new_guid(), **FIELDS),
    "remove": lambda cache: cache.remove(GUID),
    "remove_user": lambda cache: cache.remove_user(42),
}


class Listener:
    """A server on a loopback port, one thread for each connection."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listening.getsockname()[1]}/0"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def serve(self, client: socket.socket) -> None:
        """Deal with one connection until it ends."""
        raise NotImplementedError

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(timeout=10)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=(client,)))
            self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            self.serve(client)


class Proxy(Listener):
    """Stands in front of a Redis, and can break connections or lead new ones elsewhere."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self.cuts = 0
        self.let_through = 0
        self.silent: RedisServer | None = None
        super().__init__()

    def cut(self, *, let_through: int = 0, times: int = 1) -> None:
        """Break the connection after that many bytes of the next answer."""
        self.cuts, self.let_through = times, let_through

    def serve(self, client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", (leads_to := self.server).port)) as server:
            while command := client.recv(65536):
                if self.silent is leads_to:
                    continue
                server.sendall(command)
                answer = server.recv(65536)
                if self.cuts:
                    self.cuts -= 1
                    client.sendall(answer[: self.let_through])
                    return
                client.sendall(answer)


class OneAnswer(Listener):
    """Gives one answer to everything, as a Redis does in states that tests can't bring it into."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self.heard: list[bytes] = []
        super().__init__()

    def serve(self, client: socket.socket) -> None:
        while command := client.recv(65536):
            self.heard.append(command)
            client.sendall(self._answer)


@pytest.fixture
def redis(shared_redis: RedisServer) -> Iterator[Any]:
    with shared_redis.client() as client:
        client.flushall()
        yield client


@pytest.fixture
def proxy(redis: Any, shared_redis: RedisServer) -> Iterator[Proxy]:
    opened = Proxy(shared_redis)
    yield opened
    opened.close()


@pytest.fixture
def cache(proxy: Proxy) -> Iterator[RedisTicketCache]:
    """A cache behind the proxy, whose scripts Redis has and which has a ticket."""
    opened = open_cache(proxy.url, sliding_expiration=WINDOW)
    for call in CALLS.values():
        call(opened)
    opened.remove_user(42)
    opened.add(GUID, **FIELDS)
    yield opened
    opened.close()


@pytest.mark.parametrize("let_through", [0, 1, 9])
@pytest.mark.parametrize("name", ["look", "renew", "summaries"])
def test_what_can_be_repeated_is_repeated_once(
    cache: RedisTicketCache, proxy: Proxy, name: str, let_through: int
) -> None:
    proxy.cut(let_through=let_through)
    assert CALLS[name](cache)
    proxy.cut(let_through=let_through, times=2)
    with pytest.raises(Unavailable, match="failed: "):
        CALLS[name](cache)
    assert CALLS[name](cache)


@pytest.mark.parametrize("let_through", range(0, 60, 7))
def test_a_logout_whose_answer_was_lost_does_not_claim_to_have_found_nothing(
    cache: RedisTicketCache, proxy: Proxy, let_through: int
) -> None:
    proxy.cut(let_through=let_through)
    with pytest.raises(Unavailable):
        cache.remove(GUID)
    assert cache.look(GUID) is None


def test_an_end_of_all_tickets_whose_answer_was_lost_claims_nothing(cache: RedisTicketCache, proxy: Proxy) -> None:
    proxy.cut()
    with pytest.raises(Unavailable):
        cache.remove_user(42)
    assert cache.look(GUID) is None


@pytest.mark.parametrize("let_through", range(0, 60, 7))
def test_a_login_whose_answer_was_cut_leaves_no_ticket_behind(
    cache: RedisTicketCache, proxy: Proxy, redis: Any, let_through: int
) -> None:
    """SECURITY A8, at once."""
    before = redis.dbsize()
    proxy.cut(let_through=let_through)
    with pytest.raises(Unavailable):
        cache.add(new_guid(), **FIELDS)
    assert redis.dbsize() == before


def test_a_login_that_cannot_be_undone_at_once_is_undone_later(
    cache: RedisTicketCache, proxy: Proxy, redis: Any
) -> None:
    before = redis.dbsize()
    proxy.cut(times=2)
    with pytest.raises(Unavailable):
        cache.add(new_guid(), **FIELDS)
    cache.look(GUID)
    assert cache.renew(GUID) is not None
    assert redis.dbsize() == before


def many_connections(cache: RedisTicketCache, number: int = 8) -> None:
    """Make the cache open that many connections."""
    together = threading.Barrier(number)

    def look() -> None:
        together.wait()
        for _ in range(50):
            cache.look(GUID)

    threads = [threading.Thread(target=look) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_successor_is_found_though_all_connections_lead_to_a_silent_server(
    cache: RedisTicketCache, proxy: Proxy, own_redis: RedisServer
) -> None:
    """As when a machine has lost power, and another takes over its name."""
    many_connections(cache)
    proxy.silent, proxy.server = proxy.server, own_redis
    with pytest.raises(Unavailable):
        cache.look(GUID)
    end = time.monotonic() + 1
    while True:
        try:
            assert cache.look(GUID) is None
            break
        except Unavailable:
            assert time.monotonic() < end
            time.sleep(0.01)


def test_a_successor_is_found_when_the_master_has_become_a_replica(
    proxy: Proxy, shared_redis: RedisServer, own_redis: RedisServer
) -> None:
    proxy.server = own_redis
    cache = open_cache(proxy.url, sliding_expiration=WINDOW)
    many_connections(cache)
    proxy.server = shared_redis
    with own_redis.client() as client:
        client.replicaof("127.0.0.1", 1)
    with pytest.raises(Unavailable, match="read-only replica"):
        cache.look(GUID)
    assert cache.look(GUID) is None
    cache.close()


def test_one_broken_connection_shuts_nobody_out(cache: RedisTicketCache, proxy: Proxy) -> None:
    proxy.cut()
    with pytest.raises(Unavailable):
        cache.add(new_guid(), **FIELDS)
    assert isinstance(cache.look(GUID), Ticket)


@pytest.mark.parametrize("login", ["", "user:hush-hush@"], ids=["to the command", "to the login"])
@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (b"-LOADING Redis is loading the dataset in memory\r\n", "is still loading its data"),
        (b"-MISCONF Redis is configured to save RDB snapshots, but ...\r\n", "can't save to its disk"),
        (b"-NOREPLICAS Not enough good replicas to write.\r\n", "too few replicas"),
        (b"-NOAUTH Authentication required.\r\n", "refuses the user name or the password"),
        (b"-NOPERM this user has no permissions\r\n", "does not let this user"),
        (b"-BUSY Redis is busy running a script.\r\n", "failed: BUSY"),
        (b"-ERR unknown command `GETEX`, with args beginning with: \r\n", "is older than Redis 6.2"),
        (b"-ERR Error running script (call to f_1): @user_script:9: -OOM command not allowed\r\n", "is full"),
        (b"-ERR max number of clients reached\r\n", "failed: max number of clients reached"),
        (b"-ERR odd \x00\x1b[31m\xff\r\n", r"failed: .*odd [?]+\[31m[?]+$"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "failed: "),
    ],
    ids=lambda value: value.decode("latin-1").split()[0] if isinstance(value, bytes) else "",
)
def test_every_error_is_unavailable_with_its_cause_in_one_line(answer: bytes, cause: str, login: str) -> None:
    listener = OneAnswer(answer)
    cache = open_cache(listener.url.replace("//", f"//{login}", 1), sliding_expiration=WINDOW)
    for call in CALLS.values():
        with pytest.raises(Unavailable, match=cause) as raised:
            call(cache)
        said = str(raised.value)
        assert said.isprintable()
        assert said.startswith("Redis at 127.0.0.1:")
        assert "hush" not in said
    cache.close()
    listener.close()


@pytest.mark.parametrize(
    "answer", [b"-LOADING Redis is loading\r\n", b"-NOAUTH Authentication required.\r\n"], ids=repr
)
def test_a_login_that_was_refused_needs_no_undoing(answer: bytes) -> None:
    listener = OneAnswer(answer)
    cache = open_cache(listener.url, sliding_expiration=WINDOW)
    with pytest.raises(Unavailable):
        cache.add(GUID, **FIELDS)
    assert [b"EVALSHA" in command for command in listener.heard] == [True]
    cache.close()
    listener.close()
