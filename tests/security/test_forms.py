"""SECURITY 1.6: what queries and form bodies can do to a service. Each attack is answered at once and reaches no rule,
and the service goes on. Where CONTRACT.md or a decision (D1 to D22) overrules a row, the test says which.
"""

import gc
import socket
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlencode

import pytest
from werkzeug.test import TestResponse

from spyne_asmx import Request
from spyne_asmx.http import HeaderMap
from tests.contract.steps import FAILED, mint
from tests.fuzz.target import PARAMETERS, Target
from tests.support.attacks import TARGET, WatchedServer
from tests.support.memory import needs_proc, resident_bytes, resident_bytes_of_all
from tests.support.service import PASSWORD, Service, error_of, root_of

LIMIT = 65_536
LONGEST_QUERY = 8000
FORM = "application/x-www-form-urlencoded"
LOGIN = "/srv.asmx/AuthenticateUser"
ASKED = [("log_in", "jsmith", "x", None)]
REPOSITORY = Path(__file__).parents[2]


def attack(target: Target, form: str | bytes, path: str = LOGIN) -> Iterator[TestResponse]:
    """The answers to a form: as a query, unless it is too long for that, and as a body."""
    data = form if isinstance(form, bytes) else form.encode()
    if len(data) < LONGEST_QUERY:
        yield target.attack("GET", path, query=data)
    yield target.attack("POST", path, data, Content_Type=FORM)


def asked(target: Target, form: str, path: str = LOGIN) -> list[object]:
    """What a form asks of the rules; it must be the same as a query and as a body."""
    assert target.send("POST", path, form.encode(), Content_Type=FORM).status_code == 200
    by_body = target.rules.asked
    if len(form) < LONGEST_QUERY:
        assert target.send("GET", path, query=form.encode()).status_code == 200
        assert target.rules.asked == by_body
    return by_body


# --- F1: the size of a body -------------------------------------------------------------------------------------------


def padded(size: int) -> bytes:
    """A good form of exactly that many bytes."""
    fields = b"UID=jsmith&PWD=x" + b"&a=" * 8
    return fields.replace(b"&a=", b"&a=" + b"y" * ((size - len(fields)) // 8)) + b"y" * ((size - len(fields)) % 8)


def test_f1_a_form_of_the_largest_size_is_read_and_no_larger_one(target: Target) -> None:
    """65,536 bytes, that one included."""
    assert target.send("POST", LOGIN, padded(LIMIT), Content_Type=FORM).status_code == 200
    assert target.rules.asked == ASKED
    for size in (LIMIT + 1, 5_000_000):
        response = target.attack("POST", LOGIN, padded(size), Content_Type=FORM)
        assert response.status_code == 413


def answer_to(server: WatchedServer, head: bytes, pieces: Iterator[bytes]) -> bytes:
    """What a server answers to a body that it may refuse to read to its end."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"POST /srv.asmx/AuthenticateUser HTTP/1.1\r\nHost: localhost\r\n" + head)
        try:
            for piece in pieces:
                connection.sendall(piece)
        except OSError:
            pass  # It has hung up.
        try:
            return connection.recv(65_536)
        except OSError:
            return b""


_TYPE = b"Content-Type: application/x-www-form-urlencoded\r\n"


def test_f1_a_declared_gigabyte_is_refused_before_it_is_sent(watched_demo: WatchedServer) -> None:
    """413 by the length alone: no byte of the body is sent."""
    received = answer_to(watched_demo, _TYPE + b"Content-Length: 1073741824\r\n\r\n", iter([]))
    assert received.startswith(b"HTTP/1.1 413 ")


@needs_proc
def test_f1_endless_bodies_leave_nothing_in_memory(
    watched_demo: WatchedServer, record_property: Callable[[str, object], None]
) -> None:
    """Chunks without an end, and 50 MB by length: the server keeps none of it, and goes on. When it stops reading is
    held in tests/hosting/test_connection.py, which moves the clock."""
    chunk = b"4000\r\n" + b"UID=aaaaaaaaaaa&" * 1024 + b"\r\n"
    before = resident_bytes_of_all(watched_demo.process.pid)
    for framing in (b"Transfer-Encoding: chunked", b"Content-Length: 52428800") * 5:
        received = answer_to(watched_demo, _TYPE + framing + b"\r\n\r\n", (chunk for _ in range(3200)))
        # A client that sends on when the server has closed may get the reset before the answer.
        assert received.startswith(b"HTTP/1.1 413 ") or not received
    grown = (resident_bytes_of_all(watched_demo.process.pid) - before) / 2**20
    record_property("MiB grown", round(grown, 1))
    print(f"{grown:.1f} MiB grown")
    assert grown < 20
    good = b"GET /srv.asmx/ServerInfo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert b'success="true"' in watched_demo.raw(good)


# --- F2: how many fields ----------------------------------------------------------------------------------------------


def test_f2_1000_fields_are_read_and_no_more(target: Target) -> None:
    """CONTRACT 2.1, where the row says 64: whether the fields have a value, a name of their own, or neither."""
    for filler in ("&a=b", "&a", "&UID=other"):
        good = "UID=jsmith&PWD=x" + filler * 998
        assert asked(target, good) == ASKED
        for response in attack(target, good + filler):
            assert response.status_code == 400


def test_f2_a_value_has_8192_characters_at_most_where_somebody_reads_it(target: Target) -> None:
    """Characters are counted after decoding. A field that nobody reads is bounded by the body alone (CONTRACT 2.1)."""
    for good in (f"{'a' * 20_000}=b", f"{'%C3%A9' * 64}=b", f"a={'b' * 20_000}", "a=%00"):
        assert asked(target, f"UID=jsmith&PWD=x&{good}") == ASKED
    for bad in (f"UID=jsmith&PWD={'b' * 8193}", f"UID={'%C3%A9' * 8193}&PWD=x"):
        for response in attack(target, bad):
            assert response.status_code == 400


@pytest.mark.parametrize(
    "form",
    [(piece * LIMIT)[:LIMIT] for piece in ("&", "a&", "=&", "%41", "%", "+", "=", "%C3", "a=%25%", ";")],
    ids=lambda form: form[:8],
)
def test_f2_a_full_body_of_anything_is_refused_at_once(target: Target, form: str) -> None:
    """64 KiB of separators, escapes or names."""
    for response in attack(target, form):
        assert response.status_code == 400 or response.text == "Missing parameter: UID."


def test_f2_nothing_that_we_ship_fixes_the_seed_of_hashes() -> None:
    """Python seeds the hashes of names anew in each process, unless PYTHONHASHSEED is set."""
    files = [file for folder in ("deploy", "src") for file in (REPOSITORY / folder).rglob("*") if file.is_file()]
    assert {"Containerfile", "compose.yaml", "supervisor.py"} <= {file.name for file in files}
    assert [file for file in files if b"PYTHONHASHSEED" in file.read_bytes()] == []


# --- F3: media types --------------------------------------------------------------------------------------------------

MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="UID"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\njsmith\r\n'
    b'--b\r\nContent-Disposition: form-data; name="PWD"\r\n\r\nx\r\n--b--\r\n'
)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (MULTIPART, "multipart/form-data; boundary=b"),
        (b'{"UID": "jsmith", "PWD": "x"}', "application/json"),
        (b"UID=jsmith&PWD=x", "text/plain"),
        (b"UID=jsmith&PWD=x", "text/xml"),
        (b"UID=jsmith&PWD=x", f"{FORM}x"),
        (b"UID=jsmith&PWD=x", f"text/plain, {FORM}"),
        (b"UID=jsmith&PWD=x", f"x; a={FORM}"),
        (b"UID=jsmith&PWD=x", ""),
    ],
)
def test_f3_only_urlencoded_forms_are_read(target: Target, body: bytes, content_type: str) -> None:
    """CONTRACT 2.4, where the row says 415: 500, text/plain, and the type as it came."""
    response = target.attack("POST", LOGIN, body, Content_Type=content_type)
    assert (response.status_code, response.text) == (500, f"Request format is invalid: {content_type}.")
    assert response.content_type == "text/plain; charset=utf-8"


# --- F4: a parameter twice --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    ["UID=jsmith&PWD=x&UID=b", "UID=jsmith&uid=b&PWD=x", "uid=jsmith&PWD=x&UID=b", "PWD=x&U%49D=jsmith&UID=b&PWD=y"],
)
def test_f4_of_a_repeated_parameter_the_first_counts(target: Target, form: str) -> None:
    """SECURITY D11, where the row says 400: never the last, never both with a comma between."""
    assert asked(target, form) == ASKED


def test_f4_a_post_has_its_body_and_nothing_else(target: Target) -> None:
    """CONTRACT 2.3: what is in the query counts for nothing, and does not stand in for what the body lacks."""
    for query in (b"UID=sysadmin", b"PWD=y&Lang=de"):
        assert target.send("POST", LOGIN, b"UID=jsmith&PWD=x", query, Content_Type=FORM).status_code == 200
        assert target.rules.asked == ASKED
    for query, body in ((b"UID=jsmith", b"PWD=x"), (b"UID=jsmith&PWD=x", b"")):
        response = target.attack("POST", LOGIN, body, query, Content_Type=FORM)
        assert response.status_code == 500
        assert response.text.startswith("Missing parameter: ")


def test_f4_a_semicolon_separates_nothing(target: Target) -> None:
    """CVE-2021-23336: a proxy and the service would see different requests."""
    assert asked(target, "UID=a;PWD=x&PWD=y") == [("log_in", "a;PWD=x", "y", None)]
    for response in attack(target, "UID=a;PWD=x"):
        assert response.text == "Missing parameter: PWD."


def test_f4_a_get_has_its_query_and_nothing_else(target: Target) -> None:
    """Its body is not read."""
    response = target.attack("GET", LOGIN, b"UID=jsmith&PWD=x", Content_Type=FORM)
    assert response.text == "Missing parameter: UID."


# --- F5: text ---------------------------------------------------------------------------------------------------------

NO_TEXT = (
    b"%u0000",
    b"%uFFFE",
    b"%00",
    b"a%00b",
    b"%01",
    b"%08",
    b"%0B",
    b"%1F",
    b"%EF%BF%BF",
)


@pytest.mark.parametrize("value", NO_TEXT, ids=repr)
@pytest.mark.parametrize("place", ["UID={}&PWD=x", "UID=jsmith&PWD={}"])
def test_f5_what_is_no_text_is_refused(target: Target, value: bytes, place: str) -> None:
    """400 in a query as in a body: what XML can't carry (SECURITY D18)."""
    for response in attack(target, place.encode().replace(b"{}", value)):
        assert (response.status_code, response.content_type) == (400, "text/plain; charset=utf-8")
        assert response.text.startswith("The form has ")


@pytest.mark.parametrize("value", ["%09", "%0D%0A", "%7F", "%C2%85", "%F0%9F%98%80", "%E2%80%AE", "%EF%BB%BF"])
def test_f5_what_is_text_goes_through_as_it_is(target: Target, value: str) -> None:
    """Tab, CR and LF in a password too, and characters that nobody sees."""
    assert asked(target, f"UID=jsmith&PWD={value}") == [("log_in", "jsmith", unquote(value), None)]


@pytest.mark.parametrize(
    ("charset", "status"),
    [("utf-8", 200), ("UTF-8", 200), ("iso-8859-1", 200), ("windows-1252", 200), ("us-ascii", 200)]
    + [
        (name, 415)
        for name in (
            "utf-7",
            "utf-16",
            "utf-32",
            "iso-2022-jp",
            "unicode_escape",
            "idna",
            "cp037",
            "rot13",
            "hex",
            "nope",
        )
    ],
)
def test_f5_a_form_is_in_a_charset_of_d12_that_can_carry_one(target: Target, charset: str, status: int) -> None:
    """As for SOAP (SECURITY X11), a client can't choose among Python's codecs. UTF-16 can carry no form."""
    response = target.send("POST", LOGIN, b"UID=jsmith&PWD=x", Content_Type=f"{FORM}; charset={charset}")
    assert response.status_code == status
    assert target.rules.asked == (ASKED if status == 200 else [])


# --- F6: names and missing parameters ---------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["uid=jsmith&pwd=x", "UID=jsmith&PWD=x", "uId=jsmith&Pwd=x", "%75id=jsmith&pw%64=x"])
def test_f6_names_are_read_in_any_letter_case(target: Target, form: str) -> None:
    """As ASMX does."""
    assert asked(target, form) == ASKED


@pytest.mark.parametrize("name", ["UID ", " UID", "UID%00", "\uff35ID", "UID[]", "UID.x", "p:UID"])
def test_f6_another_name_is_another_parameter(target: Target, name: str) -> None:
    """Nothing is trimmed, folded or taken apart."""
    for response in attack(target, urlencode({name: "jsmith", "PWD": "x"}) if "%" not in name else f"{name}=a&PWD=x"):
        assert response.text == "Missing parameter: UID."


@pytest.mark.parametrize("operation", PARAMETERS)
def test_f6_a_missing_parameter_is_named_and_the_rules_are_not_asked(target: Target, operation: str) -> None:
    """Each required parameter in turn; an operation that requires none runs without any (CONTRACT 1)."""
    required = {"UID", "PWD", "TrustedUserPwd", "UserName"} & {*PARAMETERS[operation]}
    for missing in required:
        form = urlencode({name: "x" for name in PARAMETERS[operation] if name != missing})
        for response in attack(target, form, f"/srv.asmx/{operation}"):
            assert (response.status_code, response.text) == (500, f"Missing parameter: {missing}.")
    if not required:
        assert target.send("GET", f"/srv.asmx/{operation}").status_code == 200


def test_f6_empty_is_not_missing(target: Target, service: Service) -> None:
    """An empty parameter reaches the rules as empty text, and they refuse it."""
    for form in ("UID=&PWD=", "UID&PWD", "UID=&PWD"):
        assert asked(target, form) == [("log_in", "", "", None)]
    for parameters in ({"UID": "", "PWD": ""}, {"UID": "jsmith", "PWD": ""}, {"UID": "", "PWD": PASSWORD}):
        assert error_of(root_of(service.post("AuthenticateUser", **parameters))) == FAILED


# --- F7: verbs --------------------------------------------------------------------------------------------------------

VERBS = ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "HEAD", "PROPFIND", "get", "Post", "GETX")


@pytest.mark.parametrize("verb", VERBS)
def test_f7_other_verbs_run_nothing(service: Service, verb: str) -> None:
    """405 with Allow on operations; the ticket is alive after. On the documents HEAD is as GET (CONTRACT 2.4)."""
    ticket = mint(service)
    query, headers = f"AuthenticationTicket={ticket}", {"Content-Type": FORM, "Authorization": f"SOTicket {ticket}"}
    # werkzeug's client would write the verb in capitals.
    for path, allowed in (("/srv.asmx/LogOut", "GET, POST"), ("/srv.asmx", "GET, HEAD, POST")):
        response = service.composition.site.handle(
            Request(verb, path, query, HeaderMap([*headers.items()]), query.encode())
        )
        if (verb, path) == ("HEAD", "/srv.asmx"):
            assert response.status == 200  # with GET's body, which the transport leaves out
        else:
            assert response.status == 405
            assert dict(response.headers)["allow"] == allowed
    assert service.is_valid(ticket)


def test_f7_other_verbs_run_nothing_on_a_real_server(watched_demo: WatchedServer) -> None:
    """As they come over the wire: HTTP servers know verbs that WSGI's test client does not."""
    for verb in (b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE", b"HEAD", b"PROPFIND", b"BREW"):
        request = b" /srv.asmx/ServerInfo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        received = watched_demo.raw(verb + request)
        assert received.startswith(b"HTTP/1.1 405 "), received
        assert b"allow: get, post" in received.lower()
        assert b"success" not in received


# --- memory -----------------------------------------------------------------------------------------------------------


def test_memory_does_not_grow_with_made_up_fields(record_property: Callable[[str, object], None]) -> None:
    """New names and values in each round, in requests that are read and in ones that are refused."""

    def send(first: int, count: int) -> None:
        for number in range(first, first + count):
            fields = "&".join(f"n{number}.{field}=v{number}.{field}" for field in range(62))
            for query in (f"UID=a&PWD=x&{fields}", f"{fields}&a&a&a", f"UID=%ff&{fields}"):
                TARGET.ask(Request("GET", LOGIN, query, HeaderMap([("cookie", f"c{number}=x")])))

    send(0, 20)
    gc.collect()
    tracemalloc.start()
    try:
        send(20, 20)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        send(40, 60)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    record_property("bytes grown", grown)
    print(f"{grown} bytes grown")
    assert grown < 32_768


@pytest.mark.slow
@needs_proc
def test_memory_does_not_grow_with_half_a_million_fields(record_property: Callable[[str, object], None]) -> None:
    """The memory of the process, with made-up fields, cookies, tickets, operations and media types."""

    def send(first: int, count: int) -> None:
        for number in range(first, first + count):
            fields = "&".join(f"n{number}.{field}=v{number}.{field}" for field in range(62))
            headers = [("cookie", f"c{number}=x; ticket=t{number}"), ("authorization", f"SOTicket {number}")]
            TARGET.ask(Request("GET", "/srv.asmx/isValidTicket", fields, HeaderMap(headers)))
            content = HeaderMap([("content-type", f"{FORM}; a={number}")])
            TARGET.ask(Request("POST", f"{LOGIN}{number}", "", content, fields.encode()))

    send(0, 500)
    before = resident_bytes()
    send(500, 8200)
    grown = (resident_bytes() - before) // 1024
    record_property("KiB grown by 508,400 fields", grown)
    print(f"508,400 fields: {grown} KiB grown")
    assert grown < 2048
