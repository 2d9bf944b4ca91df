"""The stores that the settings name, for the server and for the command line alike."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asmx_tickets.audit import AuditFile, AuditLog, AuditStream, NoAudit
from asmx_tickets.cores import usable_cores
from asmx_tickets.settings.model import Settings
from asmx_tickets.settings.sections import STDOUT
from asmx_tickets.throttling import (
    TRUSTED_PASSWORDS,
    MemoryThrottle,
    Throttle,
)
from asmx_tickets.tickets.cache import TicketSummary
from asmx_tickets.tickets.memory import MemoryTicketCache
from asmx_tickets.users.passwords import PasswordHasher

if TYPE_CHECKING:
    from asmx_tickets.tickets.redis import RedisTicketCache

_log = logging.getLogger(__name__)


def password_hasher(settings: Settings) -> PasswordHasher:
    """The hasher with the settings' parameters."""
    slots = max(1, usable_cores() // settings.workers)
    return PasswordHasher(settings.passwords.parameters(), slots=slots)


def ticket_cache(settings: Settings, clock: Callable[[], float]) -> "MemoryTicketCache | RedisTicketCache":
    """The ticket cache that ConnectionStrings:Tickets names. ``clock`` is the one of a cache in memory.

    Raises SettingsError.
    """
    if settings.connection_strings.tickets_are_shared:
        return shared_ticket_cache(settings)
    return MemoryTicketCache(clock=clock, **_ticket_rules(settings))


def shared_ticket_cache(settings: Settings) -> "RedisTicketCache":
    """The ticket cache in Redis that ConnectionStrings:Tickets names. Connects when it is first used.

    Raises SettingsError.
    """
    from asmx_tickets.tickets import redis

    url = settings.connection_strings.tickets.get_secret_value()
    return redis.open_cache(url, prefix=settings.tickets.key_prefix, **_ticket_rules(settings))


def _ticket_rules(settings: Settings) -> dict[str, Any]:
    life = settings.tickets
    return {
        "sliding_expiration": life.sliding_expiration.total_seconds(),
        "absolute_expiration": life.absolute_expiration and life.absolute_expiration.total_seconds(),
        "max_per_user": life.max_per_user,
        "max_total": life.max_total,
        "on_evicted": EvictionWarnings(),
    }


def audit_log(settings: Settings, clock: Callable[[], float] = time.time) -> AuditLog:
    """The audit log that Audit:To names. Raises SettingsError."""
    to = settings.audit.to
    if not to:
        return NoAudit()
    if to == STDOUT:
        return AuditStream(clock=clock)
    return AuditFile(Path(to), max_bytes=settings.audit.max_bytes, keep=settings.audit.keep, clock=clock)


@dataclass(frozen=True, slots=True)
class Throttles:
    """What counts failures: of logins, and of TrustedUserPwd."""

    logins: Throttle
    trusted_passwords: Throttle


def login_throttles(
    settings: Settings, *, tickets: "MemoryTicketCache | RedisTicketCache", clock: Callable[[], float]
) -> Throttles:
    """The throttles, shared by all servers where the tickets are. ``clock`` never steps back.

    Raises SettingsError.
    """
    rules = settings.throttling.rules()
    if isinstance(tickets, MemoryTicketCache):
        return Throttles(
            MemoryThrottle(rules, clock=clock),
            MemoryThrottle(TRUSTED_PASSWORDS, clock=clock, on_alarm=_alarm),
        )
    from asmx_tickets.throttling.redis import RedisThrottle

    prefix = f"{settings.tickets.key_prefix}throttle:"
    return Throttles(
        RedisThrottle(tickets.client, rules, prefix=f"{prefix}login:"),
        RedisThrottle(tickets.client, TRUSTED_PASSWORDS, prefix=f"{prefix}trusted:", on_alarm=_alarm),
    )


def _alarm(what: str) -> None:
    _log.error("somebody guesses TrustedUserPwd: %s", what)


class EvictionWarnings:
    """SECURITY D17: a ticket that ends because there are too many is worth a look at who makes them.

    One line a minute, since each new ticket may end another from then on. ``clock`` gives seconds and never steps back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = -math.inf
        self._unsaid = 0

    def __call__(self, ended: TicketSummary) -> None:
        """Tell of a ticket that ended, or count it until it is time to tell again."""
        self._unsaid += 1
        now = self._clock()
        if now < self._next:
            return
        self._next = now + 60
        count, self._unsaid = self._unsaid, 0
        _log.warning(
            "ended %d live tickets, the last %s of user %d: Tickets:MaxTotal or MaxPerUser is reached",
            count,
            ended.short_hash,
            ended.user_id,
        )
