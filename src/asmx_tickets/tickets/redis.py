"""Tickets in Redis or Valkey, for any number of processes and machines: every operation one round trip, and atomic.

Needs Redis 6.2 or later, or Valkey; no cluster. All keys begin with a prefix:

``t:`` and a ticket's digest
    a text: last use, expiry and issue in microseconds, user, security stamp, previous logon in seconds (``-``: none),
    language. It expires by itself. Redis' clock is the clock of all processes.
``user:`` and a user's id
    the digests of the user's tickets, sorted by last use.
``ends``, and with an absolute expiration ``uses``
    all digests with their users' ids, sorted by expiry and by last use.
``origins``
    a hash: for each digest where the ticket was asked for, for operators.

Each call that changes something takes up to 16 expired tickets out of the indexes, and an index expires after its last
ticket. With an absolute expiration, when more than 16 end so at once, a live ticket can go before them.

A Redis user needs ``~PREFIX* +@read +@write -@dangerous +eval +evalsha +time +info +config|get``, with Sentinels also
``+wait``.
Redis must not evict (``maxmemory-policy noeviction``): then a full one refuses logins, and all else goes on.

Redis replicates after it has answered. Where Sentinels watch it, ``remove`` and ``remove_user`` wait up to 0.1 s for a
replica. An end that no replica knew of when the master died is undone: the ticket lives until it expires (SECURITY R2).
Other changes of the last moments may be lost as well: a login is then [901], and repeated.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from asmx_tickets.errors import Unavailable
from asmx_tickets.redis.client import CannotSave, RedisClient, Unanswered
from asmx_tickets.redis.script import Script, load
from asmx_tickets.tickets.cache import TicketCache, TicketRules, TicketSummary
from asmx_tickets.tickets.ticket import NOWHERE, Origin, Ticket, digest, digests_begin, short_hash

BATCH = 500  # Of many tickets, how many are ended or listed in one round trip.
DEFAULT_PREFIX = "asmx-tickets:"
_ADD, _RENEW, _REMOVE, _REMOVE_USER, _PAGE = (
    load("asmx_tickets.tickets", "lua/common.lua", f"lua/{name}.lua")
    for name in ("add", "renew", "remove", "remove_user", "page")
)
_LOOK = load("asmx_tickets.tickets", "lua/look.lua")


class RedisTicketCache(TicketCache):
    """The live tickets in a Redis. Safe to use from several threads, and beside others on the same Redis and prefix.

    Every method may raise Unavailable, within about a second. What was asked for may then have been done or not; but a
    ticket whose ``add`` raised is ended again by the next calls that Redis answers.
    """

    def __init__(
        self,
        client: RedisClient,
        rules: TicketRules,
        *,
        prefix: str = DEFAULT_PREFIX,
        on_evicted: Callable[[TicketSummary], None] | None = None,
    ) -> None:
        """Existing tickets keep the expiry they were given; a new absolute expiration counts for them from their next
        use on. The process whose ``add`` ends a ticket tells its own ``on_evicted``.
        """
        self._redis = client
        self._prefix = prefix.encode()
        self._life = round(rules.sliding_expiration * 1e6), round((rules.absolute_expiration or 0.0) * 1e6)
        self._caps = rules.max_per_user, rules.max_total
        self._on_evicted = on_evicted
        # Digests whose add was not answered: Redis may have them, or get them once it goes on.
        self._unsure: deque[bytes] = deque(maxlen=10_000)

    def add(
        self,
        guid: bytes,
        *,
        user_id: int,
        security_stamp: int,
        language: str,
        previous_logon: float | None,
        origin: Origin = NOWHERE,
    ) -> Ticket:
        key = digest(guid)
        previous = "-" if previous_logon is None else repr(float(previous_logon))
        fields = f"{security_stamp} {previous} {language}"
        try:
            answer = self._run(_ADD, key, user_id, fields.encode(), *self._life, *self._caps, _packed(origin))
        except Unanswered:
            self._unsure.append(key)
            self._end_unsure()
            raise
        if answer is None:
            raise ValueError(f"ticket {short_hash(key)} is in the cache already")
        ticket = _ticket(key, answer[0])
        if self._on_evicted:
            for ended, value in zip(answer[1::2], answer[2::2], strict=True):
                self._on_evicted(_summary(ended, value))
        return ticket

    def look(self, guid: bytes) -> Ticket | None:
        key = digest(guid)
        try:
            # Not GET: a replica, which may not know yet that the ticket was removed, refuses GETEX.
            value = self._redis.call("GETEX", self._prefix + b"t:" + key, repeatable=True)
        except CannotSave:  # A disk that is full ends no ticket (SECURITY R4).
            value = self._redis.run(_LOOK, 1, self._prefix, key, repeatable=True)
        return _ticket(key, value) if value is not None else None

    def renew(self, guid: bytes, *, user_id: int | None = None, language: str | None = None) -> Ticket | None:
        key = digest(guid)
        user = b"" if user_id is None else user_id
        spoken = b"" if language is None else b"=" + language.encode()
        value = self._run(_RENEW, key, user, spoken, *self._life, repeatable=True)
        return _ticket(key, value) if value is not None else None

    def remove(self, guid: bytes) -> Ticket | None:
        key = digest(guid)
        value = self._run(_REMOVE, key, lasting=True)
        return _ticket(key, value) if value is not None else None

    def remove_named(self, short_hash: str) -> int:
        start = digests_begin(short_hash)
        keys = {key for key, _, _ in self._pages(b"") if key.startswith(start)}
        return sum(self._run(_REMOVE, key, lasting=True) is not None for key in keys)

    def remove_user(self, user_id: int) -> int:
        removed, left = 0, 1
        while left:
            ended, left = self._run(_REMOVE_USER, user_id, BATCH, lasting=True)
            removed += ended
        return removed

    def named(self, short_hash: str) -> list[TicketSummary]:
        start = digests_begin(short_hash)
        found = {key: (value, origin) for key, value, origin in self._pages(b"") if key.startswith(start)}
        return [_summary(key, *fields) for key, fields in found.items()]

    def summaries(self, user_id: int | None = None) -> Iterator[TicketSummary]:
        seen = set[bytes]()
        for key, value, origin in self._pages(b"" if user_id is None else user_id):
            if key not in seen:
                seen.add(key)
                yield _summary(key, value, origin)

    @property
    def held(self) -> int:
        """How many tickets take up room: the live ones, and expired ones whose turn to go has not come."""
        return int(self._redis.call("ZCARD", self._prefix + b"ends", repeatable=True))

    def ping(self) -> None:
        """Raise Unavailable if Redis does not work. It is for health checks, and independent of the calls."""
        self._redis.ping()

    def warnings(self) -> tuple[str, ...]:
        """What an operator should correct in Redis, one line each. There are none if Redis does not tell."""
        try:
            memory, persistence = self._redis.info("memory"), self._redis.info("persistence")
        except Unavailable:
            return ()
        return (*_eviction(memory), *self._forgetting(persistence))

    def _forgetting(self, persistence: dict[str, str]) -> Iterator[str]:
        """SECURITY D21: a Redis that comes back with an older state brings back what was ended since."""
        if persistence.get("aof_enabled") == "0" and self._redis.configured("save") != "":
            yield (
                "Redis snapshots without an append-only file, so its death brings back tickets that were ended since"
                " the last snapshot: set its appendonly to yes, or its save to nothing"
            )
        if persistence.get("aof_enabled") == "1" and self._redis.configured("appendfsync") == "no":
            yield (
                "Redis leaves its append-only file to the system for half a minute, so a power cut brings back tickets"
                " that were logged out meanwhile: set its appendfsync to everysec or always"
            )

    def close(self) -> None:
        """Close all connections. Calls raise Unavailable from then on."""
        self._redis.close()

    def _run(self, script: Script, *arguments: Any, repeatable: bool = False, lasting: bool = False) -> Any:
        answer = self._redis.run(script, 1, self._prefix, *arguments, repeatable=repeatable, lasting=lasting)
        if self._unsure:
            self._end_unsure()
        return answer

    def _pages(self, user: int | bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Digest, value and origin of the live tickets, all or one user's; of some twice."""
        cursor = b"0"
        while True:
            cursor, *page = self._run(_PAGE, user, cursor, BATCH, repeatable=True)
            yield from zip(page[::3], page[1::3], page[2::3], strict=True)
            if cursor == b"0":
                return

    def _end_unsure(self) -> None:
        """End one of the tickets that were given to nobody, if it is there (SECURITY A8)."""
        with suppress(IndexError):
            key = self._unsure.popleft()
            try:
                self._redis.run(_REMOVE, 1, self._prefix, key)
            except Unavailable:
                self._unsure.append(key)


def _eviction(memory: dict[str, str]) -> Iterator[str]:
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction" and memory.get("maxmemory") != "0":
        yield f"Redis may evict live tickets: set its maxmemory-policy to noeviction, not {policy}"


def _ticket(key: bytes, value: bytes) -> Ticket:
    try:
        _, expires, issued, user, stamp, previous, language = value.split(b" ", 6)
        previous_logon = None if previous == b"-" else float(previous)
        return Ticket(int(user), int(stamp), language.decode(), previous_logon, int(issued) / 1e6, _expires_at(expires))
    except ValueError as error:
        raise _not_ours(key) from error


def _summary(key: bytes, value: bytes, origin: bytes = b"") -> TicketSummary:
    try:
        used, expires, issued, user, *_ = value.split(b" ", 6)
        times = int(used) / 1e6, _expires_at(expires)
        return TicketSummary(int(user), *times, short_hash(key), int(issued) / 1e6, _unpacked(origin))
    except ValueError as error:
        raise _not_ours(key) from error


def _packed(origin: Origin) -> bytes:
    if origin == NOWHERE:
        return b""
    return "\t".join((f"{origin.impersonated:d}", origin.address, origin.binding)).encode("utf-8", "surrogatepass")


def _unpacked(text: bytes) -> Origin:
    """The origin; none for a ticket that a node of an older version has added."""
    impersonated, _, rest = text.decode("utf-8", "surrogatepass").partition("\t")
    address, _, binding = rest.partition("\t")
    return Origin(address, binding, impersonated == "1")


def _expires_at(microseconds: bytes) -> float:
    """The expiry in whole milliseconds, as Redis keeps it: the key is gone at that moment."""
    return int(microseconds) // 1000 / 1000


def _not_ours(key: bytes) -> Unavailable:
    return Unavailable(
        f"what Redis holds for ticket {short_hash(key)} is no ticket: does another program use its keys?"
    )
