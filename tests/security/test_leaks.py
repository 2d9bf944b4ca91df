"""SECURITY 1.4: nothing that the service writes or answers reveals a secret or its internals."""

import base64
import getpass
import json
import logging
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from typer.testing import CliRunner

from asmx_tickets.access.authentication import Authentication
from asmx_tickets.cli.app import app
from asmx_tickets.tickets import format_guid
from spyne_asmx import Request, Response
from spyne_asmx.http import HeaderMap
from tests.contract.steps import NOBODYS_TICKET, add_user, ask, mint
from tests.support.attacks import (
    TRUSTED,
    UNTHROTTLED,
    WatchedServer,
    audit_lines,
    hash_in_logs,
    headers_of,
    http,
    mint_for,
    on_the_wire,
    running,
    status_of,
)
from tests.support.directories import run_sql
from tests.support.redis import RedisServer
from tests.support.service import NAMESPACE, PASSWORD, SOAP11, SOAP12, Service, envelope
from tests.support.spellings import Places, spellings, ticket_spellings

Make = Callable[..., Service]
FORM = "application/x-www-form-urlencoded"
TEXT_XML = "text/xml; charset=utf-8"


# --- L1: the canary run -----------------------------------------------------------------------------------------------

# What an answer repeats to its sender: CONTRACT 2.4's texts name it, or 2.5's documents have it in their addresses. The
# charset is in a 415.
REPEATED = {
    "charset",
    "unknown operation",
    "operation below an operation",
    "op",
    "SOAPAction",
    "form's content type",
    "envelope's namespace",
    "header to be understood",
    "host of the WSDL",
}


# After these the client closes its side; after all others it waits.
HALF_CLOSED = {"shorter than it says"}


class Canaries:
    """Secrets, each with a name: one that is found somewhere tells which message it was in."""

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}

    def new(self, name: str) -> str:
        assert name not in self.tokens
        self.tokens[name] = f"cnry{secrets.token_hex(10)}"
        return self.tokens[name]


def well_formed(new: Callable[[str], str], phase: str = "") -> Iterator[tuple[str, bytes]]:
    """Each operation that takes a secret, over each binding, each time with another wrong one."""
    for operation, parameter, rest in (
        ("AuthenticateUser", "PWD", {"UID": "alice"}),
        ("AuthenticateUser1", "PWD", {"UID": "nobody", "Lang": "en"}),
        ("RenewTicket", "PWD", {"UID": "alice", "OldTicket": NOBODYS_TICKET}),
        ("CreateTicketforUser", "TrustedUserPwd", {"UserName": "alice"}),
        ("isValidTicket", "AuthenticationTicket", {}),
        ("GetCurrentUser", "authenticationTicket", {}),
        ("LogOut", "AuthenticationTicket", {}),
        ("RenewTicket", "OldTicket", {"UID": "alice", "PWD": "x"}),
    ):
        for binding in ("SOAP 1.1", "SOAP 1.2", "GET", "POST"):
            name = f"{operation} {parameter} {binding}{phase}"
            yield name, on_the_wire(operation, **rest, **{parameter: new(name)})[binding]


def broken_soap(new: Callable[[str], str]) -> Iterator[tuple[str, bytes]]:
    """Envelopes that can't be read, with a secret in every place where one can stand."""

    def soap(body: bytes, content_type: str = TEXT_XML, *lines: str) -> bytes:
        return http("/srv.asmx", body, *lines, content_type=content_type)

    def login(secret: str) -> bytes:
        return envelope("AuthenticateUser", {"UID": "alice", "PWD": secret})

    def changed(name: str, old: bytes, replacement: str) -> tuple[str, bytes]:
        return name, soap(login("x").replace(old, replacement.format(new(name)).encode()))

    cut = login(new("cut XML"))
    yield "cut XML", soap(cut[: cut.index(b"</PWD>") + 3])
    cut = login(new("cut within the secret"))
    yield "cut within the secret", soap(cut[: cut.index(b"</PWD>")])
    yield changed("DTD", b"?><", '?><!DOCTYPE a [<!ENTITY b "{}">]><')
    yield changed("entity", b">x<", ">{}&undefined;<")
    yield changed("element's name", b"<PWD>x</PWD>", "<{0}>x</{0}>")
    yield changed("unclosed element", b"</PWD>", "<{}>")
    yield changed("attribute", b"<PWD>", '<PWD a="{}" a="1">')
    yield changed("element in a value", b">x<", "><b>{}</b><")
    yield changed("value given twice", b"<PWD>x</PWD>", "<PWD>{0}</PWD><PWD>{0}</PWD>")
    yield changed("illegal character", b">x<", ">{}&#1;<")
    yield changed("comment", b">x<", "><!--{}--><")
    yield changed("instruction", b">x<", "><?a {}?><")
    yield changed("envelope's namespace", SOAP11.encode(), "http://{}/")
    yield changed(
        "header to be understood", b"<soap:Body>", '<soap:Header><{} soap:mustUnderstand="1"/></soap:Header><soap:Body>'
    )
    yield changed("text in Body", b"<soap:Body>", "<soap:Body>{}")
    yield "bytes that are no UTF-8", soap(login(new("bytes that are no UTF-8")).replace(b"</PWD>", b"\xff</PWD>"))
    yield (
        "UTF-16",
        soap(
            login(new("UTF-16")).decode().replace("utf-8", "utf-16").replace("</PWD>", "<").encode("utf-16"),
            "text/xml; charset=utf-16",
        ),
    )
    yield "charset", soap(login("x"), f"text/xml; charset={new('charset')}")
    yield (
        "charset that is not the body's",
        soap(login(new("charset that is not the body's")), "text/xml; charset=utf-16"),
    )
    yield "SOAPAction", soap(login("x"), TEXT_XML, f'SOAPAction: "{new("SOAPAction")}"')
    yield (
        "action of SOAP 1.2",
        soap(envelope("ServerInfo", {}, soap=SOAP12), f'application/soap+xml; action="{new("action of SOAP 1.2")}"'),
    )
    yield "other operation", soap(login(new("other operation")), TEXT_XML, f"SOAPAction: {NAMESPACE}LogOut")
    for content_type in ("text/plain", "application/json", "multipart/related; boundary=x", FORM):
        name = f"SOAP as {content_type.partition(';')[0]}"
        yield name, soap(login(new(name)), content_type)


def broken_forms(new: Callable[[str], str]) -> Iterator[tuple[str, bytes]]:
    """Forms that can't be read."""

    def form(name: str, body: str, content_type: str = FORM, query: str = "") -> tuple[str, bytes]:
        secret = new(name)
        target = f"/srv.asmx/AuthenticateUser{query.format(secret)}"
        return name, http(target, body.format(secret).encode("latin-1"), content_type=content_type.format(secret))

    yield form("no UID", "PWD={}")
    yield form("name of a parameter", "UID=alice&{}=1")
    yield form("bad escape", "UID=alice&PWD={}%zz")
    yield form("escape that is no UTF-8", "UID=alice&PWD={}%ff")
    yield form("raw byte", "UID=alice&PWD={}\xff")
    yield form("control character", "UID=alice&PWD={}%01")
    yield form("parameter given twice", "UID=alice&PWD={0}&PWD={0}")
    yield form("too many fields", "UID=alice&PWD={}" + "&a=1" * 1000)
    yield form("value too long", "UID=alice&PWD={}" + "x" * 9000)
    yield form("too large", "UID=alice&PWD={}&a=" + "x" * 66000)
    yield form("query of a POST", "UID=alice&PWD=x", query="?PWD={}&UID=alice")
    yield form("form's charset", "UID=alice&PWD=x", FORM + "; charset={}")
    yield form("form in UTF-7", "UID=alice&PWD={}", FORM + "; charset=utf-7")
    yield form("form's content type", "UID=alice&PWD=x", "application/{}")
    yield form("JSON", '{{"UID": "alice", "PWD": "{}"}}', "application/json")
    yield form(
        "multipart",
        '--b\r\nContent-Disposition: form-data; name="PWD"\r\n\r\n{}\r\n--b--',
        "multipart/form-data; boundary=b",
    )
    for query in ("PWD={}", "UID=alice&PWD={}%zz", "UID=alice&PWD={}%ff", "UID=alice&PWD={}%00", "{}=1&UID=alice"):
        name = f"GET {query.format('…')}"
        yield name, http(f"/srv.asmx/AuthenticateUser?{query.format(new(name))}")


def odd_http(new: Callable[[str], str]) -> Iterator[tuple[str, bytes]]:
    """Secrets where HTTP itself has room for them."""
    yield "unknown operation", http(f"/srv.asmx/{new('unknown operation')}?a=1")
    yield "operation below an operation", http(f"/srv.asmx/AuthenticateUser/{new('operation below an operation')}")
    yield "other path", http(f"/{new('other path')}")
    yield "path with NUL", http(f"/srv.asmx%00/{new('path with NUL')}")
    yield "op", http(f"/srv.asmx?op={new('op')}")
    yield "query of a document", http(f"/srv.asmx?wsdl&PWD={new('query of a document')}")
    yield "query of ServerInfo", http(f"/srv.asmx/ServerInfo?PWD={new('query of ServerInfo')}")
    yield "query of readiness", http(f"/readyz?PWD={new('query of readiness')}")
    yield "host", http("/srv.asmx?wsdl", host=f"{new('host')}@localhost")
    yield "host of the WSDL", http("/srv.asmx?wsdl", host=new("host of the WSDL"))
    yield "method", http("/srv.asmx", method=new("method"))
    yield "version", http("/srv.asmx").replace(b"HTTP/1.1", f"HTTP/{new('version')}".encode())
    yield "no request", f"{new('no request')}\r\n\r\n".encode()
    for header in (
        "Authorization: Basic {}",
        "Authorization: Bearer {}",
        "Authorization: SOTicket {}, SOTicket x",
        "Cookie: ticket={}",
        "Cookie: password={}",
        "Referer: http://localhost/?PWD={}",
        "User-Agent: {}",
        "X-Password: {}",
        "X-Forwarded-For: {}",
        "X-Forwarded-Host: {}",
        "X-Request-Id: {}",
        "Content-Encoding: {}",
        "Content-Length: {}",
        "Transfer-Encoding: {}",
        "Expect: {}",
        "Upgrade: {}",
        "Accept-Language: {}",
    ):
        secret = new(f"header {header}")
        if "Basic" in header:
            secret = base64.b64encode(f"alice:{secret}".encode()).decode()
        yield f"header {header}", http("/srv.asmx/isValidTicket", b"a=1", header.format(secret), content_type=FORM)
    for name, end in (("shorter than it says", b""), ("broken chunk", b"zz\r\n")):
        secret = f"UID=alice&PWD={new(name)}".encode()
        request = http("/srv.asmx/AuthenticateUser", secret, content_type=FORM)
        if end:
            length = b"Content-Length: %d" % len(secret)
            request = request.replace(length, b"Transfer-Encoding: chunked").replace(
                secret, b"%x\r\n%s\r\n%s" % (len(secret), secret, end)
            )
        else:
            request = request.replace(b"Content-Length: ", b"Content-Length: 1")
        yield name, request


def test_the_search_for_canaries_finds_them() -> None:
    """Otherwise the test after this one would prove nothing."""
    token = f"cnry{secrets.token_hex(10)}"
    escapes = ("{:02X}", "%{:02X}", "&#{};", "\\x{:02x}")
    for text in (token, token.upper(), *("".join(map(escape.format, token.encode())) for escape in escapes)):
        assert Places(log=f"PWD={text}&".encode()).with_any(spellings(token)) == ["log"]
    for codec in ("utf-16-le", "utf-16-be"):
        assert Places(log=f"PWD={token.upper()}".encode(codec)).with_any(spellings(token)) == ["log"]
    for before in range(3):
        assert Places(log=base64.b64encode(b"x" * before + token.encode() + b"yz")).with_any(spellings(token)) == [
            "log"
        ]
    assert Places(log=token[1:].encode()).with_any(spellings(token)) == []


class CanaryRun:
    """A server with all its parts that logs everything, and that gets secrets in every way there is."""

    def __init__(self, redis: RedisServer, folder: Path) -> None:
        self._redis = redis
        self._folder = folder
        self.canaries = Canaries()
        self._right, self._trusted = self.canaries.new("alice's password"), self.canaries.new("TrustedUserPwd")
        self._settings = {
            "ConnectionStrings__Tickets": redis.url.replace("://", f"://svc:{self._guard_redis()}@"),
            "ConnectionStrings__Users": "sqlite:///users.db",
            "TrustedUserPwd": self._trusted,
            "Audit__To": "audit.jsonl",
            "Logging__LogLevel__Default": "Trace",
            **UNTHROTTLED,
        }
        folder.mkdir()
        (folder / "appsettings.json").write_text("{}")
        self._printed = [self._command("user", "add", "alice", stdin=f"{self._right}\n")]
        self.answers: dict[str, bytes] = {}
        self.tickets: list[str] = []

    def run(self) -> dict[str, bytes]:
        """Send everything, the last of it while the database and then Redis fail; what was written, by where."""
        with running(self._folder, **self._settings) as server:
            self._log_in(server)
            for messages in (well_formed, broken_soap, broken_forms, odd_http):
                self._send(server, messages(self.canaries.new))
            server.raw(http("/srv.asmx/AuthenticateUser?PWD=x&UID=" + self.canaries.new("user name")))
            for words in (("settings",), ("user", "list"), ("ticket", "list"), ("ticket", "revoke", self.tickets[-1])):
                self._printed.append(self._command(*words))
            written = {"Redis' file": self._redis_file()}
            self._rename_table("users", "away")
            self._send(server, well_formed(self.canaries.new, ", no users"))
            self._rename_table("away", "users")
            self._redis.stop()
            self._send(server, well_formed(self.canaries.new, ", no Redis"))
            _use_everywhere(server, self.tickets[0])
        for file in (*self._folder.rglob("*"), self._redis.socket.with_name("log.txt")):
            if file.is_file():
                written[file.name] = file.read_bytes()
        return written | {"commands": "".join(self._printed).encode()}

    def _guard_redis(self) -> str:
        secret = self.canaries.new("Redis' password")
        with self._redis.client() as redis:
            redis.execute_command("ACL", "SETUSER", "svc", "on", f">{secret}", "~*", "+@all")
        return secret

    def _log_in(self, server: WatchedServer) -> None:
        """By every way to a ticket; then use one of them, and one that does not exist."""
        for operation, parameters in (
            ("AuthenticateUser", {"UID": "alice", "PWD": self._right}),
            ("RenewTicket", {"UID": "alice", "PWD": self._right}),
            ("CreateTicketforUser", {"TrustedUserPwd": self._trusted, "UserName": "alice"}),
        ):
            for request in on_the_wire(operation, **parameters).values():
                self.tickets += re.findall(r'ticket="([0-9a-f-]{36})"', server.raw(request).decode())
        self.tickets.append(format_guid(secrets.token_bytes(16)))
        for ticket in (self.tickets[0], self.tickets[-1]):
            _use_everywhere(server, ticket)

    def _send(self, server: WatchedServer, messages: Iterator[tuple[str, bytes]]) -> None:
        for name, request in messages:
            self.answers[name] = server.raw(request, half_close=name in HALF_CLOSED, timeout=5)

    def _command(self, *words: str, stdin: str = "") -> str:
        return command(self._folder / "appsettings.json", self._settings, *words, stdin=stdin)

    def _redis_file(self) -> bytes:
        with self._redis.client() as redis:
            redis.config_set("rdbcompression", "no")
            redis.save()
        return self._redis.socket.with_name("dump.rdb").read_bytes()

    def _rename_table(self, old: str, new: str) -> None:
        run_sql(f"sqlite:///{self._folder}/users.db", f"ALTER TABLE {old} RENAME TO {new}")


def test_l1_no_secret_is_in_anything_that_the_service_writes(own_redis: RedisServer, tmp_path: Path) -> None:
    """The server logs at Trace, and gets secrets through every binding, well and ill formed. Then its logs, its files,
    Redis' file and the answers are searched for them in any spelling."""
    run = CanaryRun(own_redis, tmp_path / "server")
    written = run.run()
    places = Places(**written)
    user_name = run.canaries.tokens.pop("user name")
    assert places.with_any(spellings(user_name)) == ["audit-refused.jsonl"]
    assert hash_in_logs(run.tickets[0]).encode() in written["audit.jsonl"]
    assert written["stderr.txt"]
    leaks = {name: places.with_any(spellings(token)) for name, token in run.canaries.tokens.items()}
    assert {name: where for name, where in leaks.items() if where} == {}
    assert len(set(run.tickets)) == 13
    assert [ticket for ticket in run.tickets if places.with_any(ticket_spellings(ticket))] == []
    assert [where for where, data in written.items() if b"$argon2" in data and not where.startswith("users.db")] == []
    assert len(run.answers) > 150
    assert [name for name, answer in run.answers.items() if not answer] == []
    repeated = {name for name, answer in run.answers.items() if run.canaries.tokens[name].encode() in answer.lower()}
    assert repeated == REPEATED


def _use_everywhere(server: WatchedServer, ticket: str) -> None:
    """Send a ticket in every place where one belongs, and in some where people may put it by mistake."""
    for operation, parameters in (
        ("isValidTicket", {"AuthenticationTicket": ticket}),
        ("GetCurrentUser", {"authenticationTicket": ticket}),
        ("AuthenticateUser", {"UID": ticket, "PWD": ""}),
        ("AuthenticateUser", {"UID": ticket, "PWD": "wrong"}),
        ("AuthenticateUser", {"UID": "alice", "PWD": ticket}),
        ("RenewTicket", {"UID": f"{{{ticket}}}", "PWD": "", "OldTicket": ticket}),
        ("CreateTicketforUser", {"TrustedUserPwd": ticket, "UserName": ticket}),
    ):
        for request in on_the_wire(operation, **parameters).values():
            server.raw(request)
    for line in (f"Authorization: SOTicket {ticket}", f"Authorization: Bearer {ticket}", f"Cookie: ticket={ticket}"):
        server.raw(http("/srv.asmx/isValidTicket", b"", line))
        server.raw(http(f"/srv.asmx/{ticket}", b"<" + ticket.encode(), line, content_type=TEXT_XML))


def command(settings_file: Path, environ: dict[str, str], *words: str, stdin: str = "") -> str:
    """What a command of the program prints."""
    return CliRunner().invoke(app, [*words, "--settings", str(settings_file)], input=stdin, env=environ).output


# --- L2: no query string in a log -------------------------------------------------------------------------------------


def test_l2_a_query_string_is_in_no_log(watched_demo: WatchedServer) -> None:
    """A GET login that works leaves its audit line, and its parameters nowhere."""
    answer = watched_demo.raw(http(f"/srv.asmx/AuthenticateUser?UID=jsmith&PWD={PASSWORD}"))
    request = headers_of(answer)["x-request-id"]
    assert b'success="true"' in answer
    assert [line["event"] for line in audit_lines(watched_demo.stdout) if line["request"] == request] == ["login"]
    for log in (watched_demo.stdout, watched_demo.stderr):
        assert "PWD=" not in log
        assert quote(PASSWORD) not in log
        assert "?" not in log


# --- L3: headers of every answer --------------------------------------------------------------------------------------

NEVER_KEPT = "private, max-age=0, no-store"
LOGIN = f"UID=jsmith&PWD={PASSWORD}"
# Request, status, media type.
ANSWERS = [
    (http("/srv.asmx"), 200, "text/html"),
    (http("/srv.asmx?op=AuthenticateUser"), 200, "text/html"),
    (http("/srv.asmx?op=Nope"), 404, "text/html"),
    (http("/srv.asmx?wsdl"), 200, "text/xml"),
    (http("/srv.asmx?disco"), 200, "text/xml"),
    (http("/srv.asmx", method="HEAD"), 200, "text/html"),
    (http(f"/srv.asmx/AuthenticateUser?{LOGIN}"), 200, "text/xml"),
    (http("/srv.asmx/AuthenticateUser", LOGIN.encode(), content_type=FORM), 200, "text/xml"),
    (http("/srv.asmx", envelope("ServerInfo", {}), content_type=TEXT_XML), 200, "text/xml"),
    (
        http("/srv.asmx", envelope("ServerInfo", {}, soap=SOAP12), content_type="application/soap+xml"),
        200,
        "application/soap+xml",
    ),
    (http("/srv.asmx/AuthenticateUser?UID=jsmith&PWD=wrong"), 200, "text/xml"),
    (http("/srv.asmx/isValidTicket"), 200, "text/xml"),
    (http("/srv.asmx/AuthenticateUser?UID=jsmith"), 500, "text/plain"),
    (http("/srv.asmx/Nope"), 500, "text/plain"),
    (http("/srv.asmx", b"<", content_type=TEXT_XML), 400, "text/xml"),
    (http("/srv.asmx", envelope("Nope", {}), content_type=TEXT_XML), 500, "text/xml"),
    (http("/srv.asmx/AuthenticateUser?UID=%00"), 400, "text/plain"),
    (http("/srv.asmx", b"{}", content_type="application/json"), 415, "text/plain"),
    (http("/srv.asmx", b"x" * 70000, content_type=TEXT_XML), 413, "text/plain"),
    (http("/srv.asmx", method="PUT"), 405, "text/plain"),
    (http("/srv.asmx/LogOut", method="OPTIONS"), 405, "text/plain"),
    (http("/srv.asmx", host="a b"), 400, "text/plain"),
    (http("/"), 302, "text/plain"),
    (http("/healthz"), 200, "text/plain"),
    (http("/readyz"), 200, "text/plain"),
]


@pytest.mark.parametrize(("request_", "status", "media_type"), ANSWERS)
def test_l3_every_answer_has_the_headers_that_protect_it(
    watched_demo: WatchedServer, request_: bytes, status: int, media_type: str
) -> None:
    """Refusals too. No header names a version or a library; a page may load nothing, and no page may frame it."""
    answer = watched_demo.raw(request_)
    headers = headers_of(answer)
    assert status_of(answer) == status
    assert headers["content-type"] == f"{media_type}; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["server"] == "asmx-tickets"
    assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]+", headers["x-request-id"])
    if b" /srv.asmx?" not in request_ and media_type != "text/html":
        assert headers["cache-control"] == NEVER_KEPT
        assert headers["pragma"] == "no-cache"
    if media_type == "text/html":
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
    assert {"set-cookie", "x-powered-by", "x-aspnet-version", "access-control-allow-origin", "etag"}.isdisjoint(headers)


def test_l3_what_the_http_server_itself_refuses_says_nothing(watched_demo: WatchedServer) -> None:
    """Framing errors have the headers of every answer, a request id, and no name of any software."""
    for request in (b"nonsense\r\n\r\n", http("/", b"", "X: " + "x" * 20000), http("/", b"", "Content-Length: -1")):
        answer = watched_demo.raw(request)
        assert status_of(answer) in {400, 431}
        headers = headers_of(answer)
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["server"] == "asmx-tickets"
        assert headers["connection"] == "close"
        assert headers["x-request-id"]
        assert answer.partition(b"\r\n\r\n")[2].startswith(b"The request")


@pytest.mark.parametrize(
    ("peer", "scheme", "tls"), [("10.0.0.1", "https", True), ("10.0.0.1", "http", False), ("192.0.2.7", "https", False)]
)
def test_l3_hsts_is_sent_over_tls_alone(make_service: Make, peer: str, scheme: str, tls: bool) -> None:
    """Where a setting asks for it and a trusted proxy says https (RFC 6797 section 7.2)."""
    service = make_service(ForwardedHeaders__KnownProxies__0="10.0.0.1", Hsts__MaxAge="365.00:00:00")
    for path, query in (("/srv.asmx", ""), ("/srv.asmx", "wsdl"), ("/srv.asmx/ServerInfo", ""), ("/nowhere", "")):
        request = Request("GET", path, query, HeaderMap([("X-Forwarded-Proto", scheme)]), remote_address=peer)
        policy = dict(service.composition.site.handle(request).headers).get("strict-transport-security", "")
        seconds = re.findall(r"max-age=(\d+)", policy)
        assert bool(seconds and int(seconds[0]) >= 31_536_000) is tls


def test_l3_no_hsts_is_sent_unless_a_setting_asks_for_it(make_service: Make) -> None:
    """Only the operator can know that the host will speak TLS for a year."""
    service = make_service(ForwardedHeaders__KnownProxies__0="10.0.0.1")
    headers = HeaderMap([("X-Forwarded-Proto", "https")])
    request = Request("GET", "/srv.asmx", "", headers, remote_address="10.0.0.1")
    assert "strict-transport-security" not in dict(service.composition.site.handle(request).headers)


# --- L4: cookies ------------------------------------------------------------------------------------------------------


def test_l4_no_answer_sets_a_cookie(service: Service) -> None:
    """SECURITY D3: the cookie is read and never set. No attribute can be wrong, and LogOut has nothing to clear."""
    ticket = mint(service)
    cookie = ("Cookie", f"ticket={ticket}")
    for operation, parameters in (
        ("AuthenticateUser", {"UID": "jsmith", "PWD": PASSWORD}),
        ("RenewTicket", {"UID": "jsmith", "PWD": PASSWORD}),
        ("GetCurrentUser", {}),
        ("isValidTicket", {}),
        ("LogOut", {}),
        ("isValidTicket", {}),
    ):
        answer = call(service, "POST", operation, [cookie], **parameters)
        assert "set-cookie" not in dict(answer.headers)


def call(
    service: Service,
    binding: str,
    operation: str,
    headers: Iterable[tuple[str, str]] = (),
    **parameters: str,
) -> Response:
    """One call from 192.0.2.7, with its header lines as they are given."""
    if binding.startswith("SOAP"):
        body = envelope(operation, parameters, soap=SOAP11 if binding == "SOAP 1.1" else SOAP12)
        content_type = "text/xml" if binding == "SOAP 1.1" else "application/soap+xml"
        request = Request("POST", "/srv.asmx", "", HeaderMap([("Content-Type", content_type), *headers]), body)
    else:
        fields = urlencode(parameters)
        lines = [("Content-Type", FORM), *headers] if binding == "POST" else headers
        query, body = ("", fields) if binding == "POST" else (fields, "")
        request = Request(binding, f"/srv.asmx/{operation}", query, HeaderMap(lines), body.encode())
    request.remote_address = "192.0.2.7"
    return service.composition.site.handle(request)


# --- L5: other sites --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["LogOut", "GetCurrentUser", "isValidTicket"])
@pytest.mark.parametrize(
    ("binding", "fetch"),
    [
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}),
        ("POST", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Origin": "https://evil.example.com"}),
        ("POST", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Origin": "null"}),
        ("SOAP 1.1", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Origin": "https://evil.example.com"}),
    ],
    ids=["image", "link", "form", "script's form", "script's SOAP"],
)
def test_l5_another_sites_page_can_do_nothing_with_the_cookie(
    service: Service, operation: str, binding: str, fetch: dict[str, str]
) -> None:
    """The ticket is not ended, prolonged or shown, and no header lets the page read the answer."""
    ticket = mint(service)
    before = service.call("isValidTicket", AuthenticationTicket=ticket).attrib
    service.clock.advance(days=1)
    answer = call(service, binding, operation, [("Cookie", f"ticket={ticket}"), *fetch.items()])
    assert b"[901]" in answer.body
    assert not [name for name, _ in answer.headers if name.startswith("access-control")]
    assert service.call("isValidTicket", AuthenticationTicket=ticket).attrib == before


def test_l5_another_sites_page_can_not_renew_by_cookie(service: Service) -> None:
    """RenewTicket answers with another ticket than the cookie's."""
    ticket = mint(service)
    root = ask(
        service,
        "RenewTicket",
        [("Cookie", f"ticket={ticket}"), ("Sec-Fetch-Site", "cross-site")],
        UID="jsmith",
        PWD=PASSWORD,
    )
    assert root.attrib["ticket"] != ticket


@pytest.mark.parametrize("content_type", ["text/plain", "text/plain; charset=utf-8", FORM, "multipart/form-data", ""])
def test_l5_what_a_page_may_send_without_asking_is_no_soap(service: Service, content_type: str) -> None:
    """A browser sends these media types anywhere without a preflight: 415, and the ticket lives."""
    ticket = mint(service)
    request = Request(
        "POST",
        "/srv.asmx",
        "",
        HeaderMap([("Content-Type", content_type), ("Cookie", f"ticket={ticket}")]),
        envelope("LogOut", {}),
    )
    assert service.composition.site.handle(request).status == 415
    assert service.is_valid(ticket)


def test_l5_a_preflight_is_refused(service: Service) -> None:
    """So no browser lets a page of another site send SOAP, or a header with a ticket."""
    lines = [
        ("Origin", "https://evil.example.com"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type,soapaction,authorization"),
    ]
    for path in ("/srv.asmx", "/srv.asmx/LogOut"):
        answer = service.composition.site.handle(Request("OPTIONS", path, "", HeaderMap(lines)))
        assert answer.status == 405
        assert not [name for name, _ in answer.headers if name.startswith("access-control")]


# --- L6: addresses, and what answers repeat ---------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/srv.asmx?wsdl", "/srv.asmx?disco", "/srv.asmx", "/srv.asmx?op=LogOut"])
def test_l6_a_host_that_somebody_else_sent_is_in_no_document(make_service: Make, target: str) -> None:
    """Not while AllowedHosts is open, not from an unknown proxy, and with AllowedHosts a wrong host is refused."""
    service = make_service()
    path, _, query = target.partition("?")

    def get(service: Service, *lines: tuple[str, str], host: str = "good.example.com") -> Response:
        return service.composition.site.handle(Request("GET", path, query, HeaderMap(lines), host=host))

    get(service, host="evil.example.com")  # Documents are kept by host, and none must be given to another.
    for lines in ([], [("X-Forwarded-Host", "evil.example.com")], [("Forwarded", "host=evil.example.com")]):
        answer = get(service, *lines)
        assert answer.status == 200
        assert b"evil" not in answer.body
    closed = make_service(AllowedHosts="good.example.com")
    assert get(closed).status == 200
    for host in (
        "evil.example.com",
        "good.example.com.evil.example.com",
        "evil@good.example.com",
        "good.example.com/evil",
    ):
        answer = get(closed, host=host)
        assert (answer.status, answer.body) == (400, b"Bad Request - Invalid Hostname.")


SCRIPT = '"><svg onload=alert(1)>'


def test_l6_what_is_repeated_is_inert(service: Service) -> None:
    """Pages and XML have it escaped; everything else is plain text, and browsers are told not to guess otherwise."""
    handle = service.composition.site.handle
    action = HeaderMap([("Content-Type", "text/xml"), ("SOAPAction", SCRIPT)])
    namespace = envelope("LogOut", {}).replace(SOAP11.encode(), b"&lt;svg onload=alert(1)&gt;")
    answers = [
        handle(Request("GET", "/srv.asmx", f"op={quote(SCRIPT)}", HeaderMap())),
        handle(Request("GET", f"/srv.asmx/{SCRIPT}", "", HeaderMap())),
        handle(Request("GET", "/srv.asmx/AuthenticateUser", f"UID={quote(SCRIPT)}", HeaderMap())),
        handle(Request("POST", "/srv.asmx/LogOut", "", HeaderMap([("Content-Type", SCRIPT)]))),
        handle(Request("POST", "/srv.asmx", "", action, envelope("LogOut", {}))),
        handle(Request("POST", "/srv.asmx", "", HeaderMap([("Content-Type", "text/xml")]), namespace)),
    ]
    for answer in answers:
        headers = dict(answer.headers)
        assert headers["x-content-type-options"] == "nosniff"
        if headers["content-type"] != "text/plain; charset=utf-8":
            assert b"<svg" not in answer.body
    assert b"svg" in answers[0].body


# --- L7: errors say nothing of the inside -----------------------------------------------------------------------------

INSIDE = re.compile(
    r'Traceback|[A-Z]\w*(?:Error|Exception)\b|\bat 0x|File "|\.py\b|\bline \d|\bself\.|\bNone\b'
    r"|site-packages|/usr/|/home/|/tmp/"
    r"|(?i:lxml|libxml|spyne|werkzeug|granian|hyper|sqlalchemy|sqlite|psycopg|redis|argon2|pydantic|python|jinja)"
    r"|SELECT |INSERT |UPDATE |users\.|\b\d+\.\d+\.\d+\b"
)
# The place of a fault in the XML, and the version that ServerInfo tells.
BY_CONTRACT = re.compile(r'There is an error in XML document \(\d+, \d+\)|VersionNumber="[^"]*"')


def bad_requests() -> Iterator[tuple[str, bytes]]:
    """All that is ill formed in the canary run, with values that may trip up their readers."""
    numbers = count(1)

    def value(_: str) -> str:
        return ("'; DROP TABLE users; --", "%s%n{0}${7*7}", "../../etc/passwd", "x")[next(numbers) % 4]

    for messages in (broken_soap, broken_forms):
        for name, request in messages(lambda name: quote(value(name), safe="")):
            yield name, request
    for name, request in odd_http(lambda name: "x" * (next(numbers) % 7 + 1)):
        yield name, request
    for depth in (17, 300, 5000):
        yield f"depth {depth}", http("/srv.asmx", b"<a>" * depth, content_type=TEXT_XML)
    for garbage in (b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"PK\3\4", b"<?xml version='9.9'?><a/>", b"<a xmlns:b=''/>"):
        yield f"garbage {garbage!r}", http("/srv.asmx", garbage, content_type=TEXT_XML)
        yield f"form of {garbage!r}", http("/srv.asmx/AuthenticateUser", garbage, content_type=FORM)


def test_l7_no_bad_request_is_told_anything_of_the_inside(watched_demo: WatchedServer) -> None:
    """No traceback, class, path, SQL, library or version. Each answer with a body has a request id."""
    told, unnamed, number = {}, [], 0
    for name, request in bad_requests():
        number += 1
        answer = watched_demo.raw(request, half_close=name in HALF_CLOSED, timeout=5)
        head, _, body = answer.partition(b"\r\n\r\n")
        said = re.sub(rb'^HTTP/1.1 .*|date: .*|xml version="1.0"', b"", head + body).decode("utf-8", "replace")
        if found := INSIDE.search(BY_CONTRACT.sub("", said)):
            told[name] = found[0]
        if body and "x-request-id" not in headers_of(answer):
            unnamed.append(name)
    assert told == {}
    assert unnamed == []
    assert number > 90
    assert "Traceback" not in watched_demo.stderr


@pytest.mark.parametrize("binding", ["SOAP 1.1", "SOAP 1.2", "GET", "POST"])
def test_l7_a_bug_of_ours_is_logged_under_the_id_that_the_client_is_told(
    service: Service, monkeypatch: pytest.MonkeyPatch, logged: list[logging.LogRecord], binding: str
) -> None:
    """The client gets one sentence and the log the traceback; the ticket is in neither."""
    ticket = mint(service)

    def bug(*_: object) -> None:
        raise LookupError("in /srv/app/secret.py: SELECT password_hash")

    monkeypatch.setattr(Authentication, "validate", bug)
    answer = call(service, binding, "isValidTicket", AuthenticationTicket=ticket)
    assert answer.status == 500
    assert b"Server was unable to process request." in answer.body
    assert INSIDE.search(re.sub(r'xml version="1.0"|\w+://\S+', "", answer.body.decode())) is None
    (record,) = logged
    assert dict(answer.headers)["x-request-id"] in record.getMessage()
    assert record.exc_info is not None
    assert ticket not in logging.Formatter().format(record)


# --- L8: the audit log ------------------------------------------------------------------------------------------------

NOON = "2026-02-18T14:35:00.000Z"
Line = dict[str, Any]


class Audit:
    """An audit log's two files, read as they grow."""

    def __init__(self, file: Path) -> None:
        self._seen = {file: 0, file.with_name("audit-refused.jsonl"): 0}

    def news(self) -> list[Line]:
        """The lines that have come since the last time, refusals last."""
        return [json.loads(line) for file in self._seen for line in self._more(file).splitlines()]

    def _more(self, file: Path) -> str:
        text = file.read_bytes().decode("ascii")
        lines, self._seen[file] = text[self._seen[file] :], len(text)
        assert lines.endswith("\n") or not lines
        return lines


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    """The audit log of a service of ``make_stored_service``."""
    return Audit(tmp_path / "App_Data" / "audit.jsonl")


def ticket_in(answer: Response) -> str:
    return re.findall('ticket="([^"]+)"', answer.body.decode())[0]


@pytest.mark.parametrize("binding", ["SOAP 1.1", "SOAP 1.2", "GET", "POST"])
def test_l8_whatever_gives_or_ends_access_has_a_line(make_stored_service: Make, audit: Audit, binding: str) -> None:
    """When, what, who, from where, by which binding, under which request, and which ticket by its short hash."""
    service = make_stored_service()

    def noted(answer: Response) -> Line:
        (line,) = audit.news()
        assert line.pop("request") == dict(answer.headers)["x-request-id"]
        assert line.pop("time") == NOON
        assert line.pop("address") == "192.0.2.7"
        assert line.pop("binding") == (binding if binding.startswith("SOAP") else f"HTTP {binding}")
        return line

    login = call(service, binding, "AuthenticateUser", UID="ALICE", PWD=PASSWORD)
    alice = {"user": "alice", "user_id": 1, "ticket": hash_in_logs(ticket_in(login))}
    assert noted(login) == {"event": "login", **alice}
    ticket = ticket_in(login)
    renewal = call(service, binding, "RenewTicket", UID="alice", PWD=PASSWORD, OldTicket=ticket)
    assert noted(renewal) == {"event": "renewal", **alice}
    assert noted(call(service, binding, "AuthenticateUser", UID=ticket, PWD="")) == {"event": "renewal", **alice}
    assert noted(call(service, binding, "LogOut", AuthenticationTicket=ticket)) == {"event": "logout", **alice}
    made = call(service, binding, "CreateTicketforUser", TrustedUserPwd=TRUSTED, UserName="bob")
    bobs = {"user": "bob", "user_id": 2, "ticket": hash_in_logs(ticket_in(made))}
    assert noted(made) == {"event": "impersonation", **bobs}


REFUSED_LOGINS = [
    ({"UID": "alice", "PWD": "wrong"}, "wrong password"),
    ({"UID": "nobody", "PWD": PASSWORD}, "unknown user"),
    ({"UID": "retired", "PWD": PASSWORD}, "disabled user"),
    ({"UID": "sysadmin", "PWD": PASSWORD}, "the sysadmin"),
]
REFUSED_IMPERSONATIONS = [
    ({"TrustedUserPwd": "wrong", "UserName": "alice"}, "wrong TrustedUserPwd"),
    ({"TrustedUserPwd": TRUSTED, "UserName": "nobody"}, "unknown or disabled user"),
    ({"TrustedUserPwd": TRUSTED, "UserName": "sysadmin"}, "the sysadmin"),
]


def test_l8_a_refusal_says_why_to_operators_alone(make_stored_service: Make, audit: Audit) -> None:
    """Each has a line with the reason, which is not in the client's answer."""
    service = make_stored_service()
    add_user(service, "sysadmin")
    service.composition.directory.change(add_user(service, "retired"), enabled=False)
    for operation, refusals, event in (
        ("AuthenticateUser", REFUSED_LOGINS, "login_refused"),
        ("CreateTicketforUser", REFUSED_IMPERSONATIONS, "impersonation_refused"),
    ):
        for parameters, reason in refusals:
            answer = call(service, "POST", operation, **parameters)
            (line,) = audit.news()
            assert (line["event"], line["reason"], line["address"]) == (event, reason, "192.0.2.7")
            assert line["user"] == parameters.get("UID", parameters.get("UserName"))
            assert "ticket" not in line
            assert reason.encode() not in answer.body


def test_l8_an_impersonation_from_a_wrong_network_is_noted(make_stored_service: Make, audit: Audit) -> None:
    service = make_stored_service(TrustedUserNetworks__0="198.51.100.0/24")
    call(service, "POST", "CreateTicketforUser", TrustedUserPwd=TRUSTED, UserName="alice")
    assert [(line["event"], line["reason"]) for line in audit.news()] == [("impersonation_refused", "network")]


def test_l8_a_lock_is_noted_with_its_end(make_stored_service: Make, audit: Audit) -> None:
    """A line when it begins, and one for each login that it refuses."""
    service = make_stored_service(Throttling__Failures="2", Throttling__DisableAt="4")
    for seconds in (0, 0, 0, 5, 5):
        service.clock.advance(seconds)
        call(service, "POST", "AuthenticateUser", UID="alice", PWD="wrong")
    lines = audit.news()
    assert [(line["event"], line["reason"]) for line in lines] == [
        ("login_refused", "wrong password"),
        ("login_refused", "wrong password"),
        ("lock", "until 1 s have passed"),
        ("login_refused", "throttled: account"),
        ("login_refused", "wrong password"),
        ("lock", "until 2 s have passed"),
        ("login_refused", "wrong password"),
        ("lock", "until an operator acts"),
    ]
    assert {(line["user"], line["user_id"], line["address"]) for line in lines} == {("alice", 1, "192.0.2.7")}


def test_l8_what_operators_change_is_noted_with_their_names(
    make_stored_service: Make, audit: Audit, shared_redis: RedisServer, tmp_path: Path
) -> None:
    """Each command that changes something has one line: who ran it, and for which account or ticket, by its hash."""
    settings = {"ConnectionStrings__Tickets": shared_redis.url, "Tickets__KeyPrefix": f"{tmp_path.name}:"}
    settings["Audit__Days"] = "36500"  # The commands' clock is months ahead of the service's.
    service = make_stored_service(**settings)
    ticket, _ = mint_for(service, "alice"), mint_for(service, "bob")
    audit.news()
    (tmp_path / "users.csv").write_text("user_name,password\ndave,long enough 1\n")

    def noted(*words: str, stdin: str = "") -> tuple[str, Line]:
        command(tmp_path / "appsettings.json", settings, *words, stdin=stdin)
        (line,) = audit.news()
        assert line.pop("binding") == "command line"
        assert line.pop("operator") == getpass.getuser()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
        return line.pop("event"), line

    carol = {"user": "carol", "user_id": 3}
    assert noted("user", "add", "carol", stdin="long enough 2\n") == ("user_added", carol)
    assert noted("user", "disable", "CAROL") == ("user_disabled", carol)
    assert noted("user", "enable", "carol") == ("user_enabled", carol)
    assert noted("user", "password", "carol", stdin="long enough 3\n") == ("password_changed", carol)
    assert noted("user", "delete", "carol") == ("user_deleted", carol)
    assert noted("user", "import", f"{tmp_path}/users.csv") == ("user_added", {"user": "dave", "user_id": 4})
    revoked = {"user_id": 1, "ticket": hash_in_logs(ticket)}
    assert noted("ticket", "revoke", "-", stdin=ticket) == ("tickets_revoked", revoked)
    revoked = {"user": "bob", "user_id": 2}
    assert noted("ticket", "revoke", "--user", "bob") == ("tickets_revoked", revoked)


INJECTED = [
    '\r\n{"event":"login","user":"alice"}',
    'x","event":"login","y":"',
    "\n\n\n",
    'a\tb\\"c',
    "\u2028{}\u2029\x85",
    "\x7f\u202e\u200b",
    "\U0001f600" * 70,
    "ｓｙｓａｄｍｉｎ",
    "%0d%0a%00",
]


@pytest.mark.parametrize("binding", ["SOAP 1.1", "SOAP 1.2", "GET", "POST"])
@pytest.mark.parametrize("operation", ["AuthenticateUser", "CreateTicketforUser"])
def test_l8_no_name_forges_a_line(make_stored_service: Make, audit: Audit, binding: str, operation: str) -> None:
    """Line ends, quotes and control characters in a name: one line of plain ASCII has the name in one field."""
    service = make_stored_service()
    audit_events = {"AuthenticateUser": "login_refused", "CreateTicketforUser": "impersonation_refused"}
    for name in INJECTED:
        call(service, binding, operation, UID=name, PWD="x", TrustedUserPwd="wrong", UserName=name)
        (line,) = audit.news()
        assert line["event"] == audit_events[operation]
        assert line["user"] == name[:64]
        assert line.keys() <= {"time", "event", "user", "reason", "address", "binding", "request"}


def test_l8_no_header_or_address_forges_a_line(make_stored_service: Make, audit: Audit) -> None:
    """What a trusted proxy passes on in the client's own words is escaped too."""
    service = make_stored_service(ForwardedHeaders__KnownProxies__0="192.0.2.7")
    headers = [("X-Forwarded-For", '"}\x01\x7f{"'), ("X-Request-Id", '"}')]
    call(service, "POST", "AuthenticateUser", headers, UID="nobody", PWD="x")
    (line,) = audit.news()
    assert (line["event"], line["address"]) == ("login_refused", '"}\x01\x7f{"')
    assert '"' not in line["request"]
