"""The time of day, which ignores short jumps of the system's clock (SECURITY R5)."""

import logging
import math
import time
from collections.abc import Callable

JUMP_SECONDS = 3600.0
"""How far the time of day may differ from the time that has passed. A larger difference is a jump."""
DOUBT_SECONDS = 60.0
"""How long a jump must last to be believed."""

_CHECK_SECONDS = 60.0
"""How long the two clocks may go without being compared. Every ticket check asks for the time, so not each compares."""

_log = logging.getLogger(__name__)


class BelievedClock:
    """Epoch seconds, UTC. A jump counts once it has lasted for a minute; until then the steady clock counts.

    One wrong reading, of a virtual machine that wakes up or a time server that lies, would end all tickets in memory,
    or let new ones live for weeks too long. Safe to use from several threads.

    Args:
        wall: the time of day, in epoch seconds.
        steady: seconds that pass evenly and never go back.
    """

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._offset = 0.0
        self._doubted: tuple[float, float] | None = None  # The offset that would be new, and since when.
        self._believe(wall(), steady())

    def __call__(self) -> float:
        wall = self._wall()
        return wall if self._earliest <= wall <= self._latest else self._compare(wall, self._steady())

    def _compare(self, wall: float, steady: float) -> float:
        offset = wall - steady
        if abs(offset - self._offset) > JUMP_SECONDS:
            return self._doubt(offset, steady)
        if self._doubted is not None:
            self._doubted = None
            _log.warning("the system's clock is right again")
        return self._believe(wall, steady)

    def _believe(self, wall: float, steady: float) -> float:
        """Accept the difference between the clocks, and the times that may now come without another comparison."""
        self._offset = wall - steady
        self._earliest, self._latest = wall + _CHECK_SECONDS - JUMP_SECONDS, wall + _CHECK_SECONDS
        return wall

    def _doubt(self, offset: float, steady: float) -> float:
        jump = offset - self._offset
        if self._doubted is None or abs(offset - self._doubted[0]) > JUMP_SECONDS:
            self._doubted = offset, steady
            # Until it is right again, every reading is looked at.
            self._earliest, self._latest = math.inf, -math.inf
            _log.warning("the system's clock jumped by %+.0f s: not believed for %g s", jump, DOUBT_SECONDS)
        elif steady - self._doubted[1] >= DOUBT_SECONDS:
            self._doubted = None
            _log.warning("the system's clock jumped by %+.0f s and stays so: believed from now on", jump)
            return self._believe(offset + steady, steady)
        return steady + self._offset
