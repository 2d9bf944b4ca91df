"""A user directory whose store blocks, for calls that run on an event loop: see waiting.py."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeVar

from asmx_tickets.errors import Unavailable
from asmx_tickets.presence import Presence
from asmx_tickets.users.directory import UserDirectory
from asmx_tickets.users.user import Credentials, Profile, User
from asmx_tickets.waiting import Lane, in_thread

Found = TypeVar("Found")


class CooperativeDirectory(UserDirectory):
    """Asks another directory, in a thread where that is needed. ``all`` and ``together`` are not for calls on the loop:
    they hold it up, and a change in another thread is none of ``together``.
    """

    def __init__(self, directory: UserDirectory) -> None:
        self._directory = directory
        self.presence = Presence("the users' database")

    def find(self, user_name: str) -> Credentials | None:
        return self._read(partial(self._directory.find, user_name))

    def get(self, user_id: int) -> User | None:
        return self._read(partial(self._directory.get, user_id))

    def _read(self, question: Callable[[], Found]) -> Found:
        return in_thread(Lane.USERS, partial(self.presence.ask, question))

    def _write(self, change: Callable[[], Found]) -> Found:
        # That it can't be written tells nothing of the store: SQLite may be locked.
        try:
            return in_thread(Lane.USERS, change)
        except Unavailable as error:
            error.told = self.presence.is_gone
            raise

    def add(self, profile: Profile, password_hash: str, *, user_id: int | None = None) -> int:
        return self._write(partial(self._directory.add, profile, password_hash, user_id=user_id))

    def change(self, user_id: int, **changes: Any) -> bool:
        return self._write(partial(self._directory.change, user_id, **changes))

    def remove(self, user_id: int) -> bool:
        return self._write(partial(self._directory.remove, user_id))

    def all(self) -> Iterator[User]:
        return self._directory.all()

    def together(self) -> AbstractContextManager[None]:
        return self._directory.together()

    def warnings(self) -> tuple[str, ...]:
        return in_thread(Lane.USERS, self._directory.warnings)

    def follow(self) -> None:
        in_thread(Lane.USERS, self._directory.follow)

    def version(self) -> int | None:
        return self._directory.version()

    @property
    def changes(self) -> int:
        return self._directory.changes

    def close(self) -> None:
        self._directory.close()
