"""The site as an RSGI application, for granian: reads bodies under a deadline and a limit before any work starts."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from asmx_tickets.asmx import Request, Response
from asmx_tickets.asmx.context import AsmxContext
from asmx_tickets.asmx.http import text_response
from asmx_tickets.asmx.wsgi import too_large
from asmx_tickets.hosting.lanes import Lane, LaneFull
from asmx_tickets.hosting.site import Site

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
        return self._headers.get_all(name)  # type: ignore[no-any-return]


class RsgiApplication:
    """Serves a site.

    ``lane_of`` names the lane that a call must run in; a call without one runs on the event loop.
    """

    def __init__(
        self,
        site: Site,
        lanes: Mapping[str, Lane],
        lane_of: Callable[[AsmxContext], str],
        limits: BodyLimits,
        on_start: Callable[[], Any],
    ) -> None:
        self._site = site
        self._lanes = lanes
        self._lane_of = lane_of
        self._limits = limits
        self._on_start = on_start

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._starting = loop.create_task(self._on_start())

    def __rsgi_del__(self, _loop: asyncio.AbstractEventLoop) -> None:
        for lane in self._lanes.values():
            lane.close()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        try:
            response = await self._respond(scope, protocol)
        except TimeoutError:
            response = self._site.refuse(text_response(408, "The request body did not arrive in time.", _END))
        except CutBody:
            response = self._site.refuse(text_response(400, "The request body ended early.", _END))
        protocol.response_bytes(response.status, list(response.headers), response.body)

    async def _respond(self, scope: Any, protocol: Any) -> Response:
        headers = RsgiHeaders(scope.headers)
        body = b""
        if scope.method == "POST":
            whole = await self._body(headers, protocol)
            if whole is None:
                return self._site.refuse(too_large())
            body = whole
        begun = self._site.begin(
            Request(
                scope.method,
                scope.path,
                scope.query_string,
                headers,
                body,
                scope.scheme,
                _host(scope, headers),
                "",
                scope.client.rpartition(":")[0].strip("[]"),
            )
        )
        if isinstance(begun, Response):
            return begun
        lane = self._lane_of(begun)
        if not lane:
            return self._site.finish(begun)
        try:
            return await self._lanes[lane].run(partial(self._site.finish, begun))
        except LaneFull:
            return self._site.unavailable(begun)

    async def _body(self, headers: RsgiHeaders, protocol: Any) -> bytes | None:
        """The whole body, or None for one that is too large. Raises CutBody and TimeoutError."""
        length = headers.get("content-length")
        if length is not None and int(length) > self._limits.max_bytes:
            return None
        async with asyncio.timeout(self._limits.seconds):
            if headers.get("transfer-encoding") is not None:
                return await self._chunked_body(protocol)
            try:
                return await protocol()  # type: ignore[no-any-return]
            except TimeoutError:
                raise
            except Exception:
                raise CutBody from None

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
    if not named and scope.http_version == "1.0":
        return scope.server  # type: ignore[no-any-return]
    if len(named) != 1 or (scope.authority and scope.authority.lower() != named[0].lower()):
        return ""
    return named[0]
