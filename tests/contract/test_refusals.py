"""CONTRACT 1.1: the service's refusals, to the letter, and what each is for."""

from collections.abc import Callable, Iterator

import pytest
from werkzeug.test import TestResponse

from asmx_tickets.hosting.composition import Composition, compose
from asmx_tickets.settings.model import Settings
from tests.contract.steps import (
    BAD_FORMAT,
    BINDINGS,
    DEAD_TICKETS,
    FAILED,
    INVALID,
    NOBODYS_TICKET,
    NOT_ALLOWED,
    add_user,
    in_every_binding,
    mint,
    of_a_user_deleted_since,
    of_a_user_disabled_since,
)
from tests.support.service import HASHER, PASSWORD, TRUSTED_PASSWORD, Clock, Service, error_of, root_of

Call = Callable[..., TestResponse]
Bare = Callable[..., Service]

SYSADMIN_PASSWORD = "Sysadmin123!"
SHARED_SECRET = "0123456789abcdef0123456789abcdef"
LOGINS = ("AuthenticateUser", "AuthenticateUser1", "RenewTicket")

# What is wrong: UID and PWD.
FAILED_LOGINS = {
    "unknown name": ("nobody", PASSWORD),
    "wrong password": ("jsmith", "wrong"),
    "disabled account": ("retired", PASSWORD),
    "disabled account and wrong password": ("retired", "wrong"),
    "empty password": ("jsmith", ""),
    "empty name": ("", PASSWORD),
    "both empty": ("", ""),
    "password of 1025 characters": ("jsmith", "x" * 1025),
    "name that no account can have": ("x" * 5000, PASSWORD),
    "sysadmin with a wrong password": ("sysadmin", "wrong"),
    "name with white space": ("jsmith ", PASSWORD),
    "name like a ticket": (NOBODYS_TICKET, PASSWORD),
    "unknown ticket for a name": (NOBODYS_TICKET, ""),
}
FAILED_TRUST = {
    "wrong secret": ("MyServerSecre", "jsmith"),
    "secret in other case": ("myserversecret", "jsmith"),
    "secret with white space": ("MyServerSecret ", "jsmith"),
    "empty secret": ("", "jsmith"),
    "unknown user": (TRUSTED_PASSWORD, "nobody"),
    "disabled user": (TRUSTED_PASSWORD, "retired"),
    "empty user": (TRUSTED_PASSWORD, ""),
    "user with white space": (TRUSTED_PASSWORD, " jsmith"),
    "user's password for the secret": (PASSWORD, "jsmith"),
    "both wrong": ("wrong", "nobody"),
}


@pytest.fixture
def make_bare_service(clock: Clock) -> Iterator[Bare]:
    """Compose the service without the demo's users and secrets, with settings by their Python names."""
    made: list[Composition] = []

    def make(**settings: object) -> Service:
        made.append(
            compose(Settings(connection_strings={"users": "sqlite://"}, **settings), clock=clock, passwords=HASHER)
        )
        return Service(made[-1], clock)

    yield make
    for composition in made:
        composition.close()


def as_seen(response: TestResponse) -> tuple[object, ...]:
    """An answer without its request id."""
    headers = sorted((name.lower(), value) for name, value in response.headers if name.lower() != "x-request-id")
    return response.status, headers, response.data


def live_tickets(service: Service) -> int:
    return len(list(service.composition.tickets.summaries()))


# [900]


@pytest.mark.parametrize(("user_name", "password"), FAILED_LOGINS.values(), ids=FAILED_LOGINS.keys())
def test_a_failed_login_is_900_and_leaves_no_ticket(service: Service, user_name: str, password: str) -> None:
    """The login does not exist, the password is wrong, or the account is disabled: [900] Authentication failed."""
    assert error_of(service.call("AuthenticateUser", UID=user_name, PWD=password)) == FAILED
    assert live_tickets(service) == 0


@pytest.mark.parametrize(
    ("operation", "binding"),
    [*(("AuthenticateUser", binding) for binding in BINDINGS), ("AuthenticateUser1", "GET"), ("RenewTicket", "POST")],
)
def test_failed_logins_are_byte_for_byte_the_same(service: Service, operation: str, binding: str) -> None:
    """One text for all: it must not tell them apart (SECURITY A5: same status, headers, bytes)."""
    add_user(service, "gone")
    service.composition.directory.remove(find_id(service, "gone"))
    logins = [*FAILED_LOGINS.values(), ("gone", PASSWORD)]
    answers = {str(as_seen(BINDINGS[binding](service, operation, UID=name, PWD=password))) for name, password in logins}
    assert len(answers) == 1
    assert FAILED in answers.pop()


def find_id(service: Service, user_name: str) -> int:
    found = service.composition.directory.find(user_name)
    assert found is not None
    return found.user.id


def test_name_and_password_left_out_of_an_envelope_are_900(service: Service) -> None:
    """Parameters that are not supplied count as wrong ones."""
    assert error_of(service.call("AuthenticateUser")) == FAILED
    assert error_of(service.call("AuthenticateUser", UID="jsmith")) == FAILED
    assert error_of(service.call("AuthenticateUser", PWD=PASSWORD)) == FAILED


@pytest.mark.parametrize(("secret", "user_name"), FAILED_TRUST.values(), ids=FAILED_TRUST.keys())
def test_create_ticket_for_user_is_900_and_leaves_no_ticket(service: Service, secret: str, user_name: str) -> None:
    """TrustedUserPwd is wrong, or the user is unknown or disabled: [900]."""
    assert error_of(service.call("CreateTicketforUser", TrustedUserPwd=secret, UserName=user_name)) == FAILED
    assert live_tickets(service) == 0


@in_every_binding
def test_refusals_of_create_ticket_for_user_are_byte_for_byte_the_same(service: Service, call: Call) -> None:
    """One text for all, in CreateTicketforUser too."""
    answers = set()
    for secret, user_name in FAILED_TRUST.values():
        service.clock.advance(180)  # Otherwise the address would soon have to wait.
        answers.add(str(as_seen(call(service, "CreateTicketforUser", TrustedUserPwd=secret, UserName=user_name))))
    assert len(answers) == 1
    assert FAILED in answers.pop()


@pytest.mark.parametrize("secret", ["", " ", TRUSTED_PASSWORD, "****", "None"])
def test_create_ticket_for_user_is_900_for_all_while_no_secret_is_configured(
    make_bare_service: Bare, secret: str
) -> None:
    """TrustedUserPwd is not configured: an empty one switches CreateTicketforUser off ([900] for all)."""
    service = make_bare_service()
    add_user(service, "jsmith")
    assert error_of(service.call("CreateTicketforUser", TrustedUserPwd=secret, UserName="jsmith")) == FAILED


# [901]


def missing(_: Service) -> None:
    return None


def empty(_: Service) -> str:
    return ""


def no_guid(_: Service) -> str:
    return "abc"


TAKERS = {
    "isValidTicket": "AuthenticationTicket",
    "GetCurrentUser": "authenticationTicket",
    "LogOut": "AuthenticationTicket",
}


@pytest.mark.parametrize("dead", [missing, empty, no_guid, *DEAD_TICKETS])
@pytest.mark.parametrize(("operation", "parameter"), TAKERS.items())
def test_a_dead_ticket_is_901_over_every_binding(
    service: Service, operation: str, parameter: str, dead: Callable[[Service], str | None]
) -> None:
    """The ticket is missing, not a GUID, unknown, expired or logged out, or its account is disabled or deleted."""
    ticket = dead(service)
    given = {} if ticket is None else {parameter: ticket}
    assert [error_of(root_of(call(service, operation, **given))) for call in BINDINGS.values()] == [INVALID] * 4


def test_a_ticket_of_a_disabled_account_is_dead_however_it_came_to_be_disabled(service: Service) -> None:
    """Even if no security stamp was raised, as by an operator's SQL (SECURITY T8)."""
    retired = service.composition.directory.find("retired")
    assert retired is not None
    service.composition.tickets.add(
        bytes(16),
        user_id=retired.user.id,
        security_stamp=retired.user.security_stamp,
        language="en",
        previous_logon=None,
    )
    assert not service.is_valid("00000000-0000-0000-0000-000000000000")


def test_a_ticket_stays_dead_when_its_account_is_enabled_again(service: Service) -> None:
    """Disabling ended it; a new login is a new ticket (CONTRACT 3: disable ends the user's tickets at once)."""
    ticket = of_a_user_disabled_since(service)
    service.composition.directory.change(42, enabled=True)
    assert not service.is_valid(ticket)
    assert service.is_valid(service.log_in())


def test_a_ticket_is_not_another_accounts_that_gets_the_same_name(service: Service) -> None:
    """Accounts go by their number, which is not given twice."""
    ticket = of_a_user_deleted_since(service)
    add_user(service, "jsmith")
    assert not service.is_valid(ticket)


def test_the_tickets_of_others_live_on(service: Service) -> None:
    """Only the tickets of the account that was disabled are dead."""
    add_user(service, "other")
    ticket = mint(service, "other")
    of_a_user_disabled_since(service)
    assert service.is_valid(ticket)


# [902]


@in_every_binding
@pytest.mark.parametrize("user_name", ["sysadmin", "SYSADMIN"])
@pytest.mark.parametrize("operation", LOGINS)
def test_the_sysadmin_gets_902_once_the_password_was_right(
    service: Service, call: Call, operation: str, user_name: str
) -> None:
    """AuthenticateUser, AuthenticateUser1 and RenewTicket say [902] once UID and PWD were right, otherwise [900]."""
    assert error_of(root_of(call(service, operation, UID=user_name, PWD=SYSADMIN_PASSWORD))) == NOT_ALLOWED
    assert error_of(root_of(call(service, operation, UID=user_name, PWD="wrong"))) == FAILED
    assert live_tickets(service) == 0


@in_every_binding
@pytest.mark.parametrize("secret", [TRUSTED_PASSWORD, "wrong", ""])
@pytest.mark.parametrize("user_name", ["sysadmin", "SysAdmin"])
def test_create_ticket_for_user_always_says_902_of_the_sysadmin(
    service: Service, call: Call, secret: str, user_name: str
) -> None:
    """CreateTicketforUser says it always, before it looks at TrustedUserPwd."""
    answer = call(service, "CreateTicketforUser", TrustedUserPwd=secret, UserName=user_name)
    assert error_of(root_of(answer)) == NOT_ALLOWED


def test_create_ticket_for_user_says_902_of_the_sysadmin_also_while_it_is_off(make_bare_service: Bare) -> None:
    """Always: without a configured TrustedUserPwd, and whether there is such an account or not."""
    service = make_bare_service(sysadmin_account_name="chief")
    assert error_of(service.call("CreateTicketforUser", TrustedUserPwd="", UserName="chief")) == NOT_ALLOWED


@pytest.mark.parametrize("operation", LOGINS)
def test_a_disabled_sysadmin_is_900_at_login(service: Service, operation: str) -> None:
    """With the right password (CONTRACT 3)."""
    service.composition.directory.change(find_id(service, "sysadmin"), enabled=False)
    assert error_of(service.call(operation, UID="sysadmin", PWD=SYSADMIN_PASSWORD)) == FAILED


def test_a_disabled_sysadmin_is_902_in_create_ticket_for_user(service: Service) -> None:
    """Which says so before it looks at the account (CONTRACT 1.1)."""
    service.composition.directory.change(find_id(service, "sysadmin"), enabled=False)
    answer = service.call("CreateTicketforUser", TrustedUserPwd=TRUSTED_PASSWORD, UserName="sysadmin")
    assert error_of(answer) == NOT_ALLOWED


def test_the_setting_says_whose_account_it_is(make_bare_service: Bare) -> None:
    """[902] is for the account named by `SysadminAccountName`, in any letter case, and for no other."""
    service = make_bare_service(sysadmin_account_name="CHIEF", trusted_user_pwd=SHARED_SECRET)
    add_user(service, "chief")
    add_user(service, "sysadmin")
    assert error_of(service.call("AuthenticateUser", UID="chief", PWD=PASSWORD)) == NOT_ALLOWED
    assert service.call("AuthenticateUser", UID="sysadmin", PWD=PASSWORD).attrib["success"] == "true"
    answer = service.call("CreateTicketforUser", TrustedUserPwd=SHARED_SECRET, UserName="sysadmin")
    assert answer.attrib["success"] == "true"


def test_an_empty_sysadmin_account_name_names_nobody(make_bare_service: Bare) -> None:
    """An empty SysadminAccountName names nobody, not even the empty name."""
    service = make_bare_service(sysadmin_account_name="", trusted_user_pwd=SHARED_SECRET)
    add_user(service, "sysadmin")
    assert service.call("AuthenticateUser", UID="sysadmin", PWD=PASSWORD).attrib["success"] == "true"
    assert error_of(service.call("CreateTicketforUser", TrustedUserPwd=SHARED_SECRET, UserName="")) == FAILED


# invalid ticket format


@in_every_binding
@pytest.mark.parametrize("old_ticket", ["abc", "{}", f"{NOBODYS_TICKET}0", f"urn:uuid:{NOBODYS_TICKET}"])
def test_an_old_ticket_that_is_no_guid_is_an_invalid_format(service: Service, call: Call, old_ticket: str) -> None:
    """In every binding, although name and password are right."""
    answer = call(service, "RenewTicket", UID="jsmith", PWD=PASSWORD, Lang="", OldTicket=old_ticket)
    assert error_of(root_of(answer)) == BAD_FORMAT


@pytest.mark.parametrize(
    ("user_name", "password"),
    [*FAILED_LOGINS.values(), ("jsmith", PASSWORD), ("sysadmin", SYSADMIN_PASSWORD)],
    ids=[*FAILED_LOGINS.keys(), "right", "sysadmin"],
)
def test_the_format_is_looked_at_before_any_credential(service: Service, user_name: str, password: str) -> None:
    """Right or wrong, the credentials make no difference to the answer."""
    assert error_of(service.call("RenewTicket", UID=user_name, PWD=password, OldTicket="abc")) == BAD_FORMAT
    assert live_tickets(service) == 0


# All of them


@in_every_binding
@pytest.mark.parametrize(
    ("operation", "parameters", "error"),
    [
        ("AuthenticateUser", {"UID": "jsmith", "PWD": "wrong"}, FAILED),
        ("isValidTicket", {"AuthenticationTicket": "abc"}, INVALID),
        ("CreateTicketforUser", {"TrustedUserPwd": "", "UserName": "sysadmin"}, NOT_ALLOWED),
        ("RenewTicket", {"UID": "", "PWD": "", "OldTicket": "abc"}, BAD_FORMAT),
    ],
)
def test_a_refusal_is_a_normal_answer(
    service: Service, call: Call, operation: str, parameters: dict[str, str], error: str
) -> None:
    """`<root success="false" error="…"/>` with HTTP 200, not a SOAP fault."""
    response = call(service, operation, **parameters)
    assert response.status_code == 200
    assert list(root_of(response).attrib.items()) == [("success", "false"), ("error", error)]
