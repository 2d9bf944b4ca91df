"""The contract as one spyne service (CONTRACT 1): each operation calls the rules and makes the answer's element.

The application's ``config`` is the Parts that composition built. The operations' docstrings are on their help pages.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from asmx_tickets import elements
from asmx_tickets.access.authentication import Authentication
from asmx_tickets.access.refusals import InvalidTicketFormat, Refused
from asmx_tickets.audit import Caller
from asmx_tickets.carriers import in_cookie, in_header, is_given
from asmx_tickets.errors import Unavailable
from asmx_tickets.recurring import UNANSWERED, Recurring
from asmx_tickets.tickets.ticket import parse_guid
from spyne_asmx import AsmxApplication, Element, Limits, Request, ServiceUnavailable, Waiting, may_be_left_out
from spyne_asmx.spyne import AnyXml, Service, Unicode, rpc

NAMESPACE = "http://tempuri.org/"
NAME = "srv"
PATH = "/srv.asmx"

# Whatever these wait for goes through waiting.py.
_COOPERATIVE = {"waiting": Waiting.COOPERATIVE}

_Optional = may_be_left_out(Unicode)


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that the operations use.

    ``facts`` is what ServerInfo tells about this installation: attributes' names and texts. A ``local_zone`` of None
    is the machine's zone.
    ``root_name`` is the name of each answer's element. In the older dialect, ``response``, success has an empty error.
    ``friendly_origins`` are other sites whose pages may use the ticket's cookie.
    ``recurring`` logs calls that a store left without an answer.
    """

    authentication: Authentication
    facts: Mapping[str, str]
    clock: Callable[[], float]
    local_zone: tzinfo | None = None
    root_name: str = "root"
    friendly_origins: frozenset[str] = frozenset()
    recurring: Recurring = field(default_factory=Recurring)


class TicketService(Service):
    # It hands out and checks the tickets that every other service of the document server asks for. This is no
    # docstring: a service's docstring is published in its WSDL, and the original's WSDL has none.

    @classmethod
    def call_wrapper(cls, ctx: Any, args: Any = None) -> Element:
        """Run an operation. A refusal is a normal answer; a store that fails is a fault (CONTRACT 1, 2.4)."""
        try:
            answer: Element = super().call_wrapper(ctx, args or (ctx, *ctx.in_object))
        except Refused as refusal:
            answer = elements.refused(refusal.text)
        except Unavailable as error:
            ctx.app.config.recurring.note(UNANSWERED, error, f"request {ctx.request.id}")
            raise ServiceUnavailable from error
        return elements.named(answer, ctx.app.config.root_name)

    @rpc(
        Unicode,
        Unicode,
        _returns=AnyXml,
        _operation_name="AuthenticateUser",
        _in_variable_names={"user_name": "UID", "password": "PWD"},
        _udd=_COOPERATIVE,
    )
    def authenticate_user(ctx: Any, user_name: str | None, password: str | None) -> Element:
        """Log in with a user name and a password, and get a ticket.

        Args:
            user_name: The login name, in any letter case. Or a live ticket, with an empty password: it is renewed.
            password: The password; letter case matters.

        Errors:
            [900] Authentication failed: The user is unknown or disabled, the password or the ticket is wrong, or there
                were too many failures. The answer does not tell which.
            [902] Ticket generation are not allowed for this user.: The password is right, but the account is the one
                that never gets a ticket.
        """
        session = _authentication(ctx).log_in(user_name or "", password or "", None, _caller(ctx))
        return elements.profile(session, with_ticket=True)

    @rpc(
        Unicode,
        Unicode,
        _Optional,
        _returns=AnyXml,
        _operation_name="AuthenticateUser1",
        _in_variable_names={"user_name": "UID", "password": "PWD", "language": "Lang"},
        _udd=_COOPERATIVE,
    )
    def authenticate_user_1(ctx: Any, user_name: str | None, password: str | None, language: str | None) -> Element:
        """Log in with a user name and a password, in a language, and get a ticket.

        Args:
            user_name: The login name, in any letter case. Or a live ticket, with an empty password: it is renewed.
            password: The password; letter case matters.
            language: The language of the session, such as en or de. Empty for the user's own, which does not change.

        Errors:
            [900] Authentication failed: The user is unknown or disabled, the password or the ticket is wrong, or there
                were too many failures. The answer does not tell which.
            [902] Ticket generation are not allowed for this user.: The password is right, but the account is the one
                that never gets a ticket.
        """
        session = _authentication(ctx).log_in(user_name or "", password or "", language, _caller(ctx))
        return elements.profile(session, with_ticket=True)

    @rpc(
        Unicode,
        Unicode,
        _Optional,
        _Optional,
        _returns=AnyXml,
        _operation_name="RenewTicket",
        _in_variable_names={"user_name": "UID", "password": "PWD", "language": "Lang", "old_ticket": "OldTicket"},
        _udd=_COOPERATIVE,
    )
    def renew_ticket(
        ctx: Any, user_name: str | None, password: str | None, language: str | None, old_ticket: str | None
    ) -> Element:
        """Log in and keep the old ticket if it is still alive, or get a new one.

        Args:
            user_name: The login name, in any letter case. Or a live ticket, with an empty password.
            password: The password; letter case matters. It is checked even if the old ticket is alive.
            language: The language of the session, such as en or de. Empty for the user's own, which does not change.
            old_ticket: The ticket to keep. If it is alive and the same user's, its time starts again; otherwise a new
                one is issued. If left out, the Authorization header or the cookie is used.

        Errors:
            invalid ticket format: The old ticket is not a GUID. Nothing else was checked.
            [900] Authentication failed: The user is unknown or disabled, the password or the ticket is wrong, or there
                were too many failures. The answer does not tell which.
            [902] Ticket generation are not allowed for this user.: The password is right, but the account is the one
                that never gets a ticket.
        """
        if is_given(old_ticket):
            old_guid = parse_guid(old_ticket or "")
            if old_guid is None:
                raise InvalidTicketFormat
        else:
            # CONTRACT 1.2: here a header or cookie that is no GUID counts as absent.
            old_guid = parse_guid(in_header(ctx.request) or "") or parse_guid(_in_cookie(ctx) or "")
        session = _authentication(ctx).renew(user_name or "", password or "", language, old_guid, _caller(ctx))
        return elements.profile(session, with_ticket=True)

    @rpc(
        _Optional,
        _returns=AnyXml,
        _operation_name="isValidTicket",
        _in_variable_names={"ticket": "AuthenticationTicket"},
        _udd=_COOPERATIVE,
    )
    def is_valid_ticket(ctx: Any, ticket: str | None) -> Element:
        """Say whether a ticket is alive, and whose it is. Does not prolong it.

        Args:
            ticket: The ticket. If left out, the Authorization header or the cookie is used.

        Errors:
            [901] Session expired or Invalid ticket: There is no ticket, it is no GUID, it is unknown, expired or logged
                out, or its user has been disabled or has a new password.
        """
        return elements.profile(_authentication(ctx).validate(_guid(ctx, ticket)), with_ticket=False)

    @rpc(
        Unicode,
        Unicode,
        _returns=AnyXml,
        _operation_name="CreateTicketforUser",
        _in_variable_names={"trusted_password": "TrustedUserPwd", "user_name": "UserName"},
        _udd=_COOPERATIVE,
    )
    def create_ticket_for_user(ctx: Any, trusted_password: str | None, user_name: str | None) -> Element:
        """Get a ticket for a user without the user's password, as a program that knows the shared secret.

        Args:
            trusted_password: The secret that the server's settings have as TrustedUserPwd.
            user_name: The login name of the user to get a ticket for, in any letter case.

        Errors:
            [900] Authentication failed: The secret is wrong or none is set, the caller's network is not trusted, or the
                user is unknown or disabled. The answer does not tell which.
            [902] Ticket generation are not allowed for this user.: The account is the one that never gets a ticket.
        """
        session = _authentication(ctx).create_for_user(trusted_password or "", user_name or "", _caller(ctx))
        return elements.ticket_alone(session)

    @rpc(
        _Optional,
        _returns=AnyXml,
        _operation_name="GetCurrentUser",
        _in_variable_names={"ticket": "authenticationTicket"},
        _udd=_COOPERATIVE,
    )
    def get_current_user(ctx: Any, ticket: str | None) -> Element:
        """Get the profile of the user whom a ticket stands for.

        Args:
            ticket: The ticket; its time starts again. If left out, the Authorization header or the cookie is used.

        Errors:
            [901] Session expired or Invalid ticket: There is no ticket, it is no GUID, it is unknown, expired or logged
                out, or its user has been disabled or has a new password.
        """
        session = _authentication(ctx).use(_guid(ctx, ticket))
        return elements.current_user(session, ctx.app.config.local_zone)

    @rpc(
        _Optional,
        _returns=AnyXml,
        _operation_name="LogOut",
        _in_variable_names={"ticket": "AuthenticationTicket"},
        _udd=_COOPERATIVE,
    )
    def log_out(ctx: Any, ticket: str | None) -> Element:
        """End a ticket at once.

        Args:
            ticket: The ticket. If left out, the Authorization header or the cookie is used.

        Errors:
            [901] Session expired or Invalid ticket: There is no ticket, it is not a GUID, or it has ended already.
        """
        _authentication(ctx).log_out(_guid(ctx, ticket), _caller(ctx))
        return elements.done()

    @rpc(_returns=AnyXml, _operation_name="ServerInfo", _udd={"waiting": Waiting.NEVER})
    def server_info(ctx: Any) -> Element:
        """Get the server's version, time and licence. Needs no ticket."""
        parts: Parts = ctx.app.config
        return elements.server_info(parts.facts, parts.clock(), parts.local_zone)


# CONTRACT 2.1: nothing that a ticket service is asked is long or deep. The body's limit is a setting.
LIMITS = Limits(body=65_536, depth=16, names_length=1_000_000, value_length=8192)


def ticket_application(parts: Parts | None) -> AsmxApplication:
    """The ticket service as a spyne application; without parts, one that can be described but not called."""
    return AsmxApplication([TicketService], NAMESPACE, NAME, config=parts)


def _authentication(ctx: Any) -> Authentication:
    return ctx.app.config.authentication


def _caller(ctx: Any) -> Caller:
    request: Request = ctx.request
    return Caller(request.remote_address, ctx.binding, request.id)


def _in_cookie(ctx: Any) -> str | None:
    return in_cookie(ctx.request, ctx.app.config.friendly_origins)


def _guid(ctx: Any, ticket: str | None) -> bytes | None:
    """The ticket of a request: the parameter, else the header, else the cookie (CONTRACT 1.2)."""
    text = ticket if is_given(ticket) else in_header(ctx.request) or _in_cookie(ctx)
    return parse_guid(text) if text else None
