"""The numbers for Prometheus: how many calls there are, how they end, how long they take, and what is waiting.

prometheus-client keeps each process's numbers in a file of a common folder, from which any process can tell the sums.
It reads the folder's name from a variable when it is imported, so this module is only imported if metrics are on.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from asmx_tickets.audit import AuditLog, Event, OuterAudit, Record
from asmx_tickets.errors import Unavailable
from asmx_tickets.hosting.metrics_folder import VARIABLE
from asmx_tickets.presence import Presence
from asmx_tickets.tickets.cache import TicketCache
from asmx_tickets.waiting import Hub, Lane
from spyne_asmx import AsmxContext, Request, ServiceUnavailable

CONTENT_TYPE = CONTENT_TYPE_LATEST
_CALL_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_STORE_SECONDS = (0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_LOGINS = {
    Event.LOGIN: ("password", "accepted"),
    Event.LOGIN_REFUSED: ("password", "refused"),
    Event.IMPERSONATION: ("trusted", "accepted"),
    Event.IMPERSONATION_REFUSED: ("trusted", "refused"),
}
_THROTTLED = "throttled: "
_UNAVAILABLE = ServiceUnavailable().text


class Metrics:
    """The numbers of this process. No secret, user name or address is in any of them."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._calls = Histogram(
            "asmx_tickets_call_seconds",
            "Calls of operations by how they ended, and how long they took: ok, refused (a normal answer that says no),"
            " unavailable, fault.",
            ["operation", "binding", "outcome"],
            registry=registry,
            buckets=_CALL_SECONDS,
        )
        self._answers = Counter(
            "asmx_tickets_answers", "HTTP answers, documents and refusals among them.", ["status"], registry=registry
        )
        self._logins = Counter(
            "asmx_tickets_logins",
            "Logins by password and by TrustedUserPwd: accepted, refused or throttled, and why.",
            ["by", "outcome", "reason"],
            registry=registry,
        )
        self._audit_lines = Counter(
            "asmx_tickets_audit_lines", "Lines of the audit log: written, or lost.", ["outcome"], registry=registry
        )
        self._added = Counter("asmx_tickets_tickets_added", "Tickets that were made.", registry=registry)
        self._evicted = Counter(
            "asmx_tickets_tickets_evicted", "Live tickets that ended because there were too many.", registry=registry
        )
        self._store_seconds = Histogram(
            "asmx_tickets_store_seconds",
            "How long stores took to answer.",
            ["store"],
            registry=registry,
            buckets=_STORE_SECONDS,
        )
        self._make_gauges(registry)
        self._presences: dict[str, Presence] = {}
        # A label's child is looked up once: calls are many and their labels few.
        self._call = cache(self._calls.labels)
        self._answer = cache(self._answers.labels)

    def _make_gauges(self, registry: CollectorRegistry) -> None:
        info = Gauge(
            "asmx_tickets_info", "The version that runs.", ["version"], registry=registry, multiprocess_mode="livemax"
        )
        info.labels(version("asmx-tickets")).set(1)
        self._tickets = Gauge(
            "asmx_tickets_tickets", "Live tickets.", registry=registry, multiprocess_mode="livemostrecent"
        )
        self._store_up = Gauge(
            "asmx_tickets_store_up",
            "Whether a store answered last, in every process.",
            ["store"],
            registry=registry,
            multiprocess_mode="livemin",
        )
        self._lanes = Gauge(
            "asmx_tickets_lane_calls",
            "Calls that wait for something, or for their turn: hash is the login queue.",
            ["lane"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._connections = Gauge(
            "asmx_tickets_connections", "Clients that are connected.", registry=registry, multiprocess_mode="livesum"
        )

    # --- events ---

    def call_ended(self, ctx: AsmxContext) -> None:
        """Count a call of an operation that has ended, with its outcome and duration."""
        seconds = max(0.0, (ctx.call_end or ctx.call_start) - ctx.call_start)
        self._call(ctx.operation.name, ctx.binding, _outcome(ctx)).observe(seconds)

    def answered(self, _request: Request, status: int, _seconds: float, _address: str) -> None:
        """Count an answer."""
        self._answer(str(status)).inc()

    def evicted(self) -> None:
        """A live ticket ended because there were too many."""
        self._evicted.inc()

    def watch(self, store: str, presence: Presence) -> None:
        """Include this store in the numbers."""
        self._presences[store] = presence
        presence.observer = self._store_seconds.labels(store).observe

    def sample(self, connections: int, hub: Hub) -> None:
        """Set the gauges to the current values. To be called regularly."""
        self._connections.set(connections)
        for lane in Lane:
            self._lanes.labels(lane.value).set(hub.waiting(lane))
        for store, presence in self._presences.items():
            self._store_up.labels(store).set(not presence.is_gone)

    def count_tickets(self, tickets: TicketCache) -> None:
        """Set the number of live tickets. May block; keeps the last number if the store is out."""
        with suppress(Unavailable):
            self._tickets.set(tickets.held)

    def text(self) -> bytes:
        """The numbers of all processes, in Prometheus' text format."""
        registry = self._registry
        folder = os.environ.get(VARIABLE)
        if folder:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]  # it has no types
        return generate_latest(registry)

    def counting_lines(self, audit: AuditLog) -> AuditLog:
        """The same audit log, with its lines counted."""
        return _CountedAudit(audit, self._note_line)

    def counting_logins(self, audit: AuditLog) -> AuditLog:
        """The same audit log, with the logins in it counted."""
        return _CountedAudit(audit, self._note_login)

    def _note_line(self, _record: Record, written: bool) -> None:
        self._audit_lines.labels("written" if written else "lost").inc()

    def _note_login(self, record: Record, written: bool) -> None:
        if record.event not in _LOGINS:
            return
        by, outcome = _LOGINS[record.event]
        if outcome == "accepted":
            if not written:
                return  # without a line in the audit log there is no login
            self._added.inc()
        reason = record.reason
        if reason.startswith(_THROTTLED):
            outcome, reason = "throttled", reason.removeprefix(_THROTTLED)
        self._logins.labels(by, outcome, reason).inc()


def _outcome(ctx: AsmxContext) -> str:
    if ctx.out_error is not None:
        return "unavailable" if ctx.out_error.faultstring == _UNAVAILABLE else "fault"
    element = ctx.out_object[0] if ctx.out_object else None
    return "refused" if getattr(element, "attributes", {}).get("success") == "false" else "ok"


class _CountedAudit(OuterAudit):
    def __init__(self, audit: AuditLog, note: Callable[[Record, bool], object]) -> None:
        super().__init__(audit)
        self._note = note

    def write(self, record: Record) -> None:
        try:
            self._audit.write(record)
        except Unavailable:
            self._note(record, False)
            raise
        self._note(record, True)
