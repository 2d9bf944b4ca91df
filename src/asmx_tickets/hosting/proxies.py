"""What known proxies say about the client, in Forwarded (RFC 7239) or the X-Forwarded headers (CONTRACT 2.7)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from asmx_tickets.networks import Network, lies_in
from spyne_asmx import Request

_DEFAULT_PORTS = {"http": "80", "https": "443"}
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
# RFC 7239 section 4: pairs of a token and a token or quoted string, separated by semicolons; elements by commas.
_PAIR = re.compile(r'\s*(?:([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*)))?\s*([,;]|\Z)')


@dataclass(frozen=True, slots=True)
class Proxies:
    """The networks of the proxies that are believed. By default there are none. Other senders' headers are ignored."""

    networks: tuple[Network, ...] = ()

    def knows(self, address: str) -> bool:
        """Whether the address is a known proxy's."""
        return lies_in(address, self.networks)

    def resolve(self, request: Request) -> Request:
        """The request as the first proxy that is not ours, or the client itself, sent it."""
        if not self.knows(request.remote_address):
            return request
        forwarded = ",".join(request.headers.get_all("forwarded"))
        elements = list(_elements(forwarded)) if forwarded else []
        resolved = self._by_forwarded(request, elements) if elements else self._by_x_forwarded(request)
        prefix = _last(request, "x-forwarded-prefix").rstrip("/")
        if _PREFIX.fullmatch(prefix):
            resolved = replace(resolved, path_base=prefix + resolved.path_base)
        return resolved

    def _by_forwarded(self, request: Request, elements: list[dict[str, str]]) -> Request:
        """From the nearest proxy outwards, as long as those who speak are known."""
        address, scheme, host = request.remote_address, request.scheme, request.host
        while elements and self.knows(address):
            element = elements.pop()
            scheme = _scheme(element.get("proto", ""), scheme)
            host = element.get("host", host)
            address = _without_port(element.get("for", address))
        return replace(request, remote_address=address, scheme=scheme, host=host)

    def _by_x_forwarded(self, request: Request) -> Request:
        chain = _list_of(request.headers.get_all("x-forwarded-for"))
        address = request.remote_address
        while chain and self.knows(address):
            address = _without_port(chain.pop())
        scheme = _scheme(_last(request, "x-forwarded-proto"), request.scheme)
        host = _last(request, "x-forwarded-host") or request.host
        port = _last(request, "x-forwarded-port")
        if _PORT.fullmatch(port):
            name = host if host.endswith("]") else host.rpartition(":")[0] or host
            host = name if port == _DEFAULT_PORTS[scheme] else f"{name}:{port}"
        return replace(request, remote_address=address, scheme=scheme, host=host)


NO_PROXIES = Proxies()


def _scheme(said: str, default: str) -> str:
    return said.lower() if said.lower() in _DEFAULT_PORTS else default


def _elements(header: str) -> Iterator[dict[str, str]]:
    """The elements of a Forwarded header; none if it is malformed."""
    elements: list[dict[str, str]] = [{}]
    position = 0
    while position < len(header):
        pair = _PAIR.match(header, position)
        if pair is None:
            return
        if pair[1]:
            quoted = pair[2]
            value = pair[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            elements[-1].setdefault(pair[1].lower(), value or "")
        if pair[4] == ",":
            elements.append({})
        position = pair.end()
    yield from (element for element in elements if element)


def _without_port(address: str) -> str:
    """The address that some proxies give with a port: ``192.0.2.7:4711``, ``[2001:db8::7]:4711``."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def _last(request: Request, name: str) -> str:
    """The last item of a header that may be a list; empty if there is none."""
    items = _list_of(request.headers.get_all(name))
    return items[-1] if items else ""


def _list_of(values: Sequence[str]) -> list[str]:
    return [item.strip() for value in values for item in value.split(",") if item.strip()]
