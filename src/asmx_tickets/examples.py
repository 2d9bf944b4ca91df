"""The example calls on the help pages: made-up requests, and the service's own answers to them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from asmx_tickets import elements
from asmx_tickets.access.authentication import Session
from asmx_tickets.tickets.ticket import Ticket, format_guid
from asmx_tickets.users.user import Profile, User
from spyne_asmx import Element, Example

_NOW = datetime(2026, 2, 18, 14, 35, tzinfo=UTC).timestamp()
_DAY = 86400.0
_JOHN = User(
    id=42,
    profile=Profile("jsmith", "John", "Smith", "jsmith@example.com", domain="MyLibrary"),
    security_stamp=0,
    last_logon=_NOW,
    last_password_change=_NOW - 40 * _DAY,
)
_SESSION = Session(
    bytes.fromhex("1ef0a6f27c39b1a46f0e0c2b8a5d9e73"),
    Ticket(
        _JOHN.id,
        _JOHN.security_stamp,
        language="en",
        previous_logon=_NOW - 3 * _DAY,
        issued_at=_NOW,
        expires_at=_NOW + 30 * _DAY,
    ),
    _JOHN,
)
_TICKET = format_guid(_SESSION.guid)
_LOGIN = {"UID": "jsmith", "PWD": "Secret123!"}


def examples(facts: Mapping[str, str], root_name: str = "root") -> dict[str, Example]:
    """An example for each operation, in the dialect whose answers have this root. ``facts`` is what ServerInfo says of
    this installation.
    """
    login = elements.profile(_SESSION, with_ticket=True)
    calls: dict[str, tuple[dict[str, str], Element]] = {
        "AuthenticateUser": (_LOGIN, login),
        "AuthenticateUser1": (_LOGIN | {"Lang": "en"}, login),
        "RenewTicket": (_LOGIN | {"Lang": "en", "OldTicket": _TICKET}, login),
        "isValidTicket": ({"AuthenticationTicket": _TICKET}, elements.profile(_SESSION, with_ticket=False)),
        "CreateTicketforUser": (
            {"TrustedUserPwd": "MyServerSecret", "UserName": "jsmith"},
            elements.ticket_alone(_SESSION),
        ),
        "GetCurrentUser": ({"authenticationTicket": _TICKET}, elements.current_user(_SESSION, UTC)),
        "LogOut": ({"AuthenticationTicket": _TICKET}, elements.done()),
        "ServerInfo": ({}, elements.server_info(facts, _NOW, UTC)),
    }
    return {name: Example(values, elements.named(answer, root_name)) for name, (values, answer) in calls.items()}
