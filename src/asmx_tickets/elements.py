"""The operations' answers as elements (CONTRACT 1). Only this module and service.py contain C#'s names."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

from asmx_tickets.access.authentication import Session
from asmx_tickets.language_names import english_name
from asmx_tickets.tickets.ticket import format_guid
from spyne_asmx import Element


def profile(session: Session, *, with_ticket: bool) -> Element:
    """The answer of a login and, without the ticket, of isValidTicket."""
    user = session.user
    shown = user.profile
    return Element(
        "root",
        {
            "success": "true",
            **({"ticket": format_guid(session.guid)} if with_ticket else {}),
            "userid": str(user.id),
            "username": shown.user_name,
            "firstName": shown.first_name,
            "lastName": shown.last_name,
            "fullname": shown.full_name,
            "email": shown.email,
            "expireOn": _utc(int(session.ticket.expires_at)),
            "isAuthenticated": "True",
        },
    )


def ticket_alone(session: Session) -> Element:
    """The answer of CreateTicketforUser."""
    return Element("root", {"success": "true", "ticket": format_guid(session.guid)})


def current_user(session: Session, local_zone: tzinfo | None) -> Element:
    """The answer of GetCurrentUser (CONTRACT 1.3)."""
    return Element("root", {"success": "true"}, [_user_element(session, local_zone)])


def done() -> Element:
    """The answer that only says that the operation was done."""
    return Element("root", {"success": "true"})


def refused(error: str) -> Element:
    """The answer that says no."""
    return Element("root", {"success": "false", "error": error})


def server_info(facts: Mapping[str, str], now: float, local_zone: tzinfo | None) -> Element:
    """The answer of ServerInfo. ``facts`` describes this installation."""
    local = datetime.fromtimestamp(now, local_zone).astimezone(local_zone)
    offset = local.utcoffset()
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


def named(answer: Element, name: str) -> Element:
    """An answer in the dialect with the root ``name``. In ``response``, the older one, success has an empty error."""
    return answer if name == "root" else _in_older_dialect(answer, name)


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


def _upper(value: bool) -> str:
    return "TRUE" if value else "FALSE"


def _local(moment: float | None, zone: tzinfo | None) -> str:
    """A local time without a zone; empty for None (CONTRACT 1.3)."""
    if moment is None:
        return ""
    return datetime.fromtimestamp(moment, zone).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=4096)
def _utc(second: int) -> str:
    """UTC in whole seconds, rounded down so that it never promises a longer life than the ticket has (CONTRACT 1)."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _in_older_dialect(answer: Element, name: str) -> Element:
    attributes = dict(answer.attributes)
    return Element(name, {"success": attributes.pop("success"), "error": "", **attributes}, answer.children)
