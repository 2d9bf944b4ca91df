"""How calls wait: on a loop as greenlets, for bounded lanes of threads; elsewhere as plain code."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import pytest

from asmx_tickets.errors import Unavailable
from asmx_tickets.waiting import Hub, Lane, LaneFull, in_thread, pause
from tests.support.calls import begin, on_loop

T = TypeVar("T")


class Gate:
    """A function that blocks until it is opened, and counts who came in."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.count = 0
        self._open = threading.Event()

    def __call__(self) -> str:
        self.count += 1
        self.entered.release()
        assert self._open.wait(10)
        return threading.current_thread().name

    def open(self) -> None:
        self._open.set()


async def entered(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.entered.acquire, timeout=10)


def test_outside_of_a_call_functions_are_simply_called() -> None:
    """No lane bounds them."""
    assert in_thread(Lane.HASH, threading.get_ident, owner="somebody", seconds=0) == threading.get_ident()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: in_thread(Lane.HASH, threading.get_ident) == threading.get_ident()).result()
    pause(0)


def test_what_never_waits_is_done_at_once() -> None:
    async def scenario(hub: Hub) -> None:
        call = begin(hub, threading.get_ident)
        assert call.done()
        assert call.result() == threading.get_ident()
        assert hub.running == 0

    on_loop(scenario)


def test_other_calls_go_on_while_one_waits() -> None:
    async def scenario(hub: Hub) -> None:
        gate = Gate()
        slow = begin(hub, lambda: in_thread(Lane.USERS, gate))
        await entered(gate)
        assert hub.running == hub.waiting(Lane.USERS) == 1
        assert await begin(hub, lambda: in_thread(Lane.USERS, lambda: 7)) == 7
        assert await begin(hub, lambda: 8) == 8
        assert not slow.done()
        gate.open()
        assert (await slow).startswith(Lane.USERS)
        await until(lambda: hub.running == hub.waiting(Lane.USERS) == 0)

    on_loop(scenario)


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0)


def test_exceptions_travel_and_lanes_are_left() -> None:
    async def scenario(hub: Hub) -> None:
        def fails() -> None:
            raise KeyError("of the store")

        def survives() -> str:
            with pytest.raises(KeyError, match="of the store"):
                in_thread(Lane.CALL, fails)
            return in_thread(Lane.CALL, lambda: "still here")

        for _ in range(20):  # more than the lane takes at a time
            assert await begin(hub, survives) == "still here"
        await until(lambda: hub.waiting(Lane.CALL) == 0)

    on_loop(scenario)


def test_a_call_waits_as_often_as_it_wants() -> None:
    async def scenario(hub: Hub) -> None:
        def adds(number: int) -> int:
            for _ in range(10):
                number = in_thread(Lane.USERS, partial(number.__add__, 1))
                pause(0)
            return number

        assert await asyncio.gather(*(begin(hub, partial(adds, n)) for n in range(100))) == list(range(10, 110))

    on_loop(scenario)


def test_a_function_in_a_thread_that_waits_itself() -> None:
    """It stays in its thread, so that no full lane can block it."""

    async def scenario(hub: Hub) -> None:
        def nested() -> bool:
            return in_thread(Lane.CALL, threading.get_ident) == threading.get_ident()

        assert await begin(hub, lambda: in_thread(Lane.CALL, nested))

    on_loop(scenario)


def test_a_call_that_a_call_begins() -> None:
    """Each goes on when its own wait ends, whichever is first."""

    async def scenario(hub: Hub) -> None:
        inner_gate, outer_gate = Gate(), Gate()
        inner: list[asyncio.Future[str]] = []

        def outer() -> str:
            inner.append(begin(hub, lambda: in_thread(Lane.USERS, inner_gate) and in_thread(Lane.HEALTH, lambda: "in")))
            in_thread(Lane.REDIS, outer_gate)
            return "out"

        call = begin(hub, outer)
        await entered(outer_gate)
        await entered(inner_gate)
        inner_gate.open()
        assert await inner[0] == "in"
        assert not call.done()
        outer_gate.open()
        assert await call == "out"

    on_loop(scenario)


def test_calls_one_after_the_other() -> None:
    """Like those of a client that pipelines: each begins in the ``done`` of the one before."""

    async def scenario(hub: Hub) -> None:
        results: list[int] = []
        finished = asyncio.get_running_loop().create_future()

        def done(number: int) -> None:
            results.append(number)
            if number == 200:
                finished.set_result(None)
            else:
                hub.run(lambda: in_thread(Lane.USERS, lambda: number + 1), done)

        done(0)
        await finished
        assert results == list(range(201))
        assert hub.running == 0

    on_loop(scenario)


def test_a_full_lane_refuses_at_once() -> None:
    async def scenario(hub: Hub) -> None:
        gate = Gate()
        calls = [begin(hub, lambda: in_thread(Lane.CALL, gate)) for _ in range(8)]
        refused = begin(hub, lambda: in_thread(Lane.CALL, gate))
        assert refused.done()
        assert isinstance(refused.exception(), LaneFull)
        assert isinstance(refused.exception(), Unavailable)
        assert await begin(hub, lambda: in_thread(Lane.USERS, lambda: "another lane")) == "another lane"
        gate.open()
        await asyncio.gather(*calls)
        assert gate.count == 8
        await until(lambda: hub.waiting(Lane.CALL) == 0)
        assert await begin(hub, lambda: in_thread(Lane.CALL, lambda: "free again")) == "free again"

    on_loop(scenario)


def test_no_owner_has_more_than_a_quarter_of_a_lane() -> None:
    """SECURITY D20."""

    async def scenario(hub: Hub) -> None:
        gate = Gate()

        def wait_for(owner: str) -> "asyncio.Future[str]":
            return begin(hub, lambda: in_thread(Lane.CALL, gate, owner=owner))

        calls = [wait_for("a"), wait_for("a")]
        refused = wait_for("a")
        assert isinstance(refused.exception(), LaneFull)
        calls += [wait_for("b"), wait_for("b"), wait_for("c"), wait_for("")]
        gate.open()
        await asyncio.gather(*calls)
        await until(lambda: hub.waiting(Lane.CALL) == 0)
        await wait_for("a")

    on_loop(scenario)


def test_a_time_limit() -> None:
    """What has begun goes on and keeps its place; what has not begun by then never does."""

    async def scenario(hub: Hub) -> None:
        gate, never = Gate(), Gate()
        begun = begin(hub, lambda: in_thread(Lane.AUDIT, gate, seconds=0.05))
        queued = begin(hub, lambda: in_thread(Lane.AUDIT, never, seconds=0.05))
        for call in (begun, queued):
            with pytest.raises(TimeoutError):
                await call
        await until(lambda: hub.waiting(Lane.AUDIT) == 1)
        assert hub.running == 0
        gate.open()
        await until(lambda: hub.waiting(Lane.AUDIT) == 0)
        assert (gate.count, never.count) == (1, 0)
        assert await begin(hub, lambda: in_thread(Lane.AUDIT, lambda: "in time", seconds=10)) == "in time"

    on_loop(scenario)


def test_functions_time_out_by_themselves_too() -> None:
    """A TimeoutError that a function raises is passed on as it is."""

    async def scenario(hub: Hub) -> None:
        def slow() -> None:
            raise TimeoutError("of the driver")

        with pytest.raises(TimeoutError, match="of the driver"):
            await begin(hub, lambda: in_thread(Lane.USERS, slow, seconds=10))

    on_loop(scenario)


def test_a_closed_hub_starts_nothing_more() -> None:
    """What runs comes to its end, and so does its call. What waits is refused, and so is what comes later."""

    async def scenario(hub: Hub) -> None:
        gate, never = Gate(), Gate()
        running = begin(hub, lambda: in_thread(Lane.AUDIT, gate))
        queued = begin(hub, lambda: in_thread(Lane.AUDIT, never))
        await entered(gate)
        hub.close()
        late = begin(hub, lambda: in_thread(Lane.AUDIT, never))
        for call in (queued, late):
            with pytest.raises(Unavailable):
                await call
        gate.open()
        assert await running
        assert never.count == 0
        await until(lambda: hub.waiting(Lane.AUDIT) == 0)

    on_loop(scenario)


@pytest.fixture
def spare_threads(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """As many threads as can still be started; the system gives no more."""
    start, left = threading.Thread.start, [None]

    def scarce(thread: threading.Thread) -> None:
        if not left:
            raise RuntimeError("can't start new thread")
        left.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", scarce)
    return left


def test_a_lane_does_with_the_threads_that_there_are(spare_threads: list[None]) -> None:
    async def scenario(hub: Hub) -> None:
        calls = [begin(hub, partial(in_thread, Lane.USERS, lambda number=number: number)) for number in range(4)]
        assert await asyncio.gather(*calls) == [0, 1, 2, 3]

    on_loop(scenario)


def test_what_was_refused_for_lack_of_a_thread_is_not_done_later(spare_threads: list[None]) -> None:
    """A thread that starts at last would otherwise be busy with what nobody waits for."""
    done: list[int] = []

    async def scenario(hub: Hub) -> None:
        spare_threads.clear()
        with pytest.raises(Unavailable, match="no thread can be started"):
            await begin(hub, partial(in_thread, Lane.USERS, partial(done.append, 1)))
        spare_threads.append(None)
        await begin(hub, partial(in_thread, Lane.USERS, partial(done.append, 2)))

    on_loop(scenario)
    assert done == [2]
