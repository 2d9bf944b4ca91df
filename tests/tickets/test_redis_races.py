"""Nodes that share a Redis and do things to the same tickets at the same instant. SECURITY T7, T8."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from asmx_tickets.tickets import new_guid, short_hash
from asmx_tickets.tickets.redis import RedisTicketCache
from tests.support.redis import RedisServer, open_cache
from tests.support.ticket_caches import WINDOW

GUID = bytes(range(16))
FIELDS: dict[str, Any] = {"user_id": 42, "security_stamp": 1, "language": "en", "previous_logon": None}
ROUNDS = 1500


@pytest.fixture
def nodes(shared_redis: RedisServer) -> Iterator[list[RedisTicketCache]]:
    with shared_redis.client() as client:
        client.flushall()
    opened = [
        open_cache(shared_redis.url, sliding_expiration=WINDOW, max_total=60, max_per_user=20, prefix="race:")
        for _ in range(2)
    ]
    yield opened
    for node in opened:
        node.close()


@contextmanager
def meanwhile(*works: Callable[[], Any]) -> Iterator[None]:
    """Repeat each in a thread of its own while the block runs. Raises what one of them raised."""
    over = threading.Event()
    errors: list[BaseException] = []

    def repeat(work: Callable[[], Any]) -> None:
        try:
            while not over.is_set():
                work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(timeout=20)
    if errors:
        raise errors[0]


def test_no_renewal_revives_a_ticket_that_is_removed_at_the_same_instant(nodes: list[RedisTicketCache]) -> None:
    here, there = nodes
    renewed = []

    def renew() -> None:
        renewed.append(there.renew(GUID, user_id=42, language="de") is not None)

    with meanwhile(renew):
        for _ in range(ROUNDS):
            here.add(GUID, **FIELDS)
            assert here.remove(GUID) is not None
            assert there.look(GUID) is None
            assert here.renew(GUID) is None
    assert 0 < sum(renewed) < len(renewed)
    assert list(here.summaries()) == []


def test_of_two_that_remove_a_ticket_at_the_same_instant_one_ends_it(nodes: list[RedisTicketCache]) -> None:
    here, there = nodes
    ended: list[Any] = []

    def remove() -> None:
        ended.append(there.remove(GUID))

    added = []
    with meanwhile(remove):
        for _ in range(ROUNDS):
            with suppress(ValueError):
                added.append(here.add(GUID, **FIELDS))
            ended.append(here.remove(GUID))
    ended.append(here.remove(GUID))
    assert sorted(ticket for ticket in ended if ticket) == sorted(added)


def test_no_ticket_that_was_there_survives_the_end_of_all_of_a_users_tickets(nodes: list[RedisTicketCache]) -> None:
    here, there = nodes
    added: list[bytes] = []

    def add() -> None:
        guid = new_guid()
        there.add(guid, **FIELDS)
        added.append(guid)

    def renew() -> None:
        if added:
            there.renew(random.choice(added[-5:]), user_id=42)

    removed = 0
    with meanwhile(add, renew):
        for _ in range(200):
            before = added[-10:]
            removed += here.remove_user(42)
            assert [guid for guid in before if here.look(guid)] == []
    assert removed > 0
    here.remove_user(42)
    assert list(here.summaries()) == []


def test_whatever_nodes_do_the_indexes_fit_the_tickets(
    nodes: list[RedisTicketCache], shared_redis: RedisServer
) -> None:
    shared = [new_guid() for _ in range(20)]

    def work(node: RedisTicketCache, seed: int) -> Callable[[], None]:
        randomly = random.Random(seed)

        def step() -> None:
            guid = randomly.choice(shared)
            user_id = guid[0] % 5
            match randomly.randrange(6):
                case 0 | 1:
                    node.add(new_guid(), **{**FIELDS, "user_id": randomly.randrange(5)})
                case 2:
                    with suppress(ValueError):
                        node.add(guid, **{**FIELDS, "user_id": user_id})
                case 3:
                    used = node.renew(guid, user_id=user_id)
                    assert used is None or used.user_id == user_id
                case 4:
                    node.remove(guid)
                case 5 if randomly.random() < 0.05:
                    node.remove_user(user_id)

        return step

    here, there = nodes
    with meanwhile(*(work(node, seed) for seed, node in enumerate((here, here, there, there)))):
        for _ in range(300):
            assert len({summary.short_hash for summary in here.summaries()}) <= 60
    listed = sorted((summary.user_id, summary.short_hash) for summary in here.summaries())
    with shared_redis.client(decode_responses=False) as client:
        by_end = [(int(member[32:]), short_hash(member[:32])) for member in client.zrange("race:ends", 0, -1)]
        by_user = [(user, short_hash(key)) for user in range(5) for key in client.zrange(f"race:user:{user}", 0, -1)]
    assert 0 < len(listed) <= 60
    assert listed == sorted(by_end) == sorted(by_user)
    assert sum(here.remove_user(user) for user in range(5)) == len(listed)
    with shared_redis.client(decode_responses=False) as client:
        assert client.keys() == []
