"""What operators can do with live tickets and failed logins, and the status of the server."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Protocol, TypeVar

from asmx_tickets.access.logon import account_of
from asmx_tickets.errors import Unavailable, UserError
from asmx_tickets.hosting.admin import Command, Result
from asmx_tickets.hosting.figures import Figures
from asmx_tickets.throttling import Failures, Throttle
from asmx_tickets.tickets.cache import TicketCache, TicketSummary
from asmx_tickets.tickets.ticket import parse_guid

T = TypeVar("T")


class Administration(Protocol):
    """What operators can do. A ``ticket`` is a GUID or a short hash from a list. Any call may raise Unavailable."""

    def live(self, user_id: int | None = None) -> Iterator[TicketSummary]:
        """The live tickets, all or one user's."""
        ...

    def owner(self, ticket: str) -> int:
        """The id of a live ticket's user. Raises UserError if there is no such ticket, or more than one."""
        ...

    def revoke(self, ticket: str) -> int:
        """End a ticket for good. Returns how many ended."""
        ...

    def revoke_user(self, user_id: int) -> int:
        """End all tickets of a user for good. Returns how many were alive."""
        ...

    def failures(self, user_id: int) -> tuple[Failures, ...]:
        """A user's failed logins, by network."""
        ...

    def locked(self) -> Iterator[int]:
        """The ids of users who have to wait before they may try a password, from some networks at least."""
        ...

    def unlock(self, user_id: int) -> bool:
        """Forget a user's failed logins. True if there were any."""
        ...


class StoreAdministration(Administration):
    """Works on the stores directly: in the server, or from the command line if the stores are shared."""

    def __init__(self, tickets: TicketCache, logins: Throttle) -> None:
        self._tickets = tickets
        self._logins = logins

    def live(self, user_id: int | None = None) -> Iterator[TicketSummary]:
        return self._tickets.summaries(user_id)

    def owner(self, ticket: str) -> int:
        guid = parse_guid(ticket)
        if guid is None:
            owners = [each.user_id for each in _by_name(self._tickets.named, ticket)]
        else:
            found = self._tickets.look(guid)
            owners = [] if found is None else [found.user_id]
        if not owners:
            raise UserError("There is no such live ticket.")
        if len(owners) > 1:
            raise UserError(f"{len(owners)} live tickets have this short hash: name the one that you mean by its GUID.")
        return owners[0]

    def revoke(self, ticket: str) -> int:
        guid = parse_guid(ticket)
        if guid is None:
            return _by_name(self._tickets.remove_named, ticket)
        return 0 if self._tickets.remove(guid) is None else 1

    def revoke_user(self, user_id: int) -> int:
        return self._tickets.remove_user(user_id)

    def failures(self, user_id: int) -> tuple[Failures, ...]:
        return self._logins.failures(account_of(user_id))

    def locked(self) -> Iterator[int]:
        return map(int, self._logins.locked())

    def unlock(self, user_id: int) -> bool:
        return self._logins.unlock(account_of(user_id))


def _by_name(call: Callable[[str], T], short_hash: str) -> T:
    try:
        return call(short_hash)
    except ValueError as error:
        raise UserError(f"A ticket is named by a GUID or a short hash, and {error}.") from None


class Status:
    """The status of the server. ``checks`` are its stores by name; each raises Unavailable while its store is out."""

    def __init__(
        self,
        figures: Figures,
        tickets: TicketCache,
        administration: Administration,
        checks: Mapping[str, Callable[[], object]],
        workers: int,
    ) -> None:
        self._figures = figures
        self._tickets = tickets
        self._administration = administration
        self._checks = checks
        self._workers = workers

    def status(self) -> Result:
        """The whole status. Figures of a store that is out are left out. Times are in seconds."""
        stores = {name: _state(check) for name, check in self._checks.items()}
        status: dict[str, object] = {"version": version("asmx-tickets"), "workers": self._workers, "pid": os.getpid()}
        status |= self._figures.sums()
        try:
            status["tickets"] = self._tickets.held
            status["locked"] = sum(1 for _ in self._administration.locked())
        except Unavailable as error:
            stores["tickets"] = str(error)
        return status | {"stores": stores}


def commands(administration: Administration, status: Status) -> dict[str, Command]:
    """The commands of the admin socket, by name."""
    return {
        "status": status.status,
        "tickets": lambda user_id=None: map(asdict, administration.live(user_id)),
        "owner": lambda ticket: {"user_id": administration.owner(ticket)},
        "revoke": lambda ticket: {"ended": administration.revoke(ticket)},
        "revoke_user": lambda user_id: {"ended": administration.revoke_user(user_id)},
        "failures": lambda user_id: map(asdict, administration.failures(user_id)),
        "locked": lambda: ({"user_id": user_id} for user_id in administration.locked()),
        "unlock": lambda user_id: {"unlocked": administration.unlock(user_id)},
    }


def _state(check: Callable[[], object]) -> str:
    try:
        check()
    except Unavailable as error:
        return str(error)
    return "ok"
