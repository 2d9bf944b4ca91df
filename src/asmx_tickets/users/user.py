"""The data of a user, as values that are checked when they are made."""

import re
import unicodedata
from dataclasses import dataclass, field, fields

from asmx_tickets.errors import UserError

MAX_USER_NAME = 256

# Attribute of Profile, its name for people, the longest value in characters.
_TEXTS = (
    ("user_name", "user name", MAX_USER_NAME),
    ("first_name", "first name", 256),
    ("last_name", "last name", 256),
    ("email", "e-mail address", 320),
    ("domain", "domain", 256),
    ("language", "language", 64),
)
# Profiles are shown in XML attributes and on terminals: no control characters but the tab, and nothing XML 1.0 has no
# place for (surrogates, U+FFFE, U+FFFF).
_ILLEGAL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def account_key(user_name: str) -> str:
    """The key that all spellings of a login name share, by canonical composition and case folding (CONTRACT 1).

    Takes any text, also what a client made up. A name too long for any account is its own key, since normalising
    a long run of combining marks takes quadratic time.
    """
    if len(user_name) > MAX_USER_NAME:
        return user_name
    if user_name.isascii():
        return user_name.lower()  # all that folding and composing come to
    # Folding can undo the composition, so it is composed again.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", user_name).casefold())


def name_taken(user_name: str) -> UserError:
    """The error of a login name that another account has, whatever the letter case."""
    return UserError(f"The user name {user_name!r} is taken.", "user_name")


@dataclass(frozen=True, slots=True)
class Profile:
    """What may be shown of a user, and changed.

    Attributes:
        user_name: the login name as it is shown: 1 to 256 characters, no control characters, no white space at
            either end.
        first_name, last_name, email, domain: free text without control characters other than the tab.
        language: the user's preferred language as a tag such as ``de``; empty for the system's default.
        read_only: shown in GetCurrentUser only (CONTRACT 1.3).
        enabled: whether the user may log in and use tickets.

    Raises:
        UserError: a value is not as above; the message names the field.
    """

    user_name: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    domain: str = ""
    language: str = ""
    read_only: bool = False
    enabled: bool = True

    def __post_init__(self) -> None:
        for attribute, name, longest in _TEXTS:
            value: str = getattr(self, attribute)
            if len(value) > longest:
                raise UserError(f"The {name} is longer than {longest} characters.", attribute)
            if _ILLEGAL.search(value):
                raise UserError(f"The {name} has control characters or others that can't be shown.", attribute)
        if not self.user_name:
            raise UserError("The user name is empty.", "user_name")
        if self.user_name != self.user_name.strip():
            raise UserError("The user name starts or ends with white space.", "user_name")
        if "\t" in self.user_name:
            raise UserError("The user name has control characters or others that can't be shown.", "user_name")

    @property
    def full_name(self) -> str:
        """First and last name joined by one space, trimmed (CONTRACT 1)."""
        return f"{self.first_name} {self.last_name}".strip()


PROFILE_FIELDS = tuple(attribute.name for attribute in fields(Profile))


@dataclass(frozen=True, slots=True)
class User:
    """An account.

    Attributes:
        id: the ``userid`` of the contract; never given to another account.
        profile: what may be shown and changed.
        security_stamp: rises when all tickets of the user must end; a ticket that carries another one is dead.
        last_logon: the last login with a password, epoch seconds UTC; None if there was none.
        last_password_change: when the password was set, epoch seconds UTC; None if unknown.
    """

    id: int
    profile: Profile
    security_stamp: int
    last_logon: float | None
    last_password_change: float | None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a login is checked against.

    Attributes:
        user: the account.
        password_hash: in argon2's encoded form; None where the account has no password, so that none is right.
    """

    user: User
    password_hash: str | None = field(repr=False)
