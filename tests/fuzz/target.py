"""The service as a target: rules that only record what they are asked, and checks that every answer must pass."""

import logging
import time
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

from werkzeug.test import Client, TestResponse

from asmx_tickets.access.refusals import AuthenticationFailed
from asmx_tickets.audit import Caller
from asmx_tickets.hosting.site import Site
from asmx_tickets.service import LIMITS, PATH, Parts, ticket_application
from spyne_asmx import AsmxEndpoint, Request, Response
from spyne_asmx.wsgi import WsgiApplication
from tests.fuzz.references import guid_of, is_given

NAMESPACE = "http://tempuri.org/"
PARAMETERS = {
    "AuthenticateUser": ("UID", "PWD"),
    "AuthenticateUser1": ("UID", "PWD", "Lang"),
    "RenewTicket": ("UID", "PWD", "Lang", "OldTicket"),
    "isValidTicket": ("AuthenticationTicket",),
    "CreateTicketforUser": ("TrustedUserPwd", "UserName"),
    "GetCurrentUser": ("authenticationTicket",),
    "LogOut": ("AuthenticationTicket",),
    "ServerInfo": (),
}
MAY_BE_LEFT_OUT = {"Lang", "OldTicket", "AuthenticationTicket", "authenticationTicket"}

LONGEST_ANSWER = 1.0  # Seconds of this thread's processor time, which other programs on the machine do not use up.
STATUSES = {200, 302, 400, 404, 405, 413, 414, 415, 500}
CONTENT_TYPES = {
    "text/xml; charset=utf-8",
    "application/soap+xml; charset=utf-8",
    "text/plain; charset=utf-8",
    "text/html; charset=utf-8",
}
NEVER_SAID = (b"Traceback (most", b'File "', b"site-packages", b"asmx_tickets", b"pyexpat", b"sqlalchemy", b"werkzeug")


class Rules:
    """Refuse whatever is asked, and record the rule's name and its arguments, except the caller."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def __getattr__(self, rule: str) -> Any:
        def refuse(*arguments: Any) -> NoReturn:
            self.asked.append((rule, *(value for value in arguments if not isinstance(value, Caller))))
            raise AuthenticationFailed

        return refuse


class _Bugs(logging.Handler):
    """Records what the program logs about its own bugs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(self.format(record))


class Target:
    """The ticket service in front of rules that record what reaches them."""

    def __init__(self) -> None:
        self.rules = Rules()
        parts = Parts(self.rules, {"VersionNumber": ""}, clock=lambda: 0.0)  # type: ignore[arg-type]
        self.endpoint = AsmxEndpoint(ticket_application(parts), PATH, limits=LIMITS)
        self.site = Site(self.endpoint)
        self.http = Client(WsgiApplication(self.site))
        self.slowest = 0.0
        self._bugs = _Bugs()
        logging.getLogger("asmx_tickets").addHandler(self._bugs)

    def taken(self) -> list[tuple[Any, ...]]:
        """What reached the rules since this was called last, for requests that go past ``ask`` and ``send``."""
        asked, self.rules.asked = self.rules.asked, []
        return asked

    def ask(self, request: Request) -> tuple[Response, list[tuple[Any, ...]]]:
        """The answer, which must be one of the contract, and what reached the rules."""
        self.rules.asked = []
        self._bugs.found.clear()
        response = self.site.handle(request)
        assert not self._bugs.found, f"a bug was logged: {self._bugs.found[0]}"
        _check(response, _shown_back(request))
        return response, self.rules.asked

    def send(self, method: str, path: str, body: bytes = b"", query: bytes = b"", **headers: str) -> TestResponse:
        """The answer to a request through WSGI, which must not take more than LONGEST_ANSWER. What reached the rules is
        in ``rules.asked``. Underscores in headers' names stand for hyphens.
        """
        self.rules.asked = []
        self._bugs.found.clear()
        lines = [(name.replace("_", "-"), value) for name, value in headers.items()]
        begun = time.thread_time()
        # As servers pass it on (PEP 3333).
        environ = {"QUERY_STRING": query.decode("latin-1")}
        response = self.http.open(path, method=method, data=body, headers=lines, environ_overrides=environ)
        took = time.thread_time() - begun
        self.slowest = max(self.slowest, took)
        assert took < LONGEST_ANSWER, f"{took:.2f} s"
        assert not self._bugs.found, f"a bug was logged: {self._bugs.found[0]}"
        assert response.status_code in STATUSES, response.text
        assert not any(word in response.data for word in NEVER_SAID), response.text
        return response

    def attack(self, method: str, path: str, body: bytes = b"", query: bytes = b"", **headers: str) -> TestResponse:
        """As ``send``, but nothing may reach the rules; after it a good login must reach them."""
        response = self.send(method, path, body, query, **headers)
        assert not self.rules.asked, self.rules.asked
        good = self.http.get("/srv.asmx/AuthenticateUser", query_string={"UID": "jsmith", "PWD": "x"})
        assert good.status_code == 200, good.text
        assert self.rules.asked == [("log_in", "jsmith", "x", None)]
        return response


def _check(response: Response, shown_back: bytes) -> None:
    headers = dict(response.headers)
    assert response.status in STATUSES, response
    assert headers["content-type"] in CONTENT_TYPES, response
    assert not any(set("\r\n\0") & set(value) for value in headers.values()), response
    if "xml" in headers["content-type"]:
        ElementTree.fromstring(response.body)
    else:
        response.body.decode()
    inside = [word for word in NEVER_SAID if word in response.body and word not in shown_back]
    assert not inside, response


def _shown_back(request: Request) -> bytes:
    """What an answer may repeat: a word in the request need not have come from inside the program."""
    texts = [
        request.path,
        *(value for name in ("content-type", "soapaction") for value in request.headers.get_all(name)),
    ]
    said = "\n".join(texts).encode("utf-8", "replace") + request.body + request.query.encode("utf-8", "surrogateescape")
    return unquote_to_bytes(said.replace(b"\0", b""))


def expected(operation: str, given: dict[str, str | None]) -> list[tuple[Any, ...]]:
    """What must reach the rules when an operation is called with these parameters and no other carrier (CONTRACT 1)."""
    user, password = given.get("UID") or "", given.get("PWD") or ""
    if operation in {"AuthenticateUser", "AuthenticateUser1"}:
        return [("log_in", user, password, given.get("Lang"))]
    if operation == "CreateTicketforUser":
        return [("create_for_user", given.get("TrustedUserPwd") or "", given.get("UserName") or "")]
    if operation == "RenewTicket":
        old = given.get("OldTicket") or ""
        guid = guid_of(old)
        # No GUID: "invalid ticket format", before any rule is asked.
        return [("renew", user, password, given.get("Lang"), guid)] if guid or not is_given(old) else []
    rule = {"isValidTicket": "validate", "GetCurrentUser": "use", "LogOut": "log_out"}.get(operation)
    ticket = next(iter(given.values()), None) or ""
    return [(rule, guid_of(ticket))] if rule else []
