"""The stores that the settings name, for the server and for the command line alike."""

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from asmx_tickets.access.logon import account_of
from asmx_tickets.audit import AuditFile, AuditLog, AuditStream, NoAudit, SplitAudit
from asmx_tickets.cores import usable_cores
from asmx_tickets.errors import SettingsError, Unavailable
from asmx_tickets.presence import Presence
from asmx_tickets.redis.opening import open_redis
from asmx_tickets.settings.model import Settings
from asmx_tickets.settings.sections import STDOUT
from asmx_tickets.throttling import (
    TRUSTED_PASSWORDS,
    Attempt,
    MemoryThrottle,
    Throttle,
)
from asmx_tickets.tickets import snapshot
from asmx_tickets.tickets.cache import TicketCache, TicketSummary
from asmx_tickets.tickets.memory import MemoryTicketCache
from asmx_tickets.users.passwords import PasswordHasher

if TYPE_CHECKING:
    from asmx_tickets.redis.client import RedisClient

_log = logging.getLogger(__name__)


def password_hasher(settings: Settings) -> PasswordHasher:
    """The hasher with the settings' parameters."""
    slots = max(1, usable_cores() // settings.workers)
    return PasswordHasher(settings.passwords.parameters(), slots=slots)


def _shared_redis(settings: Settings) -> "RedisClient":
    """The Redis that ConnectionStrings:Tickets names. Connects when it is first used. Raises SettingsError."""
    url = settings.connection_strings.tickets.get_secret_value()
    return open_redis(url, prefix=settings.tickets.key_prefix)


def check_ticket_store(settings: Settings) -> None:
    """Check a shared store's URL, or the ticket file's folder, before anything starts. Raises SettingsError."""
    if settings.connection_strings.tickets_are_shared:
        _shared_redis(settings).close()
    if settings.tickets.persist_to:
        file = Path(settings.tickets.persist_to)
        if file.exists() and not file.is_file():
            raise SettingsError(f"Tickets:PersistTo: {file} is not a file")
        folder = file.parent
        if not os.access(folder, os.W_OK | os.X_OK):
            raise SettingsError(f"Tickets:PersistTo: the folder {folder} can't be written to")


def audit_log(settings: Settings, clock: Callable[[], float] = time.time) -> AuditLog:
    """The audit log that Audit:To names. Raises SettingsError."""
    to = settings.audit.to
    if not to:
        return NoAudit()
    if to == STDOUT:
        return AuditStream(clock=clock)
    common = partial(AuditFile, max_bytes=settings.audit.max_bytes, days=settings.audit.days, clock=clock)
    return SplitAudit(common(Path(to), keep=None), common(settings.audit.refusals, keep=settings.audit.keep))


@dataclass(frozen=True, slots=True)
class Throttles:
    """The throttles that count failures of logins and of TrustedUserPwd."""

    logins: Throttle
    trusted_passwords: Throttle


@dataclass(frozen=True, slots=True)
class Stores:
    """Where live tickets and failures are kept, whatever kind of store it is.

    ``checks`` are asked by /readyz, by name, and raise Unavailable. ``warnings`` gives what an operator should mend, a
    line each; a store that does not answer is one of them. ``start`` is called before the first request, ``stop`` after
    the last. ``presences`` tell which of those that are asked can be reached.
    """

    tickets: TicketCache
    evictions: "EvictionWarnings"
    presences: Mapping[str, Presence]
    throttles: Throttles
    checks: Mapping[str, Callable[[], object]]
    warnings: Callable[[], tuple[str, ...]]
    start: Callable[[], object]
    stop: Callable[[], object]


def open_stores(settings: Settings, *, clock: Callable[[], float], steady_clock: Callable[[], float]) -> Stores:
    """The stores that ConnectionStrings:Tickets names.

    The clocks are those of stores in memory: epoch seconds, and seconds that never step back. Raises SettingsError.
    """
    if settings.connection_strings.tickets_are_shared:
        return _redis_stores(settings)
    return _memory_stores(settings, clock, steady_clock)


def _memory_stores(settings: Settings, clock: Callable[[], float], steady_clock: Callable[[], float]) -> Stores:
    """In this process; Tickets:PersistTo takes the tickets from a stop to the next start."""
    evictions = EvictionWarnings()
    tickets = MemoryTicketCache(settings.tickets.rules(), clock=clock, on_evicted=evictions)
    logins = MemoryThrottle(settings.throttling.rules(), clock=steady_clock)
    trusted = MemoryThrottle(TRUSTED_PASSWORDS, clock=steady_clock, on_alarm=_alarm)
    file = settings.tickets.persist_to

    def start() -> None:
        if snapshot.load(tickets, Path(file)):
            # With millions of tickets this takes a while, and nobody has to wait for it.
            recall = partial(recall_networks, tickets, logins, trusted, clock)
            threading.Thread(target=recall, name="recall", daemon=True).start()

    return Stores(
        tickets=tickets,
        evictions=evictions,
        presences={},
        throttles=Throttles(logins, trusted),
        checks={},
        warnings=tuple,
        start=start if file else _nothing,
        stop=partial(snapshot.save, tickets, Path(file)) if file else _nothing,
    )


def recall_networks(
    tickets: TicketCache, logins: MemoryThrottle, trusted: MemoryThrottle, clock: Callable[[], float]
) -> None:
    """Recognize the networks again from which live tickets were requested (SECURITY D19)."""
    with suppress(Unavailable):  # the server stops
        for ticket in tickets.summaries():
            address, _, impersonated = ticket.origin
            if address:
                account = "" if impersonated else account_of(ticket.user_id)
                throttle = trusted if impersonated else logins
                throttle.recall(Attempt(account, not impersonated, address), max(0.0, clock() - ticket.issued_at))


def _redis_stores(settings: Settings) -> Stores:
    """In one Redis, which all servers share."""
    client = _shared_redis(settings)
    from asmx_tickets.throttling.redis import RedisThrottle
    from asmx_tickets.tickets.redis import RedisTicketCache

    evictions = EvictionWarnings()
    prefix = settings.tickets.key_prefix
    tickets = RedisTicketCache(client, settings.tickets.rules(), prefix=prefix, on_evicted=evictions)
    throttles = Throttles(
        RedisThrottle(client, settings.throttling.rules(), prefix=f"{prefix}throttle:login:"),
        RedisThrottle(client, TRUSTED_PASSWORDS, prefix=f"{prefix}throttle:trusted:", on_alarm=_alarm),
    )

    def warnings() -> tuple[str, ...]:
        try:
            tickets.ping()
        except Unavailable as error:
            return (str(error),)
        return tickets.warnings()

    return Stores(
        tickets=tickets,
        evictions=evictions,
        presences={"tickets": client.presence},
        throttles=throttles,
        checks={"tickets": tickets.ping},
        warnings=warnings,
        start=_nothing,
        stop=tickets.close,
    )


def _nothing() -> None:
    """Do nothing."""


def _alarm(what: str) -> None:
    _log.error("somebody guesses TrustedUserPwd: %s", what)


class EvictionWarnings:
    """SECURITY D17: a ticket that ends because there are too many is worth a look at who makes them.

    It logs one line a minute, since each new ticket may then end another. ``clock`` gives seconds and never steps back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = -math.inf
        self._unreported = 0
        self.observer: Callable[[], object] | None = None
        """Called for each eviction."""

    def __call__(self, ended: TicketSummary) -> None:
        """Warn about a ticket that ended, or count it until the next warning is due."""
        self._unreported += 1
        if self.observer is not None:
            self.observer()
        now = self._clock()
        if now < self._next:
            return
        self._next = now + 60
        count, self._unreported = self._unreported, 0
        _log.warning(
            "ended %d live tickets, the last %s of user %d: Tickets:MaxTotal or MaxPerUser is reached",
            count,
            ended.short_hash,
            ended.user_id,
        )
