"""Calls on an event loop, as the server runs them."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from asmx_tickets.waiting import Hub, Lane, LaneSize, lane_sizes

T = TypeVar("T")
SMALL = {**lane_sizes(1), Lane.CALL: LaneSize(threads=1, waiting=7)}


def on_loop(scenario: Callable[[Hub], Any], new_loop: Callable[[], asyncio.AbstractEventLoop] | None = None) -> Any:
    """Run a coroutine that takes a hub on a new loop, asyncio's or another."""

    async def run() -> Any:
        hub = Hub(asyncio.get_running_loop(), SMALL)
        try:
            return await asyncio.wait_for(scenario(hub), 20)
        finally:
            hub.close()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(run())


def begin(hub: Hub, function: Callable[[], T]) -> "asyncio.Future[T]":
    """Run a function as a call. The future gets what it returns or raises."""
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def outcome() -> Callable[[], None]:
        try:
            return partial(future.set_result, function())
        except Exception as error:
            return partial(future.set_exception, error)

    hub.run(outcome, lambda tell: tell())
    return future
