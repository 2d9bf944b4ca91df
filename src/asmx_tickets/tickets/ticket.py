"""A ticket: 128 random bits, written as a GUID, and what the service knows about a live one."""

import hashlib
import re
import secrets
import uuid
from typing import NamedTuple

# Exactly what .NET's string.Trim() takes away; Python's str.strip() also takes U+001C to U+001F.
_WHITE_SPACE = "[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*+"
_N = "[0-9A-Fa-f]{32}"
_D = "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
_GUID = re.compile(rf"{_WHITE_SPACE}(?:({_D})|({_N})|\{{({_D})\}}|\(({_D})\)){_WHITE_SPACE}")

_SHORT_HASH = re.compile("[0-9a-fA-F]{8}")


def parse_guid(text: str) -> bytes | None:
    """The 16 bytes of a GUID, in the order they are written; None if ``text`` is no GUID.

    It reads .NET's formats D (hyphens), N (none), B (braces) and P (parentheses), with ASCII digits in any letter
    case, and ignores white space around the GUID (CONTRACT 1.2).
    """
    match = _GUID.fullmatch(text)
    return bytes.fromhex(match[match.lastindex or 0].replace("-", "")) if match else None


def format_guid(value: bytes) -> str:
    """A GUID's 16 bytes in lower case with hyphens. Raises ValueError if they are not 16."""
    return str(uuid.UUID(bytes=value))


def new_guid() -> bytes:
    """A new ticket: 16 bytes, every bit random (CONTRACT 1; a version 4 GUID would fix six of them)."""
    return secrets.token_bytes(16)


def digest(guid: bytes) -> bytes:
    """The SHA-256 of a ticket, 32 bytes: what stores keep in its place, so that their contents log nobody in."""
    return hashlib.sha256(guid).digest()


def short_hash(key: bytes) -> str:
    """What logs and lists show of a ticket: the first 8 hex digits of its digest, which is ``key``."""
    return key[:4].hex()


def digests_begin(short: str) -> bytes:
    """The first bytes of the digests that have this short hash. Raises ValueError if it is not a short hash."""
    if not _SHORT_HASH.fullmatch(short):
        raise ValueError("a short hash has 8 hexadecimal digits")
    return bytes.fromhex(short)


class Origin(NamedTuple):
    """Where a ticket was asked for, for operators."""

    address: str = ""
    """The network address; empty if unknown."""
    binding: str = ""
    """The binding's name; empty if unknown."""
    impersonated: bool = False
    """Whether a trusted program asked for it in the user's place."""


NOWHERE = Origin()


class Ticket(NamedTuple):
    """What the service knows about a live ticket. Times are epoch seconds, UTC."""

    # Not a frozen dataclass: one is made in every call, and that would take three times as long.
    user_id: int
    security_stamp: int
    """The user's security stamp at login; a ticket whose stamp is no longer its user's is dead."""
    language: str
    previous_logon: float | None
    """The user's last login with a password before this ticket's, None if there was none."""
    issued_at: float
    expires_at: float
    """Dead from this moment on, unless it is used before."""
