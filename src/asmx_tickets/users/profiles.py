"""A cache in front of a user directory, for what every ticket check asks: who is user 42, and are they enabled?"""

import threading
import time
from collections.abc import Callable

from asmx_tickets.errors import Unavailable
from asmx_tickets.users.directory import UserDirectory
from asmx_tickets.users.user import User


class ProfileCache:
    """Answers ``get`` from memory while nobody changed the directory. Safe to use from many threads.

    - A change made through the same directory object is seen by the next ``get``, a logon aside: ``last_logon`` may
      be as old as the entry.
    - A change made elsewhere is seen after ``version_interval`` seconds where the directory has a ``version``, and
      after ``lifetime`` seconds where it has none.
    - While the directory does not answer, entries are given out for up to ``outage`` seconds after they were read,
      so that live tickets go on; then Unavailable is passed on.

    Args:
        directory: what is asked.
        clock: seconds that never go back; need not be the time of day.
        version_interval: seconds between two looks at the directory's version.
        lifetime: seconds an entry is used while the directory answers.
        outage: seconds an entry may be old while it does not. 60 is the bound within which a disabled user's
            tickets must be dead.
        max_entries: entries held; when there are as many, all are forgotten.
    """

    def __init__(
        self,
        directory: UserDirectory,
        *,
        clock: Callable[[], float] = time.monotonic,
        version_interval: float = 0.01,
        lifetime: float = 1.0,
        outage: float = 60.0,
        max_entries: int = 100_000,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._version_interval = version_interval
        self._lifetime = lifetime
        self._outage = outage
        self._max_entries = max_entries
        # A reader takes hold of this dict before it asks the directory, and stores the answer in the dict it holds.
        # So forgetting everything means putting a new dict here: an answer from before goes to the old one.
        self._entries: dict[int, tuple[User | None, float]] = {}
        self._seen_changes = directory.changes
        self._seen_version: int | None = None
        self._next_look = self._ask_again = clock()
        self._looking = threading.Lock()

    def get(self, user_id: int) -> User | None:
        """The account with this id, None if it is missing. Raises Unavailable as said above."""
        now = self._clock()
        if now >= self._next_look or self._directory.changes != self._seen_changes:
            self._look_for_changes(now)
        entries = self._entries
        entry = entries.get(user_id)
        if entry is not None and now - entry[1] < self._lifetime:
            return entry[0]
        return self._load(user_id, entries, now)

    def __len__(self) -> int:
        """How many entries are held."""
        return len(self._entries)

    def _look_for_changes(self, now: float) -> None:
        changes = self._directory.changes
        if changes != self._seen_changes:
            # In this order, so that no other thread takes the old entries for up to date.
            self._entries = {}
            self._seen_changes = changes
        if now < self._next_look or not self._looking.acquire(blocking=False):
            return
        try:
            self._next_look = now + self._version_interval
            version = self._directory.version()
            if version != self._seen_version:
                self._entries = {}
                self._seen_version = version
        except Unavailable:
            pass  # The entries' age bounds how long a change can go unseen.
        finally:
            self._looking.release()

    def _load(self, user_id: int, entries: dict[int, tuple[User | None, float]], now: float) -> User | None:
        stale = entries.get(user_id)
        usable = stale is not None and now - stale[1] <= self._outage
        if stale is not None and usable and now < self._ask_again:
            return stale[0]
        try:
            user = self._directory.get(user_id)
        except Unavailable:
            if stale is None or not usable:
                raise
            # A store that hangs costs seconds per question: only one in a while is asked.
            self._ask_again = self._clock() + self._lifetime
            return stale[0]
        if len(entries) >= self._max_entries:
            entries.clear()
        entries[user_id] = user, now
        return user
