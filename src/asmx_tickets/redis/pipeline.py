"""One connection to Redis that all calls of an event loop share.

The commands of all calls that run in one turn of the loop go out in one write, and the answers come in their order. A
call waits for its answer as a greenlet: see waiting.py.
"""

import asyncio
import contextlib
import socket
import ssl
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import hiredis
from redis._parsers import BaseParser
from redis.exceptions import ConnectionError as BrokenConnection
from redis.exceptions import InvalidResponse, RedisError
from redis.exceptions import TimeoutError as NoAnswer

from asmx_tickets.errors import Unavailable
from asmx_tickets.redis.address import ANSWER_SECONDS
from asmx_tickets.redis.connections import NotConnected
from asmx_tickets.redis.tls import TlsTransport
from asmx_tickets.waiting import Lane, in_thread, loop_of_call, wait_for, wait_for_task

_MORE = object()
_CLOSED = "Connection closed by server."


class Pipeline(asyncio.Protocol):
    """A connection, made and logged in, whose commands do not wait for each other's answers."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.is_usable = True
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)
        self._reader: Any = hiredis.Reader(
            protocolError=InvalidResponse, replyError=BaseParser.parse_error, notEnoughData=_MORE
        )
        self._unsent: list[bytes] = []
        self._waiting: deque[tuple[float, Callable[[Any], None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def exchange(self, command: tuple[Any, ...]) -> Any:
        """Send a command and wait for its answer. Raises redis-py's errors."""
        if not self.is_usable:
            raise BrokenConnection(_CLOSED)
        if not self._unsent:
            self.loop.call_soon(self._send)
        self._unsent.append(hiredis.pack_command(command))
        answer = wait_for(self._expect)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def drop(self) -> None:
        """Take no more commands; close once those that wait are answered."""
        self.is_usable = False
        if not self._waiting:
            self._transport.close()

    # --- what the transport says ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (answer := self._next_answer()) is not _MORE:
            _, go_on = self._waiting.popleft()
            go_on(answer)
        if not self.is_usable and not self._waiting:
            self._transport.close()

    def _next_answer(self) -> Any:
        """The next whole answer, or _MORE if there is none. An unexpected answer ends the connection."""
        with contextlib.suppress(InvalidResponse):
            answer = self._reader.gets()
            if answer is _MORE or self._waiting:
                return answer
        self._end(lambda: BrokenConnection("The answer is none of Redis."))
        return _MORE

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(lambda: BrokenConnection(str(exc) if exc else _CLOSED))

    # --- waiting ---

    def _expect(self, go_on: Callable[[Any], None]) -> None:
        self._waiting.append((self.loop.time() + ANSWER_SECONDS, go_on))
        if self._timer is None:
            self._timer = self.loop.call_later(ANSWER_SECONDS, self._check_time)

    def _send(self) -> None:
        unsent, self._unsent = self._unsent, []
        if not self._transport.is_closing():
            self._transport.writelines(unsent)

    def _check_time(self) -> None:
        """End the connection when the oldest command has waited too long, since those behind it would wait as well."""
        self._timer = None
        now = self.loop.time()
        if self._waiting and self._waiting[0][0] <= now:
            late = [self._waiting.popleft()[1] for waits in list(self._waiting) if waits[0] <= now]
            self._end(lambda: BrokenConnection("An answer before this one did not come."))
            for go_on in late:
                go_on(NoAnswer("Timeout reading from socket"))
        elif self._waiting:
            self._timer = self.loop.call_later(self._waiting[0][0] - now, self._check_time)

    def _end(self, error: Callable[[], Exception]) -> None:
        self.is_usable = False
        self._transport.abort()
        waiting, self._waiting = self._waiting, deque()
        for _, go_on in waiting:
            go_on(error())


class SharedConnection:
    """The pipeline of an event loop. It is made when it is needed, and again after it has ended."""

    def __init__(self, make: Callable[[], Any]) -> None:
        """``make`` gives a redis-py connection that is yet to be connected. It may raise RedisError."""
        self._make = make
        self._pipeline: Pipeline | None = None
        self._waiting: list[Callable[[Any], None]] | None = None  # calls that wait for the connection
        self._closed = False

    def exchange(self, command: tuple[Any, ...]) -> Any:
        """Send a command and wait for its answer, in a Hub's call.

        Raises redis-py's errors, NotConnected and Unavailable.
        """
        pipeline = self._pipeline
        if pipeline is None or not pipeline.is_usable or pipeline.loop is not loop_of_call():
            pipeline = self._connected()
        return pipeline.exchange(command)

    def drop(self) -> None:
        """Give up the connection, which may lead to a server that is gone or no longer the master."""
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and with it the connection
                pipeline.loop.call_soon_threadsafe(pipeline.drop)

    def close(self) -> None:
        """Make no more connections."""
        self._closed = True
        self.drop()

    def _connected(self) -> Pipeline:
        """Connect, or wait for the call that is about to. Raises NotConnected and Unavailable."""
        if self._waiting is not None:
            return _pipeline_or_error(wait_for(self._waiting.append))
        self._waiting = []
        outcome = self._try_to_connect()
        waiting, self._waiting = self._waiting, None
        loop = cast("asyncio.AbstractEventLoop", loop_of_call())
        for go_on in waiting:
            loop.call_soon(go_on, outcome)
        return _pipeline_or_error(outcome)

    def _try_to_connect(self) -> Pipeline | Exception:
        if self._closed:
            return Unavailable("the connections to Redis are closed")
        loop = cast("asyncio.AbstractEventLoop", loop_of_call())
        try:
            connected = in_thread(Lane.REDIS, self._connect)
            if isinstance(connected, ssl.SSLSocket):
                self._pipeline = Pipeline(loop)
                TlsTransport(loop, connected, self._pipeline)
            else:
                _, self._pipeline = wait_for_task(loop.create_connection(lambda: Pipeline(loop), sock=connected))
        except (RedisError, Unavailable) as error:
            return error
        except OSError as error:
            return BrokenConnection(str(error))
        return self._pipeline

    def _connect(self) -> socket.socket:
        """A socket to Redis, logged in and with its database chosen."""
        connection = self._make()
        connection.connect()
        connected, connection._sock = connection._sock, None  # it would close its socket at its end
        return cast("socket.socket", connected)


def _pipeline_or_error(outcome: Pipeline | Exception) -> Pipeline:
    """The pipeline that connecting gave. Raises NotConnected or Unavailable if it gave an error."""
    if isinstance(outcome, Pipeline):
        return outcome
    if isinstance(outcome, RedisError):
        raise NotConnected(outcome) from outcome
    raise Unavailable(str(outcome)) from outcome
