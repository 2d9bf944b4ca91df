"""Commands to one Redis, from many threads, each answered within a second or Unavailable (SECURITY R1)."""

import os
import re
import threading
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
from asmx_tickets.redis.script import Script
from asmx_tickets.waiting import Lane, in_thread

TURN_SECONDS = 0.25  # How long a call waits while all connections are busy.
RETRY_SECONDS = 0.2  # A call that is older is not tried again.
PROBE_SECONDS = 0.5  # How often one call tries whether Redis is back.
REPLICA_MILLISECONDS = 100  # How long a call waits for a replica.

_READ_ONLY = "^ReadOnlyError|READONLY"
# What redis-py and Redis say, and what people are told instead.
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
    """A command was sent, and whether it was carried out, or ever will be, is not known."""


class _Broken(Unanswered):
    """The connection broke before an answer came."""


class _NotConnected(Exception):
    """No connection could be made. The cause is redis-py's error."""


class Connections:
    """At most ``size`` connections, the one used last first; made when needed. For one process and its threads."""

    # redis-py's own pool takes longer for this than Redis does for a look, and can't drop what is idle under way.

    def __init__(self, make: Callable[[], Any], size: int) -> None:
        self._make = make
        self._size = size
        self._turns = threading.Semaphore(size)
        self._idle: list[Any] = []
        self._pid = os.getpid()
        self._closed = False

    def exchange(self, command: tuple[Any, ...], *, replicated: bool = False) -> Any:
        """Send a command and read its answer. ``replicated``: and wait until a replica knows what the command changed.

        Raises redis-py's errors, _NotConnected and Unavailable.
        """
        connection = self._take()
        keep = False
        try:
            connection.send_command(*command, check_health=False)
            answer = connection.read_response()
            if replicated:
                connection.send_command("WAIT", 1, REPLICA_MILLISECONDS, check_health=False)
                connection.read_response()
            keep = True
        except ResponseError:
            keep = True
            raise
        finally:
            self._give_back(connection, keep)
        return answer

    def drop_idle(self) -> None:
        """Close the connections that nobody uses: they may lead to a server that is no longer there."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # Another thread took the last one.
                return
            connection.disconnect()

    def close(self) -> None:
        """Close them all; those in use once they are not."""
        self._closed = True
        self.drop_idle()

    def _take(self) -> Any:
        if not self._turns.acquire(timeout=TURN_SECONDS):
            raise Unavailable(f"all {self._size} connections to the ticket cache are busy")
        try:
            return self._usable() or self._connected()
        except BaseException:
            self._turns.release()
            raise

    def _usable(self) -> Any | None:
        if self._pid != os.getpid():  # A child must not talk over its parent's connections.
            self._pid = os.getpid()
            self._idle.clear()
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            try:
                if not connection.can_read():
                    return connection
            except RedisError:  # Redis has closed it.
                pass
            connection.disconnect()
        return None

    def _connected(self) -> Any:
        if self._closed:
            raise Unavailable("the ticket cache is closed")
        try:
            connection = self._make()
            connection.connect()
        except RedisError as error:
            raise _NotConnected from error
        return connection

    def _give_back(self, connection: Any, keep: bool) -> None:
        if keep and not self._closed:
            self._idle.append(connection)
        else:
            connection.disconnect()
        self._turns.release()


class RedisClient:
    """A Redis that answers or is Unavailable, with a cause for the log in one line, which shows no password.

    While it does not answer, calls fail at once but for one every half second, which tries whether it is back.
    """

    def __init__(self, address: RedisAddress, *, heartbeat: tuple[Any, ...], max_connections: int) -> None:
        """Connects to nothing. ``heartbeat`` is a harmless command that only a working master carries out."""
        self._address = address
        self._heartbeat = heartbeat
        self._connections = Connections(address.connection, max_connections)
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
        return in_thread(Lane.REDIS, partial(self._call, command, repeatable, lasting))

    def run(self, script: Script, *arguments: Any, repeatable: bool = False, lasting: bool = False) -> Any:
        """Run a script with keys and arguments: ``script, 1, key, argument``. As ``call``."""
        return in_thread(Lane.REDIS, partial(self._run, script, arguments, repeatable, lasting))

    def ping(self) -> None:
        """Ask whether Redis works, also while calls fail at once; which it does not change. Raises Unavailable."""
        self._ask(self._heartbeat)

    def info(self, section: str) -> dict[str, str]:
        """A section of Redis' INFO. Asks as ``ping`` does."""
        lines = bytes(self._ask(("INFO", section))).decode("utf-8", "replace").splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def close(self) -> None:
        """Close all connections; calls are Unavailable from then on."""
        self._connections.close()
        self._for_health.close()

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
        except _NotConnected as error:
            raise self._unavailable(error.__cause__) from error.__cause__
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
        # Not with the caller's command: an unanswered login would leave a ticket behind.
        self._exchange(self._heartbeat, began, lasting=False)
        if time.monotonic() - began > RETRY_SECONDS:
            raise Unavailable(f"Redis at {self._address.where} is slow to come back")

    def _exchange(self, command: tuple[Any, ...], began: float, lasting: bool) -> Any:
        try:
            answer = self._connections.exchange(command, replicated=lasting and self._address.by_sentinel)
        except _NotConnected as error:
            raise self._failed(error.__cause__, began) from error.__cause__
        except ResponseError as error:
            self._answered(began)
            if re.search(_READ_ONLY, _said(error)):
                self._connections.drop_idle()  # The master is elsewhere now.
            raise
        except _REFUSALS as error:
            raise self._unavailable(error) from error
        except NoAnswer as error:
            raise Unanswered(str(self._failed(error, began))) from error
        except BrokenConnection as error:
            raise _Broken(str(self._unavailable(error))) from error
        except RedisError as error:
            raise Unanswered(str(self._unavailable(error))) from error
        self._answered(began)
        return answer

    def _answered(self, began: float) -> None:
        if self._circuit.worked():
            self.presence.worked()
        if self.presence.observer is not None:
            self.presence.observer(time.monotonic() - began)

    def _failed(self, error: BaseException | None, began: float) -> Unavailable:
        unavailable = self._unavailable(error)
        self._cause = str(unavailable)
        if self._circuit.failed(began):
            self.presence.failed(_cause_of(error))
            self._connections.drop_idle()
        return unavailable

    def _unavailable(self, error: BaseException | None) -> Unavailable:
        return Unavailable(f"Redis at {self._address.where} {_cause_of(error)}")


def _cause_of(error: BaseException | None) -> str:
    said = _said(error)
    cause = next((cause for pattern, cause in _CAUSES if pattern.search(said)), None)
    return cause or "failed: " + re.sub("[^ -~]", "?", str(error))[:200]


def _said(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}"
