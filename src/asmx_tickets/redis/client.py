"""Commands to one Redis, each answered within a second or Unavailable (SECURITY R1).

Calls on an event loop share one connection. Threads, and commands that can't share one, use a few others.
"""

import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from redis.exceptions import AuthenticationError, BusyLoadingError, NoScriptError, RedisError, ResponseError
from redis.exceptions import ConnectionError as BrokenConnection
from redis.exceptions import TimeoutError as NoAnswer

from asmx_tickets.circuit import Circuit
from asmx_tickets.errors import Unavailable
from asmx_tickets.presence import Presence
from asmx_tickets.redis.address import RedisAddress
from asmx_tickets.redis.connections import Connections, NotConnected
from asmx_tickets.redis.pipeline import SharedConnection
from asmx_tickets.redis.script import Script
from asmx_tickets.waiting import Lane, in_thread, loop_of_call

RETRY_SECONDS = 0.2  # A call that is older is not tried again.
PROBE_SECONDS = 0.5  # From a failed try whether Redis is back to the next.

_READ_ONLY = "^ReadOnlyError|READONLY"
# Errors of redis-py and Redis, and what people are told instead.
_CAUSES = tuple(
    (re.compile(pattern, re.IGNORECASE), cause)
    for pattern, cause in (
        ("^TimeoutError", "does not answer in time"),
        ("^BusyLoadingError", "is still loading its data"),
        ("^Authentication|NOAUTH|WRONGPASS|unauthenticated", "refuses the user name or the password"),
        ("^NoPermissionError|NOPERM|user executing the script", "does not let this user do all it must; see ACL LOG"),
        (_READ_ONLY, "is a read-only replica"),
        ("^OutOfMemoryError|OOM ", "is full: raise its maxmemory"),
        ("MISCONF", "refuses changes because it can't save to its disk; see its log"),
        ("NOREPLICAS", "refuses changes because it has too few replicas"),
        ("^MasterNotFoundError", "has no master that a Sentinel knows"),
        ("unknown (redis )?command", "is older than Redis 6.2"),
    )
)


# Answers, though redis-py takes them for broken connections.
_REFUSALS = (AuthenticationError, BusyLoadingError)


class Unanswered(Unavailable):
    """A command was sent, but it is not known whether it was or will be carried out."""


class CannotSave(Unavailable):
    """Redis answers, and refuses what could change anything, because its disk fails."""


class _Broken(Unanswered):
    """The connection broke before an answer came."""


class RedisClient:
    """A Redis that answers or raises Unavailable, with a cause for the log in one line without passwords.

    While it does not answer, calls fail at once, except one now and then, which tries whether it is back.
    """

    def __init__(self, address: RedisAddress, *, heartbeat: tuple[Any, ...], max_connections: int) -> None:
        """Connects to nothing. ``heartbeat`` is a harmless command that only a working master carries out."""
        self._address = address
        self._heartbeat = heartbeat
        self._connections = Connections(address.connection, max_connections)
        self._shared = SharedConnection(address.connection)
        # Health checks come at any time and must neither wait for the service nor hold it up.
        self._for_health = Connections(address.connection, 2)
        self._circuit = Circuit(pause=PROBE_SECONDS)
        self.presence = Presence(f"Redis at {address.where}")
        self._cause = ""

    def call(self, *command: Any, repeatable: bool = False, lasting: bool = False) -> Any:
        """Carry out a command. Raises Unavailable; and Unanswered where the command may yet have been carried out.

        ``repeatable``: sent a second time if the connection breaks. ``lasting``: where a replica may take the master's
        place, wait a moment until one knows what the command changed (SECURITY R2).
        """
        return self._where_it_belongs(partial(self._call, command, repeatable, lasting), lasting)

    def run(self, script: Script, *arguments: Any, repeatable: bool = False, lasting: bool = False) -> Any:
        """Run a script with keys and arguments: ``script, 1, key, argument``. As ``call``."""
        return self._where_it_belongs(partial(self._run, script, arguments, repeatable, lasting), lasting)

    def ping(self) -> None:
        """Ask whether Redis works, even while calls fail at once. This does not end that state. Raises Unavailable."""
        self.presence.ask(partial(self._ask, self._heartbeat))

    def info(self, section: str) -> dict[str, str]:
        """A section of Redis's INFO. Asks as ``ping`` does."""
        lines = bytes(self._ask(("INFO", section))).decode("utf-8", "replace").splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def configured(self, name: str) -> str | None:
        """A value of Redis's configuration; None if this user may not ask. Asks as ``ping`` does."""
        try:
            _, value = self._ask(("CONFIG", "GET", name))
        except (Unavailable, ValueError):
            return None
        return bytes(value).decode("utf-8", "replace")

    def close(self) -> None:
        """Close all connections; calls are Unavailable from then on."""
        self._connections.close()
        self._for_health.close()
        self._shared.close()

    def _where_it_belongs(self, exchange: Callable[[], Any], lasting: bool) -> Any:
        """On the loop, where the call's command can be one of many on a connection; else in a thread."""
        try:
            return exchange() if self._shares(lasting) else in_thread(Lane.REDIS, exchange)
        except Unavailable as error:
            error.told = self.presence.is_gone
            raise

    def _shares(self, lasting: bool) -> bool:
        """Whether this command may use the shared connection. One that waits for a replica would hold up all others."""
        return not (lasting and self._address.by_sentinel) and loop_of_call() is not None

    def _drop_idle(self) -> None:
        self._connections.drop_idle()
        self._shared.drop()

    def _call(self, command: tuple[Any, ...], repeatable: bool, lasting: bool) -> Any:
        try:
            return self._answer(command, repeatable, lasting)
        except ResponseError as error:
            raise self._unavailable(error) from error

    def _run(self, script: Script, arguments: tuple[Any, ...], repeatable: bool, lasting: bool) -> Any:
        try:
            return self._answer(("EVALSHA", script.sha, *arguments), repeatable, lasting)
        except NoScriptError:
            return self._call(("EVAL", script.text, *arguments), repeatable, lasting)
        except ResponseError as error:
            raise self._unavailable(error) from error

    def _ask(self, command: tuple[Any, ...]) -> Any:
        try:
            return self._for_health.exchange(command)
        except NotConnected as error:
            raise self._unavailable(error.cause) from error.cause
        except RedisError as error:
            self._for_health.drop_idle()
            raise self._unavailable(error) from error

    def _answer(self, command: tuple[Any, ...], repeatable: bool, lasting: bool) -> Any:
        began = time.monotonic()
        if self._circuit.is_open:
            self._probe(began)
        try:
            return self._exchange(command, began, lasting)
        except _Broken:
            if not repeatable or time.monotonic() - began > RETRY_SECONDS:
                raise
        return self._exchange(command, began, lasting)

    def _probe(self, began: float) -> None:
        if not self._circuit.may_try():
            raise Unavailable(self._cause)
        # Not with the caller's command: an unanswered login could leave a ticket behind.
        self._exchange(self._heartbeat, began, lasting=False)
        if time.monotonic() - began > RETRY_SECONDS:
            raise Unavailable(f"Redis at {self._address.where} is slow to come back")

    def _exchange(self, command: tuple[Any, ...], began: float, lasting: bool) -> Any:
        try:
            if self._shares(lasting):
                answer = self._shared.exchange(command)
            else:
                answer = self._connections.exchange(command, replicated=lasting and self._address.by_sentinel)
        except NotConnected as error:
            raise self._failed(error.cause, began) from error.cause
        except ResponseError as error:
            self._circuit.worked()  # It lives, which does not mean that it works.
            if re.search(_READ_ONLY, _said(error)):
                self._drop_idle()  # The master is elsewhere now.
            raise
        except _REFUSALS as error:
            raise self._failed(error, began) from error
        except NoAnswer as error:
            raise Unanswered(str(self._failed(error, began))) from error
        except BrokenConnection as error:
            raise _Broken(str(self._unavailable(error))) from error
        except RedisError as error:
            raise Unanswered(str(self._unavailable(error))) from error
        self._answered(began)
        return answer

    def _answered(self, began: float) -> None:
        self._circuit.worked()
        self.presence.worked(began)
        if self.presence.observer is not None:
            self.presence.observer(time.monotonic() - began)

    def _failed(self, error: BaseException | None, began: float) -> Unavailable:
        unavailable = self._unavailable(error)
        self._cause = str(unavailable)
        if self._circuit.failed(began):
            self._drop_idle()
        if self._circuit.is_open:
            self.presence.failed(_cause_of(error))
        return unavailable

    def _unavailable(self, error: BaseException | None) -> Unavailable:
        kind = CannotSave if "MISCONF" in _said(error) else Unavailable
        return kind(f"Redis at {self._address.where} {_cause_of(error)}")


def _cause_of(error: BaseException | None) -> str:
    said = _said(error)
    cause = next((cause for pattern, cause in _CAUSES if pattern.search(said)), None)
    return cause or "failed: " + re.sub("[^ -~]", "?", str(error))[:200]


def _said(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}"
