"""Lets synchronous code wait without holding up other calls.

The rules and stores are plain synchronous code. In the server a call runs as a greenlet on the event loop, started by a
Hub; when it has to wait, ``in_thread`` runs what blocks in a thread of a bounded lane, and the loop serves others
meanwhile. Outside of such a greenlet (the command line, a thread, WSGI) ``in_thread`` simply calls the function.

Between the moment a greenlet starts to wait and the moment it goes on, other calls run on the same thread: code must
not hold a lock across ``in_thread``.
"""

import asyncio
import contextlib
import os
import queue
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar, cast

from greenlet import getcurrent, greenlet

from asmx_tickets.errors import Busy, Unavailable

T = TypeVar("T")
_KEPT_GREENLETS = 64
_STOPS = "the server stops"
NO_THREAD = "no thread can be started: raise the limit of processes (ulimit -u, TasksMax, pids) or of memory"


class Lane(StrEnum):
    """What calls wait for. Each lane has its own threads, so the work of one does not hold up another."""

    HASH = "hash"
    USERS = "users"
    REDIS = "redis"
    AUDIT = "audit"
    HEALTH = "health"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class LaneSize:
    """How many functions of a lane run at a time, and how many more may wait. ``background``: with a lower priority."""

    threads: int
    waiting: int
    background: bool = False


class LaneFull(Busy):
    """The lane is full, or has no thread, or one owner has too many functions in it."""


def lane_sizes(hashes: int) -> dict[Lane, LaneSize]:
    """The lanes of a server process that may work on so many hashes at a time (SECURITY A3)."""
    return {
        Lane.HASH: LaneSize(threads=hashes, waiting=hashes * 31, background=True),
        Lane.USERS: LaneSize(threads=16, waiting=1000),
        Lane.REDIS: LaneSize(threads=16, waiting=1000),
        Lane.AUDIT: LaneSize(threads=1, waiting=1000),
        Lane.HEALTH: LaneSize(threads=2, waiting=20),
        Lane.CALL: LaneSize(threads=16, waiting=1000),
    }


class _Pool:
    """A lane's threads, for one loop. They are started when they are needed.

    Unlike the standard library's, it does with those there are where the system gives no more, and what it has refused
    it does not do later.
    """

    def __init__(self, lane: Lane, size: LaneSize) -> None:
        self.limit = size.threads + size.waiting
        self.inside = 0
        self.owners: Counter[str] = Counter()
        self._lane = lane
        self._size = size
        self._threads = 0
        self._closed = False
        self._waiting: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()

    def submit(self, function: Callable[[], T]) -> "Future[T]":
        """Have a thread run a function. Raises Unavailable if the pool is closed, LaneFull if it can have no thread."""
        if self._closed:
            raise Unavailable(_STOPS)
        if self.inside >= self._threads < self._size.threads:
            self._start_thread()
        future: Future[T] = Future()
        self._waiting.put((future, function))
        return future

    def close(self) -> None:
        """Cancel what waits, and let the threads end with what they do."""
        self._closed = True
        with contextlib.suppress(queue.Empty):
            while (waits := self._waiting.get_nowait()) is not None:
                waits[0].cancel()
        for _ in range(self._threads):
            self._waiting.put(None)

    def _start_thread(self) -> None:
        try:
            threading.Thread(target=self._run, name=f"{self._lane}_{self._threads}", daemon=True).start()
        except RuntimeError:
            if not self._threads:
                raise LaneFull(NO_THREAD) from None
        else:
            self._threads += 1

    def _run(self) -> None:
        if self._size.background:
            _yield_to_others()
        while (waits := self._waiting.get()) is not None:
            future, function = waits
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except BaseException as error:  # whoever waits for it gets it
                    future.set_exception(error)
            del waits, future, function  # an idle thread keeps nothing of a request


class _CallGreenlet(greenlet):
    """Runs calls on an event loop, one after the other. ``hub`` starts them, and ``done`` gets a call's result.

    It is used again, because each new greenlet takes memory from the system for its frames.
    """

    hub: "Hub"
    done: Callable[[Any], None]
    result: Any
    has_ended = False

    def run(self) -> None:
        # greenlet keeps what a greenlet was started with for as long as it lives: a call comes by a later switch, and
        # an idle greenlet keeps nothing of it.
        while True:
            function = self.parent.switch()
            self.result = function()
            del function
            self.has_ended = True


class Hub:
    """Runs calls as greenlets on the event loop of the thread that it is used in."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sizes: Mapping[Lane, LaneSize]) -> None:
        self.loop = loop
        self._pools = {lane: _Pool(lane, size) for lane, size in sizes.items()}
        self._idle: list[_CallGreenlet] = []
        self.running = 0
        """How many calls have begun and not ended."""

    def run(self, function: Callable[[], T], done: Callable[[T], None]) -> None:
        """Run a function as a greenlet: now until it waits, or soon when a call asks for it. It must not raise.

        ``done`` gets what it returns, at once or later, on the loop.
        """
        if isinstance(getcurrent(), _CallGreenlet):  # a call's greenlet goes back to the loop, never to another call
            self.loop.call_soon(self.run, function, done)
            return
        if self._idle:
            call = self._idle.pop()
        else:
            call = _CallGreenlet()
            call.hub = self
            call.switch()
        call.done = done
        self.running += 1
        self.go_on(call, function)

    def go_on(self, call: "_CallGreenlet", *arguments: Any) -> None:
        """Let a call run until it waits or ends."""
        call.switch(*arguments)
        if call.has_ended:
            self.running -= 1
            result, done = call.result, call.done
            call.has_ended = False
            del call.result, call.done
            if len(self._idle) < _KEPT_GREENLETS:
                self._idle.append(call)
            done(result)

    def close(self) -> None:
        """Let running functions end, and start no more: calls that need one get Unavailable."""
        for pool in self._pools.values():
            pool.close()

    def waiting(self, lane: Lane) -> int:
        """How many functions run or wait in a lane."""
        return self._pools[lane].inside

    def wait_in_lane(
        self, call: _CallGreenlet, lane: Lane, function: Callable[[], T], owner: str, seconds: float | None
    ) -> T:
        """Wait in a greenlet for a function in a lane. See ``in_thread``."""
        pool = self._pools[lane]
        # SECURITY D20: no owner has more than a quarter of a lane.
        if pool.inside >= pool.limit or (owner and pool.owners[owner] >= max(1, pool.limit // 4)):
            raise LaneFull(f"too many calls wait already ({lane})")
        future = pool.submit(function)
        pool.inside += 1
        if owner:
            pool.owners[owner] += 1
        future.add_done_callback(lambda _: self._tell_loop(partial(_leave, pool, owner)))
        waiter = _Waiter(self, call)
        future.add_done_callback(lambda done: self._tell_loop(partial(waiter.go_on, done)))
        timer = None if seconds is None else self.loop.call_later(seconds, waiter.go_on, None)
        finished = call.parent.switch()
        if timer is not None:
            timer.cancel()
        if finished is None:
            future.cancel()
            raise TimeoutError
        if finished.cancelled():
            raise Unavailable(_STOPS)
        return cast("T", finished.result())

    def pause(self, call: _CallGreenlet, seconds: float) -> None:
        """Wait in a greenlet. See ``pause``."""
        self.loop.call_later(seconds, self.go_on, call)
        call.parent.switch()

    def _tell_loop(self, function: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(function)


def _leave(pool: _Pool, owner: str) -> None:
    pool.inside -= 1
    if owner:
        pool.owners[owner] -= 1
        if not pool.owners[owner]:
            del pool.owners[owner]


class _Waiter:
    """Lets a call go on once, when its result is there or its time is over, whichever comes first."""

    __slots__ = ("_call", "_hub")

    def __init__(self, hub: Hub, call: _CallGreenlet) -> None:
        self._hub = hub
        self._call: _CallGreenlet | None = call

    def go_on(self, what: Any) -> None:
        call, self._call = self._call, None
        if call is not None:
            self._hub.go_on(call, what)


def in_thread(lane: Lane, function: Callable[[], T], *, owner: str = "", seconds: float | None = None) -> T:
    """Run a function that blocks, and return or raise its outcome.

    ``owner`` is for whom it runs, such as a network: none may fill the lane. After ``seconds`` TimeoutError is raised,
    though a function that has begun goes on. Raises LaneFull, and Unavailable when the server stops. Outside of a Hub's
    call the function is simply called, without limits.
    """
    call = getcurrent()
    if isinstance(call, _CallGreenlet):
        return call.hub.wait_in_lane(call, lane, function, owner, seconds)
    return function()


def loop_of_call() -> asyncio.AbstractEventLoop | None:
    """The event loop on which this call runs in a Hub; None outside of a Hub's call."""
    call = getcurrent()
    return call.hub.loop if isinstance(call, _CallGreenlet) else None


def wait_for(hand_over: Callable[[Callable[[Any], None]], object]) -> Any:
    """Wait until the function that ``hand_over`` gets is called, and give what it is called with.

    For a Hub's call only. The function is to be called on the loop, by the loop, and not before ``hand_over`` returns.
    """
    call = cast("_CallGreenlet", getcurrent())
    hand_over(_Waiter(call.hub, call).go_on)
    return call.parent.switch()


def wait_for_task(coroutine: Coroutine[Any, Any, T]) -> T:
    """Wait for a coroutine's end, and give what it returns or raises. For a Hub's call only."""
    call = cast("_CallGreenlet", getcurrent())
    task: asyncio.Task[T] = call.hub.loop.create_task(coroutine)
    wait_for(task.add_done_callback)
    return task.result()


def pause(seconds: float) -> None:
    """Wait for some seconds."""
    call = getcurrent()
    if isinstance(call, _CallGreenlet):
        call.hub.pause(call, seconds)
    else:
        time.sleep(seconds)


def _yield_to_others() -> None:
    """Lower this thread's priority: hashing can take whole cores, and ticket checks must not wait for it."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 12)
