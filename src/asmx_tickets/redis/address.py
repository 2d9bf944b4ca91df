"""The address of a Redis, from ``ConnectionStrings:Tickets``.

::

    redis://[USER:PASSWORD@]HOST[:6379][/DB]              with TLS rediss://…: the server's certificate is checked
    unix://[USER:PASSWORD@]/PATH/OF/SOCKET[?db=DB]
    redis+sentinel://[USER:PASSWORD@]HOST[:26379][,HOST…]/SERVICE[/DB]              with TLS rediss+sentinel://…

The first three are redis-py's. The last names Sentinels, which know where a service's master is; what stands before
``@`` is for the master, ``?sentinel_username=…&sentinel_password=…`` for the Sentinels. Other options are ``db``,
``client_name`` and redis-py's ``ssl_ca_certs``, ``ssl_certfile``, ``ssl_keyfile`` and the like.

All time limits are the program's, but one: each new connection looks up the host's name, for as long as the machine's
resolver may take. An address needs no resolver.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from redis.backoff import NoBackoff
from redis.connection import Connection, parse_url
from redis.exceptions import RedisError
from redis.retry import Retry
from redis.sentinel import Sentinel

from asmx_tickets.errors import SettingsError

# SECURITY R1: redis-py's own limits and retries keep a caller waiting for nearly a minute.
CONNECT_SECONDS = 0.25
ANSWER_SECONDS = 0.5
SENTINELS_SECONDS = 0.4  # For all of them together.

_FORMS = "redis://USER:PASSWORD@HOST:PORT/DB, unix:///PATH or redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/DB"
_OPTION = re.compile(r"db|client_name|ssl_[a-z_]+")
_SENTINEL_OPTIONS = {"sentinel_username": "username", "sentinel_password": "password"}
_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
# redis-py has no types for these.
_parse_url: Any = parse_url
_Sentinel: Any = Sentinel
_SENTINEL = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::([0-9]{1,5}))?", re.ASCII)
# RESP2 and no client info: a new connection takes no round trips but those for the password and the database.
_BARE: dict[str, Any] = {"protocol": 2, "driver_info": None}


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """A Redis that can be connected to."""

    where: str
    """For logs: without user and password."""
    connection: Callable[[], Any]
    """Makes a redis-py connection that is yet to be connected. May ask Sentinels, and raise RedisError."""
    by_sentinel: bool = False
    """Whether a replica may take the master's place."""


class _Wrong(ValueError):
    """What is wrong with a URL, in words that reveal nothing of it."""


def parse_address(url: str) -> RedisAddress:
    """Read a URL. Connects to nothing.

    Raises SettingsError, with one line that shows nothing of the URL: there may be a password in it.
    """
    try:
        parts = urlsplit(url)
        return _by_sentinel(parts) if parts.scheme.endswith("+sentinel") else _direct(parts)
    except _Wrong as error:
        problem = str(error)
    except (ValueError, TypeError, RedisError):
        problem = f"must be a URL such as {_FORMS}"
    raise SettingsError(f"ConnectionStrings:Tickets {problem}")


def _direct(parts: SplitResult) -> RedisAddress:
    make, options = _connection(parts)
    where = str(options["path"]) if "path" in options else _text(options["host"], options["port"])
    return RedisAddress(where, lambda: make(**options))


def _by_sentinel(parts: SplitResult) -> RedisAddress:
    login, at, hosts = parts.netloc.rpartition("@")
    sentinels = [_sentinel(host) for host in hosts.split(",")]
    service, _, db = parts.path.strip("/").partition("/")
    if not service:
        raise _Wrong("must name the master's service: redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/DB")
    scheme = parts.scheme.removesuffix("+sentinel")
    master = parts._replace(scheme=scheme, netloc=f"{login}{at}to.be.found", path=f"/{db}")
    make, options = _connection(master, also=_SENTINEL_OPTIONS)
    known = _Sentinel(sentinels, sentinel_kwargs=_to_sentinels(options, scheme == "rediss", len(sentinels)))

    def connection() -> Any:
        host, port = known.discover_master(service)
        return make(**{**options, "host": host, "port": port})

    where = f"{service} of Sentinel {', '.join(_text(*sentinel) for sentinel in sentinels)}"
    return RedisAddress(where, connection, by_sentinel=True)


def _connection(parts: SplitResult, *, also: Collection[str] = ()) -> tuple[Callable[..., Any], dict[str, Any]]:
    """redis-py's class for a URL, and its arguments. ``also`` are options that it does not know."""
    _check_place(parts)
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    if not all(_OPTION.fullmatch(name) or name in also for name in names):
        raise _Wrong("must have no options but db, client_name and ssl_...; time limits are set by the program")
    # geturl() would leave out the slashes of unix:///.
    options: dict[str, Any] = dict(_parse_url(f"{parts.scheme}://{parts.netloc}{parts.path}?{parts.query}"))
    make = options.pop("connection_class", Connection)
    options |= _BARE | {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": ANSWER_SECONDS}
    if "path" not in options:
        options.setdefault("port", 6379)
    for name in _FILES:
        if name in options and not Path(options[name]).is_file():
            raise _Wrong(f"must name a file that can be read in {name}")
    make(**{name: value for name, value in options.items() if name not in also})
    return make, options


def _check_place(parts: SplitResult) -> None:
    """Refuse what redis-py would silently ignore, and so use another place than was meant."""
    if parts.scheme not in {"redis", "rediss", "unix"} or parts.fragment:
        raise _Wrong(f"must be a URL such as {_FORMS}; special characters in a password are written as %23")
    if parts.scheme == "unix":
        if parts.hostname or len(parts.path) < 2:
            raise _Wrong("must have three slashes before a socket's path: unix:///run/redis/redis.sock")
    elif not parts.hostname or not parts.hostname.encode("idna") or parts.port == 0:
        raise _Wrong("must name a host, and a port from 1 to 65535")
    elif not re.fullmatch("/?[0-9]{0,9}", parts.path):
        raise _Wrong("must have a database's number as its path: redis://HOST:PORT/0")


def _sentinel(text: str) -> tuple[str, int]:
    found = _SENTINEL.fullmatch(text)
    port = int((found and found[2]) or 26379)
    if not found or not 0 < port < 65536:
        raise _Wrong("must name Sentinels as HOST:PORT, separated by commas")
    return found[1].strip("[]"), port


def _to_sentinels(options: dict[str, Any], tls: bool, number: int) -> dict[str, Any]:
    """Arguments for connections to Sentinels, taken from those to the master."""
    seconds = SENTINELS_SECONDS / number
    login = {name: options.pop(option) for option, name in _SENTINEL_OPTIONS.items() if option in options}
    security = {name: value for name, value in options.items() if name.startswith("ssl_")} | {"ssl": tls}
    limits = {"socket_connect_timeout": seconds, "socket_timeout": seconds, "retry": Retry(NoBackoff(), 0)}
    return {**_BARE, **login, **security, **limits}


def _text(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
