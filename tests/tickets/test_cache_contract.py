"""What every ticket cache does, whatever it keeps tickets in. Time moves through ``pass_time`` only."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from asmx_tickets.tickets import Origin, Ticket, TicketCache, TicketSummary, digest, new_guid, short_hash
from tests.support.ticket_caches import DAY, WINDOW

GUID = bytes(range(16))
OTHER = bytes(range(16, 32))

MakeCache = Callable[..., TicketCache]
PassTime = Callable[[float], None]


def add(cache: TicketCache, guid: bytes = GUID, **fields: Any) -> Ticket:
    return cache.add(
        guid, **{"user_id": 42, "security_stamp": 3, "language": "en", "previous_logon": 1_700_000_000.0, **fields}
    )


def seconds(value: float) -> Any:
    """A time to compare with: the clock of some back-ends goes on between calls."""
    return pytest.approx(value, abs=5)


def alike(ticket: Ticket | None) -> Ticket | None:
    """Equals the ticket; times as they compare here."""
    return ticket and ticket._replace(issued_at=seconds(ticket.issued_at), expires_at=seconds(ticket.expires_at))


def hashes(summaries: Iterator[TicketSummary]) -> set[str]:
    return {summary.short_hash for summary in summaries}


def test_a_ticket_is_as_it_was_added(cache: TicketCache) -> None:
    added = add(cache)
    assert added[:4] == (42, 3, "en", 1_700_000_000.0)
    assert added.expires_at == seconds(added.issued_at + WINDOW)
    assert cache.look(GUID) == added


def test_a_first_login_has_no_previous_one(cache: TicketCache) -> None:
    assert add(cache, previous_logon=None).previous_logon is None
    found = cache.look(GUID)
    assert found is not None
    assert found.previous_logon is None


def test_a_ticket_never_added_is_missing(cache: TicketCache) -> None:
    add(cache)
    assert cache.look(OTHER) is None
    assert cache.renew(OTHER) is None
    assert cache.remove(OTHER) is None
    assert cache.remove_user(7) == 0
    assert list(cache.summaries(7)) == []


def test_a_ticket_is_alive_on_day_29(cache: TicketCache, pass_time: PassTime) -> None:
    added = add(cache)
    pass_time(29 * DAY)
    assert cache.look(GUID) == added


def test_a_ticket_is_dead_a_second_after_day_30(cache: TicketCache, pass_time: PassTime) -> None:
    add(cache)
    pass_time(30 * DAY + 1)
    assert cache.look(GUID) is None
    assert cache.renew(GUID) is None
    assert cache.remove(GUID) is None
    assert cache.remove_user(42) == 0
    assert list(cache.summaries()) == []


def test_a_use_restarts_the_window(cache: TicketCache, pass_time: PassTime) -> None:
    added = add(cache)
    for _ in range(3):
        pass_time(29 * DAY)
        assert cache.renew(GUID) is not None
    pass_time(29 * DAY)
    found = cache.look(GUID)
    assert found is not None
    assert found.issued_at == added.issued_at
    assert found.expires_at == seconds(added.issued_at + 3 * 29 * DAY + WINDOW)


def test_a_look_never_extends(cache: TicketCache, pass_time: PassTime) -> None:
    add(cache)
    pass_time(29 * DAY)
    assert cache.look(GUID) is not None
    pass_time(DAY + 1)
    assert cache.look(GUID) is None


def test_a_use_gives_the_ticket_as_it_is_then(cache: TicketCache, pass_time: PassTime) -> None:
    added = add(cache)
    pass_time(DAY)
    used = cache.renew(GUID)
    assert used is not None
    assert used == added._replace(expires_at=used.expires_at)
    assert used.expires_at == seconds(added.expires_at + DAY)
    assert cache.look(GUID) == used


def test_a_use_may_set_the_language(cache: TicketCache) -> None:
    added = add(cache)
    assert cache.renew(GUID, language="de") == alike(added._replace(language="de"))
    assert cache.renew(GUID) == alike(added._replace(language="de"))
    assert cache.look(GUID) == alike(added._replace(language="de"))


def test_renewing_for_its_user_is_a_use(cache: TicketCache, pass_time: PassTime) -> None:
    add(cache)
    pass_time(29 * DAY)
    assert cache.renew(GUID, user_id=42) is not None
    pass_time(29 * DAY)
    assert cache.look(GUID) is not None


def test_renewing_the_ticket_of_another_user_changes_nothing(cache: TicketCache, pass_time: PassTime) -> None:
    """SECURITY T6: neither its window nor its language."""
    added = add(cache)
    pass_time(DAY)
    assert cache.renew(GUID, user_id=43, language="de") is None
    assert cache.look(GUID) == added


def test_removal_is_final_and_gives_the_ticket_as_it_was(cache: TicketCache) -> None:
    added = add(cache)
    add(cache, OTHER)
    assert cache.remove(GUID) == added
    assert cache.remove(GUID) is None
    assert cache.renew(GUID) is None
    assert cache.look(GUID) is None
    assert cache.look(OTHER) is not None


def test_removing_a_user_ends_all_their_tickets_and_no_other(cache: TicketCache) -> None:
    guids = [new_guid() for _ in range(700)]
    for guid in guids:
        add(cache, guid)
    theirs = add(cache, OTHER, user_id=43)
    assert cache.remove_user(42) == 700
    assert [guid for guid in guids if cache.look(guid)] == []
    assert cache.look(OTHER) == theirs
    assert cache.remove_user(42) == 0


def test_a_live_ticket_is_not_added_twice(cache: TicketCache) -> None:
    added = add(cache)
    with pytest.raises(ValueError, match=short_hash(digest(GUID))):
        add(cache, user_id=43)
    assert cache.look(GUID) == added


def test_summaries_show_user_use_and_expiry_but_no_ticket(cache: TicketCache, pass_time: PassTime) -> None:
    added = add(cache)
    pass_time(DAY)
    cache.renew(GUID)
    add(cache, OTHER, user_id=43)
    (mine,) = cache.summaries(42)
    assert (mine.user_id, mine.short_hash) == (42, short_hash(digest(GUID)))
    assert mine.last_used_at == seconds(added.issued_at + DAY)
    assert mine.expires_at == seconds(added.issued_at + DAY + WINDOW)
    assert hashes(cache.summaries()) == {short_hash(digest(GUID)), short_hash(digest(OTHER))}


def test_summaries_have_when_and_where_a_ticket_was_asked_for(cache: TicketCache, pass_time: PassTime) -> None:
    """Using the ticket changes neither."""
    origin = Origin("2001:db8::7", "SOAP 1.2", True)
    added = add(cache, origin=origin)
    add(cache, OTHER, user_id=43)
    pass_time(DAY)
    cache.renew(GUID, language="de")
    mine, others = sorted(cache.summaries(), key=lambda each: each.user_id)
    assert (mine.origin, mine.issued_at) == (origin, seconds(added.issued_at))
    assert others.origin == Origin()


def test_a_ticket_can_be_ended_by_its_short_hash(cache: TicketCache) -> None:
    """For good, and no other ticket ends."""
    add(cache)
    add(cache, OTHER, user_id=43)
    (found,) = cache.named(short_hash(digest(GUID)).upper())
    assert (found.user_id, found.short_hash) == (42, short_hash(digest(GUID)))
    assert cache.remove_named(short_hash(digest(GUID)).upper()) == 1
    assert cache.named(short_hash(digest(GUID))) == []
    assert cache.look(GUID) is None
    assert cache.look(OTHER) is not None
    assert cache.remove_named(short_hash(digest(GUID))) == 0
    assert hashes(cache.summaries()) == {short_hash(digest(OTHER))}
    add(cache)


@pytest.mark.parametrize("short", ["", "0a1b2c", "0a1b2c3d4e", "0a1b2c3g", "*" * 8, "0a1b2c3d\n"])
def test_what_is_no_short_hash_is_refused(cache: TicketCache, short: str) -> None:
    for call in (cache.named, cache.remove_named):
        with pytest.raises(ValueError, match="8 hexadecimal digits"):
            call(short)


def test_held_counts_the_tickets_that_take_up_room(cache: TicketCache) -> None:
    assert cache.held == 0
    add(cache)
    add(cache, OTHER)
    cache.remove(GUID)
    assert cache.held == 1


def test_summaries_have_each_ticket_once_though_others_come_and_go_meanwhile(cache: TicketCache) -> None:
    guids = [new_guid() for _ in range(1000)]
    for guid in guids:
        add(cache, guid)
    seen = []
    for step, summary in enumerate(cache.summaries()):
        seen.append(summary.short_hash)
        if step < 300:
            cache.remove(guids[step])
            add(cache, new_guid())
            cache.renew(guids[999 - step])
    for guid in guids[300:]:
        assert seen.count(short_hash(digest(guid))) == 1


def test_beyond_max_total_the_ticket_unused_for_longest_ends(make_cache: MakeCache, pass_time: PassTime) -> None:
    cache = make_cache(max_total=3)
    guids = [new_guid() for _ in range(4)]
    for user_id, guid in enumerate(guids[:3]):
        add(cache, guid, user_id=user_id)
        pass_time(1)
    cache.renew(guids[0])
    pass_time(1)
    cache.look(guids[1])
    add(cache, guids[3], user_id=3)
    assert [cache.look(guid) is not None for guid in guids] == [True, False, True, True]


def test_beyond_max_total_the_order_of_use_counts_even_where_another_ticket_ends_sooner(
    make_cache: MakeCache, pass_time: PassTime
) -> None:
    cache = make_cache(max_total=2, absolute_expiration=DAY)
    guids = [new_guid() for _ in range(3)]
    for guid in guids[:2]:
        add(cache, guid)
        pass_time(1)
    cache.renew(guids[0])
    add(cache, guids[2])
    assert [cache.look(guid) is not None for guid in guids] == [True, False, True]


def test_beyond_max_per_user_the_users_ticket_unused_for_longest_ends(
    make_cache: MakeCache, pass_time: PassTime
) -> None:
    cache = make_cache(max_per_user=2)
    add(cache, OTHER, user_id=43)
    guids = [new_guid() for _ in range(3)]
    for guid in guids[:2]:
        pass_time(1)
        add(cache, guid)
    pass_time(1)
    cache.renew(guids[0])
    add(cache, guids[2])
    assert [cache.look(guid) is not None for guid in guids] == [True, False, True]
    assert cache.look(OTHER) is not None


def test_without_max_per_user_nobodys_ticket_ends_early(cache: TicketCache) -> None:
    """SECURITY D17: a job that logs in every minute doesn't end its account's other tickets."""
    guids = [new_guid() for _ in range(1000)]
    for guid in guids:
        add(cache, guid)
    assert all(cache.look(guid) for guid in guids)


def test_tickets_that_end_early_are_reported_and_expired_ones_are_not(
    make_cache: MakeCache, pass_time: PassTime
) -> None:
    told: list[TicketSummary] = []
    cache = make_cache(max_total=2, max_per_user=1, on_evicted=told.append)
    add(cache, GUID, user_id=1)
    add(cache, OTHER, user_id=1)
    assert [(each.user_id, each.short_hash) for each in told] == [(1, short_hash(digest(GUID)))]
    add(cache, new_guid(), user_id=2)
    add(cache, new_guid(), user_id=3)
    assert [(each.user_id, each.short_hash) for each in told[1:]] == [(1, short_hash(digest(OTHER)))]
    pass_time(WINDOW + 1)
    add(cache, new_guid(), user_id=2)
    assert len(told) == 2


def test_absolute_expiration_ends_a_ticket_that_is_used_daily(make_cache: MakeCache, pass_time: PassTime) -> None:
    """SECURITY D2, T9: counted from the login, and no expires_at is later."""
    cache = make_cache(absolute_expiration=90 * DAY)
    end = add(cache).issued_at + 90 * DAY
    for _ in range(89):
        pass_time(DAY)
        used = cache.renew(GUID)
        assert used is not None
        assert used.expires_at <= end
    assert used.expires_at == seconds(end)
    pass_time(DAY + 1)
    assert cache.renew(GUID) is None
    assert cache.look(GUID) is None


def test_absolute_expiration_shorter_than_the_window(make_cache: MakeCache, pass_time: PassTime) -> None:
    cache = make_cache(absolute_expiration=DAY)
    added = add(cache)
    assert added.expires_at == seconds(added.issued_at + DAY)
    pass_time(DAY + 1)
    assert cache.look(GUID) is None


@dataclass
class Kept:
    """A ticket as the naive model has it."""

    user_id: int
    security_stamp: int
    language: str
    previous_logon: float | None
    issued_at: float
    used_at: float


@dataclass
class Model:
    """A cache written without regard to speed: a dict in order of use, all of which every operation searches."""

    max_total: int
    max_per_user: int
    absolute_expiration: float | None
    now: float = 0.0
    kept: dict[bytes, Kept] = field(default_factory=dict)
    evicted: list[str] = field(default_factory=list)

    def reach(self, now: float) -> None:
        self.now = max(self.now, now)
        self.kept = {guid: ticket for guid, ticket in self.kept.items() if self.now < self.end(ticket)}

    def end(self, ticket: Kept) -> float:
        end = ticket.used_at + WINDOW
        return end if self.absolute_expiration is None else min(end, ticket.issued_at + self.absolute_expiration)

    def ticket(self, guid: bytes) -> Ticket | None:
        kept = self.kept.get(guid)
        return kept and Ticket(
            kept.user_id, kept.security_stamp, kept.language, kept.previous_logon, kept.issued_at, self.end(kept)
        )

    def guids_of(self, user_id: int | None) -> list[bytes]:
        return [guid for guid, ticket in self.kept.items() if user_id in (None, ticket.user_id)]

    def add(self, guid: bytes, ticket: Kept) -> None:
        for guids, cap in ((self.guids_of(ticket.user_id), self.max_per_user), (self.guids_of(None), self.max_total)):
            if cap and len(guids) >= cap:
                self.evicted.append(short_hash(digest(guids[0])))
                del self.kept[guids[0]]
                break
        self.kept[guid] = ticket

    def use(self, guid: bytes, language: str | None) -> None:
        ticket = self.kept[guid] = self.kept.pop(guid)
        ticket.used_at = self.now
        ticket.language = language or ticket.language


class CacheMachine(RuleBasedStateMachine):
    """Random operations and moves of the clock, on a cache and on the model."""

    guids = st.sampled_from([bytes([number]) * 16 for number in range(10)])
    users = st.integers(1, 3)
    languages = st.sampled_from(["en", "de", "fr"])
    spans = st.sampled_from([0.0, 60.0, DAY / 2, DAY, WINDOW / 2, WINDOW - 60, WINDOW, WINDOW + 60])

    def __init__(self, back_end: Any) -> None:
        super().__init__()
        self.back_end = back_end
        self.stamps = count()

    @initialize(
        max_total=st.integers(1, 8),
        max_per_user=st.integers(0, 3),
        absolute=st.none() | st.sampled_from([DAY, 1.25 * WINDOW]),
    )
    def start(self, max_total: int, max_per_user: int, absolute: float | None) -> None:
        options = {"max_total": max_total, "max_per_user": max_per_user, "absolute_expiration": absolute}
        self.model = Model(**options)
        self.told: list[TicketSummary] = []
        self.cache: TicketCache = self.back_end.cache(on_evicted=self.told.append, **options)

    @rule(guid=guids, user_id=users, language=languages, previous=st.none() | st.just(1.5))
    def add(self, guid: bytes, user_id: int, language: str, previous: float | None) -> None:
        self.model.reach(self.back_end.now)
        ticket = Kept(user_id, next(self.stamps), language, previous, self.model.now, self.model.now)
        fields = {"user_id": user_id, "security_stamp": ticket.security_stamp, "language": language}
        if guid in self.model.kept:
            with pytest.raises(ValueError, match="already"):
                self.cache.add(guid, previous_logon=previous, **fields)
        else:
            self.model.add(guid, ticket)
            assert self.cache.add(guid, previous_logon=previous, **fields) == alike(self.model.ticket(guid))

    @rule(guid=guids)
    def look(self, guid: bytes) -> None:
        self.model.reach(self.back_end.now)
        assert self.cache.look(guid) == alike(self.model.ticket(guid))

    @rule(guid=guids, user_id=st.none() | users, language=st.none() | languages)
    def renew(self, guid: bytes, user_id: int | None, language: str | None) -> None:
        self.model.reach(self.back_end.now)
        expected = None
        if guid in self.model.guids_of(user_id):
            self.model.use(guid, language)
            expected = self.model.ticket(guid)
        assert self.cache.renew(guid, user_id=user_id, language=language) == alike(expected)

    @rule(guid=guids)
    def remove(self, guid: bytes) -> None:
        self.model.reach(self.back_end.now)
        expected = self.model.ticket(guid)
        self.model.kept.pop(guid, None)
        assert self.cache.remove(guid) == alike(expected)

    @rule(user_id=users)
    def remove_user(self, user_id: int) -> None:
        self.model.reach(self.back_end.now)
        ended = self.model.guids_of(user_id)
        for guid in ended:
            del self.model.kept[guid]
        assert self.cache.remove_user(user_id) == len(ended)

    @rule(span=spans)
    def pass_time(self, span: float) -> None:
        self.back_end.pass_time(span)

    @precondition(lambda self: self.back_end.clock_steps_back)
    @rule(span=spans)
    def step_back(self, span: float) -> None:
        self.back_end.pass_time(-span)

    @rule(user_id=st.none() | users)
    def summaries(self, user_id: int | None) -> None:
        self.model.reach(self.back_end.now)
        expected = {
            short_hash(digest(guid)): (ticket.user_id, seconds(ticket.used_at), seconds(self.model.end(ticket)))
            for guid, ticket in self.model.kept.items()
            if user_id in (None, ticket.user_id)
        }
        listed = list(self.cache.summaries(user_id))
        assert {each.short_hash: (each.user_id, each.last_used_at, each.expires_at) for each in listed} == expected
        assert len(listed) == len(expected)

    def teardown(self) -> None:
        self.back_end.close()

    @invariant()
    def reports_what_ended_early(self) -> None:
        assert [summary.short_hash for summary in self.told] == self.model.evicted


def test_does_what_a_naive_cache_does(back_end_type: Any) -> None:
    run_state_machine_as_test(
        lambda: CacheMachine(back_end_type()),
        settings=settings(max_examples=100, stateful_step_count=50, deadline=None),
    )
