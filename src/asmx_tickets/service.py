"""The contract as one spyne service (CONTRACT 1): each operation calls the rules and makes the answer's element.

The application's ``config`` is the Parts that composition built. C#'s names stand here, on the wire, and nowhere else.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache, lru_cache
from typing import Any

from asmx_tickets.access.authentication import Authentication, Session
from asmx_tickets.access.refusals import InvalidTicketFormat, Refused
from asmx_tickets.audit import Caller
from asmx_tickets.carriers import in_cookie, in_header, is_given
from asmx_tickets.errors import Unavailable
from asmx_tickets.tickets.ticket import format_guid, parse_guid
from spyne_asmx import AsmxApplication, Element, Limits, Request, ServiceUnavailable, Waiting, may_be_left_out
from spyne_asmx.spyne import AnyXml, Service, Unicode, rpc

NAMESPACE = "http://tempuri.org/"
NAME = "srv"
PATH = "/srv.asmx"

# Whatever these wait for goes through waiting.py.
_COOPERATIVE = {"waiting": Waiting.COOPERATIVE}

_Optional = may_be_left_out(Unicode)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the operations work with.

    ``facts`` is what ServerInfo says of this installation: an attribute's name and text each. ``local_zone`` None is
    the machine's zone.
    ``root_name`` is the name of each answer's element. In the older dialect, ``response``, success has an empty error.
    ``friendly_origins`` are other sites whose pages may use the ticket's cookie.
    """

    authentication: Authentication
    facts: Mapping[str, str]
    clock: Callable[[], float]
    local_zone: tzinfo | None = None
    root_name: str = "root"
    friendly_origins: frozenset[str] = frozenset()


class TicketService(Service):
    # It hands out and checks the tickets that every other service of the document server asks for. This is no
    # docstring: a service's docstring is published in its WSDL, and the original's WSDL has none.

    @classmethod
    def call_wrapper(cls, ctx: Any, args: Any = None) -> Element:
        """Run an operation. The rules' refusal is a normal answer; a store that fails is a fault (CONTRACT 1, 2.4)."""
        try:
            answer: Element = super().call_wrapper(ctx, args or (ctx, *ctx.in_object))
        except Refused as refusal:
            answer = Element("root", {"success": "false", "error": refusal.text})
        except Unavailable as error:
            _log.warning("request %s: %s", ctx.request.id, error)
            raise ServiceUnavailable from error
        return answer if ctx.app.config.root_name == "root" else _in_older_dialect(answer, ctx.app.config.root_name)

    @rpc(
        Unicode,
        Unicode,
        _returns=AnyXml,
        _operation_name="AuthenticateUser",
        _in_variable_names={"user_name": "UID", "password": "PWD"},
        _udd=_COOPERATIVE,
    )
    def authenticate_user(ctx: Any, user_name: str | None, password: str | None) -> Element:
        """Log in with a user name and a password, and get a ticket."""
        session = _authentication(ctx).log_in(user_name or "", password or "", None, _caller(ctx))
        return _profile(session, with_ticket=True)

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
        """Log in with a user name and a password, in a language, and get a ticket."""
        session = _authentication(ctx).log_in(user_name or "", password or "", language, _caller(ctx))
        return _profile(session, with_ticket=True)

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
        """Log in and keep the old ticket if it is still alive, or get a new one."""
        if is_given(old_ticket):
            old_guid = parse_guid(old_ticket or "")
            if old_guid is None:
                raise InvalidTicketFormat
        else:
            # CONTRACT 1.2: here a header or cookie that is no GUID counts as absent.
            old_guid = parse_guid(in_header(ctx.request) or "") or parse_guid(_in_cookie(ctx) or "")
        session = _authentication(ctx).renew(user_name or "", password or "", language, old_guid, _caller(ctx))
        return _profile(session, with_ticket=True)

    @rpc(
        _Optional,
        _returns=AnyXml,
        _operation_name="isValidTicket",
        _in_variable_names={"ticket": "AuthenticationTicket"},
        _udd=_COOPERATIVE,
    )
    def is_valid_ticket(ctx: Any, ticket: str | None) -> Element:
        """Say whether a ticket is alive, and whose it is. Does not prolong it."""
        return _profile(_authentication(ctx).validate(_guid(ctx, ticket)), with_ticket=False)

    @rpc(
        Unicode,
        Unicode,
        _returns=AnyXml,
        _operation_name="CreateTicketforUser",
        _in_variable_names={"trusted_password": "TrustedUserPwd", "user_name": "UserName"},
        _udd=_COOPERATIVE,
    )
    def create_ticket_for_user(ctx: Any, trusted_password: str | None, user_name: str | None) -> Element:
        """Get a ticket for a user without the user's password, as a program that knows the shared secret."""
        session = _authentication(ctx).create_for_user(trusted_password or "", user_name or "", _caller(ctx))
        return Element("root", {"success": "true", "ticket": format_guid(session.guid)})

    @rpc(
        _Optional,
        _returns=AnyXml,
        _operation_name="GetCurrentUser",
        _in_variable_names={"ticket": "authenticationTicket"},
        _udd=_COOPERATIVE,
    )
    def get_current_user(ctx: Any, ticket: str | None) -> Element:
        """Get the profile of the user whom a ticket stands for."""
        session = _authentication(ctx).use(_guid(ctx, ticket))
        return Element("root", {"success": "true"}, [_user_element(session, ctx.app.config.local_zone)])

    @rpc(
        _Optional,
        _returns=AnyXml,
        _operation_name="LogOut",
        _in_variable_names={"ticket": "AuthenticationTicket"},
        _udd=_COOPERATIVE,
    )
    def log_out(ctx: Any, ticket: str | None) -> Element:
        """End a ticket at once."""
        _authentication(ctx).log_out(_guid(ctx, ticket), _caller(ctx))
        return Element("root", {"success": "true"})

    @rpc(_returns=AnyXml, _operation_name="ServerInfo", _udd={"waiting": Waiting.NEVER})
    def server_info(ctx: Any) -> Element:
        """Get the server's version, time and licence. Needs no ticket."""
        parts: Parts = ctx.app.config
        local = datetime.fromtimestamp(parts.clock(), parts.local_zone).astimezone(parts.local_zone)
        offset = local.utcoffset()
        facts = parts.facts
        return Element(
            "root",
            {
                "success": "true",
                "VersionNumber": facts["VersionNumber"],
                "Server_date_time": local.strftime("%Y-%m-%dT%H:%M:%S"),
                "Coordinated_Universal_Time": local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "UTC_Offset": f"{offset.total_seconds() / 3600 if offset else 0:g}",
                **facts,
            },
        )


# CONTRACT 2.1: nothing that a ticket service is asked is long or deep. The body's limit is a setting.
LIMITS = Limits(body=65_536, depth=16, names_length=1_000_000, value_length=8192)


def ticket_application(parts: Parts | None) -> AsmxApplication:
    """The ticket service as a spyne application; without parts, one that can be described but not called."""
    return AsmxApplication([TicketService], NAMESPACE, NAME, config=parts)


def _in_older_dialect(answer: Element, name: str) -> Element:
    attributes = dict(answer.attributes)
    return Element(name, {"success": attributes.pop("success"), "error": "", **attributes}, answer.children)


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


def _profile(session: Session, *, with_ticket: bool) -> Element:
    user = session.user
    profile = user.profile
    attributes = {
        "userid": str(user.id),
        "username": profile.user_name,
        "firstName": profile.first_name,
        "lastName": profile.last_name,
        "fullname": profile.full_name,
        "email": profile.email,
        "expireOn": _utc(session.ticket.expires_at),
        "isAuthenticated": "True",
    }
    if with_ticket:
        return Element("root", {"success": "true", "ticket": format_guid(session.guid), **attributes})
    return Element("root", {"success": "true", **attributes})


def _user_element(session: Session, local_zone: tzinfo | None) -> Element:
    user = session.user
    profile = user.profile
    return Element(
        "User",
        {
            "exists": "true",
            "UserID": str(user.id),
            "FirstName": profile.first_name,
            "LastName": profile.last_name,
            "Email": profile.email,
            "Enabled": _upper(profile.enabled),
            "UserName": profile.user_name,
            "Domain": profile.domain,
            "LastLogonDate": _local(session.ticket.previous_logon, local_zone),
            "LastPasswordChangeDate": _local(user.last_password_change, local_zone),
            "AuthenticationAuthority": "Native",
            "ReadOnlyUser": _upper(profile.read_only),
        },
        [_preferences(session.ticket.language), Element("TaskRedirection")],
    )


def _preferences(language: str) -> Element:
    return Element(
        "Preferences",
        {
            "Language": english_name(language),
            "DefaultPortal": "",
            "ShowArchives": "FALSE",
            "ShowHiddens": "FALSE",
            "NotificationType": "INSTANT",
            "NotificationTypeId": "1",
            "EmailType": "HTML",
            "AttachDocumentToEmail": "FALSE",
        },
    )


@cache
def english_name(language: str) -> str:
    """A language's English name, as .NET's CultureInfo.EnglishName has it; the code itself where it has none."""
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(language, sep="-").get_display_name("en") or language
    except (UnknownLocaleError, ValueError):
        return language


def _upper(value: bool) -> str:
    return "TRUE" if value else "FALSE"


def _local(moment: float | None, zone: tzinfo | None) -> str:
    """Local time without a zone; empty where there is none (CONTRACT 1.3)."""
    if moment is None:
        return ""
    return datetime.fromtimestamp(moment, zone).strftime("%Y-%m-%dT%H:%M:%S")


def _utc(moment: float) -> str:
    """UTC in whole seconds, rounded down: it never says more life than the ticket has (CONTRACT 1)."""
    day, second = divmod(int(moment), 86400)
    minute, second = divmod(second, 60)
    return f"{_date(day)}T{minute // 60:02d}:{minute % 60:02d}:{second:02d}Z"


@lru_cache(maxsize=4096)
def _date(day: int) -> str:
    return datetime.fromtimestamp(day * 86400, UTC).strftime("%Y-%m-%d")
