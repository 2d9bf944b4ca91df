"""What the cache keeps in Redis: nothing that logs anybody in, nothing for ever, and the same for every node."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from asmx_tickets.errors import Unavailable
from asmx_tickets.tickets import Origin, TicketSummary, digest, format_guid, new_guid, short_hash
from asmx_tickets.tickets.redis import RedisTicketCache
from tests.support.processes import free_port
from tests.support.redis import RedisServer, open_cache
from tests.support.ticket_caches import DAY, GROW_OLDER, WINDOW

GUID = bytes.fromhex("00112233445566778899aabbccddeeff")
FIELDS: dict[str, Any] = {"user_id": 42, "security_stamp": 3, "language": "en", "previous_logon": None}
OpenNode = Callable[..., RedisTicketCache]
SWEEP = 16


@pytest.fixture
def redis(shared_redis: RedisServer) -> Iterator[Any]:
    """A client of the emptied Redis that gives bytes."""
    with shared_redis.client(decode_responses=False) as client:
        client.flushall()
        client.config_resetstat()
        yield client


@pytest.fixture
def open_node(redis: Any, shared_redis: RedisServer) -> Iterator[OpenNode]:
    """Opens the cache, as often as there are nodes."""
    opened: list[RedisTicketCache] = []

    def node(**options: Any) -> RedisTicketCache:
        opened.append(open_cache(shared_redis.url, **{"sliding_expiration": WINDOW, **options}))
        return opened[-1]

    yield node
    for cache in opened:
        cache.close()


@pytest.fixture
def cache(open_node: OpenNode) -> RedisTicketCache:
    return open_node()


def filled(cache: RedisTicketCache, number: int, **fields: Any) -> list[bytes]:
    guids = [new_guid() for _ in range(number)]
    for guid in guids:
        cache.add(guid, **{**FIELDS, **fields})
    return guids


def grow_older(redis: Any, seconds: float) -> None:
    redis.eval(GROW_OLDER, 1, "", round(seconds * 1e6))


def indexed(redis: Any, index: str = "ends") -> int:
    return redis.zcard(f"asmx-tickets:{index}")


def use_all(cache: RedisTicketCache) -> None:
    """Every operation, with an outcome of each kind."""
    cache.add(GUID, **FIELDS)
    with pytest.raises(ValueError, match="already"):
        cache.add(GUID, **FIELDS)
    for guid in (GUID, new_guid()):
        cache.look(guid)
        cache.renew(guid, user_id=42, language="de")
        list(cache.summaries(42))
        cache.remove(guid)
    cache.add(GUID, **FIELDS)
    cache.remove_user(42)


@contextmanager
def monitored(redis: Any) -> Iterator[list[dict[str, Any]]]:
    """The commands in the block, as Redis' MONITOR shows them; filled in when the block ends."""
    told: list[dict[str, Any]] = []
    with redis.monitor() as monitor:

        def until(mark: str) -> Iterator[dict[str, Any]]:
            redis.echo(mark)
            while mark not in (command := monitor.next_command())["command"]:
                yield command

        list(until("from here"))
        yield told
        told += until("to here")


def test_no_ticket_is_in_keys_values_or_commands(cache: RedisTicketCache, redis: Any) -> None:
    """SECURITY T4."""
    with monitored(redis) as told:
        use_all(cache)
        cache.add(GUID, **FIELDS, origin=Origin("192.0.2.1", "HTTP GET"))
    seen = "".join(each["command"] for each in told)
    for key in redis.scan_iter():
        seen += repr(key)
        readers = {b"zset": lambda key: redis.zrange(key, 0, -1), b"hash": redis.hgetall, b"string": redis.get}
        seen += repr(readers[redis.type(key)](key))
    seen = seen.lower()
    assert len(told) > 30
    assert repr(digest(GUID))[2:-1] in seen
    for spelling in (GUID.hex(), format_guid(GUID), repr(GUID)[2:-1], r"\x00\x11\"3dufw"):
        assert spelling.lower() not in seen


def test_every_operation_is_one_round_trip(cache: RedisTicketCache, redis: Any) -> None:
    use_all(cache)
    operations: list[Callable[[], Any]] = [
        lambda: cache.add(GUID, **FIELDS),
        lambda: cache.look(GUID),
        lambda: cache.renew(GUID),
        lambda: cache.renew(GUID, user_id=42, language="de"),
        lambda: list(cache.summaries()),
        lambda: cache.remove(GUID),
        lambda: cache.remove_user(42),
        cache.ping,
    ]
    cache.ping()
    for operation in operations:
        with monitored(redis) as told:
            operation()
        assert len([each for each in told if each["client_type"] != "lua"]) == 1


def test_scripts_that_redis_has_forgotten_are_sent_again(cache: RedisTicketCache, redis: Any) -> None:
    use_all(cache)
    redis.script_flush()
    use_all(cache)
    assert redis.info("commandstats")["cmdstat_eval"]["calls"] > 0


@pytest.mark.parametrize("options", [{}, {"absolute_expiration": DAY}], ids=str)
def test_the_key_lives_exactly_as_long_as_the_ticket_says(
    open_node: OpenNode, redis: Any, options: dict[str, float]
) -> None:
    cache = open_node(**options)
    for use in (lambda: cache.add(GUID, **FIELDS), lambda: cache.renew(GUID)):
        ticket = use()
        assert ticket is not None
        # A key's expiry is the last millisecond in which it is there.
        assert redis.pexpiretime(b"asmx-tickets:t:" + digest(GUID)) + 1 == round(ticket.expires_at * 1000)


def test_all_nodes_see_the_same_tickets(open_node: OpenNode) -> None:
    here, there = open_node(), open_node()
    added = here.add(GUID, **FIELDS)
    assert there.look(GUID) == added
    used = there.renew(GUID, language="fr")
    assert used is not None
    assert here.look(GUID) == there.look(GUID) == used
    assert list(here.summaries()) == list(there.summaries())
    assert there.remove(GUID) == used
    assert here.look(GUID) is None
    assert here.renew(GUID) is None
    guids = filled(here, 3)
    assert there.remove_user(42) == 3
    assert [guid for guid in guids if here.look(guid)] == []


def test_caps_count_what_all_nodes_added_and_the_one_that_adds_is_told(open_node: OpenNode) -> None:
    told: dict[str, list[TicketSummary]] = {"here": [], "there": []}
    here, there = (open_node(max_per_user=2, on_evicted=told[name].append) for name in told)
    (first,) = filled(here, 1)
    filled(there, 2)
    assert here.look(first) is None
    assert ([], [short_hash(digest(first))]) == (told["here"], [each.short_hash for each in told["there"]])


def test_prefixes_keep_services_apart(open_node: OpenNode, redis: Any) -> None:
    ours, theirs = open_node(), open_node(prefix="theirs:")
    ours.add(GUID, **FIELDS)
    assert theirs.look(GUID) is None
    theirs.add(GUID, **FIELDS)
    assert theirs.remove_user(42) == 1
    assert ours.look(GUID) is not None
    assert all(key.startswith(b"asmx-tickets:") for key in redis.scan_iter())


@pytest.mark.parametrize(
    "fields",
    [{"user_id": 2**63 - 1, "security_stamp": 2**31}, {"user_id": -1}, {"language": ""}, {"language": "a b\n é"}],
    ids=str,
)
def test_fields_come_back_as_they_were(cache: RedisTicketCache, fields: dict[str, Any]) -> None:
    added = cache.add(GUID, **{**FIELDS, **fields})
    assert added._asdict() | fields == added._asdict()
    assert cache.renew(GUID, language="x y") == added._replace(language="x y", expires_at=cache.look(GUID).expires_at)  # type: ignore[union-attr]
    assert cache.renew(GUID, language="") is not None
    assert cache.remove_user(added.user_id) == 1


def test_expired_tickets_leave_the_indexes_in_passing(open_node: OpenNode, redis: Any) -> None:
    cache = open_node(absolute_expiration=WINDOW)
    filled(cache, 10 * SWEEP)
    filled(cache, 10 * SWEEP, user_id=43)
    assert [indexed(redis, index) for index in ("ends", "uses", "user:42", "user:43")] == [320, 320, 160, 160]
    grow_older(redis, WINDOW)
    cache.add(GUID, **{**FIELDS, "user_id": 44})
    assert indexed(redis) == indexed(redis, "uses") == 320 - SWEEP + 1
    for _ in range(30):
        cache.renew(GUID)
    assert sorted(redis.keys()) == sorted(
        [b"asmx-tickets:" + name for name in (b"t:" + digest(GUID), b"user:44", b"ends", b"uses")]
    )
    assert indexed(redis) == indexed(redis, "uses") == 1


def test_a_listing_has_no_ticket_twice_though_the_index_shrinks_meanwhile(
    cache: RedisTicketCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis then repeats some of what it has listed: here in 60 listings, each of which has come to another place."""
    monkeypatch.setattr("asmx_tickets.tickets.redis.BATCH", 10)
    guids = filled(cache, 300)
    listings = [cache.summaries() for _ in range(60)]
    listed = [[next(listing).short_hash for _ in range(4 * far)] for far, listing in enumerate(listings)]
    for guid in guids[45:]:
        cache.remove(guid)
    for hashes, listing in zip(listed, listings, strict=True):
        hashes += [summary.short_hash for summary in listing]
        assert len(set(hashes)) == len(hashes)
        assert {short_hash(digest(guid)) for guid in guids[:45]} <= set(hashes)


@pytest.mark.parametrize("operation", ["add", "renew", "remove", "remove_user"])
def test_every_change_sweeps_a_few(cache: RedisTicketCache, redis: Any, operation: str) -> None:
    filled(cache, 3 * SWEEP)
    grow_older(redis, DAY)
    cache.add(GUID, **{**FIELDS, "user_id": 43})
    grow_older(redis, WINDOW - 1)
    calls: dict[str, Callable[[], Any]] = {
        "add": lambda: cache.add(new_guid(), **{**FIELDS, "user_id": 43}),
        "renew": lambda: cache.renew(GUID),
        "remove": lambda: cache.remove(new_guid()),
        "remove_user": lambda: cache.remove_user(7),
    }
    before = indexed(redis)
    calls[operation]()
    assert before - indexed(redis) in {SWEEP, SWEEP - 1}


def test_memory_does_not_grow_at_the_cap(open_node: OpenNode, redis: Any) -> None:
    """SECURITY T10."""
    cache = open_node(max_total=200)
    filled(cache, 400)
    before = redis.info("memory")["used_memory"]
    filled(cache, 1500)
    assert indexed(redis) == 200
    assert redis.dbsize() == 200 + 2
    assert redis.info("memory")["used_memory"] < 1.2 * before


def test_where_tickets_were_asked_for_goes_with_them(open_node: OpenNode, redis: Any) -> None:
    """Whether one or many are ended, they push each other out, or they expire; but not before, however old they get."""
    cache = open_node(max_total=6)

    def add(user_id: int) -> bytes:
        cache.add(guid := new_guid(), **{**FIELDS, "user_id": user_id}, origin=Origin("192.0.2.1", "HTTP GET"))
        return guid

    guids = [add(n // 2) for n in range(8)]
    assert redis.hlen("asmx-tickets:origins") == 6
    cache.remove(guids[7])
    cache.remove_user(2)
    assert redis.hlen("asmx-tickets:origins") == 3
    grow_older(redis, 0.9 * WINDOW)
    cache.renew(guids[2])
    grow_older(redis, 0.9 * WINDOW)
    (kept,) = cache.summaries()
    assert kept.origin == Origin("192.0.2.1", "HTTP GET")
    cache.renew(guids[2])
    assert redis.hlen("asmx-tickets:origins") == 1
    grow_older(redis, 1.2 * WINDOW)
    assert redis.keys() == []


def test_a_ticket_without_an_origin_is_used_and_ended_like_any_other(cache: RedisTicketCache) -> None:
    """Those of versions that kept no origins have none."""
    cache.add(GUID, **FIELDS)
    (summary,) = cache.summaries()
    assert summary.origin == Origin()
    assert cache.renew(GUID) is not None
    assert cache.remove_named(summary.short_hash) == 1


def test_nothing_stays_when_nobody_calls(open_node: OpenNode, redis: Any) -> None:
    cache = open_node(absolute_expiration=2 * WINDOW)
    for guid in filled(cache, 20):
        cache.renew(guid)
    grow_older(redis, 1.2 * WINDOW)
    assert redis.keys() == []


def test_no_ticket_outlives_its_place_in_the_indexes(open_node: OpenNode, redis: Any) -> None:
    """Even while another node already has a shorter window: disabling a user ends all the user's tickets."""
    (old,) = filled(open_node(), 1)
    new = open_node(sliding_expiration=DAY)
    filled(new, 1)
    grow_older(redis, 2 * DAY)
    assert new.look(old) is not None
    assert new.remove_user(42) == 1
    assert new.look(old) is None


def test_a_shorter_window_ends_no_ticket_earlier_than_it_was_told(open_node: OpenNode) -> None:
    added = open_node().add(GUID, **FIELDS)
    used = open_node(sliding_expiration=DAY).renew(GUID)
    assert used is not None
    assert used.expires_at == added.expires_at


def test_a_new_absolute_expiration_counts_for_old_tickets_when_they_are_used(open_node: OpenNode, redis: Any) -> None:
    """SECURITY D2."""
    before = open_node()
    first, second = filled(before, 2)
    cache = open_node(absolute_expiration=10 * DAY)
    grow_older(redis, 9 * DAY)
    used = cache.renew(first)
    assert used is not None
    assert used.expires_at == pytest.approx(used.issued_at + 10 * DAY, abs=0.01)
    grow_older(redis, 2 * DAY)
    assert cache.renew(first) is None
    assert cache.renew(second) is None
    assert before.look(second) is None
    assert list(before.summaries()) == []
    assert indexed(redis) == indexed(redis, "user:42") == 1  # What has expired meanwhile waits to be swept.


def test_a_lower_cap_is_reached_step_by_step(open_node: OpenNode, redis: Any) -> None:
    guids = filled(open_node(), 40)
    cache = open_node(max_per_user=5)
    for expected in (40 - SWEEP + 1, 40 - 2 * SWEEP + 2, 5):
        guids += filled(cache, 1)
        assert indexed(redis, "user:42") == expected
    assert [cache.look(guid) is not None for guid in guids] == [False] * (len(guids) - 5) + [True] * 5


def test_what_expired_stays_dead_when_redis_clock_steps_back(tmp_path: Path) -> None:
    """SECURITY R5: the one that was looked at, and those that were swept. Redis would still have them in memory."""
    server = RedisServer(tmp_path, "enable-debug-command local")
    cache = open_cache(server.url, sliding_expiration=WINDOW)
    with server.client() as redis:
        redis.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        guids = filled(cache, 2)
        grow_older(redis, WINDOW - 0.05)
        time.sleep(0.06)
        guids += filled(cache, 1, user_id=43)
        assert redis.dbsize() == 1 + 2  # Swept by the login: its own ticket and two indexes are left.
        filled(cache, 1, user_id=44)
        grow_older(redis, WINDOW - 0.05)
        time.sleep(0.06)
        assert redis.dbsize() == 5
        assert cache.look(guids[2]) is None
        assert redis.dbsize() == 4
    cache.close()
    server.stop()


def test_expires_at_never_decreases_when_redis_clock_steps_back(cache: RedisTicketCache, redis: Any) -> None:
    """SECURITY R5."""
    cache.add(GUID, **FIELDS)
    grow_older(redis, -3600)
    before = cache.look(GUID)
    used = cache.renew(GUID)
    assert before is not None
    assert used is not None
    assert used.expires_at == before.expires_at
    (summary,) = cache.summaries()
    assert summary.last_used_at == before.issued_at


@pytest.mark.parametrize("value", [b"", b"something else", b"1 2 3 x y z \xff"], ids=repr)
def test_what_another_program_left_is_no_ticket(cache: RedisTicketCache, redis: Any, value: bytes) -> None:
    redis.set(b"asmx-tickets:t:" + digest(GUID), value)
    for call in (cache.look, cache.renew, cache.remove):
        with pytest.raises(Unavailable):
            call(GUID)


def test_a_key_of_another_kind_is_no_ticket(cache: RedisTicketCache, redis: Any) -> None:
    redis.lpush(b"asmx-tickets:t:" + digest(GUID), "x")
    for call in (cache.look, cache.renew, cache.remove):
        with pytest.raises(Unavailable, match="wrong kind of value"):
            call(GUID)


def test_opening_connects_to_nothing() -> None:
    cache = open_cache(f"redis://127.0.0.1:{free_port()}/0", sliding_expiration=WINDOW)
    assert cache.warnings() == ()
    with pytest.raises(Unavailable, match="Connection refused"):
        cache.ping()


def test_a_closed_cache_is_unavailable(cache: RedisTicketCache, redis: Any) -> None:
    cache.add(GUID, **FIELDS)
    cache.ping()
    assert len(redis.client_list()) == 3
    cache.close()
    end = time.monotonic() + 10
    while len(redis.client_list()) > 1:
        assert time.monotonic() < end
        time.sleep(0.01)
    for call in (lambda: cache.look(GUID), cache.ping):
        with pytest.raises(Unavailable, match="closed"):
            call()


@pytest.mark.parametrize(
    ("maxmemory", "policy", "warned"),
    [("100mb", "allkeys-lru", True), ("100mb", "noeviction", False), ("0", "volatile-lru", False)],
)
def test_warns_about_a_redis_that_may_evict(own_redis: RedisServer, maxmemory: str, policy: str, warned: bool) -> None:
    with own_redis.client() as client:
        client.config_set("maxmemory", maxmemory)
        client.config_set("maxmemory-policy", policy)
    cache = open_cache(own_redis.url, sliding_expiration=WINDOW)
    assert [policy in line for line in cache.warnings()] == [True] * warned
    cache.close()


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        ({"save": "", "appendonly": "no"}, None),
        ({"save": "3600 1", "appendonly": "no"}, "snapshots without an append-only file"),
        ({"save": "3600 1", "appendonly": "yes"}, None),
        ({"save": "", "appendonly": "yes", "appendfsync": "no"}, "set its appendfsync"),
        ({"save": "", "appendonly": "yes", "appendfsync": "always"}, None),
    ],
)
def test_warns_about_a_redis_that_forgets_logouts(
    own_redis: RedisServer, options: dict[str, str], warned: str | None
) -> None:
    """SECURITY D21."""
    with own_redis.client() as client:
        for name, value in options.items():
            client.config_set(name, value)
    cache = open_cache(own_redis.url, sliding_expiration=WINDOW)
    warnings = cache.warnings()
    assert len(warnings) == (warned is not None)
    assert all(warned and warned in line for line in warnings)
    cache.close()


def test_warns_where_it_may_not_ask_for_the_configuration(own_redis: RedisServer) -> None:
    """What Redis keeps is not known then."""
    rights = "~asmx-tickets:* +@read +@write -@dangerous +eval +evalsha +time +info"
    with own_redis.client() as client:
        client.execute_command("ACL", "SETUSER", "svc", "on", ">secret", *rights.split())
    cache = open_cache(own_redis.url.replace("://", "://svc:secret@"), sliding_expiration=WINDOW)
    (warning,) = cache.warnings()
    assert "append-only" in warning
    cache.close()


@pytest.mark.parametrize(("kept", "back"), [("no", True), ("yes", False)], ids=["snapshots", "append-only file"])
def test_what_a_killed_redis_comes_back_with(tmp_path: Path, kept: str, back: bool) -> None:
    """Snapshots alone bring a ticket back that was logged out, which is what the warning is about."""
    server = RedisServer(tmp_path, "save 3600 1", f"appendonly {kept}", "appendfsync always")
    cache = open_cache(server.url, sliding_expiration=WINDOW)
    cache.add(GUID, **FIELDS)
    with server.client() as client:
        client.save()
    assert cache.remove(GUID) is not None
    server.stop(signal.SIGKILL)
    server.start()
    again = open_cache(server.url, sliding_expiration=WINDOW)
    assert (again.look(GUID) is not None) is back
    for each in (cache, again):
        each.close()
    server.stop()


def test_a_redis_that_can_not_save_goes_on_checking(tmp_path: Path) -> None:
    """SECURITY R4: with its disk full or gone, nothing changes, no logout is claimed, and live tickets stay valid."""
    data = tmp_path / "data"
    data.mkdir()
    server = RedisServer(tmp_path, f"dir {data}", "save 3600 1")
    with closing(open_cache(server.url, sliding_expiration=WINDOW)) as cache:
        ticket = cache.add(GUID, **FIELDS)
        shutil.rmtree(data)
        with server.client() as client:
            client.bgsave()
            while client.info("persistence")["rdb_last_bgsave_status"] == "ok":
                time.sleep(0.02)
        assert cache.look(GUID) == ticket
        assert cache.look(new_guid()) is None
        for change in (lambda: cache.add(new_guid(), **FIELDS), lambda: cache.remove(GUID), cache.ping):
            with pytest.raises(Unavailable, match="can't save to its disk"):
                change()
        with server.client() as client:
            client.config_set("stop-writes-on-bgsave-error", "no")
        assert cache.remove(GUID) == ticket
    server.stop(signal.SIGKILL)  # It does not end by itself before it has saved.


FORKED = """
import os, sys
from redis import Redis
from tests.support.redis import open_cache

cache = open_cache(sys.argv[1], sliding_expiration=60.0)
mine, other = os.urandom(16), os.urandom(16)
for user, guid in enumerate((mine, other)):
    cache.add(guid, user_id=user, security_stamp=1, language="en", previous_logon=None)
control = Redis.from_url(sys.argv[1])
for _ in range(5):
    control.execute_command("CLIENT", "PAUSE", 150)
    child = os.fork()
    user, guid = (0, mine) if child else (1, other)
    right = cache.look(guid).user_id == user
    if not child:
        os._exit(not right)
    if not right or os.waitpid(child, 0)[1]:
        sys.exit("wrong answer")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_process_does_not_hear_its_parents_answers(own_redis: RedisServer) -> None:
    """Both wait for an answer at the same time."""
    subprocess.run([sys.executable, "-c", FORKED, own_redis.url], check=True, timeout=60)


def run_python(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=30)
    return done.stdout + done.stderr


def test_redis_py_is_imported_only_where_it_is_needed() -> None:
    assert run_python("import sys, asmx_tickets.tickets; print('redis' in sys.modules)") == "False\n"


def test_a_missing_package_is_named_in_one_line() -> None:
    said = run_python(
        "import sys; sys.modules['redis'] = None\n"
        "from asmx_tickets.redis.opening import open_redis; open_redis('', prefix='')"
    )
    assert said.splitlines()[-1].startswith(
        "asmx_tickets.errors.SettingsError: ConnectionStrings:Tickets needs a package that is not installed:"
        " pip install 'redis[hiredis]"
    )
