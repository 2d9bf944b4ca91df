"""The order of the tickets' last uses, for expiry and eviction, in constant time and without an object per ticket."""

import mmap
import sys
from collections.abc import Iterable, Iterator

from asmx_tickets.errors import SettingsError

_SHARDS = 256


def reserve(size: int) -> memoryview:
    """``size`` zeroed bytes, which take up memory page by page when first written to.

    A list or an array that grows is copied now and then as a whole; growing into these copies nothing. A forked
    process gets a copy, never the same bytes. Raises SettingsError if there are not as many addresses.
    """
    try:
        if sys.platform == "win32":
            return memoryview(mmap.mmap(-1, size))
        return memoryview(mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
    except OSError as error:
        raise SettingsError(
            f"Tickets:MaxTotal: no memory for so many tickets ({error.strerror}): lower it, or raise the limit"
            " (ulimit -v)"
        ) from None


class UseOrder:
    """For each owner the slots it has, from the one unused for longest to the newest.

    Slots are numbers below ``capacity``, owners any integers; a slot has one owner at most. Each operation takes
    constant time. An owner's slots form a ring, doubly linked, that is known by its newest slot, next to which stands
    the oldest. Not thread-safe.
    """

    __slots__ = ("_newer", "_newest", "_older", "_size")

    def __init__(self, capacity: int) -> None:
        self._newer = reserve(4 * capacity).cast("i")
        self._older = reserve(4 * capacity).cast("i")
        self._size = reserve(4 * capacity).cast("i")  # Of the owner, and correct in its newest slot only.
        # Many small dicts, because a dict copies itself whole when it grows: with a million owners for tens of ms.
        self._newest: tuple[dict[int, int], ...] = tuple({} for _ in range(_SHARDS))

    def size(self, owner: int) -> int:
        """How many slots the owner has."""
        newest = self._newest[owner % _SHARDS].get(owner)
        return 0 if newest is None else self._size[newest]

    def oldest(self, owner: int) -> int:
        """The slot unused for longest. Raises KeyError if the owner has none."""
        return self._newer[self._newest[owner % _SHARDS][owner]]

    def append(self, owner: int, slot: int) -> None:
        """Give the owner a free slot, as its newest."""
        newest_of, newer, older = self._newest[owner % _SHARDS], self._newer, self._older
        newest = newest_of.get(owner)
        newest_of[owner] = slot
        if newest is None:
            newer[slot] = older[slot] = slot
            self._size[slot] = 1
            return
        self._size[slot] = self._size[newest] + 1
        oldest = newer[newest]
        newer[newest] = older[oldest] = slot
        older[slot], newer[slot] = newest, oldest

    def prepend(self, owner: int, slot: int) -> None:
        """Give the owner a free slot, as its oldest."""
        newest_of, newer, older = self._newest[owner % _SHARDS], self._newer, self._older
        newest = newest_of.get(owner)
        if newest is None:
            newest_of[owner] = newer[slot] = older[slot] = slot
            self._size[slot] = 1
            return
        self._size[newest] += 1
        oldest = newer[newest]
        newer[newest] = older[oldest] = slot
        older[slot], newer[slot] = newest, oldest

    def touch(self, owner: int, slot: int) -> None:
        """Make a slot of the owner its newest."""
        newest_of, newer, older = self._newest[owner % _SHARDS], self._newer, self._older
        newest = newest_of[owner]
        if slot == newest:
            return
        newest_of[owner] = slot
        self._size[slot] = self._size[newest]
        oldest = newer[newest]
        if slot == oldest:  # It stands next to the newest already: the ring only has to turn.
            return
        before, after = older[slot], newer[slot]
        newer[before], older[after] = after, before
        newer[newest] = older[oldest] = slot
        older[slot], newer[slot] = newest, oldest

    def remove(self, owner: int, slot: int) -> None:
        """Take a slot away from its owner."""
        newest_of, newer, older = self._newest[owner % _SHARDS], self._newer, self._older
        newest = newest_of[owner]
        size = self._size[newest] - 1
        if size == 0:
            del newest_of[owner]
            return
        before, after = older[slot], newer[slot]
        newer[before], older[after] = after, before
        if slot == newest:
            newest = newest_of[owner] = before
        self._size[newest] = size

    def fill(self, owner: int, slots: Iterable[int]) -> None:
        """Give free slots to an owner without any, oldest first. Faster than ``append`` for each."""
        newer, older = self._newer, self._older
        slots = iter(slots)
        oldest = newest = next(slots, None)
        if oldest is None or newest is None:
            return
        size = 1
        for slot in slots:
            newer[newest], older[slot] = slot, newest
            newest = slot
            size += 1
        newer[newest], older[oldest] = oldest, newest
        self._newest[owner % _SHARDS][owner] = newest
        self._size[newest] = size

    def newest_first(self, owner: int) -> Iterator[int]:
        """The owner's slots, from the newest to the oldest. They must not change meanwhile."""
        newest = slot = self._newest[owner % _SHARDS].get(owner)
        while slot is not None:
            yield slot
            slot = self._older[slot]
            if slot == newest:
                return
