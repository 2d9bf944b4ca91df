"""The back-ends that the suite of all ticket caches runs over."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from asmx_tickets.tickets import TicketCache
from tests.support.ticket_caches import BACK_ENDS, Redis


@pytest.fixture(params=BACK_ENDS, ids=lambda back_end: back_end.__name__)
def back_end_type(request: pytest.FixtureRequest) -> Callable[[], Any]:
    """Makes a back-end."""
    return partial(Redis, request.getfixturevalue("shared_redis")) if request.param is Redis else request.param


@pytest.fixture
def back_end(back_end_type: Callable[[], Any]) -> Iterator[Any]:
    made = back_end_type()
    yield made
    made.close()


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
