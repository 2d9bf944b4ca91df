"""The rules on real stores in memory, with an audit log that remembers."""

import pytest

from asmx_tickets.users.sql import open_directory
from asmx_tickets.users.user import Profile
from tests.support.rules import PASSWORD_HASH, Notebook, Rules, WatchedTickets
from tests.support.service import DAY, Clock


@pytest.fixture
def rules(clock: Clock) -> Rules:
    directory = open_directory("sqlite://", clock=clock)
    for name in ("jsmith", "chief"):
        directory.add(Profile(name), PASSWORD_HASH)
    return Rules(
        clock, directory, WatchedTickets(clock=clock, sliding_expiration=30 * DAY, absolute_expiration=None), Notebook()
    )
