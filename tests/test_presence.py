"""What the log says when a store is gone, and when it is back."""

import logging

import pytest

from asmx_tickets.errors import Busy, Unavailable
from asmx_tickets.presence import QUIET_SECONDS, Presence
from asmx_tickets.users.cooperative import CooperativeDirectory
from asmx_tickets.users.directory import UserDirectory
from tests.support.service import Clock


def test_it_is_said_once_when_a_store_goes_and_once_when_it_is_back(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    presence = Presence("Redis at h:6379", clock)
    presence.worked()
    for _ in range(3):
        presence.failed("does not answer in time")
        assert presence.is_gone
        clock.advance(4)
    for _ in range(3):
        presence.worked()
        assert not presence.is_gone
    assert caplog.record_tuples == [
        ("asmx_tickets.presence", logging.ERROR, "Redis at h:6379 is gone: does not answer in time"),
        ("asmx_tickets.presence", logging.WARNING, "Redis at h:6379 is back after 12 s"),
    ]


def test_a_store_that_comes_and_goes_has_a_few_lines_and_not_two_for_each_call(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A database whose password was changed, say: connections that there are go on, and new ones are refused."""
    presence = Presence("Redis at h:6379", clock)
    for _ in range(50):
        presence.failed("refuses the password")
        clock.advance(0.1)
        presence.worked()
        clock.advance(0.1)
    assert presence.is_gone
    clock.advance(QUIET_SECONDS)
    presence.worked()
    assert not presence.is_gone
    assert caplog.messages == [
        "Redis at h:6379 is gone: refuses the password",
        "Redis at h:6379 is back after 0 s",
        "Redis at h:6379 is gone: refuses the password",
        "Redis at h:6379 is back after 20 s",
    ]


def test_an_answer_to_a_question_from_before_the_failure_brings_no_store_back(clock: Clock) -> None:
    presence = Presence("Redis at h:6379", clock)
    asked = clock()
    clock.advance(1)
    presence.failed("does not answer in time")
    presence.worked(asked)
    assert presence.is_gone


def test_the_cause_names_the_store_once(caplog: pytest.LogCaptureFixture) -> None:
    Presence("Redis at h:6379").failed(Unavailable("Redis at h:6379 is a read-only replica"))
    assert caplog.messages == ["Redis at h:6379 is gone: is a read-only replica"]


class FailingDirectory(UserDirectory):
    """Answers, or raises the error that a test gives it."""

    error: Unavailable | None = None

    def find(self, user_name: str) -> None:
        if self.error is not None:
            raise self.error

    def get(self, user_id: int) -> None:
        self.find("")

    def change(self, user_id: int, **changes: object) -> bool:
        raise Unavailable("The user database does not answer (SQLITE_BUSY).")


def test_the_users_database_is_gone_when_it_can_not_be_read(caplog: pytest.LogCaptureFixture) -> None:
    """Not when too many ask, and not when it only can't be written to."""
    failing = FailingDirectory()
    users = CooperativeDirectory(failing)
    took: list[float] = []
    users.presence.observer = took.append
    for error in (Busy("too many requests"), Unavailable("no connection"), Unavailable("no connection"), None):
        failing.error = error
        for ask in (lambda: users.find("x"), lambda: users.get(1)):
            if error is None:
                ask()
            else:
                with pytest.raises(Unavailable):
                    ask()
        with pytest.raises(Unavailable):
            users.change(1, enabled=True)
    assert [record.message for record in caplog.records] == [
        "the users' database is gone: no connection",
        "the users' database is back after 0 s",
    ]
    assert len(took) == 2
