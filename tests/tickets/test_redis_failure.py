"""A Redis that is stopped, hung, slow, full, read-only or emptied. SECURITY R1, A8.

Calls end in time and are Unavailable, a live ticket is never reported missing, nothing is claimed that may not have
happened, and within a second of Redis' return calls work.
"""

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from asmx_tickets.errors import Unavailable
from asmx_tickets.tickets import Ticket, new_guid
from asmx_tickets.tickets.redis import RedisTicketCache
from tests.support.redis import RedisServer, open_cache
from tests.support.ticket_caches import WINDOW

GUID = bytes(range(16))
FIELDS: dict[str, Any] = {"user_id": 42, "security_stamp": 1, "language": "en", "previous_logon": None}
LIMIT = 1.2
AT_ONCE = 0.25
RECOVERY = 1.0
Call = Callable[[RedisTicketCache], Any]
READS: dict[str, Call] = {
    "look": lambda cache: cache.look(GUID),
    "renew": lambda cache: cache.renew(GUID),
    "summaries": lambda cache: list(cache.summaries()),
}
CHANGES: dict[str, Call] = {
    "add": lambda cache: cache.add(new_guid(), **FIELDS),
    "remove": lambda cache: cache.remove(GUID),
    "remove_user": lambda cache: cache.remove_user(42),
}
CALLS = READS | CHANGES
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@pytest.fixture
def own_redis(either_redis: RedisServer) -> RedisServer:
    return either_redis


@pytest.fixture
def cache(own_redis: RedisServer) -> Iterator[RedisTicketCache]:
    """A cache that is connected and has a ticket."""
    opened = open_cache(own_redis.url, sliding_expiration=WINDOW)
    opened.add(GUID, **FIELDS)
    yield opened
    opened.close()


@pytest.fixture
def control(own_redis: RedisServer) -> Iterator[Any]:
    """A client that changes things behind the cache's back."""
    with own_redis.client() as client:
        yield client


def refused(call: Call, cache: RedisTicketCache, within: float = LIMIT) -> str:
    """Why a call is Unavailable, which it must be in time."""
    began = time.monotonic()
    with pytest.raises(Unavailable) as raised:
        call(cache)
    assert time.monotonic() - began < within
    return str(raised.value)


def recovers(cache: RedisTicketCache, call: Call = READS["look"], within: float = RECOVERY) -> Any:
    """What a call gives once it is answered again, which it must be in time."""
    end = time.monotonic() + within
    while True:
        try:
            return call(cache)
        except Unavailable:
            assert time.monotonic() < end
            time.sleep(0.01)


@every_call
def test_a_hung_redis_keeps_nobody_waiting(own_redis: RedisServer, cache: RedisTicketCache, call: Call) -> None:
    own_redis.pause()
    assert "does not answer in time" in refused(call, cache)
    assert "does not answer in time" in refused(call, cache, within=AT_ONCE)
    own_redis.go_on()
    recovers(cache)


@pytest.mark.parametrize("silent", ["hung", "stopped"])
def test_the_log_says_when_redis_is_gone_and_when_it_is_back(
    own_redis: RedisServer, cache: RedisTicketCache, silent: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Once each, however many calls there are meanwhile."""
    own_redis.pause() if silent == "hung" else own_redis.stop()
    for _ in range(3):
        refused(READS["look"], cache)
    own_redis.go_on() if silent == "hung" else own_redis.start()
    recovers(cache)
    recovers(cache)
    gone, back = (message for message in caplog.messages if "Redis at" in message)
    assert " is gone: " in gone
    assert " is back after " in back


@pytest.mark.alone
def test_a_hung_redis_holds_up_one_call_at_a_time(own_redis: RedisServer, cache: RedisTicketCache) -> None:
    """Nor does a crowd wait one after the other. It has more time than one alone: 64 begin TLS at once."""
    own_redis.pause()
    with ThreadPoolExecutor(64) as threads:
        list(threads.map(lambda _: refused(READS["look"], cache, within=4), range(64)))
    end = time.monotonic() + 1.6
    waits = Counter[bool]()
    while time.monotonic() < end:
        began = time.monotonic()
        refused(READS["look"], cache)
        waits[time.monotonic() - began > AT_ONCE] += 1
    assert 1 <= waits[True] <= 5
    assert waits[False] > 100
    own_redis.go_on()
    assert isinstance(recovers(cache), Ticket)


def test_a_live_ticket_is_never_reported_missing(own_redis: RedisServer, cache: RedisTicketCache) -> None:
    """While Redis hangs and goes on, again and again, under load."""
    over = threading.Event()
    answers: list[Any] = []

    def use() -> None:
        while not over.is_set():
            try:
                answers.append(cache.renew(GUID))
                assert cache.look(GUID) is not None
            except Unavailable:
                time.sleep(0.002)

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for seconds in (0.02, 0.6, 0.02, 0.9):
        time.sleep(0.1)
        own_redis.pause()
        time.sleep(seconds)
        own_redis.go_on()
        recovers(cache)
    over.set()
    for thread in threads:
        thread.join()
    assert len(answers) > 100
    assert None not in answers


@every_call
def test_a_stopped_redis_is_unavailable_and_its_successor_used(
    own_redis: RedisServer, cache: RedisTicketCache, call: Call
) -> None:
    own_redis.stop(signal.SIGKILL)
    refused(call, cache)
    assert "Connection refused" in refused(call, cache, within=AT_ONCE)
    own_redis.start()
    assert recovers(cache) is None
    assert cache.add(GUID, **FIELDS) == cache.look(GUID)


@every_call
def test_a_restart_between_two_calls_goes_unnoticed(
    own_redis: RedisServer, cache: RedisTicketCache, call: Call
) -> None:
    own_redis.stop()
    own_redis.start()
    call(cache)


def test_an_emptied_redis_has_no_tickets_and_takes_new_ones(cache: RedisTicketCache, control: Any) -> None:
    control.flushall()
    control.script_flush()
    assert cache.look(GUID) is None
    assert cache.renew(GUID) is None
    assert cache.add(GUID, **FIELDS) == cache.look(GUID)


@every_call
@pytest.mark.parametrize("kind", ["ALL", "WRITE"])
def test_a_redis_that_pauses_its_clients_keeps_nobody_waiting(
    cache: RedisTicketCache, control: Any, call: Call, kind: str
) -> None:
    control.execute_command("CLIENT", "PAUSE", 1200, kind)
    refused(call, cache)
    refused(call, cache, within=AT_ONCE)
    recovers(cache, within=RECOVERY + 1.2)


def test_a_busy_redis_keeps_nobody_waiting(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, "enable-debug-command local")
    cache = open_cache(server.url, sliding_expiration=WINDOW)
    cache.add(GUID, **FIELDS)
    with server.client() as control:
        sleeper = threading.Thread(target=control.execute_command, args=("DEBUG", "SLEEP", "1.2"))
        sleeper.start()
        time.sleep(0.1)
        refused(READS["look"], cache)
        sleeper.join()
    assert isinstance(recovers(cache), Ticket)
    cache.close()
    server.stop()


def test_a_redis_that_is_merely_slow_is_waited_for(cache: RedisTicketCache, control: Any) -> None:
    control.execute_command("CLIENT", "PAUSE", 200)
    assert cache.look(GUID) is not None


def test_a_full_redis_takes_no_logins_and_all_else_goes_on(cache: RedisTicketCache, control: Any) -> None:
    control.config_set("maxmemory-policy", "noeviction")
    control.config_set("maxmemory", 1)
    before = control.dbsize()
    assert "is full" in refused(CHANGES["add"], cache)
    assert control.dbsize() == before
    assert isinstance(cache.look(GUID), Ticket)
    used = cache.renew(GUID, language="de")
    assert used is not None
    assert cache.look(GUID) == used
    assert cache.remove(GUID) == used
    assert cache.remove_user(42) == 0
    cache.ping()
    control.config_set("maxmemory", 0)
    assert isinstance(CHANGES["add"](cache), Ticket)


@every_call
def test_a_read_only_replica_is_no_ticket_cache(cache: RedisTicketCache, control: Any, call: Call) -> None:
    """Not even to look: it may not know of the latest LogOut."""
    control.replicaof("127.0.0.1", 1)
    assert "read-only replica" in refused(call, cache)
    assert "read-only replica" in refused(RedisTicketCache.ping, cache)
    control.replicaof("NO", "ONE")
    assert isinstance(recovers(cache), Ticket)


def test_a_master_cut_off_from_its_replicas_is_no_ticket_cache(cache: RedisTicketCache, control: Any) -> None:
    control.config_set("min-replicas-to-write", 1)
    for call in CALLS.values():
        assert "too few replicas" in refused(call, cache)


def test_calls_that_find_all_connections_busy_give_up(own_redis: RedisServer, control: Any) -> None:
    cache = open_cache(own_redis.url, sliding_expiration=WINDOW, max_connections=1)
    cache.add(GUID, **FIELDS)
    control.execute_command("CLIENT", "PAUSE", 370)
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(cache.look, GUID)
        time.sleep(0.05)
        assert "connections to Redis are busy" in refused(READS["look"], cache, within=0.4)
        assert isinstance(first.result(), Ticket)
    assert isinstance(cache.look(GUID), Ticket)
    cache.close()


def test_no_more_connections_than_allowed(own_redis: RedisServer, control: Any) -> None:
    cache = open_cache(own_redis.url, sliding_expiration=WINDOW, max_connections=3)
    with ThreadPoolExecutor(12) as threads:
        list(threads.map(lambda _: cache.look(GUID), range(500)))
    assert len(control.client_list()) <= 3 + 1
    cache.close()


def test_failed_connections_take_no_turns_for_good(own_redis: RedisServer, cache: RedisTicketCache) -> None:
    own_redis.stop()
    for _ in range(5):
        assert "Connection refused" in refused(RedisTicketCache.ping, cache)


def test_closing_lets_the_call_under_way_end_and_keeps_no_connection(cache: RedisTicketCache, control: Any) -> None:
    control.execute_command("CLIENT", "PAUSE", 300)
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(cache.look, GUID)
        time.sleep(0.05)
        cache.close()
        assert isinstance(call.result(), Ticket)
    end = time.monotonic() + 10
    while len(control.client_list()) > 1:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_health_check_sees_a_hung_redis_and_shuts_nobody_out(own_redis: RedisServer, cache: RedisTicketCache) -> None:
    cache.ping()
    own_redis.pause()
    refused(RedisTicketCache.ping, cache)
    refused(RedisTicketCache.ping, cache)
    own_redis.go_on()
    assert isinstance(cache.look(GUID), Ticket)
    cache.ping()


def test_a_health_check_goes_its_own_way_while_calls_fail_at_once(
    own_redis: RedisServer, cache: RedisTicketCache
) -> None:
    own_redis.pause()
    refused(READS["look"], cache)
    own_redis.go_on()
    cache.ping()
    recovers(cache)


def test_a_login_that_hung_leaves_no_ticket_behind(
    own_redis: RedisServer, cache: RedisTicketCache, control: Any
) -> None:
    """SECURITY A8: Redis carries it out when it goes on, and nobody has been given that ticket."""
    cache.remove(GUID)
    own_redis.pause()
    refused(CHANGES["add"], cache)
    own_redis.go_on()
    recovers(cache)
    cache.look(GUID)
    cache.renew(GUID)
    assert control.keys() == []


def test_logins_while_redis_is_known_to_hang_never_reach_it(
    own_redis: RedisServer, cache: RedisTicketCache, control: Any
) -> None:
    """Not even the call that finds out whether it is back."""
    own_redis.pause()
    refused(READS["look"], cache)
    end = time.monotonic() + 1.2
    while time.monotonic() < end:
        refused(CHANGES["add"], cache)
    own_redis.go_on()
    recovers(cache)
    cache.look(GUID)
    statistics = control.info("commandstats")
    assert "cmdstat_eval" in statistics
    assert "cmdstat_evalsha" not in statistics or statistics["cmdstat_evalsha"]["calls"] == 1


def test_a_logout_that_hung_may_have_ended_the_ticket_and_says_neither(
    own_redis: RedisServer, cache: RedisTicketCache
) -> None:
    own_redis.pause()
    refused(CHANGES["remove"], cache)
    own_redis.go_on()
    recovers(cache)
    cache.remove(GUID)
    assert cache.look(GUID) is None
