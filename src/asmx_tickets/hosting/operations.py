"""What operators ask of live tickets, and of the server that serves them."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import version

from asmx_tickets.errors import Unavailable, UserError
from asmx_tickets.hosting.admin import Command, Result
from asmx_tickets.hosting.figures import Figures
from asmx_tickets.tickets.cache import TicketCache, TicketSummary
from asmx_tickets.tickets.ticket import parse_guid


class TicketOperations:
    """On live tickets, wherever they are kept: in the server that has them, or from the command line on a shared cache.

    All methods may raise Unavailable.
    """

    def __init__(self, tickets: TicketCache) -> None:
        self._tickets = tickets

    def live(self, user_id: int | None = None) -> Iterator[TicketSummary]:
        """The live tickets, all or one user's."""
        return self._tickets.summaries(user_id)

    def revoke(self, ticket: str) -> int:
        """End a ticket for good; its user's id. Raises UserError if there is no such live ticket."""
        guid = parse_guid(ticket)
        removed = None if guid is None else self._tickets.remove(guid)
        if removed is None:
            raise UserError("There is no such live ticket.")
        return removed.user_id

    def revoke_user(self, user_id: int) -> int:
        """End all tickets of a user for good; how many were alive."""
        return self._tickets.remove_user(user_id)


class Status:
    """How the server does. ``checks`` are its stores by name; each raises Unavailable while its store is out."""

    def __init__(
        self, figures: Figures, tickets: TicketCache, checks: Mapping[str, Callable[[], object]], workers: int
    ) -> None:
        self._figures = figures
        self._tickets = tickets
        self._checks = checks
        self._workers = workers

    def status(self) -> Result:
        """All there is to tell. What a store that is out can't say is left out; times are seconds."""
        stores = {name: _state(check) for name, check in self._checks.items()}
        status: dict[str, object] = {"version": version("asmx-tickets"), "workers": self._workers, "pid": os.getpid()}
        status |= self._figures.sums()
        try:
            status["tickets"] = self._tickets.held
        except Unavailable as error:
            stores["tickets"] = str(error)
        return status | {"stores": stores}


def commands(tickets: TicketOperations, status: Status) -> dict[str, Command]:
    """What the admin socket answers, by name."""
    return {
        "status": status.status,
        "tickets": lambda user_id=None: map(asdict, tickets.live(user_id)),
        "revoke": lambda ticket: {"user_id": tickets.revoke(ticket)},
        "revoke_user": lambda user_id: {"ended": tickets.revoke_user(user_id)},
    }


def _state(check: Callable[[], object]) -> str:
    try:
        check()
    except Unavailable as error:
        return str(error)
    return "ok"
