"""The site as an RSGI application, for granian: reads bodies under a deadline and a limit before any work starts."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from asmx_tickets.hosting.lanes import Lane, LaneFull
from asmx_tickets.hosting.site import Call, Site
from spyne_asmx import Request, Response
from spyne_asmx.http import UNREADABLE, text_response
from spyne_asmx.wsgi import too_large

_END = ("connection", "close")


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How large a request body may be, and how many seconds all of it may take (SECURITY F1, H2)."""

    max_bytes: int = 65536
    seconds: float = 10.0


class CutBody(Exception):
    """The body ended before its end (SECURITY H4)."""


class RsgiHeaders:
    """RSGI's headers, with what the application asks of headers."""

    __slots__ = ("_headers", "get")

    def __init__(self, headers: Any) -> None:
        self._headers = headers
        self.get = headers.get

    def get_all(self, name: str) -> Sequence[str]:
        values: list[str] = self._headers.get_all(name)
        # granian leaves out values that are no ASCII; that the header was there must not be forgotten (SECURITY T5).
        if self.get(name) is None and name in self._headers:
            values.append(UNREADABLE)
        return values


class RsgiApplication:
    """Serves a site.

    ``lane_of`` names the lane that a call must run in; a call without one runs on the event loop. ``on_start`` is a
    coroutine function, ``on_stop`` is called after the last call has come to its end.
    """

    def __init__(
        self,
        site: Site,
        *,
        lanes: Mapping[str, Lane],
        lane_of: Callable[[Call], str],
        limits: BodyLimits,
        on_start: Callable[[], Any],
        on_stop: Callable[[], None] = lambda: None,
    ) -> None:
        self._site = site
        self._lanes = lanes
        self._lane_of = lane_of
        self._limits = limits
        self._on_start = on_start
        self._on_stop = on_stop

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._reading: dict[Any, float] = {}  # tasks that wait for a body, oldest first, and since when
        self._background = (loop.create_task(self._on_start()), loop.create_task(self._give_up_slow_bodies()))

    def __rsgi_del__(self, _loop: asyncio.AbstractEventLoop) -> None:
        for task in self._background:
            task.cancel()
        for lane in self._lanes.values():
            lane.close()
        self._on_stop()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        headers = RsgiHeaders(scope.headers)
        method = scope.method
        body = b""
        if method == "POST":
            refusal, body = await self._body(headers, protocol)
            if refusal is not None:
                answer = self._site.refuse(refusal)
                protocol.response_bytes(answer.status, list(answer.headers), answer.body)
                return
        request = Request(method, scope.path, scope.query_string, headers, body, scope.scheme, _host(scope, headers))
        request.remote_address = scope.client.rpartition(":")[0].strip("[]")
        begun = self._site.begin(request)
        if not isinstance(begun, Response):
            lane = self._lane_of(begun)
            begun = await self._in_lane(lane, begun) if lane else self._site.finish(begun)
        protocol.response_bytes(begun.status, list(begun.headers), begun.body)

    async def _in_lane(self, lane: str, call: Call) -> Response:
        try:
            return await self._lanes[lane].run(partial(self._site.finish, call))
        except LaneFull:
            return self._site.unavailable(call)

    async def _body(self, headers: RsgiHeaders, protocol: Any) -> tuple[Response | None, bytes]:
        """The whole body; or what to answer instead of taking it."""
        length = headers.get("content-length")
        if length is not None and int(length) > self._limits.max_bytes:
            return too_large(), b""
        codings = headers.get_all("transfer-encoding")
        if codings and [coding.strip().lower() for coding in codings] != ["chunked"]:
            return text_response(501, "Only the transfer coding chunked is supported.", _END), b""
        task = asyncio.current_task(self._loop)
        self._reading[task] = self._loop.time()
        try:
            body = await (self._chunked_body(protocol) if codings else protocol())
        except asyncio.CancelledError:
            return text_response(408, "The request body did not arrive in time.", _END), b""
        except Exception:  # granian's, or CutBody
            return text_response(400, "The request body ended early.", _END), b""
        finally:
            del self._reading[task]
        return (too_large(), b"") if body is None else (None, body)

    async def _give_up_slow_bodies(self) -> None:
        """Cancel the readers whose time is up. A timer for each body would cost every call several times as much."""
        while True:
            await asyncio.sleep(self._limits.seconds / 20)
            begun_before = self._loop.time() - self._limits.seconds
            for task, begun in list(self._reading.items()):
                if begun > begun_before:
                    break
                task.cancel()

    async def _chunked_body(self, protocol: Any) -> bytes | None:
        """A body that does not tell its length.

        granian ends the iteration with one empty piece after a clean end, and with two when the framing broke or the
        client went away: the error is the first, the end the second.
        """
        pieces: list[bytes] = []
        size = empty = 0
        async for piece in protocol:
            pieces.append(piece)
            size += len(piece)
            empty += not piece
            if size > self._limits.max_bytes:
                return None
        if empty != 1:
            raise CutBody
        return b"".join(pieces)


def _host(scope: Any, headers: RsgiHeaders) -> str:
    """The host a request is for; empty, and so refused, unless there is exactly one (RFC 9112 section 3.2)."""
    named = headers.get_all("host")
    if not named and scope.http_version == "1":  # granian's name for 1.0
        return scope.server
    if len(named) != 1 or (scope.authority and scope.authority.lower() != named[0].lower()):
        return ""
    return named[0]
