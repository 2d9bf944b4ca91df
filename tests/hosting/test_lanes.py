"""Threads for calls that may wait: bounded, and refused beyond the bound."""

import asyncio
import threading

import pytest

from asmx_tickets.hosting.lanes import Lane, LaneFull, LaneSize


def test_what_does_not_fit_is_refused_at_once() -> None:
    """One runs, one waits, the third is told so."""
    release = threading.Event()
    lane = Lane("test", LaneSize(threads=1, waiting=1))

    async def scenario() -> tuple[bool, bool]:
        inside = [asyncio.ensure_future(lane.run(lambda: release.wait(10))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(LaneFull):
            await lane.run(lambda: None)
        release.set()
        first, second = await asyncio.gather(*inside)
        return first, second

    assert asyncio.run(scenario()) == (True, True)
    lane.close()


def test_a_place_is_free_again_after_an_error() -> None:
    lane = Lane("test", LaneSize(threads=1, waiting=0))

    async def scenario() -> str:
        with pytest.raises(ZeroDivisionError):
            await lane.run(lambda: 1 // 0)
        return await lane.run(lambda: "ran")

    assert asyncio.run(scenario()) == "ran"
    lane.close()
