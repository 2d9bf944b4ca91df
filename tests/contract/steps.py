"""Steps that many contract tests take, and the four bindings as a parameter."""

from collections.abc import Iterable
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from werkzeug.test import TestResponse

from asmx_tickets.users.user import Profile
from spyne_asmx import Request
from spyne_asmx.http import HeaderMap
from tests.support.service import HASHER, NAMESPACE, PASSWORD, SOAP12, TRUSTED_PASSWORD, Service, envelope

FAILED = "[900] Authentication failed"
INVALID = "[901] Session expired or Invalid ticket"
NOT_ALLOWED = "[902] Ticket generation are not allowed for this user."
BAD_FORMAT = "invalid ticket format"

NOBODYS_TICKET = "00000000-1111-2222-3333-444444444444"


def soap12(service: Service, operation: str, **parameters: str) -> TestResponse:
    """Call an operation over SOAP 1.2."""
    return service.http.post(
        service.path,
        data=envelope(operation, parameters, soap=SOAP12),
        content_type=f'application/soap+xml; charset=utf-8; action="{NAMESPACE}{operation}"',
    )


BINDINGS = {"SOAP 1.1": Service.soap, "SOAP 1.2": soap12, "GET": Service.get, "POST": Service.post}

in_every_binding = pytest.mark.parametrize("call", BINDINGS.values(), ids=BINDINGS.keys())


def ask(
    service: Service, operation: str, headers: Iterable[tuple[str, str]] = (), **parameters: str
) -> ElementTree.Element:
    """Call an operation over SOAP 1.1 with header lines as they are given, repeated ones too; its <root>."""
    lines = [("Content-Type", "text/xml"), ("SOAPAction", f'"{NAMESPACE}{operation}"'), *headers]
    response = service.composition.site.handle(
        Request("POST", service.path, "", HeaderMap(lines), envelope(operation, parameters))
    )
    assert response.status == 200, response.body
    root = ElementTree.fromstring(response.body).find(".//root")
    assert root is not None, response.body
    return root


def mint(service: Service, user_name: str = "jsmith") -> str:
    """A fresh ticket without a login, which costs no hash."""
    return service.call("CreateTicketforUser", TrustedUserPwd=TRUSTED_PASSWORD, UserName=user_name).attrib["ticket"]


def hash_of(password: str) -> str:
    """A password's hash, made once in all."""
    return HASHER.hash(password)


def add_user(service: Service, user_name: str, *, password: str = PASSWORD, **profile: str) -> int:
    """Add a user; the userid."""
    return service.composition.directory.add(Profile(user_name, **profile), hash_of(password))


def expire_on(service: Service, ticket: str) -> str:
    """When a live ticket expires, by isValidTicket, which does not extend it."""
    return service.call("isValidTicket", AuthenticationTicket=ticket).attrib["expireOn"]


def in_30_days(service: Service) -> str:
    """What expireOn says of a ticket used now."""
    return datetime.fromtimestamp(service.clock.now + 30 * 86400, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def unknown(_: Service) -> str:
    return NOBODYS_TICKET


def expired(service: Service) -> str:
    ticket = mint(service)
    service.clock.advance(days=30)
    return ticket


def logged_out(service: Service) -> str:
    ticket = mint(service)
    service.call("LogOut", AuthenticationTicket=ticket)
    return ticket


def of_a_user_disabled_since(service: Service) -> str:
    ticket = mint(service)
    service.composition.directory.change(42, enabled=False)
    return ticket


def of_a_user_deleted_since(service: Service) -> str:
    ticket = mint(service)
    service.composition.directory.remove(42)
    return ticket


def of_a_user_with_a_new_password(service: Service) -> str:
    ticket = mint(service)
    service.composition.directory.change(42, password_hash=hash_of(PASSWORD))
    return ticket


DEAD_TICKETS = (
    unknown,
    expired,
    logged_out,
    of_a_user_disabled_since,
    of_a_user_deleted_since,
    of_a_user_with_a_new_password,
)
