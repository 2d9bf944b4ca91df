"""Tickets in the memory of this process: exact sliding expiry, every operation in constant time.

A ticket has a slot, found by its digest: its record and its place in the orders of use lie in reserved memory, so there
is no object per ticket for the garbage collector to visit, and nothing that is copied as a whole when it grows.

The window has one length for all, so the order of use is the order of expiry. Each call ends up to ``SWEEP`` expired
tickets from its front; those that wait there are dead all the same, count for the caps, and go first. (Not always with
``absolute_expiration``: when more than ``SWEEP`` end so at once, a user's live ticket can go before them.)

Time never runs backwards here: after a step back it stands still until the clock has caught up. So what has expired
stays dead, no ``expires_at`` decreases, and none promises more life than there is (SECURITY R5). The price: after a
clock ran ahead by mistake, tickets used until it has caught up live longer by as much. A restart ends that.
"""

import itertools
import math
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NoReturn

from asmx_tickets.errors import Unavailable
from asmx_tickets.tickets.cache import TicketCache, TicketRules, TicketSummary
from asmx_tickets.tickets.order import UseOrder
from asmx_tickets.tickets.records import NO_WORD, Fields, TicketRecords, fields_of, record_of
from asmx_tickets.tickets.ticket import NOWHERE, Origin, Ticket, digest, digests_begin, short_hash

SWEEP = 16  # Expired tickets that one call ends at most, for each kind of expiry.
BATCH = 128  # Of many tickets, how many are ended or listed before other threads get their turn.
_ALL = 0  # The owner of all slots in the orders that are not by user.


class MemoryTicketCache(TicketCache):
    """The live tickets of one process; a restart ends all that ``snapshot`` does not carry over.

    Safe to use from several threads.
    """

    def __init__(
        self,
        rules: TicketRules,
        *,
        clock: Callable[[], float],
        on_evicted: Callable[[TicketSummary], None] | None = None,
    ) -> None:
        """``clock`` gives epoch seconds, UTC. ``on_evicted`` is told of each ticket that a cap has ended; it must not
        raise. Memory for ``max_total`` tickets is reserved, not taken.
        """
        self._window = rules.sliding_expiration
        self._longest = math.inf if rules.absolute_expiration is None else rules.absolute_expiration
        self._max_total, self._max_per_user = rules.max_total, rules.max_per_user
        self._on_evicted, self._clock = on_evicted, clock
        self._latest = -math.inf
        self._sweep_at = math.inf  # No ticket expires before.
        self._lock = threading.Lock()
        # Digest to slot, by the digest's first byte: many small dicts for the same reason as in UseOrder.
        self._slots: tuple[dict[bytes, int], ...] = tuple({} for _ in range(256))
        self._records = TicketRecords(rules.max_total)
        self._by_use, self._by_use_of_user = UseOrder(rules.max_total), UseOrder(rules.max_total)
        by_issue = () if rules.absolute_expiration is None else (UseOrder(rules.max_total),)
        self._by_expiry = (self._by_use, *by_issue)  # Each expired ticket gets to the front of one.

    @property
    def held(self) -> int:
        """How many tickets take up memory: the live ones, and expired ones whose turn to go has not come."""
        with self._lock:
            return self._by_use.size(_ALL)

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
        with self._lock:
            now = self._now()
            if self._find(key, now):
                raise ValueError(f"ticket {short_hash(key)} is in the cache already")
            expires_at = now + min(self._window, self._longest)
            ticket = Ticket(user_id, security_stamp, language, previous_logon, now, expires_at)
            record = self._records.pack(key, ticket, origin)
            ended = self._make_room(user_id, now)
            self._keep(key, user_id, record)
            self._sweep_at = min(self._sweep_at, expires_at)
        if ended and self._on_evicted:
            self._on_evicted(ended)
        return ticket

    def look(self, guid: bytes) -> Ticket | None:
        key = digest(guid)
        with self._lock:
            found = self._find(key, self._now())
        return found[1] if found else None

    def renew(self, guid: bytes, *, user_id: int | None = None, language: str | None = None) -> Ticket | None:
        key = digest(guid)
        with self._lock:
            now = self._now()
            found = self._find(key, now)
            if not found:
                return None
            slot, (owner, security_stamp, spoken, previous_logon, issued_at, _) = found
            if user_id is not None and user_id != owner:
                return None
            expires_at = min(now + self._window, issued_at + self._longest)
            spoken = spoken if language is None else language
            self._records.use(slot, spoken, now, expires_at)
            self._by_use.touch(_ALL, slot)
            self._by_use_of_user.touch(owner, slot)
        return Ticket(owner, security_stamp, spoken, previous_logon, issued_at, expires_at)

    def remove(self, guid: bytes) -> Ticket | None:
        key = digest(guid)
        with self._lock:
            found = self._find(key, self._now())
            if found:
                self._drop(found[0])
        return found[1] if found else None

    def remove_named(self, short_hash: str) -> int:
        with self._lock:
            slots = self._named(short_hash)
            for slot in slots:
                self._drop(slot)
        return len(slots)

    def remove_user(self, user_id: int) -> int:
        removed = 0
        while True:
            with self._lock:
                now = self._now()
                for _ in range(BATCH):
                    if not self._by_use_of_user.size(user_id):
                        return removed
                    slot = self._by_use_of_user.oldest(user_id)
                    removed += now < self._records.ticket(slot).expires_at
                    self._drop(slot)
            time.sleep(0)  # Otherwise this thread has the lock again before a waiting one wakes up.

    def named(self, short_hash: str) -> list[TicketSummary]:
        with self._lock:
            return [self._records.summary(slot) for slot in self._named(short_hash)]

    def summaries(self, user_id: int | None = None) -> Iterator[TicketSummary]:
        for start in itertools.count(0, BATCH):
            with self._lock:
                now = self._now()
                batch = self._records.summaries(start, start + BATCH)
            if not batch:
                return
            yield from (each for each in batch if now < each.expires_at and user_id in (None, each.user_id))
            time.sleep(0)

    def hand_over(self) -> tuple[list[str], Iterator[bytes]]:
        """Close the cache for good, and return what ``take_over`` takes: the languages and bindings, and the records of
        the live tickets in batches, from the ticket used last to the one unused for longest.

        What another thread does either comes before and is in them, or raises Unavailable: no ``remove`` tells of an
        end that a restart undoes. Raises Unavailable if the cache is closed already.
        """
        with self._lock:
            now = self._now()
            self._clock = _closed
        slots = self._by_use.newest_first(_ALL)
        batches = iter(lambda: list(itertools.islice(slots, BATCH)), [])
        return self._records.words, (self._records.joined(batch, now) for batch in batches)

    def take_over(self, words: Sequence[str], batches: Iterable[bytes]) -> None:
        """Take in what ``hand_over`` gave, before the first use. Raises ValueError if there are tickets, and what
        ``batches`` raises: the tickets read before that stay.

        This cache's expirations count, from each ticket's last use and issue, or from now if those seem to be in the
        future. What had expired stays dead. Beyond the caps the tickets unused for longest are left out, and
        ``on_evicted`` is not told.
        """
        with self._lock:
            now = self._now()
            if self._by_use.size(_ALL):
                raise ValueError("tickets can be taken over by an empty cache only")
            numbers = [self._records.number(word) for word in words]
            slots = array("i")
            try:
                for slot in self._take(itertools.chain.from_iterable(map(fields_of, batches)), numbers, now):
                    slots.append(slot)
            finally:
                self._by_use.fill(_ALL, reversed(slots))
                for order in self._by_expiry[1:]:
                    order.fill(_ALL, sorted(slots, key=self._records.issued_at))
                self._sweep_at = now  # The next call finds out.

    # What follows is called with the lock held.

    def _now(self) -> float:
        """The current time. Also ends some of the tickets that have expired by then."""
        if (now := self._clock()) > self._latest:
            self._latest = now
        now = self._latest
        if now >= self._sweep_at:
            self._sweep(now)
        return now

    def _sweep(self, now: float) -> None:
        self._sweep_at = math.inf
        for order in self._by_expiry:
            for _ in range(min(SWEEP, order.size(_ALL))):
                slot = order.oldest(_ALL)
                if now < self._records.ticket(slot).expires_at:
                    break
                self._drop(slot)
            if order.size(_ALL):
                self._sweep_at = min(self._sweep_at, self._records.ticket(order.oldest(_ALL)).expires_at)

    def _find(self, key: bytes, now: float) -> tuple[int, Ticket] | None:
        slot = self._slots[key[0]].get(key)
        if slot is not None:
            ticket = self._records.ticket(slot)
            if now < ticket.expires_at:
                return slot, ticket
            self._drop(slot)
        return None

    def _named(self, short_hash: str) -> list[int]:
        """The slots of the live tickets with this short hash."""
        start, now = digests_begin(short_hash), self._now()
        keys = [key for key in self._slots[start[0]] if key.startswith(start)]
        return [found[0] for key in keys if (found := self._find(key, now))]

    def _make_room(self, user_id: int, now: float) -> TicketSummary | None:
        """End the ticket that one more of this user would make too many. Returns it, if it was still alive."""
        if self._max_per_user and self._by_use_of_user.size(user_id) >= self._max_per_user:
            slot = self._by_use_of_user.oldest(user_id)
        elif self._by_use.size(_ALL) >= self._max_total:
            slot = self._by_use.oldest(_ALL)
        else:
            return None
        ended = self._records.summary(slot)
        self._drop(slot)
        return ended if now < ended.expires_at else None

    def _keep(self, key: bytes, user_id: int, record: bytes) -> None:
        slot = self._records.store(record)
        self._slots[key[0]][key] = slot
        self._by_use_of_user.append(user_id, slot)
        for order in self._by_expiry:
            order.append(_ALL, slot)

    def _take(self, records: Iterator[Fields], numbers: list[int], now: float) -> Iterator[int]:
        """Store records as long as there is room, and give their slots."""
        # Local names and few calls, as a million tickets have to be back within seconds.
        window, longest, shards, cap = self._window, self._longest, self._slots, self._max_per_user
        store, of_user = self._records.store, self._by_use_of_user
        last_use, room = now, self._max_total
        for key, user_id, stamp, previous_logon, issue, number, use, expiry, address, binding, impersonated in records:
            last_use = min(last_use, use)  # What came before was used later.
            issued_at = issue if issue < last_use else last_use
            expires_at = min(last_use + window, issued_at + longest)
            slots = shards[key[0]]
            if now >= expiry or now >= expires_at or key in slots or number >= len(numbers):
                continue
            if cap and of_user.size(user_id) >= cap:
                continue
            spoken, by = numbers[number], numbers[binding] if binding < len(numbers) else NO_WORD
            life = key, user_id, stamp, previous_logon, issued_at, spoken, last_use, expires_at
            slot = slots[key] = store(record_of((*life, address, by, impersonated)))
            of_user.prepend(user_id, slot)
            yield slot
            room -= 1
            if not room:
                return

    def _drop(self, slot: int) -> None:
        key, user_id = self._records.clear(slot)
        del self._slots[key[0]][key]
        self._by_use_of_user.remove(user_id, slot)
        for order in self._by_expiry:
            order.remove(_ALL, slot)


def _closed() -> NoReturn:
    """The clock of a closed cache. Every call asks for the time first, so calls need no other check."""
    raise Unavailable("The ticket cache is closed: the server stops.")
