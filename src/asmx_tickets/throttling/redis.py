"""Failures in Redis, shared by all nodes that use it. Its clock is the clock; each call is one script, and atomic.

What is kept is bounded, whatever comes in. All keys begin with a prefix:

``known``, ``unknown``, ``addresses``
    a hash each, a field for each known account, unknown one, as SHA-256, or address: what ``records`` has, as JSON.
``known:order``, ``unknown:order``, ``addresses:order``
    the fields of these, sorted by when they were kept: what is outdated goes, and what is too much.
``recognized``
    the addresses where a secret was right lately, sorted by when it was.
``alarm``
    the times of the last failures, as JSON.

All of them expire after the last attempt that could matter. A Redis that evicts keys (SECURITY R2) can forget all
failures at once. A Redis user needs ``~PREFIX* +@read +@write +@scripting +time``. No cluster.
"""

import json
import logging
import math
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

from asmx_tickets.redis.client import RedisClient
from asmx_tickets.redis.script import Script, load
from asmx_tickets.throttling.records import milliseconds
from asmx_tickets.throttling.rules import AccountRule, AddressRule, ThrottleRules
from asmx_tickets.throttling.throttle import (
    DECIDED_WITHIN,
    KEPT,
    MAX_ADDRESSES,
    MAX_NETWORKS,
    MAX_UNKNOWN,
    SWEEP,
    Admission,
    Attempt,
    Failures,
    Throttle,
)

_ADMISSIONS = tuple(Admission)
_log = logging.getLogger(__name__)


_ATTEMPT, _RECOGNIZE, _OPERATE = (
    load("asmx_tickets.throttling", "lua/common.lua", f"lua/{name}.lua") for name in ("attempt", "recognize", "operate")
)
_BATCH = 200  # Of many accounts, how many are looked at in one round trip.


class RedisThrottle(Throttle):
    """Counts the failures of all nodes that use the same Redis and prefix. As safe for threads as the client."""

    def __init__(
        self,
        client: RedisClient,
        rules: ThrottleRules,
        *,
        prefix: str,
        max_unknown: int = MAX_UNKNOWN,
        max_addresses: int = MAX_ADDRESSES,
        on_alarm: Callable[[str], object] = _log.warning,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Sends nothing yet. All nodes must have the same rules for one prefix, and throttles with different rules
        different prefixes.

        ``max_unknown`` and ``max_addresses`` bound how many are remembered: those with the latest attempts.
        ``on_alarm`` gets a line that says what ``rules.alarm`` has found, on the node whose failure raised it.
        ``clock`` gives epoch seconds, the same on all nodes, in place of Redis' own: for tests that move it.
        """
        self._client = client
        self._alarm = rules.alarm
        self._on_alarm = on_alarm
        self._clock = clock
        self._prefix = prefix
        self._max_unknown, self._max_addresses = max_unknown, max_addresses
        self.keep(rules)

    def keep(self, rules: ThrottleRules) -> None:
        self._counts_accounts = rules.account is not None
        prefix, addresses = self._prefix, f"{self._prefix}addresses"
        self._known, self._unknown = (
            (
                (
                    accounts,
                    f"{accounts}:order",
                    addresses,
                    f"{addresses}:order",
                    f"{prefix}alarm",
                    f"{prefix}recognized",
                ),
                _terms(rules, limit, self._max_addresses),
            )
            for accounts, limit in ((f"{prefix}known", 0), (f"{prefix}unknown", self._max_unknown))
        )

    def admit(self, attempt: Attempt) -> Admission:
        admission, _, _ = self._call("admit", attempt)
        return _ADMISSIONS[admission]

    def succeeded(self, attempt: Attempt) -> None:
        self._call("succeeded", attempt)

    def failed(self, attempt: Attempt) -> float:
        _, wait, raised = self._call("failed", attempt)
        if raised:
            self._on_alarm(str(self._alarm))
        return math.inf if wait < 0 else wait / 1000

    def abandoned(self, attempt: Attempt) -> None:
        self._call("abandoned", attempt)

    def recognize(self, attempt: Attempt) -> bool:
        return bool(self._run(_RECOGNIZE, "recognize", attempt))

    def failures(self, account: str) -> tuple[Failures, ...]:
        if not self._counts_accounts:
            return ()
        return tuple(
            Failures(network.decode(), number, max(0, wait) / 1000, wait < 0, source.decode(), ago / 1000)
            for network, number, wait, source, ago in self._operate("failures", account)
        )

    def locked(self) -> Iterator[str]:
        cursor, seen = b"0", set[str]()
        while self._counts_accounts:
            cursor, *found = self._operate("locked", "", cursor, _BATCH)
            new = {account.decode() for account in found} - seen
            seen |= new
            yield from new
            if cursor == b"0":
                return

    def unlock(self, account: str) -> bool:
        return self._counts_accounts and bool(self._operate("unlock", account))

    def _call(self, name: str, attempt: Attempt) -> tuple[int, int, int]:
        admission, wait, raised = self._run(_ATTEMPT, name, attempt)
        return admission, wait, raised

    def _operate(self, name: str, account: str, *more: Any) -> Any:
        return self._run(_OPERATE, name, Attempt(account, True, ""), *more)

    def _run(self, script: Script, name: str, attempt: Attempt, *more: Any) -> Any:
        keys, terms = self._known if attempt.known else self._unknown
        account = attempt.account.encode("utf-8", "surrogatepass")
        key = account if attempt.known else sha256(account).hexdigest()
        network = attempt.network.encode("utf-8", "surrogatepass")
        now = "" if self._clock is None else math.floor(self._clock() * 1000)
        arguments = name, attempt.id, key, network, attempt.stamp, terms, now, *more
        # Each call changes the same attempt to the same end, so it does no harm twice.
        return self._client.run(script, len(keys), *keys, *arguments, repeatable=True)


def _terms(rules: ThrottleRules, max_unknown: int, max_addresses: int) -> str:
    """The rules as redis.lua has them: in milliseconds, a limit of 0 for none."""
    terms: dict[str, Any] = {"held": milliseconds(DECIDED_WITHIN), "sweep": SWEEP}
    if rules.account is not None:
        terms["account"] = _account_terms(rules.account, max_unknown)
    if rules.address is not None:
        terms["address"] = _address_terms(rules.address, max_addresses)
    if rules.alarm is not None:
        terms["alarm"] = {"failures": rules.alarm.failures, "window": milliseconds(rules.alarm.seconds)}
    return json.dumps(terms)


def _account_terms(rule: AccountRule, limit: int) -> dict[str, Any]:
    waits: list[int] = []
    while not waits or waits[-1] < milliseconds(rule.longest_wait):
        waits.append(milliseconds(rule.wait_after(rule.free + len(waits))))
    return {
        "free": rule.free,
        "waits": waits,
        "forget_after": milliseconds(rule.forget_after),
        "disable_at": rule.disable_at,
        "many": rule.many,
        "many_wait": milliseconds(rule.many_wait),
        "known_for": milliseconds(rule.known_for),
        "networks": MAX_NETWORKS,
        "kept_for": milliseconds(KEPT),
        "limit": limit,
    }


def _address_terms(rule: AddressRule, limit: int) -> dict[str, Any]:
    interval = milliseconds(rule.seconds)
    return {
        "burst": rule.burst,
        "interval": interval,
        "known_for": milliseconds(rule.known_for),
        # After that long a record is blank, whatever was in it.
        "kept_for": rule.burst * interval + milliseconds(DECIDED_WITHIN),
        "limit": limit,
    }
