"""The composed service with a clock that can be moved, and clients that speak its bindings."""

import logging
import pickle
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, cast
from unittest.mock import patch
from xml.etree import ElementTree

from werkzeug.test import Client, TestResponse

from asmx_tickets.hosting.composition import Composition, compose
from asmx_tickets.settings.model import Settings
from asmx_tickets.users.hash_parameters import HashParameters
from asmx_tickets.users.passwords import PasswordHasher
from spyne_asmx import AsmxApplication, AsmxEndpoint
from spyne_asmx.wsgi import WsgiApplication

NAMESPACE = "http://tempuri.org/"
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
PASSWORD = "Secret123!"
TRUSTED_PASSWORD = "MyServerSecret"
DAY = 86400.0


@dataclass
class Clock:
    """Epoch seconds that stand still until they are moved. Starts at 2026-02-18T14:35:00Z."""

    now: float = 1771425300.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float = 0, *, days: float = 0) -> None:
        self.now += seconds + days * DAY


def envelope(operation: str, parameters: dict[str, str], *, soap: str = SOAP11, namespace: str = NAMESPACE) -> bytes:
    """A request envelope as .NET writes it."""
    fields = "".join(f"<{name}>{_escape(value)}</{name}>" for name, value in parameters.items())
    return (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{soap}"><soap:Body>'
        f'<{operation} xmlns="{namespace}">{fields}</{operation}></soap:Body></soap:Envelope>'
    ).encode()


def _escape(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


class _UsedEndpoint(AsmxEndpoint):
    """An endpoint that can be used again, since building one takes longer than most tests do. It is as new, but that it
    remembers the shapes of requests, which changes no answer."""

    idle: ClassVar[dict[bytes, list["_UsedEndpoint"]]] = {}

    @classmethod
    def take(cls, application: AsmxApplication, *arguments: Any) -> "_UsedEndpoint":
        """One with these arguments that nobody uses now, or a new one."""
        built_from = pickle.dumps(arguments)
        if idle := cls.idle.setdefault(built_from, []):
            endpoint = idle.pop()
            endpoint.app.config = application.config
        else:
            endpoint = cls(application, *arguments)
            endpoint.built_from = built_from
        return endpoint

    def give_back(self) -> None:
        self.app.config = None  # or it would keep the tickets' memory
        self.idle[self.built_from].append(self)


@contextmanager
def composing() -> Iterator[Callable[..., Composition]]:
    """``compose`` for tests; at the end, everything that it made is closed."""
    made: list[Composition] = []

    def make(settings: Settings, **options: Any) -> Composition:
        with patch("asmx_tickets.hosting.composition.AsmxEndpoint", _UsedEndpoint.take):
            made.append(compose(settings, **options))
        return made[-1]

    yield make
    for composition in made:
        composition.close()
        cast("_UsedEndpoint", composition.site.endpoint).give_back()


@dataclass
class Service:
    """The real service, composed in process and reached through its WSGI application."""

    composition: Composition
    clock: Clock
    http: Client = field(init=False)
    path: str = "/srv.asmx"

    def __post_init__(self) -> None:
        self.http = Client(WsgiApplication(self.composition.site))

    def get(self, operation: str, **parameters: str) -> TestResponse:
        """Call an operation over the GET binding."""
        return self.http.get(f"{self.path}/{operation}", query_string=parameters)

    def post(self, operation: str, headers: dict[str, str] | None = None, **parameters: str) -> TestResponse:
        """Call an operation over the POST form binding."""
        return self.http.post(
            f"{self.path}/{operation}",
            data=parameters,
            headers=headers or {},
            content_type="application/x-www-form-urlencoded",
        )

    def soap(self, operation: str, headers: dict[str, str] | None = None, **parameters: str) -> TestResponse:
        """Call an operation over SOAP 1.1."""
        return self.http.post(
            self.path,
            data=envelope(operation, parameters),
            content_type="text/xml; charset=utf-8",
            headers={"SOAPAction": f'"{NAMESPACE}{operation}"', **(headers or {})},
        )

    def call(self, operation: str, headers: dict[str, str] | None = None, **parameters: str) -> ElementTree.Element:
        """Call an operation over SOAP 1.1 and give its <root>."""
        return root_of(self.soap(operation, headers, **parameters))

    def log_in(self, user_name: str = "jsmith", password: str = PASSWORD) -> str:
        """A fresh ticket."""
        return self.call("AuthenticateUser", UID=user_name, PWD=password).attrib["ticket"]

    def is_valid(self, ticket: str) -> bool:
        return self.call("isValidTicket", AuthenticationTicket=ticket).attrib["success"] == "true"


def root_of(response: TestResponse) -> ElementTree.Element:
    """The <root> of an answer of any binding."""
    document = ElementTree.fromstring(response.data)
    found = document if document.tag == "root" else document.find(".//root")
    assert found is not None, response.text
    return found


def error_of(root: ElementTree.Element) -> str:
    assert root.attrib["success"] == "false"
    assert set(root.attrib) == {"success", "error"}
    return root.attrib["error"]


def fault_of(response: TestResponse) -> tuple[str, str]:
    """Code and text of a SOAP 1.1 fault."""
    document = ElementTree.fromstring(response.data)
    fault = document.find(f".//{{{SOAP11}}}Fault")
    assert fault is not None, response.text
    return fault.findtext("faultcode", ""), fault.findtext("faultstring", "")


class QuickParameters(HashParameters):
    """Hashes in a tenth of a millisecond. No setting can ask for them: HashParameters refuses them."""

    def __init__(self) -> None:
        for name, value in {"memory_kib": 8, "iterations": 1, "parallelism": 1}.items():
            object.__setattr__(self, name, value)


class _RememberingHasher(PasswordHasher):
    """The demo's users have the same hashes in every test. Verifying is unchanged."""

    hash = cache(PasswordHasher.hash)


HASHER = _RememberingHasher(QuickParameters())


class ListHandler(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__()
        self.records = records

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
