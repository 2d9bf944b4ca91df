"""What stands between the HTTP server and the endpoint: hosts, proxies, the path base, and every answer's headers.

Like the endpoint it has ``begin``, ``finish`` and ``handle``, so a server can't tell which of the two it serves.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count

from asmx_tickets.hosting.health import LIVE, NO_STORES, READY, Health
from asmx_tickets.networks import Network, lies_in
from spyne_asmx import AsmxEndpoint, Request, Response, ServiceUnavailable
from spyne_asmx.context import AsmxContext
from spyne_asmx.http import text_response

# RFC 9112 section 3.2: one Host, and nothing in it that could break out of an address in a document.
_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")

_LONGEST_ADDRESS = 8192  # SECURITY H5

# SECURITY L3 and L7. The last one hides which server answers.
_HEADERS = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("server", "asmx-tickets"),
)
# RFC 6797 section 7.2: over TLS alone, which a trusted proxy has told of.
_HEADERS_OVER_TLS = (*_HEADERS, ("strict-transport-security", "max-age=31536000"))


@dataclass(frozen=True, slots=True)
class HostFilter:
    """The Host names that are answered: ``*`` for any, ``*.example.com`` for what lies below it."""

    patterns: tuple[str, ...] = ("*",)

    def allows(self, host: str) -> bool:
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match["name"].lower()
        return any(_matches(name, pattern.lower()) for pattern in self.patterns)


def _matches(name: str, pattern: str) -> bool:
    if pattern in {"*", name}:
        return True
    return pattern.startswith("*.") and name.endswith(pattern[1:]) and len(name) > len(pattern) - 1


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies whose X-Forwarded-For, -Proto and -Host are believed (CONTRACT 3). None by default."""

    networks: tuple[Network, ...] = ()

    def knows(self, address: str) -> bool:
        return lies_in(address, self.networks)

    def resolve(self, request: Request) -> Request:
        """The request as the first proxy that is not ours, or the client itself, sent it."""
        if not self.knows(request.remote_address):
            return request
        chain = _list_of(request.headers.get_all("x-forwarded-for"))
        address = request.remote_address
        while chain and self.knows(address):
            address = _without_port(chain.pop())
        scheme = _list_of(request.headers.get_all("x-forwarded-proto"))[-1:]
        host = _list_of(request.headers.get_all("x-forwarded-host"))[-1:]
        return replace(
            request,
            remote_address=address,
            scheme=scheme[0].lower() if scheme and scheme[0].lower() in {"http", "https"} else request.scheme,
            host=host[0] if host else request.host,
        )


def _without_port(address: str) -> str:
    """The address that some proxies give with a port: ``192.0.2.7:4711``, ``[2001:db8::7]:4711``."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def _list_of(values: Sequence[str]) -> list[str]:
    return [item.strip() for value in values for item in value.split(",") if item.strip()]


@dataclass(frozen=True, slots=True)
class ReadinessCall:
    """A request for READY, to be finished where waiting is allowed."""

    request: Request


Call = AsmxContext | ReadinessCall


class Site:
    """An endpoint below a path base, for some hosts, behind some proxies; and the addresses that tell its health."""

    def __init__(
        self,
        endpoint: AsmxEndpoint,
        *,
        path_base: str = "",
        hosts: HostFilter = HostFilter(),
        proxies: Proxies = Proxies(),
        health: Health = NO_STORES,
    ) -> None:
        self.endpoint = endpoint
        self._health = health
        self._path_base = path_base
        self._allows = lru_cache(maxsize=1024)(hosts.allows)
        self._proxies = proxies
        self._run = secrets.token_hex(4)
        self._numbers = count(1)

    def handle(self, request: Request) -> Response:
        """Answer a request from beginning to end."""
        begun = self.begin(request)
        return begun if isinstance(begun, Response) else self.finish(begun)

    def begin(self, request: Request) -> Call | Response:
        """Check and decode a request: a call ready to be run, or already the answer. Never waits."""
        request.id = self._next_id()
        try:
            if self._proxies.networks:
                request = self._proxies.resolve(request)
            begun = self._begin(request)
        except Exception:  # the last resort: whatever goes wrong, a client gets an answer of the contract
            request.log_bug("the request")
            begun = text_response(500, "Server was unable to process request.")
        return _signed(begun, request.id, request.scheme) if isinstance(begun, Response) else begun

    def finish(self, call: Call) -> Response:
        """Run a call and write its answer."""
        request: Request = call.request
        try:
            answer = self._health.ready() if isinstance(call, ReadinessCall) else self.endpoint.finish(call)
        except Exception:  # as in begin
            request.log_bug("the answer")
            answer = text_response(500, "Server was unable to process request.")
        return _signed(answer, request.id, request.scheme)

    def unavailable(self, call: Call) -> Response:
        """Answer a call that can't be run now."""
        fault = ServiceUnavailable()
        if isinstance(call, ReadinessCall):
            answer = text_response(503, fault.sentence)
        else:
            answer = self.endpoint.fault(call, fault)
        return _signed(answer, call.request.id, call.request.scheme)

    def refuse(self, response: Response) -> Response:
        """The answer to a request that never came in whole."""
        return _signed(response, self._next_id(), "http")

    def _next_id(self) -> str:
        return f"{self._run}-{next(self._numbers):x}"

    def _begin(self, request: Request) -> Call | Response:
        if len(request.path) + 1 + len(request.query) > _LONGEST_ADDRESS:
            return text_response(414, "The address is too long.")
        if request.path in {LIVE, READY}:
            # Asked by address, whatever hosts the service is known under; what they say is nobody's secret.
            if request.method != "GET":
                return text_response(405, "Method not allowed.", ("allow", "GET"))
            return self._health.live() if request.path == LIVE else ReadinessCall(request)
        if not self._allows(request.host):
            return text_response(400, "Bad Request - Invalid Hostname.")
        if self._path_base:
            base = request.path[: len(self._path_base)]
            if base.lower() != self._path_base.lower():
                return text_response(404, "Not found.")
            request = replace(request, path=request.path[len(base) :], path_base=request.path_base + base)
        return self.endpoint.begin(request)


def _signed(response: Response, request_id: str, scheme: str) -> Response:
    """The answer with the headers that every answer has."""
    own = _HEADERS if scheme == "http" else _HEADERS_OVER_TLS
    return Response(response.status, (*response.headers, *own, ("x-request-id", request_id)), response.body)
