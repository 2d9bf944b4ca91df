"""Where a request brings its ticket, beside the parameter: the Authorization header, then the cookie (CONTRACT 1.2)."""

import re
from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from werkzeug.sansio.http import parse_cookie

from asmx_tickets.tickets.ticket import parse_guid
from spyne_asmx import Request

_CREDENTIALS = re.compile(r"\s*(SOTicket|Bearer)(?:\s+(.*))?", re.IGNORECASE | re.DOTALL)
# A proxy may have joined header lines with commas (RFC 9110 section 5.3). Where a scheme follows, another line begins.
_BETWEEN_LINES = re.compile(r",(?=[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]+[^\s,=])")
_OWN_SITE = frozenset({"none", "same-origin", "same-site"})
_DEFAULT_PORTS = {"http": "80", "https": "443"}
AMBIGUOUS = "more than one ticket"
"""The text for several different tickets in one place. It counts as given, and is never valid (SECURITY D15)."""


def is_given(ticket: str | None) -> bool:
    """Whether there is any text for a ticket. White space alone counts as empty."""
    return ticket is not None and not (ticket == "" or ticket.isspace())


def in_header(request: Request) -> str | None:
    """The ticket of ``Authorization: SOTicket``, or of ``Bearer`` with a GUID; None where there is neither."""
    tickets: set[str] = set()
    for value in request.headers.get_all("authorization"):
        tickets.update(_tickets_in(value))
    return _only(tickets)


def _tickets_in(header: str) -> Iterator[str]:
    for value in _BETWEEN_LINES.split(header):
        found = _CREDENTIALS.fullmatch(value)
        if found is None or not is_given(found[2]):
            continue
        # Any other Bearer token is a proxy's or another program's.
        if found[1].lower() == "soticket" or parse_guid(found[2]) is not None:
            yield found[2]


def in_cookie(request: Request, friendly_origins: Collection[str] = ()) -> str | None:
    """The ticket of the cookie; None if there is none or it does not count.

    A browser sends the cookie with other sites' requests, too; those must not act in its owner's name (SECURITY D3),
    except those of the ``friendly_origins``.
    """
    if not request.headers.get_all("cookie") or _is_foreign(request, friendly_origins):
        return None
    return any_cookie(request)


def any_cookie(request: Request) -> str | None:
    """The ticket of the cookie, whichever site's page sent the request; None where there is none."""
    headers = request.headers.get_all("cookie")
    if not headers:
        return None
    cookies = parse_cookie("; ".join(headers)).items(multi=True)
    return _only({value for name, value in cookies if name.lower() == "ticket" and is_given(value)})


def _only(values: set[str]) -> str | None:
    if not values:
        return None
    return values.pop() if len(values) == 1 else AMBIGUOUS


def _is_foreign(request: Request, friendly_origins: Collection[str]) -> bool:
    """Whether a page of another site sent the request. A request without these headers is not a browser's."""
    sites, origins = request.headers.get_all("sec-fetch-site"), request.headers.get_all("origin")
    # A browser sends each of these headers once. If one is repeated, none is believed (SECURITY D15).
    if len(sites) > 1 or len(origins) > 1:
        return True
    site = sites[0] if sites else None
    if origins:
        if origins[0] in friendly_origins:
            return False
        return site == "cross-site" or not (_is_own(origins[0], request) or site in {"same-origin", "same-site"})
    if site is not None:
        return site not in _OWN_SITE
    return not all(_is_own(referer, request) for referer in request.headers.get_all("referer"))


def _is_own(address: str, request: Request) -> bool:
    """Whether an address has the request's own host and port, a default port left out or not (SECURITY D3)."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in _DEFAULT_PORTS and _authority(parts.scheme, parts.netloc) == _authority(
        request.scheme, request.host
    )


def _authority(scheme: str, netloc: str) -> str:
    host = netloc.rpartition("@")[2].lower()
    return host.removesuffix(f":{_DEFAULT_PORTS.get(scheme, '')}")
