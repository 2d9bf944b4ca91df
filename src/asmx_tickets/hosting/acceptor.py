"""Accepts clients that speak TLS.

The loop's own servers tell nobody of a client before its handshake is over. Here the door counts it from the first
moment: those who never finish a handshake hold no descriptor longer than a head may take, and are the first to go when
there are too many (SECURITY H1).
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from functools import partial

from asmx_tickets.hosting.door import Door

_AT_ONCE = 8  # clients accepted before anything else is done, so that those who had to go are gone
_PAUSE_SECONDS = 0.5  # when there are no descriptors

_log = logging.getLogger(__name__)


class Handshake:
    """A client whose handshake has begun, as the door sees it."""

    unsent_bytes = taken_bytes = 0
    is_incomplete = False

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.is_idle = True
        self.task: asyncio.Task[None] | None = None

    def expire(self) -> None:
        """It has taken too long."""
        self.close()

    def close(self) -> None:
        """Close now."""
        self.is_idle = False  # it takes a moment, and the next to go is another one
        if self.task is not None:
            self.task.cancel()


class Acceptor:
    """Accepts on a socket that listens already, as one of a server's servers.

    ``make`` makes the protocol of a connection.
    """

    def __init__(
        self, listener: socket.socket, door: Door, context: ssl.SSLContext, make: Callable[[], asyncio.Protocol]
    ) -> None:
        self._listener = listener
        self._door = door
        self._context = context
        self._make = make
        self._loop = asyncio.get_running_loop()
        self._handshakes: set[Handshake] = set()
        self._complain_at = float("-inf")
        self._closed = False
        listener.setblocking(False)
        self._accept_again()

    def close(self) -> None:
        """Accept nobody any more, and give up the handshakes that are under way."""
        self._closed = True
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for handshake in list(self._handshakes):
            handshake.close()

    def _accept_again(self) -> None:
        if not self._closed:
            self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                client, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no descriptors, or no memory
                self._pause(error)
                return
            self._welcome(client)

    def _pause(self, error: OSError) -> None:
        self._loop.remove_reader(self._listener)
        self._loop.call_later(_PAUSE_SECONDS, self._accept_again)
        now = self._door.now()
        if now >= self._complain_at:
            self._complain_at = now + 60
            _log.warning("no client can be accepted: %s", error.strerror)

    def _welcome(self, client: socket.socket) -> None:
        client.setblocking(False)
        seconds = self._door.limits.head_seconds
        handshake = Handshake(self._door.now() + seconds)
        handshake.task = self._loop.create_task(self._agree(client))
        handshake.task.add_done_callback(partial(self._ended, client, handshake))
        self._handshakes.add(handshake)
        self._door.opened(handshake)

    async def _agree(self, client: socket.socket) -> None:
        await self._loop.connect_accepted_socket(self._make, client, ssl=self._context)

    def _ended(self, client: socket.socket, handshake: Handshake, task: "asyncio.Task[None]") -> None:
        """The handshake is over: a Connection has taken its place, or there will be none."""
        self._handshakes.discard(handshake)
        self._door.closed(handshake)
        if task.cancelled() or task.exception() is not None:
            client.close()
