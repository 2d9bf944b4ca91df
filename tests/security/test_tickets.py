"""SECURITY 1.3: what a ticket is made of, who can use it, and when it ends."""

import json
import logging
import os
import random
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from asmx_tickets.cli.app import app
from asmx_tickets.tickets import digest, format_guid, new_guid
from asmx_tickets.tickets.ticket import parse_guid
from asmx_tickets.users.sql import open_directory
from asmx_tickets.users.user import Profile
from spyne_asmx import Request
from spyne_asmx.http import HeaderMap
from tests.contract.steps import (
    BAD_FORMAT,
    FAILED,
    INVALID,
    NOBODYS_TICKET,
    NOT_ALLOWED,
    add_user,
    ask,
    expire_on,
    hash_of,
    mint,
)
from tests.support.attacks import TRUSTED, WatchedServer, hash_in_logs, mint_for, running
from tests.support.deployment import Client
from tests.support.directories import run_sql
from tests.support.processes import free_port
from tests.support.redis import RedisServer
from tests.support.service import NAMESPACE, PASSWORD, TRUSTED_PASSWORD, Service, envelope, error_of, root_of
from tests.support.spellings import Places, ticket_spellings

Make = Callable[..., Service]
FORM = "application/x-www-form-urlencoded"


# --- T1: 128 random bits ----------------------------------------------------------------------------------------------

# For 15 degrees of freedom; a good source is above it once in 10^8.
CHI_SQUARE = 68.0


def worst_nibble(guids: list[str]) -> float:
    """The largest chi-square among the 32 places of a hex digit."""
    expected = len(guids) / 16
    counts = (Counter(digits) for digits in zip(*guids, strict=True))
    return max(sum((count[digit] - expected) ** 2 for digit in "0123456789abcdef") / expected for count in counts)


def test_t1_each_nibble_of_a_ticket_is_random(record_property: Callable[[str, object], None]) -> None:
    """100,000 tickets: none twice, and in no place is a digit more frequent than others (a version 4 GUID has two such
    places)."""
    guids = [new_guid().hex() for _ in range(100_000)]
    assert len(set(guids)) == len(guids)
    worst = worst_nibble(guids)
    record_property("T1 largest chi-square of a nibble", round(worst, 1))
    assert worst < CHI_SQUARE
    assert worst_nibble([f"{guid[:12]}4{guid[13:]}" for guid in guids[:1000]]) > CHI_SQUARE


def test_t1_a_ticket_that_the_service_gives_has_nothing_encoded_in_it(service: Service) -> None:
    """1,000 through the service for one user at one moment: if either were in them, it would stand out."""
    authentication = service.composition.authentication
    guids = [authentication.create_for_user(TRUSTED_PASSWORD, "jsmith").guid.hex() for _ in range(1000)]
    assert len(set(guids)) == len(guids)
    assert worst_nibble(guids) < CHI_SQUARE


_FORKED = """
import os
from asmx_tickets.tickets.ticket import new_guid
new_guid()
for worker in range(4):
    if os.fork() == 0:
        os.write(1, b"".join(new_guid() for _ in range(250)))
        os._exit(0)
for worker in range(4):
    os.wait()
"""


def test_t1_forked_workers_do_not_repeat_each_other() -> None:
    """Four processes forked from one, each with 250 tickets, as many as a pipe takes in one piece."""
    told = subprocess.run([sys.executable, "-c", _FORKED], capture_output=True, timeout=30, check=True).stdout
    guids = [told[at : at + 16] for at in range(0, len(told), 16)]
    assert len(guids) == 1000
    assert len(set(guids)) == 1000


@pytest.mark.slow
def test_t1_tickets_of_the_service_are_random(service: Service, record_property: Callable[[str, object], None]) -> None:
    """20,000 made by CreateTicketforUser; the source that it takes them from is tested by more above."""
    authentication = service.composition.authentication
    guids = [authentication.create_for_user(TRUSTED_PASSWORD, "jsmith").guid.hex() for _ in range(20_000)]
    assert len(set(guids)) == len(guids)
    worst = worst_nibble(guids)
    record_property("T1 largest chi-square of a nibble, through the service", round(worst, 1))
    print(f"T1: 20,000 tickets of the service, largest chi-square of a nibble {worst:.1f} (limit {CHI_SQUARE})")
    assert worst < CHI_SQUARE


@pytest.mark.parametrize(
    ("operation", "parameters", "error"),
    [
        ("AuthenticateUser", {"UID": "jsmith", "PWD": "wrong"}, FAILED),
        ("AuthenticateUser1", {"UID": "nobody", "PWD": PASSWORD, "Lang": "de"}, FAILED),
        ("AuthenticateUser", {"UID": "retired", "PWD": PASSWORD}, FAILED),
        ("AuthenticateUser", {"UID": "sysadmin", "PWD": "Sysadmin123!"}, NOT_ALLOWED),
        ("AuthenticateUser", {"UID": NOBODYS_TICKET, "PWD": ""}, FAILED),
        ("RenewTicket", {"UID": "jsmith", "PWD": "wrong", "OldTicket": NOBODYS_TICKET}, FAILED),
        ("RenewTicket", {"UID": "jsmith", "PWD": PASSWORD, "OldTicket": "abc"}, BAD_FORMAT),
        ("CreateTicketforUser", {"TrustedUserPwd": "wrong", "UserName": "jsmith"}, FAILED),
        ("CreateTicketforUser", {"TrustedUserPwd": TRUSTED_PASSWORD, "UserName": "sysadmin"}, NOT_ALLOWED),
    ],
)
def test_t1_a_ticket_is_made_only_after_success(
    service: Service, operation: str, parameters: dict[str, str], error: str
) -> None:
    """What is refused leaves nothing in the cache."""
    assert error_of(service.call(operation, **parameters)) == error
    assert list(service.composition.tickets.summaries()) == []


# --- T2: spellings ----------------------------------------------------------------------------------------------------

DIGITS = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
HYPHENATED = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
SPELLINGS: dict[str, bool] = {
    HYPHENATED: True,
    HYPHENATED.upper(): True,
    DIGITS: True,
    DIGITS.upper(): True,
    "0A1b2C3d-4e5F-6071-8293-a4B5c6D7e8F9": True,
    f"{{{HYPHENATED}}}": True,
    f"({HYPHENATED})": True,
    f" {HYPHENATED} ": True,
    f"\t{HYPHENATED}\r\n": True,
    f"\xa0{HYPHENATED}\u3000": True,
    f" {{{HYPHENATED}}} ": True,
    f"{{{{{HYPHENATED}}}}}": False,
    f"{HYPHENATED[:8]} {HYPHENATED[8:]}": False,
    f"{{{DIGITS}}}": False,
    f"({DIGITS})": False,
    f"{{{HYPHENATED})": False,
    f"({HYPHENATED}}}": False,
    f"{{{HYPHENATED}": False,
    f"{HYPHENATED}}}": False,
    f"{{ {HYPHENATED} }}": False,
    f"[{HYPHENATED}]": False,
    f'"{HYPHENATED}"': False,
    f"urn:uuid:{HYPHENATED}": False,
    f"0x{DIGITS}": False,
    f"0x{DIGITS[2:]}": False,
    f"+{DIGITS[1:]}": False,
    f"{HYPHENATED};": False,
    f"{HYPHENATED},{HYPHENATED}": False,
    HYPHENATED[:-1]: False,
    f"{HYPHENATED}0": False,
    DIGITS[:-1]: False,
    f"{DIGITS}0": False,
    "0a1b2c3d4e5f-6071-8293-a4b5c6d7e8f9": False,
    "0a1b-2c3d4e5f-6071-8293-a4b5c6d7e8f9": False,
    "-0a1b2c3d4e5f60718293a4b5c6d7e8f9-": False,
    "0a1b2c3d–4e5f–6071–8293–a4b5c6d7e8f9": False,
    "0a1b2c3d_4e5f_6071_8293_a4b5c6d7e8f9": False,
    "0a1b2c3d 4e5f 6071 8293 a4b5c6d7e8f9": False,
    HYPHENATED.replace("0", "０"): False,
    HYPHENATED.replace("6071", "٦٠٧١"): False,
    HYPHENATED.replace("a", "а"): False,
    HYPHENATED.replace("a", "ａ"): False,
    f"\ufeff{HYPHENATED}": False,
    f"\u200b{HYPHENATED}": False,
    HYPHENATED.replace("f", "g"): False,
    "{0x0a1b2c3d,0x4e5f,0x6071,{0x82,0x93,0xa4,0xb5,0xc6,0xd7,0xe8,0xf9}}": False,
    "null": False,
    "0": False,
}


@pytest.mark.parametrize("binding", ["SOAP", "GET", "POST"])
def test_t2_exactly_the_documented_spellings_are_read(service: Service, binding: str) -> None:
    """CONTRACT 1.2: D, N, B and P, any letter case, trimmed; all else is [901], and as OldTicket a format error."""
    user = service.composition.directory.get(42)
    assert user is not None
    fields = {"user_id": 42, "security_stamp": user.security_stamp, "language": "en", "previous_logon": None}
    service.composition.tickets.add(bytes.fromhex(DIGITS), **fields)
    call = {"SOAP": service.soap, "GET": service.get, "POST": service.post}[binding]
    as_ticket = {text: root_of(call("isValidTicket", AuthenticationTicket=text)).attrib for text in SPELLINGS}
    as_old_ticket = {
        text: root_of(call("RenewTicket", UID=DIGITS, PWD="", OldTicket=text)).attrib for text in SPELLINGS
    }
    assert {text: answer["success"] == "true" for text, answer in as_ticket.items()} == SPELLINGS
    assert {text: answer["success"] == "true" for text, answer in as_old_ticket.items()} == SPELLINGS
    assert {answer.get("error") for answer in as_ticket.values()} == {None, INVALID}
    assert {answer.get("error") for answer in as_old_ticket.values()} == {None, BAD_FORMAT}


# --- T3: tickets that were not made here ------------------------------------------------------------------------------


@pytest.mark.parametrize("carrier", ["OldTicket", "header", "cookie"])
def test_t3_a_ticket_that_was_not_made_here_is_never_adopted(service: Service, carrier: str) -> None:
    """RenewTicket with a GUID of the caller's choice answers with another, and the chosen one stays invalid."""
    chosen = format_guid(secrets.token_bytes(16))
    headers = {
        "OldTicket": [],
        "header": [("Authorization", f"SOTicket {chosen}")],
        "cookie": [("Cookie", f"ticket={chosen}")],
    }[carrier]
    old = {"OldTicket": chosen} if carrier == "OldTicket" else {}
    given = ask(service, "RenewTicket", headers, UID="jsmith", PWD=PASSWORD, **old).attrib["ticket"]
    assert given != chosen
    assert service.is_valid(given)
    assert not service.is_valid(chosen)
    assert error_of(ask(service, "AuthenticateUser", UID=chosen, PWD="")) == FAILED


# --- T4: what Redis sees ----------------------------------------------------------------------------------------------


@contextmanager
def monitored(redis: RedisServer) -> Iterator[bytearray]:
    """What MONITOR shows of all commands in the block, with its escapes undone; filled in when the block ends."""
    told = bytearray()
    with socket.create_connection(("127.0.0.1", redis.port), timeout=10) as connection:
        connection.sendall(b"MONITOR\r\n")
        assert connection.recv(100) == b"+OK\r\n"
        yield told
        with redis.client() as client:
            client.echo("no more of it")
        raw = b""
        while b"no more of it" not in raw:
            raw += connection.recv(65536)
    special = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}
    told += re.sub(
        rb"\\(?:x([0-9a-f]{2})|(.))",
        lambda escape: bytes.fromhex(escape[1].decode()) if escape[1] else special.get(escape[2], escape[2]),
        raw,
    )


def test_t4_nothing_that_redis_gets_or_keeps_holds_a_ticket(
    make_stored_service: Make, own_redis: RedisServer, tmp_path: Path
) -> None:
    """All keys and values, MONITOR, and the RDB file, after every operation with tickets."""
    service = make_stored_service(ConnectionStrings__Tickets=own_redis.url, Tickets__MaxPerUser="50")
    with monitored(own_redis) as commands:
        live, ended = _all_operations(service)
    with own_redis.client(decode_responses=False) as redis:
        redis.config_set("rdbcompression", "no")
        keys = list(redis.scan_iter())
        kept = b"".join([*keys, *(redis.dump(key) for key in keys)])
        redis.save()
    dump = (tmp_path / "redis" / "dump.rdb").read_bytes()
    for guid in live:
        assert all(digest(guid) in place for place in (commands, kept, dump))
    for guid in ended:
        assert digest(guid) in commands
        assert digest(guid) not in kept
    places = Places(commands=bytes(commands), kept=kept, dump=dump)
    assert [places.with_any(ticket_spellings(format_guid(guid))) for guid in live + ended] == [[]] * 5


def _all_operations(service: Service) -> tuple[list[bytes], list[bytes]]:
    """Call every operation that has to do with tickets. The tickets that are alive then, and those that are dead."""
    tickets = [service.log_in("alice"), *(mint_for(service, name) for name in ("bob", "alice", "bob"))]
    for ticket in tickets:
        service.call("isValidTicket", AuthenticationTicket=ticket)
        service.call("GetCurrentUser", authenticationTicket=ticket)
        service.call("AuthenticateUser", UID=ticket, PWD="")
        service.call("RenewTicket", UID=ticket, PWD="", Lang="de", OldTicket=ticket)
    service.call("RenewTicket", UID="bob", PWD=PASSWORD, OldTicket=tickets[1])
    unknown = format_guid(new_guid())
    service.call("RenewTicket", UID=tickets[0], PWD="", OldTicket=unknown)
    service.call("isValidTicket", AuthenticationTicket=unknown)
    for ticket in tickets[2:]:
        service.call("LogOut", AuthenticationTicket=ticket)
    guids = [parse_guid(ticket) or b"" for ticket in (*tickets, unknown)]
    return guids[:2], guids[2:]


# --- T5: where a ticket is looked for ---------------------------------------------------------------------------------

STATES = ["absent", "A", "B", "bad", "empty", "blank", "repeated"]
Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class Tickets:
    """Two users' live tickets, and a bad one."""

    a: str
    b: str
    bad: str

    def text(self, state: str) -> str:
        return {"A": self.a, "B": self.b, "bad": self.bad, "empty": "", "blank": " \t "}[state]

    def parameters(self, name: str, state: str) -> list[tuple[str, str]]:
        if state == "absent":
            return []
        if state == "repeated":
            return [(name, self.a), (name, self.b)]
        return [(name, self.text(state))]

    def headers(self, authorization: str, cookie: str) -> Headers:
        lines: Headers = []
        if authorization == "repeated":
            lines += [("Authorization", f"SOTicket {self.a}"), ("Authorization", f"SOTicket {self.b}")]
        elif authorization != "absent":
            lines.append(("Authorization", f"SOTicket {self.text(authorization)}"))
        if cookie == "repeated":
            lines.append(("Cookie", f"ticket={self.a}; ticket={self.b}"))
        elif cookie != "absent":
            lines.append(("Cookie", f"ticket={self.text(cookie)}"))
        return lines


def decides(parameter: str, header: str, cookie: str, binding: str) -> str:
    """SECURITY D11 and D15: whose ticket counts (A, B), ``901``, or ``fault``."""
    if parameter == "repeated":
        return "fault" if binding == "SOAP" else "A"
    first = next((state for state in (parameter, header, cookie) if state not in {"absent", "empty", "blank"}), "bad")
    return first if first in {"A", "B"} else "901"


def send(
    service: Service, binding: str, operation: str, parameters: list[tuple[str, str]], headers: Headers
) -> tuple[int, bytes]:
    """One call with its parameters and header lines as they are given, repeated ones too."""
    if binding == "SOAP":
        fields = "".join(f"<{name}>{value}</{name}>" for name, value in parameters)
        body = envelope(operation, {}).replace(f"></{operation}>".encode(), f">{fields}</{operation}>".encode())
        lines = [("Content-Type", "text/xml"), ("SOAPAction", f"{NAMESPACE}{operation}"), *headers]
        request = Request("POST", "/srv.asmx", "", HeaderMap(lines), body)
    elif binding == "GET":
        request = Request("GET", f"/srv.asmx/{operation}", urlencode(parameters), HeaderMap(headers))
    else:
        lines = [("Content-Type", FORM), *headers]
        request = Request("POST", f"/srv.asmx/{operation}", "", HeaderMap(lines), urlencode(parameters).encode())
    response = service.composition.site.handle(request)
    return response.status, response.body


@pytest.mark.parametrize("bad", [NOBODYS_TICKET, "abc"], ids=["unknown", "no GUID"])
@pytest.mark.parametrize("binding", ["SOAP", "GET", "POST"])
def test_t5_the_first_carrier_that_has_anything_decides(service: Service, binding: str, bad: str) -> None:
    """Parameter, header and cookie, each absent, of A, of B, bad, empty, blank or given twice: 343 cases a binding."""
    add_user(service, "other")
    tickets = Tickets(mint(service), mint(service, "other"), bad)
    wrong = []
    for states in product(STATES, repeat=3):
        given = tickets.parameters("AuthenticationTicket", states[0])
        status, body = send(service, binding, "isValidTicket", given, tickets.headers(states[1], states[2]))
        if status == 500 and b"soap:Client" in body:
            answer = "fault"
        else:
            root = next(ElementTree.fromstring(body).iter("root"))
            names = {"jsmith": "A", "other": "B"}
            answer = names[root.attrib["username"]] if root.attrib["success"] == "true" else error_of(root)[1:4]
        if answer != decides(*states, binding):
            wrong.append((states, answer))
    assert wrong == []


def test_t5_log_out_ends_the_ticket_that_decides_and_no_other(service: Service) -> None:
    """The same 343 cases where a mistake does harm, the bindings in turn: a refused call ends nothing."""
    add_user(service, "other")
    wrong = []
    for number, states in enumerate(product(STATES, repeat=3)):
        binding = ("SOAP", "POST", "GET")[number % 3]
        tickets = Tickets(mint(service), mint(service, "other"), NOBODYS_TICKET)
        given = tickets.parameters("AuthenticationTicket", states[0])
        send(service, binding, "LogOut", given, tickets.headers(states[1], states[2]))
        alive = {name for name, guid in (("A", tickets.a), ("B", tickets.b)) if _is_alive(service, guid)}
        if alive != {"A", "B"} - {decides(*states, binding)}:
            wrong.append((binding, states, alive))
    assert wrong == []


def _is_alive(service: Service, ticket: str) -> bool:
    return service.composition.tickets.look(parse_guid(ticket) or b"") is not None


# Header lines, the query, and whether the ticket counts.
ON_THE_WIRE = [
    ("Authorization: SOTicket {a}", "", True),
    ("Authorization: SOTicket {a}\r\nAuthorization: SOTicket {a}", "", True),
    ("Authorization: SOTicket {a}\r\nAuthorization: SOTicket {b}", "", False),
    ("Authorization: SOTicket {a}\r\nAuthorization: Bearer {b}", "", False),
    ("Authorization: SOTicket {a},SOTicket {b}", "", False),
    ("Authorization: SOTicket {bad}\r\nCookie: ticket={a}", "", False),
    ("Cookie: ticket={a}", "", True),
    ("Cookie: ticket={a}; ticket={b}", "", False),
    ("Cookie: ticket={a}\r\nCookie: ticket={b}", "", False),
    ("Cookie: ticket={a}, ticket={b}", "", False),
    ('Cookie: (="; ticket={a}', "", True),
    ("Cookie: __Host-ticket={a}; ticket2={a}", "", False),
    ("Cookie: Ticket={a}", "", True),
    ("Cookie: Ticket={a}; ticket={b}", "", False),
    ("Cookie: ticket={bad}", "AuthenticationTicket={a}", True),
    ("Cookie: ticket={a}\r\nAuthorization: SOTicket {a}", "AuthenticationTicket={bad}", False),
    ("X-Nothing: 1", "AuthenticationTicket={a}&AuthenticationTicket={bad}", True),
    ("X-Nothing: 1", "authenticationticket={bad}&AuthenticationTicket={a}", False),
]


def test_t5_repeated_header_lines_on_the_wire(watched_demo: WatchedServer) -> None:
    """As the server's own reader of headers hands them on: no line is passed over."""
    words = {"a": watched_demo.log_in(), "b": watched_demo.log_in(), "bad": NOBODYS_TICKET}
    wrong = []
    for lines, query, valid in ON_THE_WIRE:
        request = (
            f"GET /srv.asmx/isValidTicket?{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}\r\n\r\n"
        )
        answer = watched_demo.raw(request.format(**words).encode("latin-1"))
        if (b'success="true"' if valid else b"[901]") not in answer:
            wrong.append((lines, query, answer))
    assert wrong == []


def test_t5_a_header_that_cannot_be_read_is_not_passed_over(watched_demo: WatchedServer) -> None:
    """One that has a byte beyond ASCII is there, and bad: the cookie behind it does not count."""
    ticket = watched_demo.log_in()
    answer = watched_demo.raw(
        b"GET /srv.asmx/isValidTicket HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Authorization: SOTicket \xe9\r\nCookie: ticket=" + ticket.encode() + b"\r\n\r\n"
    )
    assert b"[901]" in answer


# --- T6: renewals never cross users -----------------------------------------------------------------------------------


@pytest.mark.parametrize("carrier", ["OldTicket", "header", "cookie", "beside a ticket"])
def test_t6_a_renewal_never_touches_another_users_ticket(service: Service, carrier: str) -> None:
    """The caller gets a new ticket; the other user's is not renewed, ended or revealed."""
    add_user(service, "other", password="another password")
    theirs = mint(service)
    before = expire_on(service, theirs)
    service.clock.advance(days=3)
    headers = {"header": [("Authorization", f"SOTicket {theirs}")], "cookie": [("Cookie", f"ticket={theirs}")]}
    old = {} if carrier in headers else {"OldTicket": theirs}
    mine = mint(service, "other") if carrier == "beside a ticket" else ""
    login = {"UID": mine, "PWD": ""} if mine else {"UID": "other", "PWD": "another password"}
    answer = ask(service, "RenewTicket", headers.get(carrier, []), **login, **old)
    assert answer.attrib["username"] == "other"
    assert answer.attrib["ticket"] not in {theirs, ""}
    assert not {"42", "jsmith", "John", "Smith", theirs} & set(answer.attrib.values())
    assert expire_on(service, theirs) == before
    assert service.call("isValidTicket", AuthenticationTicket=theirs).attrib["username"] == "jsmith"


def test_t6_a_wrong_password_renews_nothing(service: Service) -> None:
    """Not even one's own ticket."""
    ticket = mint(service)
    before = expire_on(service, ticket)
    service.clock.advance(days=3)
    assert error_of(service.call("RenewTicket", UID="jsmith", PWD="wrong", OldTicket=ticket)) == FAILED
    assert expire_on(service, ticket) == before


# --- T7: LogOut is final ----------------------------------------------------------------------------------------------


def with_old_ticket(ticket: str) -> dict[str, str]:
    return {"UID": ticket, "PWD": "", "OldTicket": ticket}


def as_old_ticket_of_a_login(ticket: str) -> dict[str, str]:
    return {"UID": "alice", "PWD": PASSWORD, "OldTicket": ticket}


Use = tuple[str, Callable[[str], dict[str, str]]]
USES: list[Use] = [
    ("GetCurrentUser", lambda ticket: {"authenticationTicket": ticket}),
    ("RenewTicket", with_old_ticket),
    ("AuthenticateUser", lambda ticket: {"UID": ticket, "PWD": ""}),
]


@pytest.fixture
def impatient_threads() -> Iterator[None]:
    """Threads take turns every few microseconds, so that they meet inside the calls."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(params=["memory", "Redis"])
def two_nodes(request: pytest.FixtureRequest, make_stored_service: Make, tmp_path: Path) -> tuple[Service, Service]:
    """Two nodes that share their tickets: the same service twice, or two services on one Redis."""
    if request.param == "memory":
        service = make_stored_service(Audit__To="")
        return service, service
    url = request.getfixturevalue("shared_redis").url
    settings = {"ConnectionStrings__Tickets": url, "Tickets__KeyPrefix": f"{tmp_path.name}:", "Audit__To": ""}
    return make_stored_service(**settings), make_stored_service(**settings)


def _at_once(barrier: threading.Barrier, later: float, call: Callable[[], ElementTree.Element]) -> ElementTree.Element:
    """Call when the other thread does, or so many seconds later."""
    barrier.wait()
    end = time.perf_counter() + later
    while time.perf_counter() < end:
        pass
    return call()


def race(here: Service, there: Service, rounds: int, uses: list[Use], *, head_start: float = 0.0004) -> Counter[str]:
    """LogOut here and a use there at the same instant, again and again; how often the use came first, or too late.
    Without the weight of a client, so that both spend nearly all their time in the service.

    ``head_start``: the seconds by which LogOut starts later at most, since it needs less time to reach the cache.
    """
    outcomes: Counter[str] = Counter()
    chance = random.Random(rounds)
    with ThreadPoolExecutor(1) as other:
        for number in range(rounds):
            ticket = ask(here, "CreateTicketforUser", TrustedUserPwd=TRUSTED, UserName="alice").attrib["ticket"]
            operation, parameters = uses[number % len(uses)]
            barrier = threading.Barrier(2, timeout=20)
            delays = chance.uniform(0, 0.0008), chance.uniform(0, head_start)
            use = partial(ask, there, operation, **parameters(ticket))
            used = other.submit(_at_once, barrier, delays[0], use)
            log_out = _at_once(barrier, delays[1], partial(ask, here, "LogOut", AuthenticationTicket=ticket))
            assert log_out.attrib["success"] == "true"
            answer = used.result(20).attrib
            came_first = answer["success"] == "true" and answer.get("ticket", ticket) == ticket
            outcomes["first" if came_first else "late"] += 1
            for node in (here, there):
                assert ask(node, "isValidTicket", AuthenticationTicket=ticket).attrib["success"] == "false"
    return outcomes


@pytest.mark.usefixtures("impatient_threads")
def test_t7_no_use_at_the_same_instant_revives_a_ticket_that_was_logged_out(two_nodes: tuple[Service, Service]) -> None:
    """GetCurrentUser, RenewTicket and a login with the ticket, 200 rounds; now one comes first and now the other.
    Between two server processes: tests/failure/test_processes.py, test_log_out_is_final_on_every_node."""
    assert set(race(*two_nodes, 200, USES)) == {"first", "late"}


@pytest.mark.usefixtures("impatient_threads")
def test_t7_no_login_at_the_same_instant_revives_it_either(two_nodes: tuple[Service, Service]) -> None:
    """RenewTicket with a password, in batches of 60 rounds until each has come first: how long a hash takes varies."""
    uses: list[Use] = [("RenewTicket", as_old_ticket_of_a_login)]
    outcomes: set[str] = set()
    for head_start in (0.03, 0.01, 0.06, 0.0, 0.1):
        outcomes |= set(race(*two_nodes, 60, uses, head_start=head_start))
        if outcomes == {"first", "late"}:
            break
    assert outcomes == {"first", "late"}


@pytest.mark.slow
@pytest.mark.usefixtures("impatient_threads")
def test_t7_no_use_revives_a_ticket_in_ten_thousand_rounds(
    two_nodes: tuple[Service, Service], request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    """The uses that need no password, in one process."""
    started = time.monotonic()
    outcomes = race(*two_nodes, 10_000, USES)
    store = request.node.callspec.params["two_nodes"]
    record_property(f"T7 rounds, {store}", dict(outcomes))
    print(f"T7, {store}: 10,000 rounds in {time.monotonic() - started:.0f} s, {dict(outcomes)}, none revived")
    assert set(outcomes) == {"first", "late"}


@pytest.mark.slow
def test_t7_no_use_revives_a_ticket_on_the_wire(
    shared_redis: RedisServer, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Two clients, two server processes, one Redis: LogOut and a use at the same instant, 5,000 rounds."""
    outcomes: Counter[str] = Counter()
    chance = random.Random(7)
    with two_workers(shared_redis, tmp_path) as (here, there), ThreadPoolExecutor(1) as other:
        for number in range(5000):
            ticket = _mint_from(here)
            operation, parameters = USES[number % len(USES)]
            used = other.submit(there.form, operation, **parameters(ticket))
            time.sleep(chance.random() * 0.001)
            assert here.form("LogOut", AuthenticationTicket=ticket).kind == "ok"
            outcomes[used.result(20).kind] += 1
            assert here.is_valid(ticket).kind == there.is_valid(ticket).kind == "[901]"
    record_property("T7 rounds on the wire", dict(outcomes))
    print(f"T7, two server processes: 5,000 rounds, {dict(outcomes)}, none revived")
    assert {"ok", "[901]"} <= set(outcomes) <= {"ok", "[900]", "[901]"}


@contextmanager
def two_workers(redis: RedisServer, folder: Path) -> Iterator[tuple[Client, Client]]:
    """A client of each of the two processes of a server."""
    settings = {"ConnectionStrings__Tickets": redis.url, "Tickets__KeyPrefix": f"{folder.name}:", "Workers": "2"}
    directory = open_directory(f"sqlite:///{folder}/App_Data/users.db")
    directory.add(Profile("alice"), hash_of(PASSWORD))
    directory.close()
    with running(folder, TrustedUserPwd=TRUSTED, **settings) as server, ExitStack() as clients:
        by_process: dict[str, Client] = {}
        end = time.monotonic() + 20
        while len(by_process) < 2:
            assert time.monotonic() < end
            client = Client(server.port)
            process = client.get("/healthz").headers["x-request-id"].partition("-")[0]
            clients.callback(by_process.setdefault(process, client).close)
            if by_process[process] is not client:
                client.close()
                time.sleep(0.01)  # The other one may take longer to start.
        here, there = by_process.values()
        yield here, there


def _mint_from(client: Client) -> str:
    answer = client.form("CreateTicketforUser", TrustedUserPwd=TRUSTED, UserName="alice")
    return re.findall('ticket="([^"]+)"', answer.text)[0]


# --- T8: the account ends, and its tickets with it --------------------------------------------------------------------


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def users_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "SQLite":
        yield f"sqlite:///{tmp_path}/users.db"
        return
    server = request.getfixturevalue("shared_postgres")
    url = server.new_database()
    yield url.replace("postgresql://", "postgresql+psycopg://")
    server.drop_database(url)


def test_t8_tickets_of_a_user_changed_behind_the_programs_back_are_dead_within_a_minute(
    make_stored_service: Make, users_url: str, record_property: Callable[[str, object], None]
) -> None:
    """Disabled or deleted by SQL, or a new password through another directory. A renewal with a password is refused, or
    gives another ticket, at once."""
    service = make_stored_service(ConnectionStrings__Users=users_url)
    names = ("disabled", "deleted", "changed")
    for name in names:
        add_user(service, name)
    old = {name: mint_for(service, name) for name in names}
    polled = {name: mint_for(service, name) for name in (*names, "bob")}
    assert all(service.is_valid(ticket) for ticket in polled.values())
    run_sql(users_url, "UPDATE users SET enabled = false WHERE user_name = 'disabled'")
    run_sql(users_url, "DELETE FROM users WHERE user_name = 'deleted'")
    _change_password_elsewhere(users_url, "changed")
    began = time.monotonic()
    for name in ("disabled", "deleted"):
        assert error_of(service.call("RenewTicket", UID=name, PWD=PASSWORD, OldTicket=old[name])) == FAILED
    renewed = service.call("RenewTicket", UID="changed", PWD=PASSWORD, OldTicket=old["changed"])
    assert renewed.attrib["ticket"] != old["changed"]
    while any(service.is_valid(polled[name]) for name in names):
        assert time.monotonic() - began < 60
        time.sleep(0.05)
    record_property("T8 seconds until dead", round(time.monotonic() - began, 2))
    assert service.is_valid(polled["bob"])
    assert not service.is_valid(old["changed"])


def _change_password_elsewhere(url: str, name: str) -> None:
    directory = open_directory(url)
    credentials = directory.find(name)
    assert credentials is not None
    directory.change(credentials.user.id, password_hash=hash_of(PASSWORD))
    directory.close()


def test_t8_an_operator_ends_a_ticket_or_all_of_a_users(
    make_stored_service: Make, shared_redis: RedisServer, tmp_path: Path
) -> None:
    """By command, at once, in a server that is running."""
    settings = {"ConnectionStrings__Tickets": shared_redis.url, "Tickets__KeyPrefix": f"{tmp_path.name}:"}
    service = make_stored_service(**settings)
    alices, bobs = [mint_for(service, "alice") for _ in range(3)], mint_for(service, "bob")
    command = ["ticket", "revoke", "--settings", f"{tmp_path}/appsettings.json"]
    assert CliRunner().invoke(app, [*command, "-"], input=alices[0], env=settings).exit_code == 0
    assert [service.is_valid(ticket) for ticket in (*alices, bobs)] == [False, True, True, True]
    assert CliRunner().invoke(app, [*command, "--user", "alice"], env=settings).exit_code == 0
    assert [service.is_valid(ticket) for ticket in (*alices, bobs)] == [False, False, False, True]


# --- T9: sliding and absolute end -------------------------------------------------------------------------------------


def test_t9_a_ticket_used_daily_ends_at_its_absolute_end(make_stored_service: Make) -> None:
    """Tickets:AbsoluteExpiration counts from the login. expireOn never says more, and no renewal gets around it."""
    service = make_stored_service(Tickets__AbsoluteExpiration="90.00:00:00")
    begun = service.clock.now
    ticket = mint_for(service, "alice")
    while service.clock.now < begun + 90 * 86400 - 3600:
        for operation, parameters in USES:
            answer = service.call(operation, **parameters(ticket))
            assert answer.attrib["success"] == "true"
        ends = datetime.strptime(expire_on(service, ticket), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
        assert ends == min(service.clock.now + 30 * 86400, begun + 90 * 86400)
        service.clock.advance(3600 * 23)
    service.clock.now = begun + 90 * 86400 - 1
    assert service.is_valid(ticket)
    service.clock.advance(1)
    assert not service.is_valid(ticket)
    assert service.call("RenewTicket", **as_old_ticket_of_a_login(ticket)).attrib["ticket"] != ticket


def test_t9_looking_never_extends(make_stored_service: Make) -> None:
    """isValidTicket every day, and the ticket ends on the 30th."""
    service = make_stored_service()
    ticket = mint_for(service, "alice")
    said = expire_on(service, ticket)
    for _ in range(29):
        service.clock.advance(days=1)
        assert expire_on(service, ticket) == said
    service.clock.advance(days=1)
    assert not service.is_valid(ticket)


# --- T10: how many live at once ---------------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "Redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Settings for each kind of ticket cache."""
    if request.param == "memory":
        return {}
    url = request.getfixturevalue("shared_redis").url
    return {"ConnectionStrings__Tickets": url, "Tickets__KeyPrefix": f"{tmp_path.name}:"}


def test_t10_beyond_max_per_user_the_users_ticket_unused_for_longest_ends(
    make_stored_service: Make, store: dict[str, str], logged: list[logging.LogRecord]
) -> None:
    """A warning names it by its hash, and no other user's ticket is lost."""
    service = make_stored_service(Tickets__MaxPerUser="3", **store)
    bobs = mint_for(service, "bob")
    first, second, third = (mint_for(service, "alice") for _ in range(3))
    service.call("GetCurrentUser", authenticationTicket=first)
    fourth = mint_for(service, "alice")
    assert [service.is_valid(ticket) for ticket in (first, second, third, fourth, bobs)] == [
        True,
        False,
        True,
        True,
        True,
    ]
    assert warned_of(logged) == [hash_in_logs(second)]
    assert second not in str([record.getMessage() for record in logged])


def test_t10_beyond_max_total_the_ticket_unused_for_longest_ends(
    make_stored_service: Make, store: dict[str, str], logged: list[logging.LogRecord]
) -> None:
    """SECURITY D17: whosever it is; a warning names it by its hash."""
    service = make_stored_service(Tickets__MaxTotal="3", **store)
    first, second, third = (mint_for(service, name) for name in ("alice", "bob", "alice"))
    service.call("GetCurrentUser", authenticationTicket=first)
    fourth = mint_for(service, "alice")
    assert [service.is_valid(ticket) for ticket in (first, second, third, fourth)] == [True, False, True, True]
    assert warned_of(logged) == [hash_in_logs(second)]
    assert second not in str([record.getMessage() for record in logged])


def warned_of(logged: list[logging.LogRecord]) -> list[str]:
    """The short hashes of the tickets that the log says have ended early."""
    warnings = (record.getMessage() for record in logged if record.levelno == logging.WARNING)
    return [
        found
        for message in warnings
        for found in re.findall("ended 1 live tickets, the last ([0-9a-f]{8}) of user", message)
    ]


def test_t10_by_default_no_user_is_capped_and_the_total_is(make_stored_service: Make) -> None:
    """SECURITY D17: a job that logs in every minute does not end the tickets of its account's other clients."""
    service = make_stored_service()
    assert service.composition.settings.tickets.max_per_user == 0
    assert service.composition.settings.tickets.max_total == 2_000_000
    ticket = mint_for(service, "alice")
    for _ in range(300):
        service.composition.authentication.create_for_user(TRUSTED, "alice")
    assert service.is_valid(ticket)


_STORM = """
import json, logging, sys
from asmx_tickets.hosting.composition import compose
from asmx_tickets.settings.model import load_settings
from asmx_tickets.tickets import TicketRules, new_guid
from asmx_tickets.tickets.memory import MemoryTicketCache
from asmx_tickets.users.user import Profile

def resident():
    with open("/proc/self/statm") as facts:
        return int(facts.read().split()[1]) * 4096

logging.disable(logging.CRITICAL)
settings = load_settings(environ={"Tickets__MaxTotal": "20000", "Tickets__MaxPerUser": "100"})
service = compose(settings, demo=True)
create = service.authentication.create_for_user
sizes = []
spared = create("MyServerSecret", "jsmith").guid
service.directory.add(Profile("storm"), "x")
for _ in range(8):
    for _ in range(12_500):
        create("MyServerSecret", "storm")
    sizes.append(resident())
cache = MemoryTicketCache(TicketRules(1e6, max_total=50_000), clock=lambda: 0.0)
totals = []
for _ in range(10):
    for _ in range(100_000):
        cache.add(new_guid(), user_id=1, security_stamp=1, language="en", previous_logon=None)
    totals.append(resident())
alive = service.tickets.look(spared) is not None
print(json.dumps([sizes, service.tickets.held, alive, totals, cache.held]))
"""


@pytest.mark.slow
def test_t10_memory_stays_flat_beyond_the_caps(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """100,000 CreateTicketforUser calls for one user with MaxPerUser 100, and 1,000,000 tickets into a cache of 50,000:
    once full, neither takes more memory, and no other user's ticket is lost."""
    command = [sys.executable, "-c", _STORM]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True).stdout
    calls, held, spared, adds, held_in_cache = json.loads(told)
    growth = [(sizes[-1] - sizes[0]) / 2**20 for sizes in (calls, adds)]
    record_property("T10 growth beyond the caps, MiB", growth)
    print(
        f"T10: beyond the caps {growth[0]:.1f} MiB more after 87,500 calls, {growth[1]:.1f} MiB after 900,000 tickets"
    )
    assert (held, spared, held_in_cache) == (101, True, 50_000)
    assert max(growth) < 3


# --- T11: tickets in memory are one process's -------------------------------------------------------------------------


def test_t11_tickets_in_memory_and_two_workers_do_not_start(tmp_path: Path) -> None:
    """Exit code 1 and one line that says why and what to do; there is no address line, and nothing is written."""
    command = [sys.executable, "-m", "asmx_tickets", "serve", "--urls", f"http://127.0.0.1:{free_port()}"]
    environ = {**os.environ, "Workers": "2"}
    failed = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=30, check=False)
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert failed.stderr.startswith("asmx-tickets: Workers must be 1 with ConnectionStrings:Tickets memory://")
    assert "redis://" in failed.stderr
    assert failed.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
