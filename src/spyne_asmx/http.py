"""What the endpoint needs of HTTP: a request and an answer as plain values, and one way to read a media type."""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

from werkzeug.http import parse_options_header

_log = logging.getLogger("spyne_asmx")

# An answer may be for one client only, so no cache may keep it (RFC 9111 section 5.2.2.5).
UNCACHED = (("cache-control", "private, max-age=0, no-store"), ("pragma", "no-cache"))
PLAIN_TEXT = ("content-type", "text/plain; charset=utf-8")
XML_TEXT = ("content-type", "text/xml; charset=utf-8")


class Headers(Protocol):
    """Request headers, looked up in lower case."""

    def get(self, name: str) -> str | None:
        """The first value, or None."""

    def get_all(self, name: str) -> Sequence[str]:
        """All values, in the order in which they came."""

    def __iter__(self) -> Iterator[str]:
        """The names that are there, in lower case."""


class HeaderMap:
    """Headers from pairs."""

    __slots__ = ("_values",)

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name.lower(), []).append(value)

    def get(self, name: str) -> str | None:
        values = self._values.get(name)
        return values[0] if values else None

    def get_all(self, name: str) -> Sequence[str]:
        return self._values.get(name, ())

    def __iter__(self) -> Iterator[str]:
        """The names that are there, in lower case."""
        return iter(self._values)


def header_text(value: bytes) -> str:
    """A header's value as text: UTF-8 if it is valid, otherwise Latin-1."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def host_of_server(name: str, port: object) -> str:
    """The host of a request that names none, as HTTP/1.0 allows: the server's own address."""
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


@dataclass(slots=True)
class Request:
    """One HTTP request with its whole body.

    ``path`` is percent-decoded and without ``path_base``, the part of the path under which the application is
    mounted; ``query`` is as sent: UTF-8, and bytes that are none as surrogates (PEP 383). ``scheme``, ``host`` and
    ``remote_address`` are the client's, proxies allowed for.
    ``id`` names the request in logs and in the answer.
    """

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes = b""
    scheme: str = "http"
    host: str = "localhost"
    path_base: str = ""
    remote_address: str = ""
    id: str = ""

    def log_bug(self, what: str) -> None:
        """Log the exception being handled, under this request's id."""
        _log.exception("request %s: %s failed", self.id or "-", what)


class Response(NamedTuple):
    """One HTTP answer. Header names are in lower case; the transport adds Content-Length.

    An answer to HEAD has the body of the answer to GET; the transport measures it and does not send it.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


def text_response(status: int, text: str, *headers: tuple[str, str]) -> Response:
    """An answer in plain text."""
    return Response(status, (PLAIN_TEXT, *UNCACHED, *headers), text.encode("utf-8", "replace"))


def too_large(limit: int) -> Response:
    """The answer to a body over the limit, in bytes; the rest of it is not read, so the connection ends."""
    return text_response(413, f"The request body is larger than {limit} bytes.", ("connection", "close"))


@dataclass(frozen=True, slots=True)
class MediaType:
    """A parsed Content-Type header: the type in lower case, and the parameters that matter here."""

    name: str = ""
    charset: str | None = None
    action: str | None = None


# RFC 3902: the action is a URI in quotes. Some clients leave the quotes out, and some put quotes into quotes.
_ACTION = re.compile(r""";\s*action\s*=\s*(?:["'\\\s]*"["'\\\s]*([^"\\]*)|([^;"\s]*))""", re.IGNORECASE)


@lru_cache(maxsize=256)
def parse_media_type(header: str | None) -> MediaType:
    """Read a Content-Type header. Clients send the same few again and again, so the results are cached."""
    if not header or len(header) > 1024:
        return MediaType()
    name, parameters = parse_options_header(header)
    action = _ACTION.search(header)
    named = (action[1] or action[2] or "") if action else None
    charset = parameters.get("charset", "")
    return MediaType(name.strip().lower(), charset if charset.strip("\"' ") else None, named)
