"""CONTRACT 1: what each operation answers, over every binding."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from xml.etree import ElementTree

import pytest
from werkzeug.test import TestResponse

from tests.contract.steps import INVALID, add_user, expire_on, in_every_binding, mint
from tests.support.service import GUID, NAMESPACE, PASSWORD, TRUSTED_PASSWORD, Service, error_of, root_of

Call = Callable[..., TestResponse]

TICKET = "<a live ticket>"
LOGIN = {"UID": "jsmith", "PWD": PASSWORD}
PROFILE = "userid username firstName lastName fullname email expireOn isAuthenticated"
SERVER = (
    "VersionNumber Server_date_time Coordinated_Universal_Time UTC_Offset Company ServerName LicenseCount "
    "SubscriptionEndDate WindowsAuthenticationIsOn WorkflowIsOn AnonymousAccessIsOn ComplianceModuleIsOn"
)
TRUSTED = {"TrustedUserPwd": TRUSTED_PASSWORD, "UserName": "jsmith"}

# Operation, parameters, attributes of root in their order: the table of CONTRACT 1.
OPERATIONS = [
    ("AuthenticateUser", LOGIN, f"success ticket {PROFILE}"),
    ("AuthenticateUser1", LOGIN | {"Lang": "de"}, f"success ticket {PROFILE}"),
    ("RenewTicket", LOGIN | {"Lang": "de", "OldTicket": TICKET}, f"success ticket {PROFILE}"),
    ("isValidTicket", {"AuthenticationTicket": TICKET}, f"success {PROFILE}"),
    ("CreateTicketforUser", TRUSTED, "success ticket"),
    ("GetCurrentUser", {"authenticationTicket": TICKET}, "success"),
    ("LogOut", {"AuthenticationTicket": TICKET}, "success"),
    ("ServerInfo", {}, f"success {SERVER}"),
]
JOHN = {
    "userid": "42",
    "username": "jsmith",
    "firstName": "John",
    "lastName": "Smith",
    "fullname": "John Smith",
    "email": "jsmith@example.com",
    "expireOn": "2026-03-20T14:35:00Z",
    "isAuthenticated": "True",
}


def with_ticket(service: Service, parameters: dict[str, str]) -> dict[str, str]:
    return {name: mint(service) if value is TICKET else value for name, value in parameters.items()}


@in_every_binding
@pytest.mark.parametrize(("operation", "parameters", "attributes"), OPERATIONS)
def test_success_has_the_attributes_of_the_table_in_its_order(
    service: Service, call: Call, operation: str, parameters: dict[str, str], attributes: str
) -> None:
    """In every binding, with HTTP 200."""
    response = call(service, operation, **with_ticket(service, parameters))
    root = root_of(response)
    assert response.status_code == 200
    assert list(root.attrib) == attributes.split()
    assert root.attrib["success"] == "true"


@pytest.mark.parametrize(("operation", "parameters", "_"), OPERATIONS)
def test_every_operation_answers_with_one_element_in_no_namespace(
    service: Service, operation: str, parameters: dict[str, str], _: str
) -> None:
    """Over SOAP it is the only child of the operation's Result."""
    document = ElementTree.fromstring(service.soap(operation, **with_ticket(service, parameters)).data)
    result = document.find(f".//{{{NAMESPACE}}}{operation}Response/{{{NAMESPACE}}}{operation}Result")
    assert result is not None
    assert [child.tag for child in result] == ["root"]


@in_every_binding
@pytest.mark.parametrize("operation", ["AuthenticateUser", "AuthenticateUser1", "RenewTicket"])
def test_a_login_tells_who_the_user_is(service: Service, call: Call, operation: str) -> None:
    """userid is an integer, isAuthenticated `True`, expireOn UTC in whole seconds, 30 days from now."""
    attributes = dict(root_of(call(service, operation, **LOGIN)).attrib)
    assert GUID.fullmatch(attributes.pop("ticket"))
    assert attributes == {"success": "true"} | JOHN


@in_every_binding
def test_is_valid_ticket_tells_the_same_without_the_ticket(service: Service, call: Call) -> None:
    """All that a login's answer has (CONTRACT 1)."""
    assert (
        root_of(call(service, "isValidTicket", AuthenticationTicket=mint(service))).attrib == {"success": "true"} | JOHN
    )


def test_create_ticket_for_user_gives_a_ticket_that_is_the_users(service: Service) -> None:
    """success ticket, and nothing else; the ticket is as good as any."""
    root = service.call("CreateTicketforUser", **TRUSTED)
    assert list(root.attrib) == ["success", "ticket"]
    assert service.call("isValidTicket", AuthenticationTicket=root.attrib["ticket"]).attrib["username"] == "jsmith"


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("AuthenticateUser1", LOGIN),
        ("RenewTicket", LOGIN),
        ("RenewTicket", LOGIN | {"OldTicket": TICKET}),
        ("RenewTicket", LOGIN | {"Lang": "de"}),
    ],
)
@in_every_binding
def test_lang_and_old_ticket_may_be_left_out(
    service: Service, call: Call, operation: str, parameters: dict[str, str]
) -> None:
    """`P?` marks a parameter that may be left out (in every binding)."""
    assert root_of(call(service, operation, **with_ticket(service, parameters))).attrib["success"] == "true"


@pytest.mark.parametrize("operation", ["isValidTicket", "GetCurrentUser", "LogOut"])
@in_every_binding
def test_the_ticket_may_be_left_out(service: Service, call: Call, operation: str) -> None:
    """Left out in every binding, a ticket is missing: that is [901], not a missing parameter."""
    response = call(service, operation)
    assert response.status_code == 200
    assert error_of(root_of(response)) == INVALID


@pytest.mark.parametrize("fraction", [0.0, 0.001, 0.5, 0.999])
def test_expire_on_never_says_more_life_than_the_ticket_has(service: Service, fraction: float) -> None:
    """expireOn is rounded down to whole seconds, and up to then the ticket is alive."""
    service.clock.advance(fraction)
    ticket = mint(service)
    promised = datetime.strptime(expire_on(service, ticket), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    assert promised == int(service.clock.now) + 30 * 86400
    service.clock.now = promised - 0.001
    assert service.is_valid(ticket)


@pytest.mark.parametrize(
    ("first", "last", "full"),
    [
        ("John", "Smith", "John Smith"),
        ("John", "", "John"),
        ("", "Smith", "Smith"),
        ("", "", ""),
        (" Mary Ann", "van der Berg ", "Mary Ann van der Berg"),
    ],
)
def test_fullname_is_first_and_last_name_joined_by_one_space_and_trimmed(
    service: Service, first: str, last: str, full: str
) -> None:
    """Whichever of the two is empty, and with blanks at their ends."""
    add_user(service, "other", first_name=first, last_name=last)
    root = service.call("isValidTicket", AuthenticationTicket=mint(service, "other"))
    assert root.attrib["fullname"] == full


@in_every_binding
def test_a_profile_comes_through_whatever_characters_it_has(service: Service, call: Call) -> None:
    """What XML and forms treat specially is text like any other."""
    odd = 'Zoë "Z" <O\'Neill> & Söhne \N{GRINNING FACE}'
    add_user(service, "other", first_name=odd)
    ticket = mint(service, "other")
    assert root_of(call(service, "isValidTicket", AuthenticationTicket=ticket)).attrib["firstName"] == odd


@pytest.mark.parametrize("operation", ["AuthenticateUser", "AuthenticateUser1", "RenewTicket"])
@pytest.mark.parametrize("spelling", ["zoë.smith", "ZOË.SMITH", "zOË.Smith"])
def test_login_names_compare_without_regard_to_case(service: Service, operation: str, spelling: str) -> None:
    """`username` is given back as it is stored."""
    add_user(service, "Zoë.Smith")
    assert service.call(operation, UID=spelling, PWD=PASSWORD).attrib["username"] == "Zoë.Smith"


def test_create_ticket_for_user_compares_names_without_regard_to_case(service: Service) -> None:
    """As the logins do."""
    ticket = mint(service, "JSmith")
    assert service.call("isValidTicket", AuthenticationTicket=ticket).attrib["username"] == "jsmith"


@in_every_binding
def test_server_info_says_what_the_settings_say(make_service: Callable[..., Service], call: Call) -> None:
    """Company, LicenseCount and the like come from the settings. It needs no ticket."""
    service = make_service(
        ServerInfo__Company="Smith & Sons",
        ServerInfo__LicenseCount="250",
        ServerInfo__ServerName="SRV1",
        ServerInfo__VersionNumber="8.7.155.3",
        ServerInfo__SubscriptionEndDate="2030-12-31T23:59:59Z",
        ServerInfo__WorkflowIsOn="true",
    )
    assert root_of(call(service, "ServerInfo")).attrib == {
        "success": "true",
        "VersionNumber": "8.7.155.3",
        "Server_date_time": "2026-02-18T14:35:00",
        "Coordinated_Universal_Time": "2026-02-18T14:35:00Z",
        "UTC_Offset": "0",
        "Company": "Smith & Sons",
        "ServerName": "SRV1",
        "LicenseCount": "250",
        "SubscriptionEndDate": "2030-12-31T23:59:59Z",
        "WindowsAuthenticationIsOn": "false",
        "WorkflowIsOn": "true",
        "AnonymousAccessIsOn": "false",
        "ComplianceModuleIsOn": "false",
    }


@in_every_binding
def test_a_fresh_install_has_a_subscription_that_ends_in_the_future(service: Service, call: Call) -> None:
    """The vendor's samples parse it as a time."""
    ends = root_of(call(service, "ServerInfo")).attrib["SubscriptionEndDate"]
    assert datetime.strptime(ends, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) > datetime.now(UTC)


@pytest.mark.parametrize(
    ("hours", "local", "offset"),
    [
        (1, "2026-02-18T15:35:00", "1"),
        (5.5, "2026-02-18T20:05:00", "5.5"),
        (5.75, "2026-02-18T20:20:00", "5.75"),
        (-9.5, "2026-02-18T05:05:00", "-9.5"),
        (14, "2026-02-19T04:35:00", "14"),
    ],
)
def test_server_info_has_local_time_and_its_distance_from_utc(
    make_service_in: Callable[[tzinfo], Service], hours: float, local: str, offset: str
) -> None:
    """Server_date_time is local, without zone; Coordinated_Universal_Time is UTC; UTC_Offset is hours as a decimal."""
    root = make_service_in(timezone(timedelta(hours=hours))).call("ServerInfo")
    assert root.attrib["Server_date_time"] == local
    assert root.attrib["Coordinated_Universal_Time"] == "2026-02-18T14:35:00Z"
    assert root.attrib["UTC_Offset"] == offset
