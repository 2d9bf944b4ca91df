"""The back-ends that the suite of all throttles runs over."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from asmx_tickets.redis.address import parse_address
from asmx_tickets.redis.client import RedisClient
from asmx_tickets.throttling import LOGINS, AccountRule, AddressRule, MemoryThrottle, Throttle, ThrottleRules
from asmx_tickets.throttling.redis import RedisThrottle

ACCOUNTS = ThrottleRules(AccountRule(), None)
ADDRESSES = ThrottleRules(None, AddressRule())
MakeThrottle = Callable[..., Throttle]


def redis_client(url: str) -> RedisClient:
    """The same client as the ticket cache's, which throttles share with it."""
    return RedisClient(parse_address(url), heartbeat=("GETEX", "throttle-test:"), max_connections=64)


class InMemory:
    """Throttles in memory, and their clock."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.now = 1_771_425_300.0

    def throttle(self, rules: ThrottleRules = LOGINS, **options: Any) -> Throttle:
        """A throttle that knows of no failures."""
        return MemoryThrottle(rules, clock=lambda: self.now, **options)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def close(self) -> None:
        pass


class InRedis:
    """Throttles in Redis, with this clock in place of Redis' own."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.now = 1_771_425_300.0
        self.client = redis_client(request.getfixturevalue("shared_redis").url)

    def throttle(self, rules: ThrottleRules = LOGINS, **options: Any) -> Throttle:
        prefix = f"throttle-test:{secrets.token_hex(8)}:"
        return RedisThrottle(self.client, rules, **{"prefix": prefix, "clock": lambda: self.now, **options})

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def close(self) -> None:
        self.client.close()


BACK_ENDS = [InMemory, InRedis]
