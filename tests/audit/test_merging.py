"""SECURITY D22: equal refusals are one line with a count, and no flood makes many lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asmx_tickets.audit import AuditLog, Caller, Event, MergingAudit, Record
from asmx_tickets.audit.merging import MOST, MOST_OF_A_NETWORK
from asmx_tickets.errors import Unavailable
from asmx_tickets.throttling import network_of
from tests.support.service import Clock

REFUSED = Record(Event.LOGIN_REFUSED, Caller("192.0.2.7", "SOAP 1.1", "1f-2"), "jsmith", 42, reason="wrong password")


class Written(AuditLog):
    """Keeps what is written, and can be full."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.out = False

    def write(self, record: Record) -> None:
        if self.out:
            raise Unavailable("full")
        self.records.append(record)

    def flush(self) -> None:
        pass

    def check(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def log() -> Written:
    return Written()


@pytest.fixture
def merging(log: Written, clock: Clock) -> MergingAudit:
    return MergingAudit(log, seconds=60, network_of=network_of, clock=clock)


def test_the_first_is_written_at_once_and_the_others_with_their_count(
    merging: MergingAudit, log: Written, clock: Clock
) -> None:
    for _ in range(1200):
        merging.write(REFUSED)
        clock.advance(0.01)
        merging.flush()
    assert log.records == [REFUSED]
    clock.advance(60)
    merging.flush()
    merging.flush()
    assert log.records[1:] == [REFUSED._replace(caller=Caller("192.0.2.7"), times=1199)]
    merging.write(REFUSED)
    assert log.records[2:] == [REFUSED]


@pytest.mark.parametrize(
    "other",
    [
        REFUSED._replace(event=Event.IMPERSONATION_REFUSED),
        REFUSED._replace(reason="throttled: account"),
        REFUSED._replace(user="alice", user_id=43),
        REFUSED._replace(caller=Caller("192.0.2.8")),
    ],
)
def test_what_differs_has_its_own_line(merging: MergingAudit, log: Written, other: Record) -> None:
    merging.write(REFUSED)
    merging.write(other)
    assert log.records == [REFUSED, other]


def test_a_customers_ipv6_addresses_are_one_network(merging: MergingAudit, log: Written) -> None:
    for number in range(3):
        merging.write(REFUSED._replace(caller=Caller(f"2001:db8::{number}")))
    merging.close()
    assert [record.times for record in log.records] == [1, 2]
    assert log.records[1].caller.address == "2001:db8::/64"


@pytest.mark.parametrize("event", sorted({*Event} - {Event.LOGIN_REFUSED, Event.IMPERSONATION_REFUSED, Event.RENEWAL}))
def test_what_gives_or_ends_access_is_never_merged(merging: MergingAudit, log: Written, event: Event) -> None:
    for _ in range(3):
        merging.write(REFUSED._replace(event=event))
    assert len(log.records) == 3


def test_renewals_of_one_ticket_are_merged(merging: MergingAudit, log: Written) -> None:
    renewal = Record(Event.RENEWAL, Caller("192.0.2.7"), "jsmith", 42, ticket="0a1b2c3d")
    for _ in range(3):
        merging.write(renewal)
    merging.write(renewal._replace(ticket="ffffffff"))
    merging.close()
    assert [(record.ticket, record.times) for record in log.records] == [
        ("0a1b2c3d", 1),
        ("ffffffff", 1),
        ("0a1b2c3d", 2),
    ]


def test_made_up_names_of_one_network_are_bounded(merging: MergingAudit, log: Written, clock: Clock) -> None:
    """Other networks keep their lines meanwhile."""
    for number in range(5000):
        merging.write(REFUSED._replace(user=f"made up {number}", user_id=None))
    merging.write(REFUSED._replace(caller=Caller("198.51.100.1")))
    assert len(log.records) == MOST_OF_A_NETWORK + 2
    clock.advance(60)
    merging.flush()
    (counted,) = log.records[MOST_OF_A_NETWORK + 2 :]
    assert (counted.user, counted.times) == ("", 5000 - MOST_OF_A_NETWORK - 1)
    assert counted.caller.address == "192.0.2.7"


def test_many_networks_are_bounded(merging: MergingAudit, log: Written, clock: Clock) -> None:
    for number in range(5000):
        caller = Caller(f"10.{number >> 8}.{number & 255}.1")
        merging.write(REFUSED._replace(caller=caller, user=f"made up {number}", user_id=None))
    assert len(log.records) == MOST + 1
    clock.advance(60)
    merging.flush()
    assert log.records[MOST + 1 :] == [Record(Event.LOGIN_REFUSED, Caller(), times=5000 - MOST - 1)]
    for number in range(100):
        merging.write(REFUSED._replace(user=f"later {number}", user_id=None))
    assert len(log.records) == MOST + 2 + 100


def test_a_count_that_could_not_be_written_is_written_later(merging: MergingAudit, log: Written, clock: Clock) -> None:
    for _ in range(3):
        merging.write(REFUSED)
    clock.advance(60)
    log.out = True
    with pytest.raises(Unavailable):
        merging.flush()
    log.out = False
    merging.flush()
    assert [record.times for record in log.records] == [1, 2]


def test_it_can_be_switched_off(log: Written) -> None:
    plain = MergingAudit(log, seconds=0, network_of=network_of)
    for _ in range(3):
        plain.write(REFUSED)
    assert log.records == [REFUSED] * 3


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300), st.sampled_from([0.0, 1.0, 61.0])), max_size=400))
def test_every_refusal_is_counted_once(steps: list[tuple[int, int, float]]) -> None:
    """Whichever refusals come, from wherever, and whenever counts are written."""
    clock, log = Clock(), Written()
    merging = MergingAudit(log, seconds=60, network_of=network_of, clock=clock)
    for user, network, seconds in steps:
        merging.write(REFUSED._replace(user_id=user + 1, caller=Caller(f"192.0.{network}.1")))
        clock.advance(seconds)
        if seconds:
            merging.flush()
    merging.close()
    assert sum(record.times for record in log.records) == len(steps)
