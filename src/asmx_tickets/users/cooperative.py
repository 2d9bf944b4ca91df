"""A user directory whose store blocks, for calls that run on an event loop: see waiting.py."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from asmx_tickets.users.directory import UserDirectory
from asmx_tickets.users.user import Credentials, Profile, User
from asmx_tickets.waiting import Lane, in_thread


class CooperativeDirectory(UserDirectory):
    """Asks another directory, in a thread where that is needed."""

    def __init__(self, directory: UserDirectory) -> None:
        self._directory = directory

    def find(self, user_name: str) -> Credentials | None:
        return in_thread(Lane.USERS, partial(self._directory.find, user_name))

    def get(self, user_id: int) -> User | None:
        return in_thread(Lane.USERS, partial(self._directory.get, user_id))

    def add(self, profile: Profile, password_hash: str, *, user_id: int | None = None) -> int:
        return in_thread(Lane.USERS, partial(self._directory.add, profile, password_hash, user_id=user_id))

    def change(self, user_id: int, **changes: Any) -> bool:
        return in_thread(Lane.USERS, partial(self._directory.change, user_id, **changes))

    def remove(self, user_id: int) -> bool:
        return in_thread(Lane.USERS, partial(self._directory.remove, user_id))

    def all(self) -> Iterator[User]:
        return self._directory.all()

    def version(self) -> int | None:
        return self._directory.version()

    @property
    def changes(self) -> int:
        return self._directory.changes
