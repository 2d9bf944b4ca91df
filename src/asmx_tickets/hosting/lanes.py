"""Threads for calls that may wait, so that those that never wait are never held up behind them."""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


class LaneFull(Exception):
    """As many calls wait in the lane as may."""


@dataclass(frozen=True, slots=True)
class LaneSize:
    """How many calls of a lane run at a time, and how many more may wait. ``background``: with a lower priority."""

    threads: int
    waiting: int
    background: bool = False


class Lane:
    """A bounded pool of threads."""

    def __init__(self, name: str, size: LaneSize) -> None:
        self._limit = size.threads + size.waiting
        self._inside = 0
        self._threads = ThreadPoolExecutor(
            size.threads, thread_name_prefix=name, initializer=_yield_to_others if size.background else None
        )

    async def run(self, function: Callable[[], T]) -> T:
        """Run a function in one of the threads. Raises LaneFull, and what the function raises."""
        if self._inside >= self._limit:
            raise LaneFull
        self._inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function)
        finally:
            self._inside -= 1

    def close(self) -> None:
        """Let what runs come to its end, and start nothing more."""
        self._threads.shutdown(wait=True, cancel_futures=True)


def _yield_to_others() -> None:
    """Hashing takes whole cores for as long as logins come in; the kernel gives ticket checks the right of way."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 12)
