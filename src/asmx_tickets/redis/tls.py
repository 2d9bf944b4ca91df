"""A TLS connection that redis-py has made, on an event loop.

The loops' own transports would shake hands themselves. redis-py has done so, checked the certificate as the URL's
options say, and logged in: all that is left is to read and write without waiting.
"""

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any

_AT_ONCE = 65536  # more than a TLS record, so that none is left half read without the loop's knowing
_NOT_NOW = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


class TlsTransport(asyncio.Transport):
    """What a Pipeline needs of a transport."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connected: ssl.SSLSocket, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._loop = loop
        self._socket = connected
        self._protocol = protocol
        self._unsent = bytearray()
        self._waits = False  # for room to write
        self._closing = False
        connected.setblocking(False)
        protocol.connection_made(self)
        loop.add_reader(connected.fileno(), self._read)

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self._unsent += b"".join(list_of_data)
        if not self._waits:
            self._write()

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        """Close now. Nobody closes while an answer is due."""
        if not self._closing:
            self._end(None)

    abort = close

    def _read(self) -> None:
        try:
            data = self._socket.recv(_AT_ONCE)
        except _NOT_NOW:  # a piece of a record
            return
        except OSError as error:
            self._end(error)
            return
        if data:
            self._protocol.data_received(data)
        else:
            self._end(None)

    def _write(self) -> None:
        """Write what goes now, and the rest once there is room."""
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent)]
        except _NOT_NOW:
            pass
        except OSError as error:
            self._end(error)
            return
        if bool(self._unsent) != self._waits:
            self._waits = not self._waits
            if self._waits:
                self._loop.add_writer(self._socket.fileno(), self._write)
            else:
                self._loop.remove_writer(self._socket.fileno())

    def _end(self, error: OSError | None) -> None:
        self._closing = True
        self._loop.remove_reader(self._socket.fileno())
        self._loop.remove_writer(self._socket.fileno())
        self._socket.close()
        self._loop.call_soon(self._protocol.connection_lost, error)
