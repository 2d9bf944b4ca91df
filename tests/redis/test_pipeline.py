"""Calls on an event loop share one connection to Redis, with TLS or without, and each gets its own answer."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
import uvloop

from asmx_tickets.errors import Unavailable
from asmx_tickets.redis.address import parse_address
from asmx_tickets.redis.client import RedisClient, Unanswered
from asmx_tickets.redis.script import Script
from asmx_tickets.waiting import Hub
from tests.support.calls import begin, on_loop
from tests.support.redis import RedisServer

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
Run = Callable[[RedisClient, Callable[[Hub], Any]], None]
MISSING = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])", "0" * 40)


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine that takes a hub, on a loop of either kind, and then closes the client."""

    def run(client: RedisClient, scenario: Callable[[Hub], Any]) -> None:
        async def closed(hub: Hub) -> None:
            await scenario(hub)
            client.close()
            await asyncio.sleep(0.01)  # a loop that is closed while a connection is open warns

        on_loop(closed, LOOPS[request.param])

    return run


def client_of(url: str) -> RedisClient:
    return RedisClient(parse_address(url), heartbeat=("GETEX", "heartbeat"), max_connections=4)


@pytest.fixture(params=["shared_redis", "shared_tls_redis"])
def redis(request: pytest.FixtureRequest) -> RedisServer:
    server = request.getfixturevalue(request.param)
    assert isinstance(server, RedisServer)
    return server


@pytest.fixture
def url(redis: RedisServer) -> str:
    """The URL of a connection with a unique name."""
    return f"{redis.url}{'&' if '?' in redis.url else '?'}client_name=test-{uuid4()}"


@pytest.fixture
def client(url: str) -> Iterator[RedisClient]:
    made = client_of(url)
    yield made
    made.close()


def connections(server: RedisServer, url: str) -> list[dict[str, str]]:
    name = url.partition("client_name=")[2]
    with server.client() as other:
        return [each for each in other.client_list() if each["name"] == name]


async def results(hub: Hub, *functions: Callable[[], Any]) -> list[Any]:
    return await asyncio.gather(*(begin(hub, function) for function in functions), return_exceptions=True)


def test_a_thousand_calls_share_one_connection_and_each_gets_its_own_answer(
    run: Run, redis: RedisServer, url: str, client: RedisClient
) -> None:
    async def scenario(hub: Hub) -> None:
        echoes = await results(hub, *(lambda n=n: client.call("ECHO", f"{n}") for n in range(1000)))
        assert echoes == [str(number).encode() for number in range(1000)]
        assert len(connections(redis, url)) == 1

    run(client, scenario)


def test_more_than_the_system_takes_at_once_is_sent_in_pieces(run: Run, client: RedisClient) -> None:
    """The answers come in pieces too, and what is sent meanwhile comes after them."""
    long = "long" * 2_000_000

    async def scenario(hub: Hub) -> None:
        calls = [begin(hub, lambda: client.call("ECHO", long)), begin(hub, lambda: client.call("ECHO", "short"))]
        await asyncio.sleep(0.001)
        calls.append(begin(hub, lambda: client.call("ECHO", "last")))
        assert await asyncio.gather(*calls) == [long.encode(), b"short", b"last"]

    run(client, scenario)


def test_an_error_fails_only_its_own_call(run: Run, client: RedisClient) -> None:
    key = str(uuid4())

    async def scenario(hub: Hub) -> None:
        before, wrong, after = await results(
            hub,
            lambda: client.call("SET", key, "text"),
            lambda: client.call("LPUSH", key, "item"),
            lambda: client.call("GET", key),
        )
        assert (before, after) == (b"OK", b"text")
        assert isinstance(wrong, Unavailable) and "WRONGTYPE" in str(wrong)

    run(client, scenario)


def test_a_script_that_redis_does_not_have_is_sent(run: Run, client: RedisClient) -> None:
    key = str(uuid4())

    async def scenario(hub: Hub) -> None:
        assert await results(hub, lambda: client.run(MISSING, 1, key, 4)) == [4]

    run(client, scenario)


def test_a_connection_that_ends_is_made_again(
    run: Run, redis: RedisServer, url: str, client: RedisClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repeatable call is repeated, and another one fails as unanswered. Neither waits for a time limit."""
    lock = str(uuid4())
    monkeypatch.setattr("asmx_tickets.redis.client.RETRY_SECONDS", 60)  # however busy this machine is

    async def scenario(hub: Hub) -> None:
        assert await results(hub, lambda: client.call("PING")) == [b"PONG"]
        blocked = [
            begin(hub, lambda: client.call("BLPOP", lock, 0)),
            begin(hub, lambda: client.call("PING", repeatable=True)),
        ]
        while not any(each["cmd"] == "blpop" for each in connections(redis, url)):
            await asyncio.sleep(0.005)
        with redis.client() as other:
            other.client_kill_filter(_id=connections(redis, url)[0]["id"])
        once, again = await asyncio.gather(*blocked, return_exceptions=True)
        assert isinstance(once, Unanswered)
        assert again == b"PONG"
        assert len(connections(redis, url)) == 1

    run(client, scenario)


def test_calls_share_one_attempt_to_connect(run: Run) -> None:
    """Once it has failed, the circuit is open: the next call makes no attempt."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = parse_address(f"redis://127.0.0.1:{nobody.getsockname()[1]}/0")
        attempts: list[Any] = []

        def connection() -> Any:
            attempts.append(address.connection())
            return attempts[-1]

        client = RedisClient(replace(address, connection=connection), heartbeat=("GETEX", "x"), max_connections=4)

        async def scenario(hub: Hub) -> None:
            said = await results(hub, *([lambda: client.call("PING")] * 20))
            said += await results(hub, lambda: client.call("PING"))
            assert all(isinstance(each, Unavailable) and not isinstance(each, Unanswered) for each in said)
            assert len(attempts) == 1

        run(client, scenario)


def test_an_answer_that_is_not_redis_ends_the_connection(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as odd:
        client = client_of(f"redis://127.0.0.1:{odd.getsockname()[1]}/0")

        async def scenario(hub: Hub) -> None:
            call = begin(hub, lambda: client.call("PING"))
            connection, _ = await asyncio.to_thread(odd.accept)
            await asyncio.to_thread(connection.recv, 100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            with pytest.raises(Unanswered, match="none of Redis"):
                await call
            assert await asyncio.to_thread(connection.recv, 100) == b""
            connection.close()

        run(client, scenario)


def test_a_server_that_does_not_answer_is_given_up(run: Run) -> None:
    """All calls that wait for its answers fail together."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = client_of(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")

        async def scenario(hub: Hub) -> None:
            said = await results(hub, *([lambda: client.call("PING")] * 3))
            assert all(isinstance(each, Unanswered) for each in said)
            assert "does not answer in time" in str(said[0])

        run(client, scenario)


@pytest.mark.parametrize("over_socket", [False, True])
def test_it_logs_in_and_selects_its_database(run: Run, redis: RedisServer, over_socket: bool) -> None:
    user, key = f"user-{uuid4()}", str(uuid4())
    with redis.client() as other:
        other.acl_setuser(user, enabled=True, passwords=["++pa ss"], keys=["*"], categories=["+@all"])
    url = f"unix://{redis.socket}?db=3" if over_socket else redis.url.replace("/0", "/3")
    client = client_of(url.replace("://", f"://{user}:%2Bpa%20ss@"))

    async def scenario(hub: Hub) -> None:
        assert await results(hub, lambda: client.call("SET", key, "1")) == [b"OK"]

    run(client, scenario)
    with redis.client(db=3) as other:
        assert other.getdel(key) == "1"
        other.acl_deluser(user)


def test_a_call_after_close_says_that_it_is_closed(run: Run, client: RedisClient) -> None:
    async def scenario(hub: Hub) -> None:
        client.close()
        (said,) = await results(hub, lambda: client.call("PING"))
        assert isinstance(said, Unavailable) and "closed" in str(said)

    run(client, scenario)
