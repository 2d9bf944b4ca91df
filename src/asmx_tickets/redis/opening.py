"""Opens the one way to Redis that all stores of a process share."""

from typing import TYPE_CHECKING

from asmx_tickets import extras

if TYPE_CHECKING:
    from asmx_tickets.redis.client import RedisClient

MAX_CONNECTIONS = 32
"""For threads; calls on an event loop share one. Not less than there are threads that call."""


def open_redis(url: str, *, prefix: str, max_connections: int = MAX_CONNECTIONS) -> "RedisClient":
    """The Redis at a URL (see address.py), for keys that begin with ``prefix``. Connects when it is first used.

    Raises SettingsError if the URL is wrong or a package is missing.
    """
    try:
        from asmx_tickets.redis.address import parse_address
        from asmx_tickets.redis.client import RedisClient
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in {"redis", "hiredis"}:
            raise
        raise extras.missing("ConnectionStrings:Tickets", "redis") from None
    # A Redis user may have no rights but for the prefix's keys: every such user can ask for one of them.
    return RedisClient(parse_address(url), heartbeat=("GETEX", f"{prefix}t:"), max_connections=max_connections)
