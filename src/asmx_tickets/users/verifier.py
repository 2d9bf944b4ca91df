"""Checks names and passwords: the interface of a source of users, and the source that keeps hashes itself.

A source without password hashes, such as a directory server that checks passwords by a bind, is another Verifier.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Protocol

from asmx_tickets.users.directory import Rehash, UserDirectory
from asmx_tickets.users.passwords import PasswordHasher, Verification
from asmx_tickets.users.user import Credentials, User
from asmx_tickets.waiting import Lane, in_thread


class Reason(StrEnum):
    """Why a name and a password were refused, for the audit log."""

    UNKNOWN_USER = "unknown user"
    WRONG_PASSWORD = "wrong password"  # noqa: S105 - says what is wrong
    DISABLED_USER = "disabled user"


class Claim(Protocol):
    """A claim to be a user. All methods raise Unavailable if the source does not answer."""

    @property
    def user(self) -> User | None:
        """The account that the name means, as it was before this logon; None if there is none."""

    def verify(self, password: str, *, owner: str) -> User | Reason:
        """The user, if the password is right and the user may log in; otherwise the reason.

        It takes the same time for each reason (SECURITY A6). ``owner`` is whose place in the queue it takes.
        """

    def pretend(self, password: str, *, owner: str) -> None:
        """Take as long as ``verify``, without checking the user's password."""

    def note_logon(self, password: str) -> None:
        """Write down that the user has logged on with this password, which was right.

        A logon that can't be written down is good all the same (SECURITY A2). Raises Unavailable.
        """


class Verifier(Protocol):
    """A source of users who can log in. Safe to use from many threads."""

    def claim(self, user_name: str) -> Claim:
        """Look up the account that this name means. Takes any text a client may send. Raises Unavailable."""


class StoredPasswords(Verifier):
    """Users whose password hashes are in the user directory. ``clock`` gives epoch seconds."""

    def __init__(self, directory: UserDirectory, passwords: PasswordHasher, *, clock: Callable[[], float]) -> None:
        self._directory = directory
        self._passwords = passwords
        self._clock = clock

    def claim(self, user_name: str) -> "StoredClaim":
        return StoredClaim(self._directory, self._passwords, self._clock, self._directory.find(user_name))


class StoredClaim(Claim):
    """A claim to be a user of the directory."""

    def __init__(
        self,
        directory: UserDirectory,
        passwords: PasswordHasher,
        clock: Callable[[], float],
        credentials: Credentials | None,
    ) -> None:
        self._directory = directory
        self._passwords = passwords
        self._clock = clock
        self._credentials = credentials
        self._needs_rehash = False

    @property
    def user(self) -> User | None:
        return self._credentials.user if self._credentials else None

    def verify(self, password: str, *, owner: str) -> User | Reason:
        # If there is no hash, the password is compared with a dummy.
        stored = self._credentials.password_hash if self._credentials else None
        verification = self._compare(stored, password, owner)
        self._needs_rehash = verification.needs_rehash
        if self._credentials is None:
            return Reason.UNKNOWN_USER
        if not verification.ok:
            return Reason.WRONG_PASSWORD
        user = self._credentials.user
        return user if user.profile.enabled else Reason.DISABLED_USER

    def pretend(self, password: str, *, owner: str) -> None:
        self._compare(None, password, owner)

    def note_logon(self, password: str) -> None:
        """Write down when it was and, where the hash parameters have changed, the password's new hash."""
        if self._credentials is None:
            raise ValueError("nobody has logged on")
        rehash = None
        if self._needs_rehash:
            new_hash = in_thread(Lane.HASH, partial(self._passwords.hash, password))
            rehash = Rehash(old=self._credentials.password_hash or "", new=new_hash)
        self._directory.change(self._credentials.user.id, last_logon=self._clock(), rehash=rehash)

    def _compare(self, stored_hash: str | None, password: str, owner: str) -> Verification:
        """Compare, which takes a core for some 30 ms. No single owner can fill the queue for it."""
        return in_thread(Lane.HASH, partial(self._passwords.verify, stored_hash, password), owner=owner)
