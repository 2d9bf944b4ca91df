"""Which passwords an operator may give an account. A password sent at a login is only compared, not checked.

Free of argon2, so that the settings load quickly.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

MAX_PASSWORD = 1024


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """A minimum length and a list of common passwords, without composition rules (NIST SP 800-63B-4, 3.1.1.2)."""

    min_length: int = 8

    def complaint(self, password: str, user_name: str) -> str | None:
        """What is wrong with a new password of this user, in one line that has no part of it; None if nothing is."""
        wrong = acceptable(password)
        if wrong is not None:
            return wrong
        if len(password) < self.min_length:
            return f"The password is shorter than {self.min_length} characters (Passwords:MinLength)."
        folded = _folded(password)
        if folded == _folded(user_name):
            return "The password is the user name."
        if folded in _common():
            return "The password is one of the 10,000 most common ones."
        return None


def acceptable(password: str) -> str | None:
    """What is wrong with a new password, in one line; None if nothing is."""
    if len(password) > MAX_PASSWORD:
        return f"The password is longer than {MAX_PASSWORD} characters."
    if not password:
        return "The password is empty."
    if password.isspace():
        return "The password is nothing but white space."
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in password):
        return "The password has control characters or others that can't be typed."
    return None


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


@cache
def _common() -> frozenset[str]:
    lines = files("asmx_tickets.users").joinpath("common_passwords.txt").read_text("ascii").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
