"""Where live tickets are kept: the interface that every back-end has.

A cache gives the same answer for a ticket that it does not have in all three cases, and never raises:

missing
    this GUID was never added here;
expired
    its ``expires_at`` has been reached. A ticket that was once seen expired stays dead, whatever the clock does then;
already gone
    it was removed, by ``remove`` or ``remove_user``, or ended early because too many were alive.

A ticket lives for a window of constant length, restarted by each use (CONTRACT 1.2), and where an absolute expiration
is set, never longer than that after ``issued_at``. Caches hold digests, never tickets. What one call does to a ticket
is atomic, also for other processes that share the cache: no ``renew`` revives what a ``remove`` has ended. A cache that
can't be reached raises ``Unavailable``; what it was asked for may have been done all the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from asmx_tickets.errors import SettingsError
from asmx_tickets.tickets.ticket import NOWHERE, Origin, Ticket


@dataclass(frozen=True, slots=True)
class TicketRules:
    """How long tickets live, in seconds, and how many may live.

    Attributes:
        sliding_expiration: from the last use.
        absolute_expiration: from the login, at most; None: no end.
        max_per_user: beyond this the user's ticket unused for longest ends; 0: no cap.
        max_total: beyond this the ticket unused for longest ends.

    Raises:
        SettingsError: a number is out of range.
    """

    sliding_expiration: float = 30 * 86_400.0
    absolute_expiration: float | None = None
    max_per_user: int = 0
    max_total: int = 2_000_000

    def __post_init__(self) -> None:
        longest = self.absolute_expiration
        if self.sliding_expiration <= 0 or (longest is not None and longest <= 0):
            raise SettingsError("The expirations of tickets must be above 0.")
        if self.max_total < 1 or self.max_per_user < 0:
            raise SettingsError("The number of tickets must be above 0, and that of a user's 0 (no cap) or above.")


@dataclass(frozen=True, slots=True)
class TicketSummary:
    """What an operator may see of a live ticket. Times are epoch seconds, UTC."""

    user_id: int
    last_used_at: float
    expires_at: float
    short_hash: str
    """See ``ticket.short_hash``: it names the ticket and can't be used as one."""
    issued_at: float = 0.0
    origin: Origin = NOWHERE


class TicketCache(Protocol):
    """The live tickets. A ``guid`` is a ticket's 16 bytes."""

    def add(
        self,
        guid: bytes,
        *,
        user_id: int,
        security_stamp: int,
        language: str,
        previous_logon: float | None,
        origin: Origin = NOWHERE,
    ) -> Ticket:
        """Keep a new ticket, issued and used now. Raises ValueError, and changes nothing, if ``guid`` is alive."""
        ...

    def look(self, guid: bytes) -> Ticket | None:
        """The ticket; None if it is missing, expired or already gone. Looking is not a use, and extends nothing."""
        ...

    def renew(self, guid: bytes, *, user_id: int | None = None, language: str | None = None) -> Ticket | None:
        """Use the ticket: restart its window, set ``language`` if one is given, and return the ticket as it is then.

        None, and nothing changes, if it is missing, expired or already gone, or if ``user_id`` is given and is not its
        user's.
        """
        ...

    def remove(self, guid: bytes) -> Ticket | None:
        """End the ticket for good, and return it as it was; None if it was missing, expired or already gone."""
        ...

    def remove_named(self, short_hash: str) -> int:
        """End the tickets with this short hash for good. Returns how many were alive. Raises as ``named``."""
        ...

    def remove_user(self, user_id: int) -> int:
        """End all of a user's tickets for good. Returns how many were alive."""
        ...

    @property
    def held(self) -> int:
        """How many tickets take up room: the live ones, and expired ones whose turn to go has not come."""
        ...

    def named(self, short_hash: str) -> list[TicketSummary]:
        """The live tickets with this short hash, of which there may be several. Raises ValueError if it is not a short
        hash.
        """
        ...

    def summaries(self, user_id: int | None = None) -> Iterator[TicketSummary]:
        """The live tickets, all or one user's, in no particular order.

        A ticket that is alive from the first step to the last comes exactly once; one that is added or ends
        meanwhile may come or not.
        """
        ...
