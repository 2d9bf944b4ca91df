"""Passwords: argon2id hashes, and verification that takes the same time whatever the login is."""

import base64
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import argon2
from argon2.exceptions import HashingError, InvalidHashError, VerificationError, VerifyMismatchError

from asmx_tickets.cores import usable_cores
from asmx_tickets.errors import Unavailable, UserError
from asmx_tickets.users.hash_parameters import HashParameters, affordable
from asmx_tickets.users.password_policy import MAX_PASSWORD, acceptable

_SALT_BYTES = 16
_HASH_BYTES = 32
_VERSION = argon2.low_level.ARGON2_VERSION


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a password was right, and whether its hash should be made anew with the current parameters."""

    ok: bool
    needs_rehash: bool


_WRONG = Verification(ok=False, needs_rehash=False)


class PasswordHasher:
    """Hashes and verifies passwords, exactly as they are (UTF-8, no trimming). Safe to use from many threads.

    Args:
        parameters: the cost of new hashes.
        slots: how many hashes may be worked on at once, each with its memory; by default one per core.
        patience: seconds to wait for a slot.
    """

    def __init__(self, parameters: HashParameters, *, slots: int | None = None, patience: float = 2.0) -> None:
        self._argon2 = argon2.PasswordHasher(
            time_cost=parameters.iterations,
            memory_cost=parameters.memory_kib,
            parallelism=parameters.parallelism,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
            type=argon2.Type.ID,
        )
        # A hash that no password has: a random tag takes as long to compare as a real one, and no time to make.
        salt, tag = _base64(secrets.token_bytes(_SALT_BYTES)), _base64(secrets.token_bytes(_HASH_BYTES))
        cost = f"m={parameters.memory_kib},t={parameters.iterations},p={parameters.parallelism}"
        self._dummy = f"$argon2id$v={_VERSION}${cost}${salt}${tag}"
        self._slots = threading.BoundedSemaphore(slots or usable_cores())
        self._patience = patience

    def hash(self, password: str) -> str:
        """The password's hash in argon2's encoded form, with a new salt.

        Raises:
            UserError: the password is longer than 1024 characters or is no text.
            Unavailable: no slot came free in time, or there is no memory for it.
        """
        secret = _encode(password)
        if secret is None:
            raise UserError(acceptable(password) or "The password is no text.", "password")
        with self.slot():
            try:
                return self._argon2.hash(secret)
            except HashingError as error:
                raise Unavailable("A password can't be hashed: out of memory?") from error

    def verify(self, stored_hash: str | None, password: str) -> Verification:
        """Whether ``stored_hash`` is of this password.

        Takes as long as one verification with the current parameters where the stored hash is None (no such account,
        no password), not argon2's, broken, or above 1 GiB, 20 iterations or 16 lanes: that is never right. A
        password that is longer than 1024 characters or is no text is wrong at once, whatever the account.

        Raises:
            Unavailable: no slot came free in time, or there is no memory for it.
        """
        secret = _encode(password)
        if secret is None:
            return _WRONG
        with self.slot():
            if stored_hash is not None and _is_workable(stored_hash):
                try:
                    self._argon2.verify(stored_hash, secret)
                    return Verification(ok=True, needs_rehash=self._argon2.check_needs_rehash(stored_hash))
                except VerifyMismatchError:
                    return _WRONG
                except (VerificationError, InvalidHashError):
                    pass  # Broken in a way that only argon2 sees, at once.
            self._verify_dummy(secret)
            return _WRONG

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Occupies one of the slots. Raises Unavailable when none comes free in time."""
        if not self._slots.acquire(timeout=self._patience):
            raise Unavailable("Too many logins are waiting for their password to be checked.")
        try:
            yield
        finally:
            self._slots.release()

    def _verify_dummy(self, secret: bytes) -> None:
        try:
            self._argon2.verify(self._dummy, secret)
        except VerifyMismatchError:
            pass
        except VerificationError as error:
            raise Unavailable("A password can't be verified: out of memory?") from error


def _encode(password: str) -> bytes | None:
    if len(password) > MAX_PASSWORD:
        return None
    try:
        return password.encode()
    except UnicodeEncodeError:
        return None


def _is_workable(stored_hash: str) -> bool:
    if not stored_hash.isascii():
        return False
    try:
        stored = argon2.extract_parameters(stored_hash)
    except InvalidHashError:
        return False
    return affordable(stored.memory_cost, stored.time_cost, stored.parallelism)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).rstrip(b"=").decode()
