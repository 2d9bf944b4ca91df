"""The layer between the HTTP server and the endpoint: hosts, proxies, the path base, and headers of all answers.

``begin`` and ``finish`` leave out the headers that all answers share; ``handle`` adds them.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache, partial
from itertools import count
from typing import Protocol
from urllib.parse import quote

from asmx_tickets.hosting.cors import NO_CORS, Cors
from asmx_tickets.hosting.forward_auth import ForwardAuth
from asmx_tickets.hosting.health import LIVE, NO_STORES, READY, Health
from asmx_tickets.hosting.proxies import NO_PROXIES, Proxies
from spyne_asmx import (
    AsmxContext,
    AsmxEndpoint,
    Binding,
    Decoder,
    Limits,
    Request,
    Response,
    ServiceUnavailable,
    Waiting,
    text_response,
)

# RFC 9112 section 3.2: one Host, and nothing in it that could break out of an address in a document.
_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")

_LONGEST_ADDRESS = 8192  # SECURITY H5
_SLASHES = re.compile("/{2,}")

# What every answer has (SECURITY L3, L7). The last one hides which server answers.
COMMON_HEADERS = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("server", "asmx-tickets"),
)


@dataclass(frozen=True, slots=True)
class HostFilter:
    """The Host names that are answered: ``*`` for any, ``*.example.com`` for its subdomains."""

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
class SideCall:
    """A request that is not for the endpoint, and may wait for stores. ``answer`` makes its answer."""

    request: Request
    answer: Callable[[], Response]
    waiting = Waiting.COOPERATIVE


Call = AsmxContext | SideCall


class Answerer(Protocol):
    """A site behind a door: ``begin`` never waits, ``finish`` may. See Site."""

    def decoder(self, request: Request) -> Decoder | None: ...
    def begin(self, request: Request, decoder: Decoder | None = None) -> Call | Response: ...
    def finish(self, call: Call) -> Response: ...
    def unavailable(self, call: Call) -> Response: ...
    def completed(self, answer: Response, request: Request) -> Response: ...
    def next_id(self) -> str: ...
    def client_of(self, request: Request) -> str: ...


class Site(Answerer):
    """An endpoint below a path base, for some hosts and behind some proxies, and the addresses for operators."""

    def __init__(
        self,
        endpoint: AsmxEndpoint,
        *,
        path_base: str = "",
        hosts: HostFilter = HostFilter(),
        proxies: Proxies = NO_PROXIES,
        health: Health = NO_STORES,
        hsts: timedelta | None = None,
        cors: Cors = NO_CORS,
        forward_auth: ForwardAuth | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._health = health
        self._hsts = () if hsts is None else (("strict-transport-security", f"max-age={hsts.total_seconds():.0f}"),)
        self._cors = cors
        # Asked by address, whatever hosts the service is known under.
        self._beside: dict[str, Callable[[Request], Call | Response]] = dict.fromkeys((LIVE, READY), self._tell_health)
        if forward_auth is not None:
            self._beside[forward_auth.path] = partial(_tell_whose_ticket, forward_auth)
        self._adds_headers = bool(self._hsts or cors.origins)
        self._draining = False
        self._path_base = path_base
        self._allows = lru_cache(maxsize=1024)(hosts.allows)
        self._proxies = proxies
        self._run = secrets.token_hex(4)
        self._numbers = count(1)

    @property
    def limits(self) -> Limits:
        return self.endpoint.limits

    def handle(self, request: Request) -> Response:
        """Answer a request from beginning to end, with the headers that every answer has."""
        begun = self.begin(request)
        answer = begun if isinstance(begun, Response) else self.finish(begun)
        return Response(answer.status, (*answer.headers, *COMMON_HEADERS, ("x-request-id", request.id)), answer.body)

    def decoder(self, request: Request) -> Decoder | None:
        """The decoder for all requests with the method, path, host and headers of this one, from any client.

        None if each has to be checked by itself. The caller sees to it that no address is too long.
        """
        if self._proxies.networks or self._directed(request) is not request:
            return None
        return self.endpoint.decoder(request)

    def begin(self, request: Request, decoder: Decoder | None = None) -> Call | Response:
        """Check and decode a request: a call ready to be run, or already the answer. Never waits.

        With a ``decoder`` there is nothing to check any more.
        """
        request.id = self.next_id()
        try:
            if decoder is None and self._proxies.networks:
                request = self._proxies.resolve(request)
            begun = self._begin(request, decoder)
        except Exception:  # the last resort: whatever goes wrong, a client gets an answer of the contract
            request.log_bug("the request")
            begun = text_response(500, "Server was unable to process request.")
        return self.completed(begun, request) if isinstance(begun, Response) else begun

    def finish(self, call: Call) -> Response:
        """Run a call and write its answer."""
        request: Request = call.request
        try:
            answer = call.answer() if isinstance(call, SideCall) else self.endpoint.finish(call)
        except Exception:  # as in begin
            request.log_bug("the answer")
            answer = text_response(500, "Server was unable to process request.")
        return self.completed(answer, request) if self._adds_headers else answer

    def unavailable(self, call: Call) -> Response:
        """Answer a call that can't be run now."""
        fault = ServiceUnavailable()
        answer = text_response(503, fault.sentence) if isinstance(call, SideCall) else self.endpoint.fault(call, fault)
        return self.completed(answer, call.request)

    def completed(self, answer: Response, request: Request) -> Response:
        """The answer with the headers that the settings ask for. HSTS is only sent over TLS (RFC 6797 section 7.2)."""
        if not self._adds_headers:
            return answer
        headers = answer.headers if "vary" in dict(answer.headers) else (*answer.headers, *self._cors_headers(request))
        return answer._replace(headers=(*headers, *self._hsts) if request.scheme == "https" else headers)

    def _cors_headers(self, request: Request) -> tuple[tuple[str, str], ...]:
        return self._cors.headers(request) if self._cors.origins else ()

    def drain(self) -> None:
        """Tell load balancers from now on that no more requests should come; those that come are answered."""
        self._draining = True

    def next_id(self) -> str:
        """The id of the next request."""
        return f"{self._run}-{next(self._numbers):x}"

    def client_of(self, request: Request) -> str:
        """The address of the client, according to known proxies."""
        return self._proxies.resolve(request).remote_address if self._proxies.networks else request.remote_address

    def _begin(self, request: Request, decoder: Decoder | None) -> Call | Response:
        directed = self._directed(request) if decoder is None else request
        return self.endpoint.begin(directed, decoder) if isinstance(directed, Request) else directed

    def _directed(self, request: Request) -> Request | Call | Response:
        """The request as it is for the endpoint, or what comes of it otherwise."""
        if len(request.path) + len(request.query) + bool(request.query) > _LONGEST_ADDRESS:
            return text_response(414, "The address is too long.")
        if "//" in request.path or "/." in request.path:
            request = replace(request, path=_resolved(request.path))
        beside = self._beside.get(request.path) if request.host else None
        if beside is not None:
            return beside(request)
        if not self._allows(request.host):
            return text_response(400, "Bad Request - Invalid Hostname.")
        if self._cors.is_preflight(request):
            return self._cors.preflight_answer(request)
        if self._path_base:
            base = request.path[: len(self._path_base)]
            if base.lower() != self._path_base.lower():
                return text_response(404, "Not found.")
            request = replace(request, path=request.path[len(base) :], path_base=request.path_base + base)
        return self._lead_to_help(request) if request.path in {"", "/"} else request

    def _lead_to_help(self, request: Request) -> Response:
        """Redirect the root to the help page, by an address without a host, which works behind any proxy."""
        if request.method not in {"GET", "HEAD"} or Binding.DOCUMENTATION not in self.endpoint.bindings:
            return text_response(404, "Not found.")
        location = quote(request.path_base + self.endpoint.path, safe="/%")
        return text_response(302, "Found.", ("location", location))

    def _tell_health(self, request: Request) -> SideCall | Response:
        if request.method not in {"GET", "HEAD"}:
            return text_response(405, "Method not allowed.", ("allow", "GET, HEAD"))
        if request.path == LIVE:
            return self._health.live()
        return self._health.draining() if self._draining else SideCall(request, self._health.ready)


def _resolved(path: str) -> str:
    """The path as IIS reads it: doubled slashes count as one, dot segments are resolved (RFC 3986 section 5.2.4)."""
    kept: list[str] = []
    _, *segments = _SLASHES.sub("/", path).split("/")
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)


def _tell_whose_ticket(forward_auth: ForwardAuth, request: Request) -> SideCall | Response:
    """Answer a proxy, whatever host name it uses for this server."""
    if request.method not in {"GET", "HEAD"}:
        return text_response(405, "Method not allowed.", ("allow", "GET, HEAD"))
    return SideCall(request, partial(forward_auth.answer, request))
