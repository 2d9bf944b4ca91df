"""The back-ends that the suite of all throttles runs over."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.throttles import BACK_ENDS, MakeThrottle


@pytest.fixture(params=BACK_ENDS, ids=lambda back_end: back_end.__name__)
def back_end(request: pytest.FixtureRequest) -> Iterator[Any]:
    made = request.param(request)
    yield made
    made.close()


@pytest.fixture
def make_throttle(back_end: Any) -> MakeThrottle:
    """Makes a throttle that knows of no failures, with the rules and options given."""
    return back_end.throttle


@pytest.fixture
def pass_time(back_end: Any) -> Callable[[float], None]:
    """Moves the throttle's clock by seconds."""
    return back_end.pass_time
