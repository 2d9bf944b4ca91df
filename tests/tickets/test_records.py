"""The packed records of tickets in memory."""

import math
import struct
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asmx_tickets.networks import parse_address
from asmx_tickets.tickets import Origin, Ticket, digest, short_hash
from asmx_tickets.tickets.records import RECORD_SIZE, TicketRecords, fields_of, record_of

KEY = digest(b"any")
times = st.floats(allow_nan=False, allow_infinity=False)
numbers = st.integers(-(2**63), 2**63 - 1)
tickets = st.builds(
    Ticket,
    user_id=numbers,
    security_stamp=numbers,
    language=st.text(max_size=5),
    previous_logon=st.none() | times,
    issued_at=times,
    expires_at=times,
)


@given(st.lists(tickets, max_size=5))
def test_gives_back_what_was_stored(stored: list[Ticket]) -> None:
    records = TicketRecords(5)
    slots = [records.store(records.pack(KEY, ticket)) for ticket in stored]
    assert slots == list(range(len(stored)))
    assert [records.ticket(slot) for slot in slots] == stored
    assert all(isinstance(records.ticket(slot), Ticket) for slot in slots)


@given(tickets, st.text(max_size=5), times, times)
def test_a_use_changes_language_and_times_only(
    ticket: Ticket, language: str, used_at: float, expires_at: float
) -> None:
    records = TicketRecords(1)
    slot = records.store(records.pack(KEY, ticket))
    records.use(slot, language, used_at, expires_at)
    assert records.ticket(slot) == ticket._replace(language=language, expires_at=expires_at)
    summary = records.summary(slot)
    assert (summary.user_id, summary.last_used_at, summary.expires_at) == (ticket.user_id, used_at, expires_at)
    assert summary.short_hash == short_hash(KEY)


@given(st.ip_addresses(), st.text(max_size=5), st.booleans())
def test_keeps_where_a_ticket_was_asked_for(
    address: IPv4Address | IPv6Address, binding: str, impersonated: bool
) -> None:
    """An IPv4 address mapped into IPv6 is kept as IPv4, and the unspecified address as none."""
    records = TicketRecords(1)
    ticket = Ticket(42, 1, "en", None, 1.0, 2.0)
    slot = records.store(records.pack(KEY, ticket, Origin(str(address), binding, impersonated)))
    assert records.ticket(slot) == ticket
    expected = "" if address == IPv6Address(0) else str(parse_address(str(address)))
    assert records.summary(slot).origin == Origin(expected, binding, impersonated)
    assert records.summary(slot).issued_at == 1.0


@pytest.mark.parametrize(
    ("address", "kept"),
    [("", ""), ("unix:", ""), ("localhost", ""), ("192.0.2.1:80", ""), ("fe80::1%eth0", "fe80::1")],
)
def test_what_is_no_address_is_kept_as_none(address: str, kept: str) -> None:
    """The zone of an IPv6 address is left out."""
    records = TicketRecords(1)
    slot = records.store(records.pack(KEY, Ticket(42, 1, "en", None, 1.0, 2.0), Origin(address)))
    assert records.summary(slot).origin.address == kept


def test_a_freed_slot_is_empty_and_the_next_to_be_taken() -> None:
    records = TicketRecords(3)
    record = records.pack(KEY, Ticket(42, 1, "en", None, 1.0, 2.0))
    assert [records.store(record), records.store(record)] == [0, 1]
    assert records.clear(0) == (KEY, 42)
    assert records.summary(0).expires_at == 0.0
    assert [records.store(record), records.store(record)] == [0, 2]
    assert len(records.summaries(0, 10)) == 3
    assert records.summaries(1, 2) == [records.summary(1)]
    assert records.summaries(3, 10) == []


def test_refuses_a_number_of_more_than_64_bits() -> None:
    with pytest.raises(struct.error):
        TicketRecords(1).pack(KEY, Ticket(2**63, 1, "en", None, 1.0, 2.0))


@given(st.lists(tickets, max_size=5))
def test_joined_records_can_be_taken_apart_and_stored_elsewhere(stored: list[Ticket]) -> None:
    records, elsewhere = TicketRecords(5), TicketRecords(5)
    slots = [records.store(records.pack(KEY, ticket)) for ticket in stored]
    assert [elsewhere.number(word) for word in records.words] == list(range(len(records.words)))
    joined = records.joined(slots[::-1], -math.inf)
    assert len(joined) == len(stored) * RECORD_SIZE
    moved = [elsewhere.store(record_of(fields)) for fields in fields_of(joined)]
    assert [elsewhere.ticket(slot) for slot in moved] == stored[::-1]
    assert [elsewhere.issued_at(slot) for slot in moved] == [ticket.issued_at for ticket in stored[::-1]]
    assert [elsewhere.clear(slot) for slot in moved] == [(KEY, ticket.user_id) for ticket in stored[::-1]]


def test_only_records_of_live_tickets_are_joined() -> None:
    records = TicketRecords(3)
    slots = [
        records.store(records.pack(KEY, Ticket(user_id, 1, "en", None, 1.0, 9.0 + user_id))) for user_id in range(3)
    ]
    assert [fields[1] for fields in fields_of(records.joined(slots, 10.0))] == [2]
