"""ASGI applications, spoken to message by message."""

import asyncio
from typing import Any


def http_scope(method: str, path: str, **more: Any) -> dict[str, Any]:
    """The scope of a request, with a Host header unless ``more`` has other headers."""
    return {"type": "http", "method": method, "path": path, "headers": [(b"host", b"h")], **more}


def sent_by(application: Any, scope: dict[str, Any], *messages: dict[str, Any]) -> list[Any]:
    """What the application sends when it receives these messages and no more."""
    sent: list[Any] = []
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(application(scope, receive, send))
    return sent
