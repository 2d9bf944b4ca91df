"""What is known of each ticket, packed into reserved memory: 84 bytes a ticket and no object."""

import math
import struct
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from asmx_tickets.tickets.cache import TicketSummary
from asmx_tickets.tickets.order import reserve
from asmx_tickets.tickets.ticket import Ticket, short_hash

# Digest, user id, security stamp, previous logon, issued at; then what a use changes: the language's number, last used
# at, expires at. Zeros mark a free slot: no ticket is alive with them. Files have it as well: see snapshot.VERSION.
_RECORD = struct.Struct("<32sqqddIdd")
RECORD_SIZE = _RECORD.size
_FREE = bytes(_RECORD.size)
_NO_LOGON = -math.inf
Fields: TypeAlias = tuple[bytes, int, int, float, float, int, float, float]  # In the order said above.

# Parts of it; x skips a byte.
_OWNER = struct.Struct("<32sq")
_TICKET = struct.Struct("<32xqqddI8xd")
_ISSUE = struct.Struct("<56xd")
_SUMMARY = struct.Struct("<32sq28xdd")
_USE = struct.Struct("<Idd")
_USE_AT = _RECORD.size - _USE.size


def fields_of(records: bytes) -> Iterator[Fields]:
    """The fields of records that ``joined`` gave. Raises struct.error if the last one is cut short."""
    return _RECORD.iter_unpack(records)


def record_of(fields: Fields) -> bytes:
    """A record with these fields."""
    return _RECORD.pack(*fields)


class TicketRecords:
    """A record for each ticket, in slots numbered from 0. Not thread-safe."""

    __slots__ = ("_free", "_free_count", "_language_numbers", "_languages", "_memory", "_touched")

    def __init__(self, capacity: int) -> None:
        self._memory = reserve(_RECORD.size * capacity)
        self._touched = 0  # Slots from this one on were never in use.
        self._free = reserve(4 * capacity).cast("i")
        self._free_count = 0
        self._languages: list[str] = []
        self._language_numbers: dict[str, int] = {}

    @property
    def languages(self) -> list[str]:
        """The languages that were ever packed, by number."""
        return self._languages.copy()

    def pack(self, key: bytes, ticket: Ticket) -> bytes:
        """A new ticket's record. Raises struct.error if a number in it has more than 64 bits."""
        user_id, security_stamp, language, previous_logon, issued_at, expires_at = ticket
        previous = _NO_LOGON if previous_logon is None else previous_logon
        number = self.language_number(language)
        return _RECORD.pack(key, user_id, security_stamp, previous, issued_at, number, issued_at, expires_at)

    def store(self, record: bytes) -> int:
        """Puts a record into a free slot; which."""
        if self._free_count:
            self._free_count -= 1
            slot = self._free[self._free_count]
        else:
            slot = self._touched
            self._touched += 1
        at = slot * _RECORD.size
        self._memory[at : at + _RECORD.size] = record
        return slot

    def clear(self, slot: int) -> tuple[bytes, int]:
        """Frees a slot; the digest and the user id that were in it."""
        at = slot * _RECORD.size
        owner: tuple[bytes, int] = _OWNER.unpack_from(self._memory, at)
        self._memory[at : at + _RECORD.size] = _FREE
        self._free[self._free_count] = slot
        self._free_count += 1
        return owner

    def use(self, slot: int, language: str, last_used_at: float, expires_at: float) -> None:
        """Notes a use of the slot's ticket."""
        number = self.language_number(language)
        _USE.pack_into(self._memory, slot * _RECORD.size + _USE_AT, number, last_used_at, expires_at)

    def ticket(self, slot: int) -> Ticket:
        """The slot's ticket."""
        fields = _TICKET.unpack_from(self._memory, slot * _RECORD.size)
        user_id, security_stamp, previous, issued_at, number, expires_at = fields
        previous_logon = None if previous == _NO_LOGON else previous
        language = self._languages[number]
        # Ticket(…) by the short way: this is in every call, and a tenth of it.
        return tuple.__new__(Ticket, (user_id, security_stamp, language, previous_logon, issued_at, expires_at))

    def issued_at(self, slot: int) -> float:
        """When the slot's ticket was issued."""
        issued_at: float = _ISSUE.unpack_from(self._memory, slot * _RECORD.size)[0]
        return issued_at

    def summary(self, slot: int) -> TicketSummary:
        """The slot's ticket as an operator may see it; one that has expired, if the slot is free."""
        key, user_id, last_used_at, expires_at = _SUMMARY.unpack_from(self._memory, slot * _RECORD.size)
        return TicketSummary(user_id, last_used_at, expires_at, short_hash(key))

    def summaries(self, start: int, end: int) -> list[TicketSummary]:
        """Those of the slots from ``start`` to before ``end``, as far as slots were ever in use."""
        return [self.summary(slot) for slot in range(start, min(end, self._touched))]

    def joined(self, slots: Sequence[int], now: float) -> bytes:
        """The records of those slots whose tickets are alive, one after the other. ``fields_of`` reads them."""
        size, memory, ticket = _RECORD.size, self._memory, self.ticket
        return b"".join([memory[slot * size : slot * size + size] for slot in slots if now < ticket(slot).expires_at])

    def language_number(self, language: str) -> int:
        """The number that stands for a language in these records."""
        number = self._language_numbers.get(language)
        if number is None:
            number = self._language_numbers[language] = len(self._languages)
            self._languages.append(language)
        return number
