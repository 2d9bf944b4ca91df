"""An endpoint as an ASGI application: for uvicorn and other ASGI servers, and to be mounted in Starlette or FastAPI."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from spyne_asmx.endpoint import AsmxEndpoint
from spyne_asmx.endpoints import AsmxEndpoints
from spyne_asmx.http import HeaderMap, Request, Response, header_text, host_of_server, too_large
from spyne_asmx.operations import Waiting

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class _TooLarge(Exception):
    """The body is larger than it may be."""


class _ClientGone(Exception):
    """The client went away before the end of its body."""


class AsgiApplication:
    """Answers HTTP requests (ASGI 3). Operations that never wait run on the event loop, all others in its threads.

    A body over the endpoint's limit, whether or not its length is declared, is answered with 413. The server decides
    how long a client may take to send it.
    """

    def __init__(self, endpoint: AsmxEndpoint | AsmxEndpoints) -> None:
        self.endpoint = endpoint
        self._max_body = endpoint.limits.body

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            raise ValueError(f"an ASGI scope of type {scope['type']!r} is not known")

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        request = _request(scope)
        if request.method == "POST":
            try:
                request.body = await self._body(request, receive)
            except _ClientGone:
                return
            except _TooLarge:
                await _send(too_large(self._max_body), scope, send)
                return
        await _send(await self._answer(request), scope, send)

    async def _answer(self, request: Request) -> Response:
        begun = self.endpoint.begin(request)
        if isinstance(begun, Response):
            return begun
        if begun.waiting is Waiting.NEVER:
            return self.endpoint.finish(begun)
        return await asyncio.to_thread(self.endpoint.finish, begun)

    async def _body(self, request: Request, receive: Receive) -> bytes:
        """Read the whole body. Raises _ClientGone, and _TooLarge: before reading anything if the length is declared."""
        length = request.headers.get("content-length") or ""
        if length.isdecimal() and int(length[:20]) > self._max_body:
            raise _TooLarge
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _ClientGone
            body += message.get("body", b"")
            if len(body) > self._max_body:
                raise _TooLarge
            more = message.get("more_body", False)
        return bytes(body)


def _request(scope: Message) -> Request:
    headers = HeaderMap([(name.decode("latin-1"), header_text(value)) for name, value in scope["headers"]])
    path_base, path = scope.get("root_path", ""), scope["path"]
    # The path begins with the base (ASGI 2.4 says so; servers before it left it out).
    if path_base and (path == path_base or path.startswith(f"{path_base}/")):
        path = path[len(path_base) :]
    return Request(
        method=scope["method"],
        path=path,
        query=scope.get("query_string", b"").decode("utf-8", "surrogateescape"),
        headers=headers,
        scheme=scope.get("scheme", "http"),
        host=_host(scope, headers),
        path_base=path_base,
        remote_address=(scope.get("client") or ("",))[0],
    )


def _host(scope: Message, headers: HeaderMap) -> str:
    host = headers.get("host")
    name, port = scope.get("server") or ("", None)
    if host is None and port is not None and scope.get("http_version") == "1.0":
        return host_of_server(name, port)
    return host or ""


async def _send(answer: Response, scope: Message, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if not scope.get("http_version", "1.1").startswith("1."):
        headers = [header for header in headers if header[0] != b"connection"]  # RFC 9113 section 8.2.2
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})


async def _live(receive: Receive, send: Send) -> None:
    """Nothing to do when the server starts and stops."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
