"""CONTRACT 2.7: answers that carry a ticket or a profile are never cached."""

from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from tests.contract.steps import in_every_binding, mint
from tests.support.service import PASSWORD, TRUSTED_PASSWORD, Service

NEVER = "private, max-age=0, no-store"
TICKET = "<a live ticket>"
LOGIN = {"UID": "jsmith", "PWD": PASSWORD}
CALLS = [
    ("AuthenticateUser", LOGIN),
    ("AuthenticateUser1", LOGIN),
    ("RenewTicket", LOGIN),
    ("isValidTicket", {"AuthenticationTicket": TICKET}),
    ("CreateTicketforUser", {"TrustedUserPwd": TRUSTED_PASSWORD, "UserName": "jsmith"}),
    ("GetCurrentUser", {"authenticationTicket": TICKET}),
    ("LogOut", {"AuthenticationTicket": TICKET}),
    ("ServerInfo", {}),
    ("AuthenticateUser", {"UID": "jsmith", "PWD": "wrong"}),
    ("isValidTicket", {"AuthenticationTicket": "abc"}),
]


@in_every_binding
@pytest.mark.parametrize(("operation", "parameters"), CALLS)
def test_an_operations_answer_is_never_cached(
    service: Service, call: Callable[..., TestResponse], operation: str, parameters: dict[str, str]
) -> None:
    """`Cache-Control: private, max-age=0, no-store`, once, on every operation's answer, and nothing against it."""
    given = {name: mint(service) if value is TICKET else value for name, value in parameters.items()}
    response = call(service, operation, **given)
    assert response.status_code == 200
    assert response.headers.getlist("Cache-Control") == [NEVER]
    assert not {"ETag", "Last-Modified", "Expires", "Age"} & set(response.headers.keys())


@pytest.mark.parametrize(
    "answer",
    [
        lambda service: service.get("AuthenticateUser", UID="jsmith"),
        lambda service: service.get("Nope"),
        lambda service: service.soap("Nope"),
        lambda service: service.http.post(service.path, data=b"<", content_type="text/xml"),
        lambda service: service.http.post(service.path, data=b"{}", content_type="application/json"),
        lambda service: service.http.put(f"{service.path}/AuthenticateUser"),
    ],
    ids=["missing parameter", "unknown operation", "unknown action", "unreadable", "media type", "method"],
)
def test_what_is_refused_is_never_cached(service: Service, answer: Callable[[Service], TestResponse]) -> None:
    """A fault in a cache would keep the next, right call from being answered (SECURITY L3: also on 4xx and 5xx)."""
    response = answer(service)
    assert response.status_code >= 400
    assert response.headers.getlist("Cache-Control") == [NEVER]
