"""The back-ends that the suite of all ticket caches runs over."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

from asmx_tickets.tickets import Ticket, TicketCache, TicketRules, TicketSummary
from asmx_tickets.tickets.memory import MemoryTicketCache
from asmx_tickets.tickets.redis import RedisTicketCache
from tests.support.redis import RedisServer, open_cache

DAY = 86_400.0
WINDOW = 30 * DAY


class InMemory:
    """Caches in memory, and their clock."""

    clock_steps_back = True

    def __init__(self) -> None:
        self.now = 1_771_425_300.0

    def cache(self, *, on_evicted: Any = None, **rules: Any) -> MemoryTicketCache:
        """An empty cache with a window of 30 days."""
        return MemoryTicketCache(TicketRules(WINDOW, **rules), clock=lambda: self.now, on_evicted=on_evicted)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def close(self) -> None:
        """Nothing to let go of."""


# Makes whatever a cache has stored older. Redis itself ends what has expired.
GROW_OLDER = """
local shift = tonumber(ARGV[1])
local function earlier(time) return string.format('%.0f', tonumber(time) - shift) end
for _, key in ipairs(redis.call('KEYS', KEYS[1] .. '*')) do
  local ends_at = redis.call('PEXPIRETIME', key)
  if redis.call('TYPE', key).ok == 'string' then
    local used, expires, issued, rest = redis.call('GET', key):match('^(%d+) (%d+) (%d+) (.*)$')
    redis.call('SET', key, table.concat({earlier(used), earlier(expires), earlier(issued), rest}, ' '))
  elseif redis.call('TYPE', key).ok == 'zset' then
    for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      redis.call('ZINCRBY', key, -shift, member)
    end
  end
  redis.call('PEXPIREAT', key, string.format('%.0f', ends_at - shift / 1000))
end
"""


class Redis:
    """Caches in a real Redis. Its clock can't be moved, so its tickets are made older and its answers adjusted."""

    clock_steps_back = False

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._client = server.client()
        self._client.flushall()
        self._caches: list[tuple[str, RedisTicketCache]] = []
        self._passed = 0.0

    @property
    def now(self) -> float:
        seconds, microseconds = self._client.time()
        return float(seconds + microseconds / 1e6 + self._passed)

    def cache(self, on_evicted: Callable[[TicketSummary], None] | None = None, **options: Any) -> TicketCache:
        """An empty cache with a window of 30 days."""
        prefix = f"{uuid4()}:"
        tell = None if on_evicted is None else lambda ended: on_evicted(self.ahead(ended))
        cache = open_cache(self._server.url, prefix=prefix, sliding_expiration=WINDOW, on_evicted=tell, **options)
        self._caches.append((prefix, cache))
        return _Ahead(self, cache)

    def pass_time(self, seconds: float) -> None:
        self._passed += seconds
        for prefix, _ in self._caches:
            self._client.eval(GROW_OLDER, 1, prefix, round(seconds * 1e6))

    def close(self) -> None:
        for _, cache in self._caches:
            cache.close()
        self._client.close()

    def ahead(self, answer: Any) -> Any:
        """A ticket or a summary in the test's time, which is ahead of Redis'."""

        def later(time: float) -> float:
            return round(time + self._passed, 6)

        match answer:
            case Ticket():
                return answer._replace(issued_at=later(answer.issued_at), expires_at=later(answer.expires_at))
            case TicketSummary(user_id, used, ends, short, issued, origin):
                return TicketSummary(user_id, later(used), later(ends), short, later(issued), origin)
        return answer


class _Ahead(TicketCache):
    def __init__(self, back_end: Redis, cache: RedisTicketCache) -> None:
        self._ahead, self._cache = back_end.ahead, cache

    def add(self, guid: bytes, **fields: Any) -> Ticket:
        return self._ahead(self._cache.add(guid, **fields))

    def look(self, guid: bytes) -> Ticket | None:
        return self._ahead(self._cache.look(guid))

    def renew(self, guid: bytes, *, user_id: int | None = None, language: str | None = None) -> Ticket | None:
        return self._ahead(self._cache.renew(guid, user_id=user_id, language=language))

    def remove(self, guid: bytes) -> Ticket | None:
        return self._ahead(self._cache.remove(guid))

    def named(self, short_hash: str) -> list[TicketSummary]:
        return [self._ahead(each) for each in self._cache.named(short_hash)]

    def remove_named(self, short_hash: str) -> int:
        return self._cache.remove_named(short_hash)

    @property
    def held(self) -> int:
        return self._cache.held

    def remove_user(self, user_id: int) -> int:
        return self._cache.remove_user(user_id)

    def summaries(self, user_id: int | None = None) -> Iterator[TicketSummary]:
        return map(self._ahead, self._cache.summaries(user_id))


BACK_ENDS = [InMemory, Redis]
