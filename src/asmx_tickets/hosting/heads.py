"""Request heads: the request line and the headers. They are read once and remembered by their bytes.

A client's proxy always sends the same head. A head that carries a ticket, a cookie, credentials or a form is never
kept, and a query is cut off first, so no secret stays in memory because of this (SECURITY L1).
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote_to_bytes

from spyne_asmx import Decoder, HeaderMap, host_of_server

MAX_BYTES = 16 * 1024
MAX_HEADERS = 100
MAX_TARGET = 8192
_REMEMBERED = 512
_LONGEST_REMEMBERED = 2048
_REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64} \S{1,8192} HTTP/1\.[01]\r\n")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
# Every reader of request lines understands a query that has only RFC 3986's characters in the same way.
_QUERY = re.compile(rb"GET /[^?#\s]*(\?[A-Za-z0-9%&=+._~!$'()*,;:@/?-]*) HTTP/1\.[01]\r\n")
# The headers that a remembered head may have. Nobody puts a secret in any of these.
_HARMLESS = frozenset(
    [
        "host",
        "user-agent",
        "accept",
        "accept-encoding",
        "accept-language",
        "accept-charset",
        "cache-control",
        "pragma",
        "connection",
        "content-type",
        "content-length",
        "content-encoding",
        "mime-version",
        "soapaction",
        "origin",
        "sec-fetch-site",
        "sec-fetch-mode",
        "sec-fetch-dest",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "forwarded",
        "x-real-ip",
        "via",
        "vsdebuggercausalitydata",
    ]
)


@dataclass(frozen=True, slots=True)
class Head:
    """A request without its body. ``host`` is empty unless there is exactly one (RFC 9112 section 3.2)."""

    method: str
    path: str
    query: str
    headers: HeaderMap
    host: str
    keep_alive: bool
    length: int
    expects_continue: bool = False
    decoder: Decoder | None = None
    """What the site has found out once for all requests with this head."""

    @property
    def framing(self) -> bytes:
        """A head that has the same body and nothing else; empty if there is no body."""
        if "chunked" in (self.headers.get("transfer-encoding") or "").lower():
            return b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        return b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % self.length if self.length else b""

    @property
    def may_be_remembered(self) -> bool:
        """Whether it has no secret, and nothing that belongs to this request or connection only."""
        return (
            self.host == self.headers.get("host")
            and "@" not in self.host
            and (self.headers.get("content-length") is not None or self.method == "GET")
            and "x-www-form-urlencoded" not in (self.headers.get("content-type") or "").lower()
            and _HARMLESS.issuperset(self.headers)
        )


NO_HEAD = Head("-", "-", "", HeaderMap(), "", keep_alive=False, length=0)
"""Marks a head that can't be read."""


class Heads:
    """The remembered heads by their bytes. Those that were not used for the longest time are forgotten."""

    def __init__(self) -> None:
        self._heads: OrderedDict[bytes, Head] = OrderedDict()

    def get(self, raw: bytes) -> tuple[Head, str] | None:
        """The remembered head with these bytes, without the empty line at its end, and the query beside it."""
        head = self._heads.get(raw)
        if head is not None:
            self._heads.move_to_end(raw)
            return head, ""
        query = _QUERY.match(raw) if len(raw) <= _LONGEST_REMEMBERED else None
        if query is None:
            return None
        key = raw[: query.start(1)] + raw[query.end(1) :]
        head = self._heads.get(key)
        if head is None:
            return None
        self._heads.move_to_end(key)
        return head, query[1][1:].decode("ascii")

    def remember(self, raw: bytes, head: Head, decoder: Callable[[], Decoder | None]) -> None:
        """Remember a head without its query, if that is allowed, with what ``decoder`` gives."""
        query = _QUERY.match(raw)
        if query is not None:
            raw = raw[: query.start(1)] + raw[query.end(1) :]
        elif head.query or b"?" in raw.partition(b"\r\n")[0]:
            return
        if len(raw) <= _LONGEST_REMEMBERED and head.may_be_remembered:
            self._heads[raw] = replace(head, query="", decoder=decoder())
            if len(self._heads) > _REMEMBERED:
                self._heads.popitem(last=False)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._heads)

    def __len__(self) -> int:
        return len(self._heads)


class BadTarget(Exception):
    """A request target that is neither a path nor an absolute address."""


@dataclass(frozen=True, slots=True)
class Target:
    """A parsed request target. ``authority`` is that of the absolute form, which overrides the Host header."""

    path: str
    query: str
    authority: str | None = None


def read_target(raw: bytes) -> Target:
    """Read a request target (RFC 9112 section 3.2). The path is percent-decoded. Raises BadTarget."""
    text = raw.decode("utf-8", "surrogateescape")
    authority = None
    if not text.startswith(("/", "*")):
        scheme, separator, rest = text.partition("://")
        if not separator or scheme.lower() not in {"http", "https"}:
            raise BadTarget
        authority, _, path = rest.partition("/")
        authority, question, query = authority.partition("?")
        text = f"/?{query}" if question else f"/{path}"
    path, _, query = text.partition("?")
    query = query.partition("#")[0]
    decoded = unquote_to_bytes(path.partition("#")[0].encode("utf-8", "surrogateescape"))
    return Target(decoded.decode("utf-8", "replace"), query, authority)


def escaped_line(data: bytes) -> tuple[bytes, bool]:
    """Bytes that begin within a request line, and whether they end within it.

    What is not ASCII in the line is percent-encoded: clients should do so (RFC 3987 section 3.1), curl and PHP don't,
    and the parser takes nothing else.
    """
    end = data.find(b"\n")
    line = data if end < 0 else data[:end]
    if not line.isascii():
        data = _NOT_ASCII.sub(lambda byte: b"%%%02X" % byte[0][0], line) + data[len(line) :]
    return data, end < 0


def read_head(parser: Any, raw_target: bytes, headers: list[tuple[str, str]], sockname: object) -> Head:
    """The head that a parser has read. Raises BadTarget."""
    target = read_target(raw_target)
    version, values = parser.get_http_version(), HeaderMap(headers)
    return Head(
        method=parser.get_method().decode("ascii"),
        path=target.path,
        query=target.query,
        headers=values,
        host=host_of(list(values.get_all("host")), target.authority, version, listener_host(sockname)),
        keep_alive=parser.should_keep_alive(),
        length=int(values.get("content-length") or 0),
        # RFC 9110 section 10.1.1: HTTP/1.0 has no interim answers.
        expects_continue=version != "1.0" and (values.get("expect") or "").lower() == "100-continue",
    )


def is_request_line(data: bytes) -> bool:
    """Whether it begins with a request line, of a method that the parser may not know (RFC 9112 section 3)."""
    return _REQUEST_LINE.match(data) is not None


def host_of(named: list[str], authority: str | None, version: str, default: str) -> str:
    """The host of a request; empty unless there is exactly one. HTTP/1.0 may leave it out."""
    if len(named) > 1 or (not named and version != "1.0"):
        return ""
    if authority is not None:
        return authority
    return named[0] if named else default


def listener_host(sockname: object) -> str:
    """The host of a request that names none: the address at which it arrived."""
    if not isinstance(sockname, tuple):
        return "localhost"
    return host_of_server(sockname[0], sockname[1])
