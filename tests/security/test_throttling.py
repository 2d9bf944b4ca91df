"""SECURITY 1.2: failures cost time, whatever is guessed, by whichever way and from wherever; and nobody can lock out
everybody."""

import hmac
import http.client
import os
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from logging import LogRecord
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from asmx_tickets.access.policy import Languages, Policy
from asmx_tickets.errors import SettingsError
from asmx_tickets.settings.model import Settings, load_settings
from asmx_tickets.users.hash_parameters import HashParameters
from asmx_tickets.users.user import Profile
from tests.contract.steps import BINDINGS, FAILED
from tests.support.attacks import (
    TRUSTED,
    UNMERGED,
    Difference,
    GuessedService,
    audit_lines,
    difference,
    has_ticket,
    in_turns,
    running,
)
from tests.support.command_line import complete
from tests.support.redis import RedisServer
from tests.support.service import PASSWORD, error_of, root_of

Make = Callable[..., GuessedService]
Call = Callable[..., TestResponse]

# Seconds. About a millisecond, which floats have exactly.
TICK = 2**-10
WAITS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900)
LOOKED_AT = {"wrong password", "unknown user"}
METHODS = ("AuthenticateUser", "AuthenticateUser1", "RenewTicket")
PAIRS = [(method, binding) for method in METHODS for binding in BINDINGS]
FEW = {"Throttling__FailuresPerAddress": "3"}


def guess(service: GuessedService, user_name: str = "jsmith", password: str = "wrong", **headers: str) -> bool:
    """Whether a login got in; if not, it was told the one text there is."""
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    return has_ticket(service.post("AuthenticateUser", lines, UID=user_name, PWD=password))


def lock(service: GuessedService, user_name: str = "jsmith") -> None:
    assert [guess(service, user_name) for _ in range(5)] == [False] * 5


def trusted(service: GuessedService, secret: str = TRUSTED, call: Call = BINDINGS["POST"]) -> bool:
    """Whether CreateTicketforUser gave a ticket; if not, it was told the one text there is."""
    return has_ticket(call(service, "CreateTicketforUser", TrustedUserPwd=secret, UserName="jsmith"))


def refused_trust(service: GuessedService) -> Counter[str]:
    return Counter(line["reason"] for line in service.audited() if line["event"] == "impersonation_refused")


# B1: an account waits


def test_b1_after_twenty_wrong_passwords_the_right_one_is_refused_until_the_wait_is_over(
    guessed: GuessedService,
) -> None:
    """Five are compared with the account's, and during the wait not even the right one is (SECURITY D14)."""
    assert not any(guess(guessed) for _ in range(20))
    assert guessed.hasher.compared == 5
    assert not guess(guessed, password=PASSWORD)
    assert guessed.reasons() == ["wrong password"] * 5 + ["throttled: account"] * 16
    guessed.clock.advance(1)
    assert guess(guessed, password=PASSWORD)


def test_b1_the_wait_doubles_with_each_failure_up_to_fifteen_minutes(guessed: GuessedService) -> None:
    """2^(n-5) seconds from the 5th on. What is tried during a wait is not compared, and makes it no longer."""
    for _ in range(4):
        guess(guessed)
    for number, wait in enumerate(WAITS, 5):
        assert not guess(guessed)
        assert guessed.hasher.compared == number
        guessed.clock.advance(wait - TICK)
        assert not guess(guessed, password=PASSWORD)
        assert guessed.hasher.compared == number
        guessed.clock.advance(TICK)
    locks = [line["reason"] for line in guessed.audited() if line["event"] == "lock"]
    assert locks == [f"until {wait} s have passed" for wait in WAITS]
    assert guess(guessed, password=PASSWORD)


def test_b1_only_a_success_ends_the_count(guessed: GuessedService) -> None:
    """After a success four failures cost nothing; without one the sixth waits twice as long as the fifth."""
    for _ in range(3):
        for _ in range(4):
            guess(guessed)
        assert guess(guessed, password=PASSWORD)
        guessed.clock.advance(60)  # The address has its 30 failures, whoever succeeds.
    lock(guessed)
    guessed.clock.advance(1)
    guess(guessed)
    guessed.clock.advance(2 - TICK)
    assert not guess(guessed, password=PASSWORD)
    guessed.clock.advance(TICK)
    assert guess(guessed, password=PASSWORD)


def test_b1_after_twelve_hours_without_a_failure_the_next_are_free_again(guessed: GuessedService) -> None:
    """A second earlier they are not."""
    for pause, is_free in ((12 * 3600 - 1, False), (12 * 3600, True)):
        lock(guessed)
        guessed.clock.advance(pause)
        guess(guessed)
        assert guess(guessed, password=PASSWORD) is is_free
        guessed.clock.advance(2)
        assert guess(guessed, password=PASSWORD)


@pytest.mark.parametrize("act", ["new password", "disabled and enabled"])
def test_b1_where_settings_say_so_failures_disable_a_password_until_an_operator_acts(
    make_guessed: Make, act: str
) -> None:
    """Here the 7th does, and no waiting helps. By default no failure does (SECURITY D19)."""
    assert Settings().throttling.disable_at == 0
    service = make_guessed(Throttling__DisableAt="7")
    for wait in (0, 0, 0, 0, *WAITS[:3]):
        assert not guess(service)
        service.clock.advance(wait)
    service.clock.advance(days=31)
    assert not guess(service, password=PASSWORD)
    assert service.reasons()[-1] == "throttled: disabled"
    assert service.hasher.compared == 7
    directory = service.composition.directory
    if act == "new password":
        directory.change(42, password_hash=service.hasher.hash("Another123!"))
        assert guess(service, password="Another123!")
    else:
        directory.change(42, enabled=False)
        directory.change(42, enabled=True)
        assert guess(service, password=PASSWORD)


def test_b1_a_storm_of_ten_minutes(guessed: GuessedService, record_property: Callable[[str, object], None]) -> None:
    """One guess a second from as many addresses: 5 at once and one after each of 1, 2, 4 … 256 seconds, 14 +- 1."""
    for number in range(600):
        guessed.address = f"198.51.{number // 250}.{number % 250}"
        assert not guess(guessed)
        guessed.clock.advance(1)
    record_property("looked at in ten minutes", guessed.hasher.compared)
    print(f"B1: of 600 guesses in ten minutes {guessed.hasher.compared} were looked at")
    assert guessed.hasher.verified == 600
    assert abs(guessed.hasher.compared - 14) <= 1


# D19: failures elsewhere


def test_d19_a_guess_every_five_seconds_does_not_keep_the_owner_out(guessed: GuessedService) -> None:
    """Half an hour, from ever new addresses: every login from where the owner has logged on before gets in."""
    assert guess(guessed, password=PASSWORD)
    let_in = 0
    for number in range(360):
        guessed.address = f"198.51.{number // 250}.{number % 250}"
        assert not guess(guessed)
        guessed.address = "192.0.2.1"
        let_in += guess(guessed, password=PASSWORD)
        guessed.clock.advance(5)
    assert let_in == 360


def test_d19_no_storm_switches_a_password_off(guessed: GuessedService) -> None:
    """Beyond 100 failures in a row each costs an hour. After the last of these hours the owner gets in, and that ends
    the count."""
    for number in range(121):
        guessed.address = f"198.51.100.{number}"
        guess(guessed)
        guessed.clock.advance(900 if guessed.hasher.compared <= 100 else 3600)
    assert guessed.hasher.compared == 121
    guessed.clock.advance(-1)
    assert not guess(guessed, password=PASSWORD)
    guessed.clock.advance(1)
    assert guess(guessed, password=PASSWORD)
    assert [guess(guessed) for _ in range(4)] == [False] * 4
    assert guess(guessed, password=PASSWORD)


def test_d19_a_wait_of_a_minute_is_a_warning_that_names_the_account(
    guessed: GuessedService, logged: list[LogRecord]
) -> None:
    """Only of accounts that exist: a name that does not may be a password in the wrong field."""

    def warnings() -> list[str]:
        return [record.getMessage() for record in logged if record.levelname == "WARNING"]

    for name in ("jsmith", "hunter2"):
        for wait in (0, 0, 0, 0, *WAITS[:6]):
            assert not guess(guessed, name)
            assert warnings() == []
            guessed.clock.advance(wait)
        guessed.clock.advance(90)
        if name == "hunter2":
            guess(guessed, name)
    assert warnings() == []
    guess(guessed)
    (line,) = warnings()
    assert "'jsmith'" in line
    assert "until 64 s have passed" in line
    assert "192.0.2.1" in line


def test_d19_a_password_that_is_switched_off_is_a_warning(make_guessed: Make, logged: list[LogRecord]) -> None:
    service = make_guessed(Throttling__DisableAt="5")
    lock(service)
    assert "until an operator acts" in logged[-1].getMessage()


def test_d19_a_new_password_lets_owners_in_where_they_have_logged_on(guessed: GuessedService) -> None:
    """Guesses from elsewhere do not keep them out."""
    assert guess(guessed, password=PASSWORD)
    guessed.composition.directory.change(42, password_hash=guessed.hasher.hash("Another123!"))
    guessed.address = "198.51.100.1"
    lock(guessed)
    assert not guess(guessed, password="Another123!")
    guessed.address = "192.0.2.1"
    assert guess(guessed, password="Another123!")


@pytest.mark.parametrize("store", ["memory", "redis"])
def test_d19_wrong_secrets_shut_no_program_out_that_had_the_right_one_lately(
    make_guessed: Make, request: pytest.FixtureRequest, tmp_path: Path, store: str
) -> None:
    """Guesses from the program's own address, as through one proxy, do not keep it out, nor do 29 days of silence."""
    redis = request.getfixturevalue("shared_redis").url if store == "redis" else "memory://"
    service = make_guessed(ConnectionStrings__Tickets=redis, Tickets__KeyPrefix=f"{tmp_path.name}:")
    assert trusted(service)
    for days in (0, 0, 29):
        service.clock.advance(days=days)
        assert not any(trusted(service, f"{TRUSTED}{number}") for number in range(20))
        assert trusted(service)
    service.address = "198.51.100.1"
    assert not any(trusted(service, "wrong") for _ in range(5))
    assert not trusted(service)


# B2: however the account's name is spelled


JSMITHS = (
    "jsmith",
    "JSMITH",
    "jSMITH",
    "j\u017fmith",
    "jsmith ",
    " jsmith",
    "\uff4asmith",
    "\tjsmith",
    "jsmitH",
    "JSmith",
)
MULLERS = "m\u00fcller", "M\u00dcLLER", "mu\u0308ller", "MU\u0308LLER", "M\u00fcller", "m\u00fcllER"


@pytest.mark.parametrize(("user_name", "spellings"), [("jsmith", JSMITHS), (MULLERS[0], MULLERS)], ids=ascii)
def test_b2_all_spellings_of_a_name_have_one_count(
    guessed: GuessedService, user_name: str, spellings: Sequence[str]
) -> None:
    """Thirty guesses over all of them, each from another address: at most five are compared with the password."""
    if user_name != "jsmith":
        guessed.composition.directory.add(Profile(user_name), guessed.hasher.hash(PASSWORD))
    for number in range(30):
        guessed.address = f"198.51.100.{number}"
        assert not guess(guessed, spellings[number % len(spellings)])
    assert guessed.hasher.compared == 5
    assert guessed.hasher.verified == 30
    guessed.address = "192.0.2.9"
    assert not any(guess(guessed, each, PASSWORD) for each in spellings)
    guessed.clock.advance(1)
    assert guess(guessed, spellings[1], PASSWORD)


def test_b2_a_real_and_an_invented_name_have_the_same_waits(guessed: GuessedService) -> None:
    """Guess by guess and lock by lock, so that the waits are no oracle."""
    curves: dict[str, list[bool]] = {}
    locks: dict[str, list[str]] = {}
    for step in range(22):
        for names in (("jsmith", "JSmith"), ("jdoe", "JDoe")):
            guessed.address = f"198.51.100.{step}"
            before = len(guessed.audited())
            guess(guessed, names[step % 2])
            lines = guessed.audited()[before:]
            curves.setdefault(names[0], []).append(lines[0]["reason"] in LOOKED_AT)
            locks.setdefault(names[0], []).extend(line["reason"] for line in lines[1:])
        guessed.clock.advance((0, 0.5, 0.5, 1, 7, 40)[step % 6])
    assert curves["jsmith"] == curves["jdoe"]
    assert locks["jsmith"] == locks["jdoe"]
    assert {True, False} == set(curves["jsmith"][5:])
    assert len(locks["jsmith"]) >= 4
    assert guessed.hasher.verified == 2 * 22


def test_b2_spellings_of_an_invented_name_have_one_count(guessed: GuessedService) -> None:
    """Case, width, composition and white space around it make no other name."""
    for number, name in enumerate(["jdoe", "JDOE", " jdoe", "jdoe\t", "\uff4adoe", "\uff2aDOE ", "jDoe"]):
        guessed.address = f"198.51.100.{number}"
        guess(guessed, name)
    assert guessed.reasons() == ["unknown user"] * 5 + ["throttled: account"] * 2


# B3: by whichever method and binding


def test_b3_all_methods_and_bindings_have_one_count(guessed: GuessedService) -> None:
    """Two guesses by each of the 12 pairs: five are compared in all, and the right password then gets in by none."""
    for method, binding in PAIRS * 2:
        answer = BINDINGS[binding](guessed, method, UID="jsmith", PWD="wrong")
        assert error_of(root_of(answer)) == FAILED
        guessed.address = f"198.51.100.{guessed.hasher.verified}"
    assert guessed.hasher.compared == 5
    assert guessed.reasons() == ["wrong password"] * 5 + ["throttled: account"] * 19
    for method, binding in PAIRS:
        answer = BINDINGS[binding](guessed, method, UID="jsmith", PWD=PASSWORD)
        assert error_of(root_of(answer)) == FAILED
    assert guessed.live_tickets() == 0


@pytest.mark.parametrize("first", PAIRS, ids="-".join)
def test_b3_every_pair_counts_and_obeys(make_guessed: Make, first: tuple[str, str]) -> None:
    """Where one failure is enough, one by any pair makes another pair refuse the right password."""
    service = make_guessed(Throttling__Failures="1")
    method, binding = first
    assert error_of(root_of(BINDINGS[binding](service, method, UID="jsmith", PWD="wrong"))) == FAILED
    method, binding = PAIRS[PAIRS.index(first) - 5]
    assert error_of(root_of(BINDINGS[binding](service, method, UID="jsmith", PWD=PASSWORD))) == FAILED
    assert service.reasons() == ["wrong password", "throttled: account"]


def simultaneous(
    services: Sequence[GuessedService], call: Callable[[GuessedService], int], number: int
) -> Counter[int]:
    """How often calls gave which number, when all were made at the same instant, to each service in turn."""
    start = threading.Barrier(number)

    def work(index: int) -> int:
        start.wait(timeout=20)
        return call(services[index % len(services)])

    with ThreadPoolExecutor(number) as threads:
        return Counter(threads.map(work, range(number)))


@pytest.mark.parametrize("store", ["memory", "redis"])
def test_b3_of_fifty_guesses_at_the_same_instant_five_at_most_are_compared(
    make_guessed: Make, request: pytest.FixtureRequest, tmp_path: Path, store: str
) -> None:
    """In one server, and where two share a Redis. The others are refused, or get 503 because too many wait."""
    if store == "memory":
        services = [make_guessed(HashParameters())]  # Hashes that take long enough for several to be under way.
    else:
        redis: RedisServer = request.getfixturevalue("shared_redis")
        shared = {
            "ConnectionStrings__Users": f"sqlite:///{tmp_path}/users.db",
            "ConnectionStrings__Tickets": redis.url,
            "Tickets__KeyPrefix": f"{tmp_path.name}:",
        }
        services = [make_guessed(**shared), make_guessed(**shared)]
    answers = simultaneous(
        services, lambda each: each.post("AuthenticateUser", UID="jsmith", PWD="wrong").status_code, 50
    )
    assert set(answers) <= {200, 503}
    looked_at = [each.reasons().count("wrong password") for each in services]
    assert looked_at == [each.hasher.compared for each in services]
    assert 1 <= sum(looked_at) <= 5


# B4: from whichever address


def test_b4_an_address_has_thirty_failures_and_then_one_in_three_seconds(guessed: GuessedService) -> None:
    """Whichever names they try. Then even a right login from there is refused, and one from elsewhere is not."""
    for number in range(30):
        assert not guess(guessed, f"nobody{number}")
    assert set(guessed.reasons()) == {"unknown user"}
    assert not guess(guessed, password=PASSWORD)
    assert guessed.reasons()[-1] == "throttled: address"
    guessed.clock.advance(3 - TICK)
    assert not guess(guessed, password=PASSWORD)
    guessed.clock.advance(TICK)
    assert guess(guessed, password=PASSWORD)
    assert not guess(guessed, "another")
    assert not guess(guessed, password=PASSWORD)
    guessed.address = "192.0.2.2"
    assert guess(guessed, password=PASSWORD)


def test_b4_a_spray_of_200_names_is_slowed(
    guessed: GuessedService, record_property: Callable[[str, object], None]
) -> None:
    """Two accounts a second, one guess at each: 30 at once and then one in 3 s are compared, so 63 in 100 s."""
    stored = guessed.hasher.hash(PASSWORD)
    for number in range(200):
        guessed.composition.directory.add(Profile(f"user{number}"), stored)
    for number in range(200):
        assert not guess(guessed, f"user{number}", "Summer2026!")
        guessed.clock.advance(0.5)
    record_property("looked at of 200", guessed.hasher.compared)
    print(f"B4: of a spray over 200 accounts in 100 s {guessed.hasher.compared} guesses were looked at")
    assert 60 <= guessed.hasher.compared <= 64


PROXIED = {"ForwardedHeaders__KnownProxies__0": "10.0.0.0/8"}
SAME_CLIENT = {
    "forged by a client that is no proxy": ({}, "192.0.2.7", "198.51.100.{}"),
    "forged by a client while others are proxies": (PROXIED, "192.0.2.7", "198.51.100.{}"),
    "forged by a client through the proxy": (PROXIED, "10.0.0.1", "198.51.100.{}, 203.0.113.9"),
    "forged as if through one more proxy": (PROXIED, "10.0.0.1", "198.51.100.{}, 203.0.113.9, 10.0.0.2"),
    "by whichever proxy": (PROXIED, "10.0.0.{}", "203.0.113.9"),
    "with the port that some proxies add": (PROXIED, "10.0.0.1", "203.0.113.9:5000{}"),
    "with the port of an IPv6 address": (PROXIED, "10.0.0.1", "[2001:db8:1:2::9]:5000{}"),
    "in one IPv6 network": ({}, "2001:db8:1:2:{}::7", ""),
    "in one IPv6 network behind the proxy": (PROXIED, "10.0.0.1", "2001:db8:1:2:{}::7"),
    "in one IPv6 network by its other spellings": (PROXIED, "10.0.0.1", "2001:0DB8:0001:0002:0:0:0:{}"),
}
OTHER_CLIENTS = {
    "two clients": ({}, "192.0.2.{}", ""),
    "two clients behind the proxy": (PROXIED, "10.0.0.1", "203.0.113.{}"),
    "two IPv6 networks": ({}, "2001:db8:1:{}::7", ""),
}


def guess_from(
    service: GuessedService, peer: str, forwarded: str, number: int, user_name: str, password: str = "wrong"
) -> bool:
    service.address = peer.format(number)
    return guess(service, user_name, password, **({"X_Forwarded_For": forwarded.format(number)} if forwarded else {}))


@pytest.mark.parametrize(("settings", "peer", "forwarded"), SAME_CLIENT.values(), ids=SAME_CLIENT)
def test_b4_a_client_can_not_choose_the_address_that_counts(
    make_guessed: Make, settings: dict[str, str], peer: str, forwarded: str
) -> None:
    """Three failures that seem to come from elsewhere each time are three of the same address."""
    service = make_guessed(**FEW, **settings)
    for number in range(1, 4):
        assert not guess_from(service, peer, forwarded, number, f"nobody{number}")
    assert not guess_from(service, peer, forwarded, 4, "jsmith", PASSWORD)
    assert service.reasons() == ["unknown user"] * 3 + ["throttled: address"]


@pytest.mark.parametrize(("settings", "peer", "forwarded"), OTHER_CLIENTS.values(), ids=OTHER_CLIENTS)
def test_b4_clients_do_not_pay_for_each_other(
    make_guessed: Make, settings: dict[str, str], peer: str, forwarded: str
) -> None:
    """Even behind the same proxy."""
    service = make_guessed(**FEW, **settings)
    for number in range(1, 4):
        assert not guess_from(service, peer, forwarded, 1, f"nobody{number}")
    assert not guess_from(service, peer, forwarded, 1, "jsmith", PASSWORD)
    assert guess_from(service, peer, forwarded, 2, "jsmith", PASSWORD)


def test_b4_an_ipv4_address_mapped_into_ipv6_is_itself(make_guessed: Make) -> None:
    """All mapped addresses lie in one /64, and yet the next one is another client."""
    service = make_guessed(**FEW)
    for number, address in enumerate(("192.0.2.7", "::ffff:192.0.2.7", "::ffff:c000:207")):
        service.address = address
        assert not guess(service, f"nobody{number}")
    for address, gets_in in (("192.0.2.7", False), ("::ffff:192.0.2.8", True)):
        service.address = address
        assert guess(service, password=PASSWORD) is gets_in


def test_b4_on_the_wire_only_the_header_of_a_known_proxy_counts(tmp_path: Path) -> None:
    """X_Forwarded_For, which some servers take for the same header, is ignored; of several lines the last counts."""
    seen = []
    settings = {"ForwardedHeaders__KnownProxies__0": "127.0.0.1", "Audit__To": "stdout", **UNMERGED, **FEW}
    settings["Throttling__SecondsPerFailure"] = "3600"
    with running(tmp_path, "--demo", **settings) as server:
        for number in range(4):
            for lines in (
                [("X_Forwarded_For", f"198.51.100.{number}")],
                [("X-Forwarded-For", f"198.51.100.{number}"), ("X-Forwarded-For", "203.0.113.9")],
                [("X_Forwarded_For", f"198.51.100.{number}"), ("X-Forwarded-For", "203.0.113.10")],
                [("X-Forwarded-For", "203.0.113.11"), ("X_Forwarded_For", f"198.51.100.{number}")],
            ):
                seen.append(_post_login(server.port, f"nobody{len(seen)}", lines))
        assert all(FAILED.encode() in answer for answer in seen)
        lines = audit_lines(server.stdout)
    assert Counter((line["address"], line["reason"]) for line in lines if line["event"] == "login_refused") == {
        (address, reason): number
        for address in ("127.0.0.1", "203.0.113.9", "203.0.113.10", "203.0.113.11")
        for reason, number in (("unknown user", 3), ("throttled: address", 1))
    }


def _post_login(port: int, user_name: str, headers: Sequence[tuple[str, str]]) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    body = f"UID={user_name}&PWD=wrong".encode()
    connection.putrequest("POST", "/srv.asmx/AuthenticateUser")
    for name, value in (
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", str(len(body))),
        *headers,
    ):
        connection.putheader(name, value)
    connection.endheaders(body)
    try:
        return connection.getresponse().read()
    finally:
        connection.close()


# B5: nobody can lock out everybody


def _disabled(service: GuessedService) -> None:
    for wait in (0, 0, 0, 0, 1, 2, 0):
        guess(service)
        service.clock.advance(wait)


def _address_spent(service: GuessedService) -> None:
    for number in range(3):
        guess(service, f"nobody{number}")


every_lock = pytest.mark.parametrize(
    ("settings", "attack"),
    [({}, lock), ({"Throttling__DisableAt": "7"}, _disabled), (FEW, _address_spent)],
    ids=["waiting", "password disabled", "address"],
)


@every_lock
def test_b5_a_live_ticket_works_while_its_user_is_locked(
    make_guessed: Make, settings: dict[str, str], attack: Callable[[GuessedService], None]
) -> None:
    """In every operation, and in place of a name too; only passwords are refused."""
    service = make_guessed(**settings)
    ticket = service.log_in()
    attack(service)
    assert not guess(service, password=PASSWORD)
    assert service.reasons()[-1].startswith("throttled: ")
    assert service.is_valid(ticket)
    assert service.call("GetCurrentUser", authenticationTicket=ticket).attrib["success"] == "true"
    for method in METHODS:
        assert service.call(method, UID=ticket, PWD="").attrib["ticket"] == ticket
    assert service.call("RenewTicket", UID=ticket, PWD="", OldTicket=ticket).attrib["ticket"] == ticket
    assert not guess(service, password=PASSWORD)
    assert service.call("LogOut", AuthenticationTicket=ticket).attrib["success"] == "true"
    assert not service.is_valid(ticket)


@every_lock
def test_b5_no_lock_stops_create_ticket_for_user(
    make_guessed: Make, settings: dict[str, str], attack: Callable[[GuessedService], None]
) -> None:
    """Neither one of the user, of the password, nor of the address for logins; in every binding."""
    service = make_guessed(**settings)
    attack(service)
    assert not guess(service, password=PASSWORD)
    assert all(trusted(service, call=call) for call in BINDINGS.values())


def test_b5_other_users_are_not_locked(make_guessed: Make) -> None:
    """Not even at the same address, as long as its own thirty failures are not spent."""
    service = make_guessed()
    service.composition.directory.add(Profile("other"), service.hasher.hash(PASSWORD))
    lock(service)
    assert guess(service, "other", PASSWORD)


# B6: TrustedUserPwd

EMPTY_IN_A_LIST = {"TrustedUserPwd__0": TRUSTED, "TrustedUserPwd__1": ""}
BAD_SECRETS = {
    "short": "9f86d081884c7d659a2fe",
    "one character": "a",
    "of one character": "a" * 32,
    "of few characters": "abcabcabcabcabcabcabcabcabc",
    "blank": " " * 40,
    "the demo's": "MyServerSecret",
    "with the demo's in it": "MyServerSecret-2026-9f86d081",
    "an example": "example-9f86d081884c7d659a2f",
    "to be changed": "changeme-9f86d081884c7d659a2f",
    "to be changed, in other words": "CHANGE_ME_9f86d081884c7d659a2f",
    "to be replaced": "replace-with-9f86d081884c7d659",
    "one's own": "your-secret-9f86d081884c7d659a2f",
}


ALONE_OR_IN_A_LIST = {
    **{name: {"TrustedUserPwd": secret} for name, secret in BAD_SECRETS.items()},
    **{f"{name}, in a list": EMPTY_IN_A_LIST | {"TrustedUserPwd__1": secret} for name, secret in BAD_SECRETS.items()},
    "empty, in a list": EMPTY_IN_A_LIST,
}


@pytest.mark.parametrize("environ", ALONE_OR_IN_A_LIST.values(), ids=ALONE_OR_IN_A_LIST)
def test_b6_a_bad_secret_is_refused_in_one_line_that_does_not_show_it(tmp_path: Path, environ: dict[str, str]) -> None:
    """Alone, or as one of two for rotation."""
    file = tmp_path / "appsettings.json"
    file.write_text("{}")
    with pytest.raises(SettingsError) as raised:
        load_settings(file, environ=environ)
    secret = [*environ.values()][-1]
    text = str(raised.value)
    assert "TrustedUserPwd" in text
    assert "\n" not in text
    assert len(secret) < 5 or secret not in text
    assert TRUSTED not in text


COMPILED_IN = "k7Qp-2wXz9Lm"


@pytest.mark.parametrize("networks", ["", "0.0.0.0/0", "10.1.0.0/16;::/0"])
def test_b6_a_short_secret_without_networks_is_refused(tmp_path: Path, networks: str) -> None:
    """Beside a long one too. A list that has all addresses in it limits nothing."""
    file = tmp_path / "appsettings.json"
    file.write_text("{}")
    for secrets_ in ({"TrustedUserPwd": COMPILED_IN}, {"TrustedUserPwd__0": TRUSTED, "TrustedUserPwd__1": COMPILED_IN}):
        with pytest.raises(
            SettingsError, match=r"TrustedUserPwd must have at least 22 .* TrustedUserNetworks"
        ) as raised:
            load_settings(file, environ=secrets_ | {"TrustedUserNetworks": networks})
        assert COMPILED_IN not in str(raised.value)


@pytest.mark.parametrize("secret", [COMPILED_IN[:-1], "aaaaaaaaaaaa", "MyServerSecret"])
def test_b6_networks_are_not_enough_for_a_worse_secret(tmp_path: Path, secret: str) -> None:
    file = tmp_path / "appsettings.json"
    file.write_text("{}")
    with pytest.raises(SettingsError, match="TrustedUserPwd must be"):
        load_settings(file, environ={"TrustedUserPwd": secret, "TrustedUserNetworks": "10.1.0.0/16"})


def test_b6_a_short_secret_with_networks_counts_there_and_is_warned_about(make_guessed: Make) -> None:
    """For programs that such a secret is compiled into."""
    service = make_guessed(TrustedUserPwd=COMPILED_IN, TrustedUserNetworks="10.1.0.0/16")
    (warning,) = service.composition.settings.warnings
    assert "less than 22 characters" in warning
    assert COMPILED_IN not in warning
    assert not trusted(service, COMPILED_IN)
    service.address = "10.1.2.3"
    assert trusted(service, COMPILED_IN)
    assert not trusted(service, COMPILED_IN[:-1])


def test_b6_a_bad_secret_stops_the_start(tmp_path: Path) -> None:
    """Exit code 1, one line that names the setting and does not show the secret, and no address line."""
    secret = BAD_SECRETS["to be changed"]
    environ = os.environ | {"TrustedUserPwd": secret}
    done = complete("serve", "--urls", "http://127.0.0.1:1", cwd=tmp_path, env=environ)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "TrustedUserPwd" in done.stderr
    assert secret not in done.stderr


@pytest.mark.parametrize("secret", ["", " ", "****", "None", "null", "[]"])
@pytest.mark.parametrize("settings", [{"TrustedUserPwd": ""}, {}], ids=["off", "on"])
def test_b6_nothing_stands_for_a_secret_that_is_not_there(
    make_guessed: Make, settings: dict[str, str], secret: str
) -> None:
    """In no binding, whether a secret is configured or not."""
    service = make_guessed(**settings)
    for number, call in enumerate(BINDINGS.values()):
        service.address = f"192.0.2.{number}"
        assert not trusted(service, secret, call=call)
    assert refused_trust(service) == {"wrong TrustedUserPwd": 4}
    assert service.live_tickets() == 0


def test_b6_after_five_wrong_secrets_an_address_waits(guessed: GuessedService) -> None:
    """Three minutes for each further one. Meanwhile the right one is refused there, and nowhere else."""
    assert not any(trusted(guessed, f"{TRUSTED}{number}") for number in range(5))
    assert not trusted(guessed)
    assert refused_trust(guessed) == {"wrong TrustedUserPwd": 5, "throttled: address": 1}
    guessed.clock.advance(180 - TICK)
    assert not trusted(guessed)
    guessed.address = "192.0.2.99"
    assert trusted(guessed)
    guessed.address = "192.0.2.1"
    guessed.clock.advance(TICK)
    assert trusted(guessed)


def test_b6_an_address_gets_five_guesses_in_a_quarter_of_an_hour(guessed: GuessedService) -> None:
    """Five at once, and then one in three minutes: of a guess every 10 seconds for 2 hours 5 + 8 x 5 are compared."""
    for _ in range(720):
        assert not trusted(guessed, "wrong")
        guessed.clock.advance(10)
    looked_at = refused_trust(guessed)["wrong TrustedUserPwd"]
    assert abs(looked_at - 45) <= 1


def test_b6_fifty_wrong_secrets_within_an_hour_raise_an_alarm(guessed: GuessedService, logged: list[LogRecord]) -> None:
    """Each from another address. There is one alarm, in one line that says what it is about, and it stops nobody."""

    def alarms() -> list[str]:
        return [record.getMessage() for record in logged if record.levelname in {"WARNING", "ERROR"}]

    for number in range(50):
        assert alarms() == []
        guessed.address = f"198.51.100.{number}"
        assert not trusted(guessed, "wrong")
        guessed.clock.advance(60)
    assert trusted(guessed)
    for number in range(10):
        guessed.address = f"198.51.101.{number}"
        assert not trusted(guessed, "wrong")
    (alarm,) = alarms()
    assert "50 failures" in alarm
    assert "TrustedUserPwd" in alarm
    assert TRUSTED not in alarm


def test_b6_failures_over_a_day_raise_no_alarm(guessed: GuessedService, logged: list[LogRecord]) -> None:
    """Sixty, one every 75 seconds: 48 an hour."""
    for number in range(60):
        guessed.address = f"198.51.100.{number}"
        assert not trusted(guessed, "wrong")
        guessed.clock.advance(75)
    assert [record for record in logged if record.levelname in {"WARNING", "ERROR"}] == []


def test_b6_of_fifty_wrong_secrets_at_the_same_instant_five_at_most_are_compared(
    make_guessed: Make, shared_redis: RedisServer, tmp_path: Path
) -> None:
    """Where the count is in Redis, so that several are under way at a time."""
    shared = {"ConnectionStrings__Tickets": shared_redis.url, "Tickets__KeyPrefix": f"{tmp_path.name}:"}
    service = make_guessed(**shared)
    simultaneous([service], lambda each: int(trusted(each, "wrong")), 50)
    assert 1 <= refused_trust(service)["wrong TrustedUserPwd"] <= 5
    assert not trusted(service)


def test_b6_only_the_networks_named_may_call(make_guessed: Make) -> None:
    """Even with the right secret, and whatever a header says."""
    service = make_guessed(TrustedUserNetworks__0="10.1.0.0/16", TrustedUserNetworks__1="2001:db8:1::/48")
    for address, may in (
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8:1:7::1", True),
        ("10.2.0.1", False),
        ("192.0.2.1", False),
        ("2001:db8:2::1", False),
        ("", False),
        ("localhost", False),
    ):
        service.address = address
        assert trusted(service) is may, address
    service.address = "192.0.2.1"
    forged = {"X-Forwarded-For": "10.1.2.3", "X-Real-IP": "10.1.2.3", "Forwarded": "for=10.1.2.3"}
    answer = service.post("CreateTicketforUser", forged, TrustedUserPwd=TRUSTED, UserName="jsmith")
    assert error_of(root_of(answer)) == FAILED
    assert set(refused_trust(service)) == {"network"}


def test_b6_two_secrets_count_while_one_is_being_changed(make_guessed: Make) -> None:
    """Half of one with half of the other, both in a row, both in a list, and capitals do not count."""
    other = "4bde7c55a1f04b1f8f9d8a5cc4d81a3e"
    service = make_guessed(TrustedUserPwd__0=TRUSTED, TrustedUserPwd__1=other)
    assert trusted(service, TRUSTED)
    assert trusted(service, other)
    for number, wrong in enumerate((TRUSTED[:16] + other[16:], TRUSTED + other, f"{TRUSTED},{other}", TRUSTED.upper())):
        service.address = f"192.0.2.{number}"
        assert not trusted(service, wrong)


@pytest.mark.parametrize("given", [TRUSTED, "", "x", "\ud800", TRUSTED[:-1], "x" * 8192])
def test_b6_every_secret_is_compared_as_a_digest(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """By hmac.compare_digest, 32 bytes with 32 bytes, and after the right one too."""
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def spy(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    policy = Policy(Languages(("en",), "en"), trusted_passwords=(TRUSTED, "4bde7c55a1f04b1f8f9d8a5cc4d81a3e"))
    assert policy.trusts(given) is (given == TRUSTED)
    assert [(len(one), len(other)) for one, other in compared] == [(32, 32)] * 2


def naive(given: str) -> bool:
    """A comparison that stops at the first wrong character, as ours must not."""
    return len(given) == len(TRUSTED) and all(one == other for one, other in zip(given, TRUSTED, strict=True))


@pytest.mark.slow
@pytest.mark.alone
def test_b6_the_time_does_not_tell_how_much_of_a_secret_was_right(
    record_property: Callable[[str, object], None],
) -> None:
    """The first 0, 1, 8, 16, 24 or 31 of 32 characters are right. The medians differ by less than 1 %, some 15 ns, and
    the rank sums do not tell the classes apart. Where a busy machine has shifted the ranks, neighbours must differ by
    less than 10 ns, about a step of the clock. A naive comparison, measured alike, shows what a character costs it."""
    policy = Policy(Languages(("en",), "en"), trusted_passwords=(TRUSTED,))
    rights = (0, 1, 8, 16, 24, 31)

    def measured(compare: Callable[[str], bool]) -> dict[int, Difference]:
        made: dict[int, list[str]] = {right: [] for right in rights}
        for _ in range(5_500):
            for right in random.sample(rights, len(rights)):  # All classes lie mixed in memory.
                made[right].append(f"{TRUSTED[:right]}x{secrets.token_hex(16)}"[:32])
        guesses = {right: iter(made[right]) for right in rights}

        def timed(right: int) -> float:
            given = next(guesses[right])
            begun = time.perf_counter_ns()
            compare(given)
            return (time.perf_counter_ns() - begun) * 1e-9

        calls = {str(right): partial(timed, right) for right in rights}
        in_turns(calls, rounds=500, seconds=5)
        times = in_turns(calls, rounds=5_000, seconds=30)
        assert len(times["0"]) >= 1_000
        return {right: difference(times[str(right)], times["0"]) for right in rights[1:]}

    for right, found in measured(policy.trusts).items():
        line = f"first {right} of 32 characters right: {found}"
        record_property(f"B6 {right}", line)
        print(f"B6: {line}")
        assert abs(found.share) < 0.01
        assert found.p > 1e-5 or max(-found.low, found.high) < 10e-9
    seen = measured(naive)[1]
    assert seen.p < 1e-5
    assert seen.low > 10e-9
