"""A client's bytes mean the same however they are cut on their way (RFC 9293: TCP carries a stream)."""

import asyncio
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from asmx_tickets.hosting.connection import Connection
from asmx_tickets.hosting.dispatch import Dispatcher
from asmx_tickets.hosting.door import Door, DoorLimits
from asmx_tickets.waiting import Hub
from tests.support.calls import on_loop
from tests.support.door import CLOSE, request
from tests.support.service import Service

FORM = "Content-Type: application/x-www-form-urlencoded"
BODY = b"AuthenticationTicket=\xc3\xa9"
H2C = ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAM")
LAST = request("/nope", CLOSE)


def call(*headers: str, body: bytes = BODY) -> bytes:
    return request("/srv.asmx/isValidTicket", FORM, *headers, method="POST", body=body)


def chunks(body: bytes, *headers: str) -> bytes:
    return call("Transfer-Encoding: chunked", *headers, body=body)


LENGTH = f"Content-Length: {len(BODY)}"
CHUNK = b"%x\r\n%s\r\n" % (len(BODY), BODY)
STREAMS = {
    "calls of all kinds": call(LENGTH) + request("/srv.asmx") + chunks(CHUNK + b"0\r\n\r\n") + LAST,
    "empty lines before each request": b"\r\n\r\n" + call(LENGTH) + b"\r\n" + request("/healthz") + b"\r\n" + LAST,
    "a query of raw UTF-8": request("/srv.asmx/isValidTicket?AuthenticationTicket=é") + LAST,
    "a path of raw UTF-8": request("/é.asmx") + LAST,
    "extensions and trailers": chunks(b'1;a="b;c"\r\nA\r\n' + b"0;x\r\nX: a\r\nHost: b\r\n\r\n") + LAST,
    "HEAD": request("/srv.asmx", method="HEAD") + request("/healthz", method="HEAD") + LAST,
    "HTTP/1.0": b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" * 2 + b"GET /nope HTTP/1.0\r\n\r\n" + LAST,
    "requests after the last": request("/healthz", CLOSE) + call(LENGTH) + LAST,
    "upgrades that are ignored": call(LENGTH, *H2C) + chunks(CHUNK + b"0\r\n\r\n", *H2C) + LAST,
    "no request": request("/healthz") + b"GET /healthz HTTP/1.1\r\nno header\r\n\r\n" + LAST,
    "two framings": request("/healthz") + chunks(b"0\r\n\r\n", "Content-Length: 0") + LAST,
    "an unknown coding": call("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n") + LAST,
    "too large a body": call("Content-Length: 70000") + LAST,
    "too long a target": request("/" + "a" * 9000) + LAST,
    "too many headers": request("/healthz", *["X: a"] * 101) + LAST + LAST,
    "a target of another scheme": b"GET ftp://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n" + LAST,
    "a bad chunk": chunks(CHUNK + b"x\r\n\r\n") + LAST,
    "a bad host": call(LENGTH).replace(b"localhost", b"a b") + LAST,
}


class Said(NamedTuple):
    """What a client gets: each answer's status and Connection header, and whether the connection has ended."""

    statuses: list[bytes]
    connection: list[bytes]
    ended: bool


class Wire(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closing = self.ended = False
        self.reading = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 80)}.get(name, default)

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closing = self.ended = True

    abort = close

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


async def said_to(hub: Hub, door: Door, pieces: list[bytes]) -> Said:
    wire = Wire()
    client = Connection(SimpleNamespace(app=door), SimpleNamespace(connections=set()), {})
    client.connection_made(wire)
    for piece in pieces:
        while not wire.reading and not wire.ended:
            await asyncio.sleep(0)
        if not wire.closing:
            client.data_received(piece)
    quiet = 0
    while quiet < 3:  # turns of the loop in a row in which no call runs
        await asyncio.sleep(0)
        quiet = 0 if hub.running else quiet + 1
    answers = wire.written.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")
    return Said(re.findall(rb"HTTP/1\.1 (\d{3})", answers), re.findall(rb"\r\nconnection: (\S+)", answers), wire.ended)


@pytest.mark.parametrize("stream", STREAMS)
def test_a_stream_means_the_same_wherever_it_is_cut(shared_service: Callable[..., Service], stream: str) -> None:
    """Each stream ends its connection, and its last answer says so."""
    sent = STREAMS[stream]
    site = shared_service().composition.site

    async def scenario(hub: Hub) -> None:
        door = Door(site, Dispatcher(site, hub), DoorLimits(), lambda: 0.0)
        whole = await said_to(hub, door, [sent])
        assert whole.ended
        assert whole.connection == [b"keep-alive"] * (len(whole.statuses) - 1) + [b"close"]
        for at in {*range(1, min(len(sent), 600)), *range(max(1, len(sent) - 150), len(sent))}:
            assert await said_to(hub, door, [sent[:at], sent[at:]]) == whole, (sent[:at], sent[at:])
        assert await said_to(hub, door, [sent[at : at + 1] for at in range(len(sent))]) == whole

    on_loop(scenario)
