"""What all tests share: the composed service with a clock that can be moved, and clients that speak its bindings."""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import settings as hypothesis_settings
from werkzeug.test import Client, TestResponse

from asmx_tickets.hosting.composition import Composition, compose
from asmx_tickets.settings.model import load_settings
from asmx_tickets.users.hash_parameters import HashParameters
from asmx_tickets.users.passwords import PasswordHasher
from spyne_asmx.wsgi import WsgiApplication
from tests.clients.summary import pytest_terminal_summary  # noqa: F401 - pytest calls it
from tests.support.postgresql import PostgresServer
from tests.support.redis import RedisServer

# A shared machine stalls now and then; that is no finding.
hypothesis_settings.register_profile("shared machine", deadline=None)
hypothesis_settings.load_profile("shared machine")

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
    """The demo's users have the same hashes in every test. Verifying is as it always is."""

    hash = cache(PasswordHasher.hash)


HASHER = _RememberingHasher(QuickParameters())


class ListHandler(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__()
        self.records = records

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def logged() -> Iterator[list[logging.LogRecord]]:
    """What reaches the program's log. pytest's own caplog listens to loggers that keep to themselves too."""
    records: list[logging.LogRecord] = []
    handler = ListHandler(records)
    logging.getLogger().addHandler(handler)
    yield records
    logging.getLogger().removeHandler(handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever stops, hangs and kills a store of its own waits in real time, and so belongs to the slow ones."""
    for item in items:
        if {"own_redis", "own_postgres"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One Redis for a whole worker of the test run; empty it or use a prefix of your own. Never stopped or paused."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis to be stopped, paused, emptied and started again."""
    folder = tmp_path / "redis"
    folder.mkdir()
    server = RedisServer(folder)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def shared_postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL for a whole worker of the test run; ask it for a database of your own. Never stopped or paused."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL to be stopped, paused, killed and started again."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_service(clock: Clock, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Compose the demo service with settings of one's own: ``make_service(PathBase="/Base")``, ``__`` for ``:``."""
    made: list[Composition] = []
    nothing = tmp_path / "nothing.json"
    nothing.write_text("{}")

    def make(**settings: str) -> Service:
        composition = compose(
            load_settings(nothing, environ=settings),
            demo=True,
            clock=clock,
            local_zone=UTC,
            passwords=HASHER,
            steady_clock=clock,
        )
        made.append(composition)
        return Service(composition, clock)

    yield make
    for composition in made:
        composition.close()


@pytest.fixture
def service(make_service: Callable[..., Service]) -> Service:
    """The demo's service: jsmith / Secret123! and the others of CONTRACT 3."""
    return make_service()


GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
