"""The figures that the server's processes count together."""

from asmx_tickets.audit import Caller, Event, NoAudit, Record
from asmx_tickets.hosting.figures import CountingAudit, Figures
from tests.support.processes import in_fork
from tests.support.service import Clock


def test_a_minutes_logins_and_refusals_are_counted(clock: Clock) -> None:
    """Each counts for exactly a minute."""
    figures = Figures(now=clock)
    audit = CountingAudit(NoAudit(), figures)
    for event in (Event.LOGIN, Event.LOGIN_REFUSED, Event.LOGIN_REFUSED, Event.LOGOUT):
        audit.write(Record(event, Caller()))
    clock.advance(30)
    audit.write(Record(Event.IMPERSONATION, Caller()))
    assert figures.sums() == {"uptime": 30, "logins": 2, "refusals": 2, "queue": 0}
    clock.advance(29)
    assert figures.sums()["refusals"] == 2
    clock.advance(1)
    assert figures.sums() == {"uptime": 60, "logins": 1, "refusals": 0, "queue": 0}
    clock.advance(600)
    figures.count(Event.LOGIN)
    assert figures.sums()["logins"] == 1


def test_processes_see_each_others_figures(clock: Clock) -> None:
    """The figures of a process that has ended go once another one takes its seat."""
    figures = Figures(2, clock)

    def count() -> bool:
        figures.take(1)
        figures.count(Event.LOGIN)
        figures.note_queue(7)
        return True

    assert in_fork(count)
    figures.count(Event.LOGIN)
    figures.note_queue(1)
    assert figures.sums() == {"uptime": 0, "logins": 2, "refusals": 0, "queue": 8}
    figures.take(1)
    figures.take(0)
    assert figures.sums() == {"uptime": 0, "logins": 0, "refusals": 0, "queue": 0}
