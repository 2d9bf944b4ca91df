"""The front door on a real socket, in another thread, and requests to it as bytes."""

import asyncio
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from asmx_tickets.hosting.acceptor import Acceptor
from asmx_tickets.hosting.connection import Connection
from asmx_tickets.hosting.dispatch import Dispatcher
from asmx_tickets.hosting.door import Door, DoorLimits
from asmx_tickets.waiting import Hub, lane_sizes
from tests.support.service import Service

CLOSE = "Connection: close"


class _State:
    def __init__(self) -> None:
        self.connections: set[Any] = set()


class _Config:
    def __init__(self, app: Door) -> None:
        self.app = app


class RunningDoor:
    """A door in front of a site, on a loop in another thread, with a clock that tests move."""

    def __init__(
        self,
        service: Service,
        limits: DoorLimits,
        context: ssl.SSLContext | None = None,
        new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
    ) -> None:
        """With a context the clients speak TLS."""
        self.seconds = 0.0
        self.state = _State()
        self._context = context
        self._loop = new_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.hub = Hub(self._loop, lane_sizes(2))
        site = service.composition.site
        self.door = Door(site, Dispatcher(site, self.hub), limits, lambda: self.seconds)
        self.port = self.run(self._listen())

    async def _listen(self) -> int:
        make = partial(Connection, _Config(self.door), self.state, {})
        listener = socket.create_server(("127.0.0.1", 0))
        if self._context is None:
            self._server: Any = await self._loop.create_server(make, sock=listener)
        else:
            self._server = Acceptor(listener, self.door, self._context, make)
        return int(listener.getsockname()[1])

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def pass_time(self, seconds: float) -> None:
        """Move the clock, and sweep."""

        async def sweep() -> None:
            self.seconds += seconds
            self.door.sweep()

        self.run(sweep())

    def close(self) -> None:
        async def stop() -> None:
            self._server.close()
            self.door.cut()
            self.hub.close()

        self.run(stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def settle(self, clients: int) -> None:
        """Wait until the door has so many clients, and has read what they sent."""
        for _ in range(1000):
            if self.run(self._count()) == clients:
                break
            time.sleep(0.005)
        self.run(asyncio.sleep(0.02))
        assert len(self.door) == clients

    async def _count(self) -> int:
        return len(self.door)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def raw(self, *pieces: bytes, half_close: bool = False) -> bytes:
        """Send bytes in pieces, and read until the server closes."""
        with self.connect() as connection:
            for piece in pieces:
                connection.sendall(piece)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            return read_to_end(connection)


def read_to_end(connection: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    return received


def read_answers(connection: socket.socket, count: int) -> bytes:
    """Read so many answers, whole."""
    received = b""
    while True:
        lengths = [int(length) for length in re.findall(rb"content-length: (\d+)\r\n", received)]
        heads = received.count(b"\r\n\r\n")
        if len(lengths) >= count and heads >= count and received.endswith((b">", b"ok", b".")):
            return received
        piece = connection.recv(65536)
        assert piece, received
        received += piece


def statuses(answers: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", answers)]


def request(target: str = "/srv.asmx/ServerInfo", *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
