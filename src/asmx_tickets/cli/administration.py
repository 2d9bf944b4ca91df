"""Live tickets and failed logins for the commands, wherever they are: in Redis, or in the running server's memory."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from asmx_tickets.cli.running import RunningServer
from asmx_tickets.throttling import Failures
from asmx_tickets.tickets.cache import TicketSummary
from asmx_tickets.tickets.ticket import Origin

if TYPE_CHECKING:
    from asmx_tickets.hosting.administration import Administration
    from asmx_tickets.settings.model import Settings

_SILENT = logging.NullHandler()


@contextmanager
def administration(settings: "Settings") -> Iterator["Administration"]:
    """What the commands do things with. Raises SettingsError, UserError and Unavailable."""
    if not settings.connection_strings.tickets_are_shared:
        yield RemoteAdministration(RunningServer(settings))
        return
    from asmx_tickets.hosting.administration import StoreAdministration
    from asmx_tickets.hosting.stores import open_stores

    # The command says itself that Redis does not answer: without a handler, logging would say so before it.
    logging.getLogger("asmx_tickets.presence").addHandler(_SILENT)
    stores = open_stores(settings, clock=time.time, steady_clock=time.monotonic)
    try:
        yield StoreAdministration(stores.tickets, stores.throttles.logins)
    finally:
        stores.stop()


class RemoteAdministration:
    """Works in the running server's memory, through its admin socket. All methods raise UserError, too."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server

    def live(self, user_id: int | None = None) -> Iterator[TicketSummary]:
        for item in self._server.items("tickets", user_id=user_id):
            yield TicketSummary(**item | {"origin": Origin(*item["origin"])})

    def owner(self, ticket: str) -> int:
        return int(self._server.ask("owner", ticket=ticket)["user_id"])

    def revoke(self, ticket: str) -> int:
        return int(self._server.ask("revoke", ticket=ticket)["ended"])

    def revoke_user(self, user_id: int) -> int:
        return int(self._server.ask("revoke_user", user_id=user_id)["ended"])

    def failures(self, user_id: int) -> tuple[Failures, ...]:
        return tuple(Failures(**item) for item in self._server.items("failures", user_id=user_id))

    def locked(self) -> Iterator[int]:
        return (int(item["user_id"]) for item in self._server.items("locked"))

    def unlock(self, user_id: int) -> bool:
        return bool(self._server.ask("unlock", user_id=user_id)["unlocked"])
