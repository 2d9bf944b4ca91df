"""What all connections of a server process share: the site, the limits, and the sweep that checks deadlines."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, NamedTuple, Protocol

from asmx_tickets.hosting.heads import Heads
from asmx_tickets.hosting.site import Answerer, Call
from spyne_asmx import Request, Response

SWEEP_SECONDS = 0.5
MOST_CONNECTIONS = 16 * 1024

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """How long clients may take, and how much they may send (SECURITY H1, H2, F1)."""

    body_bytes: int = 65536
    head_seconds: float = 5.0
    body_seconds: float = 10.0
    write_seconds: float = 10.0
    idle_seconds: float = 75.0
    linger_seconds: float = 2.0
    connections: int = MOST_CONNECTIONS


class Stuck(NamedTuple):
    """When a client last took any bytes, and how many it had taken by then."""

    since: float
    taken: int


Observer = Callable[[Request, int, float, str], None]
"""It gets each answer's request, status, duration in seconds, and client address."""


class Finisher(Protocol):
    """Runs decoded calls: see hosting/dispatch.py."""

    def finish(self, call: Call, answered: Callable[[Response], None]) -> None: ...


class Client(Protocol):
    """A connection, as the door sees it."""

    deadline: float

    @property
    def is_idle(self) -> bool: ...
    @property
    def is_incomplete(self) -> bool: ...
    @property
    def unsent_bytes(self) -> int: ...
    @property
    def taken_bytes(self) -> int: ...
    def expire(self) -> None: ...
    def close(self) -> None: ...


class Door:
    """Accepts clients, and disconnects those that take too long. ``now`` gives seconds that never run backwards."""

    def __init__(self, site: Answerer, dispatcher: Finisher, limits: DoorLimits, now: Callable[[], float]) -> None:
        self.site = site
        self.dispatcher = dispatcher
        self.limits = limits
        self.now = now
        self.heads = Heads()
        self.observer: Observer | None = None
        self.date = formatdate(usegmt=True)
        # Oldest first.
        self._clients: dict[Client, Stuck | None] = {}
        self._complain_at = float("-inf")

    def change(self, site: Answerer, dispatcher: Finisher, limits: DoorLimits) -> None:
        """Serve another site from now on. The old one finishes the calls that it has begun."""
        self.site, self.dispatcher, self.limits = site, dispatcher, limits
        self.heads = Heads()  # the remembered heads were checked against the old limits

    def __len__(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    def opened(self, client: Client) -> None:
        """Accept a client. If there are too many, one is disconnected."""
        self._clients[client] = None
        if len(self._clients) > self.limits.connections:
            self._least_missed(client).close()
            self._complain()

    def _least_missed(self, new: Client) -> Client:
        """The oldest that is idle, or that has sent a part of a request; the new one if calls of all others run."""
        others = [each for each in self._clients if each is not new]
        idle = next((each for each in others if each.is_idle), None)
        return idle or next((each for each in others if each.is_incomplete), new)

    def closed(self, client: Client) -> None:
        """A client is gone."""
        self._clients.pop(client, None)

    def observe_by(self, observers: Sequence[Observer]) -> None:
        """Tell these observers about each answer from now on."""

        def tell_all(*answer: Any) -> None:
            for each in observers:
                each(*answer)

        self.observer = None if not observers else observers[0] if len(observers) == 1 else tell_all

    def observe(self, request: Request, status: int, began: float) -> None:
        """Tell the observer about an answer."""
        if self.observer is not None:
            self.observer(request, status, self.now() - began, self.site.client_of(request))

    def sweep(self) -> None:
        """Check all deadlines. To be called every SWEEP_SECONDS."""
        self.date = formatdate(usegmt=True)
        now = self.now()
        for client, stuck in list(self._clients.items()):
            if client.unsent_bytes:
                self._watch(client, stuck, now)
                continue
            if stuck is not None:
                self._clients[client] = None
            if now >= client.deadline:
                client.expire()

    def cut(self) -> None:
        """End all connections now."""
        for client in list(self._clients):
            client.close()

    def _watch(self, client: Client, stuck: Stuck | None, now: float) -> None:
        """Cut off a client that has not taken any of its answers for too long."""
        taken = client.taken_bytes
        if stuck is None or taken > stuck.taken:
            self._clients[client] = Stuck(now, taken)
        elif now - stuck.since >= self.limits.write_seconds:
            client.close()

    def _complain(self) -> None:
        now = self.now()
        if now >= self._complain_at:
            self._complain_at = now + 60
            _log.warning("more than %d clients: idle ones are disconnected", self.limits.connections)
