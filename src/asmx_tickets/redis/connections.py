"""Connections to Redis for threads. Each command has one of them to itself."""

import os
import threading
from collections.abc import Callable
from typing import Any

from redis.exceptions import RedisError, ResponseError

from asmx_tickets.errors import Busy, Unavailable

TURN_SECONDS = 0.25  # How long a call waits while all connections are busy.
REPLICA_MILLISECONDS = 100  # How long a call waits for a replica.


class NotConnected(Exception):
    """No connection could be made, so no command was sent. ``cause`` is redis-py's error."""

    def __init__(self, cause: RedisError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Connections:
    """At most ``size`` connections, which are made when needed; the last one used is used first. For one process."""

    # redis-py's own pool takes longer than Redis does to look up a ticket, and can't drop only the idle connections.

    def __init__(self, make: Callable[[], Any], size: int) -> None:
        self._make = make
        self._size = size
        self._turns = threading.Semaphore(size)
        self._idle: list[Any] = []
        self._pid = os.getpid()
        self._closed = False

    def exchange(self, command: tuple[Any, ...], *, replicated: bool = False) -> Any:
        """Send a command and read its answer. ``replicated``: and wait until a replica knows what the command changed.

        Raises redis-py's errors, NotConnected and Unavailable.
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
        """Close the idle connections, which may lead to a server that is no longer there."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # Another thread took the last one.
                return
            connection.disconnect()

    def close(self) -> None:
        """Close all connections; those in use are closed when they are given back."""
        self._closed = True
        self.drop_idle()

    def _take(self) -> Any:
        if not self._turns.acquire(timeout=TURN_SECONDS):
            raise Busy(f"all {self._size} connections to Redis are busy")
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
            raise Unavailable("the connections to Redis are closed")
        try:
            connection = self._make()
            connection.connect()
        except RedisError as error:
            raise NotConnected(error) from error
        return connection

    def _give_back(self, connection: Any, keep: bool) -> None:
        if keep and not self._closed:
            self._idle.append(connection)
        else:
            connection.disconnect()
        self._turns.release()
