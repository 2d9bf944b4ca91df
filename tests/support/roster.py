"""A source of users without a SQL database and without password hashes, like a company's directory.

``python -m tests.support.roster`` runs the program with it.
"""

import hmac
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, NoReturn

from asmx_tickets.errors import UserError
from asmx_tickets.settings.types import _USER_STORES
from asmx_tickets.users.directory import UserDirectory
from asmx_tickets.users.passwords import PasswordHasher
from asmx_tickets.users.source import SOURCES, UserSource
from asmx_tickets.users.user import Credentials, Profile, User, account_key
from asmx_tickets.users.verifier import Claim, Reason, Verifier
from asmx_tickets.waiting import Lane, in_thread

URL = "roster://example"
ROWS = ((SOURCES, "roster", "tests.support.roster"), (_USER_STORES, "roster", "roster"))
"""What plugs it in: table, key and value."""

USERS = (User(7, Profile("kim", "Kim", "Jones"), 1, None, None), User(8, Profile("lee", enabled=False), 1, None, None))
PASSWORD = "kim's own"


class Roster(UserDirectory):
    """Two users, who can't be changed."""

    def find(self, user_name: str) -> Credentials | None:
        key = account_key(user_name)
        return next((Credentials(user, None) for user in USERS if user.profile.user_name == key), None)

    def get(self, user_id: int) -> User | None:
        return next((user for user in USERS if user.id == user_id), None)

    def add(self, profile: Profile, password_hash: str, *, user_id: int | None = None) -> NoReturn:
        raise UserError("The roster takes no changes.")

    def change(self, user_id: int, **changes: Any) -> NoReturn:
        raise UserError("The roster takes no changes.")

    def remove(self, user_id: int) -> NoReturn:
        raise UserError("The roster takes no changes.")

    def all(self) -> Iterator[User]:
        return iter(USERS)

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def warnings(self) -> tuple[str, ...]:
        return ()

    def follow(self) -> None:
        """There is no other directory to follow."""

    def version(self) -> None:
        """It has none: only reading shows a change."""

    @property
    def changes(self) -> int:
        return 0

    def close(self) -> None:
        """It holds nothing."""


class RosterClaim(Claim):
    """A claim that the roster decides."""

    def __init__(self, user: User | None) -> None:
        self._user = user

    @property
    def user(self) -> User | None:
        return self._user

    def verify(self, password: str, *, owner: str) -> User | Reason:
        if not in_thread(Lane.USERS, partial(hmac.compare_digest, password, PASSWORD), owner=owner):
            return Reason.WRONG_PASSWORD
        if self._user is None:
            return Reason.UNKNOWN_USER
        return self._user if self._user.profile.enabled else Reason.DISABLED_USER

    def pretend(self, password: str, *, owner: str) -> None:
        self.verify(password, owner=owner)

    def note_logon(self, password: str) -> None:
        """The roster does not keep it."""


class RosterVerifier(Verifier):
    """Checks passwords without hashes."""

    def __init__(self, directory: UserDirectory, _passwords: PasswordHasher, _clock: Callable[[], float]) -> None:
        self._directory = directory

    def claim(self, user_name: str) -> RosterClaim:
        found = self._directory.find(user_name)
        return RosterClaim(None if found is None else found.user)


def open_source(_url: str, *, clock: Callable[[], float], make: bool) -> UserSource:
    """Open the roster, as the row of the table of sources says."""
    return UserSource(Roster(), RosterVerifier)


if __name__ == "__main__":
    from asmx_tickets.__main__ import main

    for table, key, value in ROWS:
        table[key] = value
    main()
