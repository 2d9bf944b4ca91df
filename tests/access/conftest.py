"""The rules on real stores in memory, with an audit log that remembers."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from asmx_tickets.tickets.cache import TicketRules
from asmx_tickets.users.sql import open_directory
from asmx_tickets.users.user import Profile
from tests.support.rules import PASSWORD_HASH, Notebook, Rules, WatchedTickets
from tests.support.service import Clock


@pytest.fixture
def rules(clock: Clock) -> Iterator[Rules]:
    with closing(open_directory("sqlite://", clock=clock)) as directory:
        for name in ("jsmith", "chief"):
            directory.add(Profile(name), PASSWORD_HASH)
        tickets = WatchedTickets(TicketRules(), clock=clock)
        yield Rules(clock, directory, tickets, Notebook())
