"""What only the throttle in Redis does: many nodes, a server that fails, and what is kept there."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from asmx_tickets.errors import Unavailable
from asmx_tickets.throttling import LOGINS, TRUSTED_PASSWORDS, AccountRule, Attempt, ThrottleRules
from asmx_tickets.throttling.redis import RedisThrottle
from asmx_tickets.throttling.throttle import DECIDED_WITHIN
from tests.support.redis import RedisServer
from tests.support.service import Clock
from tests.support.throttles import redis_client
from tests.throttling.attempts import ACCOUNT, ADDRESS, ADMITTED, BUSY, attempt, fail, lock, once_available, succeed

Connect = Callable[..., RedisThrottle]
PREFIX = "asmx-tickets:throttle:"
CALLS = ["admit", "succeeded", "failed", "abandoned"]


@pytest.fixture
def connect(own_redis: RedisServer) -> Iterator[Connect]:
    """One more node."""
    clients = []

    def made(rules: ThrottleRules = LOGINS, **options: Any) -> RedisThrottle:
        clients.append(redis_client(own_redis.url))
        return RedisThrottle(clients[-1], rules, **{"prefix": PREFIX, **options})

    yield made
    for each in clients:
        each.close()


def test_nodes_count_together(connect: Connect) -> None:
    """SECURITY B3. What one has admitted, another may decide."""
    nodes = [connect(), connect(), connect()]
    tried = [attempt() for _ in range(6)]
    assert [node.admit(each) for node, each in zip(2 * nodes, tried, strict=True)] == [ADMITTED] * 5 + [BUSY]
    for node, each in zip(nodes, tried[1:4], strict=True):
        node.abandoned(each)
    for node, each in zip(nodes, [tried[0], tried[4]], strict=False):
        node.failed(each)
    assert [fail(node) for node in 2 * nodes] == [ADMITTED] * 3 + [ACCOUNT] * 3


def test_an_alarm_is_raised_where_the_failure_came_in(connect: Connect) -> None:
    told: list[int] = []
    nodes = [connect(TRUSTED_PASSWORDS, on_alarm=lambda _, n=n: told.append(n)) for n in range(2)]
    for n in range(70):
        fail(nodes[n % 2], address=f"192.0.2.{n}")
    assert told == [49 % 2]


def test_throttles_with_different_prefixes_know_nothing_of_each_other(connect: Connect) -> None:
    one, other = connect(prefix="one:"), connect(prefix="other:")
    lock(one)
    lock(other)


def test_the_clock_is_that_of_redis(connect: Connect, own_redis: RedisServer) -> None:
    """A lock begins and ends by it, to the millisecond, whatever the nodes think."""
    throttle = connect(ThrottleRules(AccountRule(free=1, first_wait=0.05), None))
    with own_redis.client() as client:
        assert fail(throttle) is ADMITTED
        (record,) = client.hvals(PREFIX + "known")
        seconds, micros = client.time()
        failed_at = int(record.split('"failed_at":')[1].split(",")[0].split("}")[0])
        assert 0 <= seconds * 1000 + micros // 1000 - failed_at < 5_000
        while throttle.admit(attempt()) is not ADMITTED:
            time.sleep(0.001)
        seconds, micros = client.time()
        assert seconds * 1000 + micros // 1000 - failed_at >= 50


def test_what_is_kept_has_an_end_and_names_nobody(connect: Connect, own_redis: RedisServer) -> None:
    fail(connect(ThrottleRules(None, None, TRUSTED_PASSWORDS.alarm)))
    throttle = connect()
    fail(throttle, "jsmith", known=False)
    fail(throttle, "42:3")
    throttle.admit(attempt("mmustermann", known=False))
    throttle.recognize(attempt(""))
    with own_redis.client() as client:
        keys = client.keys()
        assert {key.removeprefix(PREFIX) for key in keys} == {
            "known",
            "known:order",
            "unknown",
            "unknown:order",
            "addresses",
            "addresses:order",
            "recognized",
            "alarm",
        }
        assert all(0 < client.ttl(key) <= 400 * 86_400 for key in keys)
        kept = [client.hgetall(key) for key in keys if not key.endswith(("order", "alarm", "recognized"))]
        kept += [client.zrange(key, 0, -1) for key in keys if key.endswith("order")]
    assert not any(name in str(kept) for name in ("jsmith", "mustermann"))


def test_a_flood_is_held_up_to_the_limits(connect: Connect, own_redis: RedisServer, clock: Clock) -> None:
    """SECURITY B2: names, addresses, and their orders."""
    throttle = connect(clock=clock, max_unknown=100, max_addresses=50)
    lock(throttle)
    for n in range(300):
        clock.advance(0.001)
        fail(throttle, f"name{n}", known=False, address=f"192.0.2.{n}")
    with own_redis.client() as client:
        held = {kind: client.hlen(PREFIX + kind) for kind in ("known", "unknown", "addresses")}
        ordered = {kind: client.zcard(f"{PREFIX}{kind}:order") for kind in held}
    assert held == ordered == {"known": 1, "unknown": 100, "addresses": 50}
    assert fail(throttle) is ACCOUNT


def test_nodes_know_each_others_networks(connect: Connect) -> None:
    """SECURITY D19."""
    one, other = connect(), connect()
    assert succeed(one, address="198.51.100.1") is ADMITTED
    lock(other)
    assert fail(one) is ACCOUNT
    assert succeed(other, address="198.51.100.1") is ADMITTED
    secrets = [connect(TRUSTED_PASSWORDS, prefix="trusted:") for _ in range(2)]
    assert secrets[0].recognize(attempt(""))
    assert [fail(secrets[1], "") for _ in range(6)] == [ADMITTED] * 5 + [ADDRESS]
    assert secrets[1].recognize(attempt(""))


def test_counts_without_known_networks_are_taken_over(connect: Connect, own_redis: RedisServer) -> None:
    """An older version keeps such counts, and finds in newer ones all the fields that it knows."""
    throttle = connect()
    record = '{"failures":4,"streak":4,"failed_at":1771425300000,"undecided":{}}'
    with own_redis.client() as client:
        client.hset(PREFIX + "known", "42:3", record)
        assert throttle.failures("42:3")[0].number == 4
        assert [*throttle.locked()] == []
        succeed(throttle)
        kept = json.loads(client.hget(PREFIX + "known", "42:3"))
    assert kept.keys() >= json.loads(record).keys()


@pytest.mark.parametrize("call", CALLS)
def test_while_redis_is_down_nobody_is_admitted(connect: Connect, own_redis: RedisServer, call: str) -> None:
    throttle = connect()
    fail(throttle)
    own_redis.stop()
    with pytest.raises(Unavailable, match=r"^Redis at "):
        getattr(throttle, call)(attempt())
    own_redis.start()
    assert once_available(lambda: fail(throttle)) is ADMITTED


@pytest.mark.parametrize("call", CALLS)
def test_a_redis_that_hangs_is_not_waited_for(connect: Connect, own_redis: RedisServer, call: str) -> None:
    throttle = connect()
    fail(throttle)
    own_redis.pause()
    start = time.monotonic()
    with pytest.raises(Unavailable, match="Redis"):
        getattr(throttle, call)(attempt())
    assert time.monotonic() - start < 1.5
    own_redis.go_on()
    assert once_available(lambda: fail(throttle, "43:1")) is ADMITTED


def test_an_admission_whose_answer_was_lost_is_no_obstacle_to_asking_again(
    connect: Connect, own_redis: RedisServer
) -> None:
    """The client may try again by itself: the attempt is then undecided once."""
    throttle = connect()
    for _ in range(4):
        fail(throttle)
    tried = attempt()
    own_redis.pause()
    with pytest.raises(Unavailable):
        throttle.admit(tried)
    own_redis.go_on()
    assert once_available(lambda: throttle.admit(tried)) is ADMITTED
    assert throttle.failed(tried) == 1


def test_a_redis_that_is_full_admits_nobody(connect: Connect, own_redis: RedisServer) -> None:
    throttle = connect()
    fail(throttle)
    with own_redis.client() as client:
        client.config_set("maxmemory", "1")
        with pytest.raises(Unavailable, match="is full"):
            throttle.admit(attempt())
        client.config_set("maxmemory", "0")
    assert fail(throttle) is ADMITTED


def test_goes_on_with_a_redis_that_forgot_the_scripts(connect: Connect, own_redis: RedisServer) -> None:
    throttle = connect()
    lock(throttle)
    with own_redis.client() as client:
        client.script_flush()
    assert fail(throttle) is ACCOUNT
    with own_redis.client() as client:
        client.flushall()
    lock(throttle)


def test_a_process_that_was_killed_leaves_failures_behind(connect: Connect, clock: Clock) -> None:
    """SECURITY R8: what it had admitted counts as failed, and what it had counted stays."""
    dead, alive = connect(clock=clock), connect(clock=clock)
    fail(dead)
    for _ in range(4):
        dead.admit(Attempt("42:3", True, "192.0.2.2"))
    assert alive.admit(attempt()) is BUSY
    clock.advance(DECIDED_WITHIN)
    assert alive.admit(attempt()) is ACCOUNT


def test_a_spray_over_nodes_and_names_is_slowed(connect: Connect) -> None:
    nodes = [connect(), connect()]
    answers = [fail(nodes[n % 2], f"name{n}", known=False) for n in range(60)]
    assert answers[:30] == [ADMITTED] * 30
    assert answers.count(ADDRESS) >= 25  # Redis' clock goes on meanwhile.
