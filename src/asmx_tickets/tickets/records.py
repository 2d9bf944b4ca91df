"""The data of each ticket, packed into reserved memory: 103 bytes per ticket, and no object."""

import math
import struct
from collections.abc import Iterator, Sequence
from ipaddress import IPv6Address
from typing import TypeAlias

from asmx_tickets.networks import parse_address
from asmx_tickets.tickets.cache import TicketSummary
from asmx_tickets.tickets.order import reserve
from asmx_tickets.tickets.ticket import NOWHERE, Origin, Ticket, short_hash

# Digest, user id, security stamp, previous logon, issued at; then what a use changes: the language's number, last used
# at, expires at; then the origin: its IPv6 address (zeros: none), the binding's number, whether it was impersonation.
# Zeros mark a free slot: no ticket is alive with them. Files have it as well: see snapshot.VERSION.
_RECORD = struct.Struct("<32sqqddIdd16sHB")
RECORD_SIZE = _RECORD.size
RECORD_SIZE_OF_VERSION_1 = 84
_NO_ADDRESS = bytes(16)
_IPV4_IN_IPV6 = bytes(10) + b"\xff\xff"
NO_WORD = 0xFFFF
_NO_ORIGIN = struct.pack("<16sHB", _NO_ADDRESS, NO_WORD, False)
_FREE = bytes(_RECORD.size)
_NO_LOGON = -math.inf
Fields: TypeAlias = tuple[bytes, int, int, float, float, int, float, float, bytes, int, int]  # In the order said above.

# Parts of it; x skips a byte.
_OWNER = struct.Struct("<32sq")
_TICKET = struct.Struct("<32xqqddI8xd")
_ISSUE = struct.Struct("<56xd")
_SUMMARY = struct.Struct("<32sq16xd4xdd16sHB")
_USE = struct.Struct("<Idd")
_USE_AT = 64


def fields_of(records: bytes) -> Iterator[Fields]:
    """The fields of records that ``joined`` gave. Raises struct.error if the last one is cut short."""
    return _RECORD.iter_unpack(records)


def record_of(fields: Fields) -> bytes:
    """A record with these fields."""
    return _RECORD.pack(*fields)


def from_version_1(records: bytes) -> bytes:
    """Records as they were before they had an origin, with none. Raises struct.error if the last one is cut short."""
    size = RECORD_SIZE_OF_VERSION_1
    if len(records) % size:
        raise struct.error("a record is cut short")
    return b"".join([records[at : at + size] + _NO_ORIGIN for at in range(0, len(records), size)])


class TicketRecords:
    """A record for each ticket, in slots numbered from 0. Not thread-safe."""

    __slots__ = ("_free", "_free_count", "_memory", "_numbers", "_touched", "_words")

    def __init__(self, capacity: int) -> None:
        self._memory = reserve(_RECORD.size * capacity)
        self._touched = 0  # Slots from this one on were never in use.
        self._free = reserve(4 * capacity).cast("i")
        self._free_count = 0
        self._words: list[str] = []
        self._numbers: dict[str, int] = {}

    @property
    def words(self) -> list[str]:
        """The languages and bindings that were ever packed, by number."""
        return self._words.copy()

    def pack(self, key: bytes, ticket: Ticket, origin: Origin = NOWHERE) -> bytes:
        """A new ticket's record. Raises struct.error if a number in it has more than 64 bits."""
        user_id, security_stamp, language, previous_logon, issued_at, expires_at = ticket
        previous = _NO_LOGON if previous_logon is None else previous_logon
        number = self.number(language)
        binding = min(self.number(origin.binding), NO_WORD) if origin.binding else NO_WORD
        where = _packed_address(origin.address), binding, origin.impersonated
        return _RECORD.pack(key, user_id, security_stamp, previous, issued_at, number, issued_at, expires_at, *where)

    def store(self, record: bytes) -> int:
        """Put a record into a free slot, and return the slot."""
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
        """Free a slot, and return the digest and the user id that were in it."""
        at = slot * _RECORD.size
        owner: tuple[bytes, int] = _OWNER.unpack_from(self._memory, at)
        self._memory[at : at + _RECORD.size] = _FREE
        self._free[self._free_count] = slot
        self._free_count += 1
        return owner

    def use(self, slot: int, language: str, last_used_at: float, expires_at: float) -> None:
        """Note a use of the slot's ticket."""
        number = self.number(language)
        _USE.pack_into(self._memory, slot * _RECORD.size + _USE_AT, number, last_used_at, expires_at)

    def ticket(self, slot: int) -> Ticket:
        """The slot's ticket."""
        fields = _TICKET.unpack_from(self._memory, slot * _RECORD.size)
        user_id, security_stamp, previous, issued_at, number, expires_at = fields
        previous_logon = None if previous == _NO_LOGON else previous
        language = self._words[number]
        # Faster than Ticket(…), which would take a tenth of every call's time.
        return tuple.__new__(Ticket, (user_id, security_stamp, language, previous_logon, issued_at, expires_at))

    def issued_at(self, slot: int) -> float:
        """When the slot's ticket was issued."""
        issued_at: float = _ISSUE.unpack_from(self._memory, slot * _RECORD.size)[0]
        return issued_at

    def summary(self, slot: int) -> TicketSummary:
        """The slot's ticket as an operator may see it. A free slot gives one that has expired."""
        fields = _SUMMARY.unpack_from(self._memory, slot * _RECORD.size)
        key, user_id, issued_at, last_used_at, expires_at, address, binding, impersonated = fields
        words = self._words
        origin = Origin(_address(address), words[binding] if binding < len(words) else "", bool(impersonated))
        return TicketSummary(user_id, last_used_at, expires_at, short_hash(key), issued_at, origin)

    def summaries(self, start: int, end: int) -> list[TicketSummary]:
        """The summaries of the slots from ``start`` to before ``end`` that were ever in use."""
        return [self.summary(slot) for slot in range(start, min(end, self._touched))]

    def joined(self, slots: Sequence[int], now: float) -> bytes:
        """The records of those slots whose tickets are alive, one after the other. ``fields_of`` reads them."""
        size, memory, ticket = _RECORD.size, self._memory, self.ticket
        return b"".join([memory[slot * size : slot * size + size] for slot in slots if now < ticket(slot).expires_at])

    def number(self, word: str) -> int:
        """The number that stands for a language or a binding in these records."""
        number = self._numbers.get(word)
        if number is None:
            number = self._numbers[word] = len(self._words)
            self._words.append(word)
        return number


def _packed_address(text: str) -> bytes:
    """16 bytes, an IPv4 address mapped into IPv6."""
    address = parse_address(text)
    if address is None:
        return _NO_ADDRESS
    return address.packed if address.version == 6 else _IPV4_IN_IPV6 + address.packed


def _address(packed: bytes) -> str:
    return "" if packed == _NO_ADDRESS else str(parse_address(str(IPv6Address(packed))))
