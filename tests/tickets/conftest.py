"""The back-ends that the suite of all ticket caches runs over."""

from collections.abc import Callable
from typing import Any

import pytest

from asmx_tickets.tickets import MemoryTicketCache, TicketCache

DAY = 86_400.0
WINDOW = 30 * DAY


class InMemory:
    """Caches in memory, and their clock."""

    clock_steps_back = True

    def __init__(self) -> None:
        self.now = 1_771_425_300.0

    def cache(self, **options: Any) -> MemoryTicketCache:
        """An empty cache with a window of 30 days."""
        return MemoryTicketCache(sliding_expiration=WINDOW, clock=lambda: self.now, **options)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds


BACK_ENDS = [InMemory]


@pytest.fixture(params=BACK_ENDS, ids=lambda back_end: back_end.__name__)
def back_end_type(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def back_end(back_end_type: Any) -> Any:
    return back_end_type()


@pytest.fixture
def make_cache(back_end: Any) -> Callable[..., TicketCache]:
    """Makes an empty cache with the options given."""
    return back_end.cache


@pytest.fixture
def cache(make_cache: Callable[..., TicketCache]) -> TicketCache:
    return make_cache()


@pytest.fixture
def pass_time(back_end: Any) -> Callable[[float], None]:
    """Moves the cache's time on by seconds."""
    return back_end.pass_time
