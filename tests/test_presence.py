"""What the log says when a store is gone, and when it is back."""

import logging

import pytest

from asmx_tickets.errors import Busy, Unavailable
from asmx_tickets.presence import Presence
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


class MovingDirectory(UserDirectory):
    """Answers, or raises what it is told to."""

    error: Unavailable | None = None

    def find(self, user_name: str) -> None:
        if self.error is not None:
            raise self.error

    def get(self, user_id: int) -> None:
        self.find("")

    def change(self, user_id: int, **changes: object) -> bool:
        raise Unavailable("The user database does not answer (SQLITE_BUSY).")


def test_the_users_database_is_gone_when_it_can_not_be_read(caplog: pytest.LogCaptureFixture) -> None:
    """Neither when too many ask, nor when it only can't be written to."""
    moving = MovingDirectory()
    users = CooperativeDirectory(moving)
    took: list[float] = []
    users.presence.observer = took.append
    for error in (Busy("too many requests"), Unavailable("no connection"), Unavailable("no connection"), None):
        moving.error = error
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
