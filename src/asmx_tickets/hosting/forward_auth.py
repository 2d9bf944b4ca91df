"""Tells a proxy that guards another site whose ticket a request has: nginx's auth_request, Traefik, Caddy.

The proxy sends the request's head here. If the answer is 200, it lets the request through with the user's headers; if
it is 401, it turns the request away.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import quote

from asmx_tickets.access.authentication import Authentication, Session
from asmx_tickets.access.refusals import InvalidTicket
from asmx_tickets.carriers import any_cookie, in_cookie, in_header
from asmx_tickets.errors import Unavailable
from asmx_tickets.recurring import UNANSWERED, Recurring
from asmx_tickets.tickets.ticket import parse_guid
from spyne_asmx import Request, Response, ServiceUnavailable, text_response
from spyne_asmx.http import UNCACHED

# Printable ASCII without the percent sign, which begins an escape.
_PLAIN = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


@dataclass(frozen=True, slots=True)
class ForwardAuth:
    """Answers at ``path``; with ``prolongs``, each question restarts the ticket's window.

    ``friendly_origins`` are other sites whose pages may use the ticket's cookie. ``recurring`` logs questions that a
    store left without an answer.
    """

    authentication: Authentication
    path: str
    prolongs: bool = False
    friendly_origins: frozenset[str] = frozenset()
    recurring: Recurring = field(default_factory=Recurring)

    def answer(self, request: Request) -> Response:
        """200 with the user's name, full name and e-mail address, or 401; 503 when a store does not answer."""
        text = in_header(request) or _cookie(request, self.friendly_origins)
        guid = parse_guid(text) if text else None
        try:
            session = self.authentication.use(guid) if self.prolongs else self.authentication.validate(guid)
        except InvalidTicket:
            # RFC 9110 section 15.5.2: a 401 names the scheme. No browser asks for a password because of this one.
            return text_response(401, "Unauthorized.", ("www-authenticate", "SOTicket"))
        except Unavailable as error:
            self.recurring.note(UNANSWERED, error, f"request {request.id}")
            fault = ServiceUnavailable()
            return text_response(503, fault.sentence, ("retry-after", str(fault.retry_after)))
        return Response(200, (*UNCACHED, *_told(session)))


def percent_escaped(value: str) -> str:
    """A value for a header: printable ASCII unchanged, other characters as percent escapes of UTF-8 (RFC 3986)."""
    return quote(value, safe=_PLAIN, errors="replace")


def _told(session: Session) -> tuple[tuple[str, str], ...]:
    """The user's headers: always all three, even if empty, so that the proxy overwrites any that a client sent."""
    profile = session.user.profile
    values = {"remote-user": profile.user_name, "remote-name": profile.full_name, "remote-email": profile.email}
    return tuple((name, percent_escaped(value)) for name, value in values.items())


def _cookie(request: Request, friendly_origins: Collection[str]) -> str | None:
    """The cookie's ticket. It also counts if another site's link led here, because opening a page changes nothing.

    That is what browsers have for cookies with SameSite=Lax: such a request has no Origin.
    """
    mode = request.headers.get("sec-fetch-mode")
    if request.headers.get("origin") is None and mode in {None, "navigate"}:
        return any_cookie(request)
    return in_cookie(request, friendly_origins)
