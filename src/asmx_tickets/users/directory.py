"""The interface of a user directory; ``tests/users/test_directory_contract.py`` tests what a back-end must do."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from asmx_tickets.users.user import Credentials, Profile, User


@dataclass(frozen=True, slots=True)
class Rehash:
    """The same password under other hash parameters.

    ``old`` is the hash the password was verified against: where it is no longer the stored one, the password was
    changed meanwhile, and ``new`` must not undo that.
    """

    old: str = field(repr=False)
    new: str = field(repr=False)


class UserDirectory(Protocol):
    """Accounts with their password hashes. Safe to use from many threads.

    - *Missing*: no account has that name or id, and none is like it. Looking gives None, changing and removing give
      False; neither is an error.
    - *Already gone*: an account that was there and was removed is missing, and its id is never given again.
    - *Name taken*: another account's name has the same :func:`~asmx_tickets.users.user.account_key`. UserError, and
      nothing has changed.
    - *Kept by others*: a source that is not this program's to change refuses ``add``, ``change`` and ``remove``.
      UserError, too.

    Every method but ``changes`` and ``close`` raises Unavailable when the store does not answer within seconds; what
    was being written then is either there as a whole or not at all. What a method has reported as done survives a
    crash.
    """

    def find(self, user_name: str) -> Credentials | None:
        """The account with this login name in any spelling. Takes any text a client may send."""

    def get(self, user_id: int) -> User | None:
        """The account with this id."""

    def add(self, profile: Profile, password_hash: str, *, user_id: int | None = None) -> int:
        """Add an account and give back its id.

        Its last password change is now, it has no logon, and its security stamp is none that an earlier account of
        the same id is likely to have had.

        Args:
            user_id: the id to have, for accounts that bring theirs along; by default the next free one.

        Raises:
            UserError: the name (or the wanted id) is taken.
        """

    def change(
        self,
        user_id: int,
        *,
        profile: Profile | None = None,
        enabled: bool | None = None,
        password_hash: str | None = None,
        rehash: Rehash | None = None,
        last_logon: float | None = None,
    ) -> bool:
        """Change what is given, all at once, and leave the rest. False if the account is missing.

        Args:
            profile: replaces the whole profile.
            enabled: wins over ``profile.enabled``.
            password_hash: a changed password: sets the last password change to now.
            rehash: the same password in another form; dropped without an error where the password was changed
                meanwhile. Not together with ``password_hash``.
            last_logon: epoch seconds UTC.

        A changed password, or an account that is disabled afterwards by ``profile`` or ``enabled``, raises the
        security stamp; nothing else does.

        Raises:
            UserError: the new name is taken.
            ValueError: nothing to change, or ``rehash`` together with ``password_hash``.
        """

    def remove(self, user_id: int) -> bool:
        """Remove the account for good. False if it is missing."""

    def all(self) -> Iterator[User]:
        """Every account in the order of ``account_key``. Others may change accounts meanwhile; no lock is held."""

    def together(self) -> AbstractContextManager[None]:
        """Keep all that this thread changes in the block at its end, or nothing of it if the block raises.

        A change that is refused within takes nothing else with it.
        """

    def warnings(self) -> tuple[str, ...]:
        """What an operator should mend in the store, a line each."""

    def follow(self) -> None:
        """Switch to the store that has the name now, if it was replaced. Every other call does so, too."""

    def version(self) -> int | None:
        """A number that changes when somebody else changes the store; None if only reading can tell.

        "Somebody else" is another process or a tool; what this object did itself is counted in ``changes``. Cheap
        enough to ask a hundred times a second.
        """

    @property
    def changes(self) -> int:
        """How often this object changed what ``get`` gives, logons aside. Costs nothing to read."""

    def close(self) -> None:
        """Let go of the store. It may be closed already."""
