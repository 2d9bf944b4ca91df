"""Services in C# and in Python answer alike: what a real ASMX answered for the first is expected of the second."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from threading import Thread
from typing import Any
from urllib.parse import unquote

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from spyne_asmx import AsmxEndpoint, Request, WsgiApplication
from spyne_asmx.http import HeaderMap
from tests.spyne_asmx.twins.comparing import definitions, is_run_times_text, meaning
from tests.spyne_asmx.twins.exchanges import HERE, NAMES, Answer, Exchange, exchanges, recorded_table, text_of
from tests.spyne_asmx.twins.recording import asmx_of, recorded_answers, recorded_wsdl, zeep_conversation
from tests.spyne_asmx.twins.typed_client import conversations
from tests.spyne_asmx.twins.zeep_client import conversation
from tests.support.zeep import EndpointTransport

TWINS = [name for name in NAMES if (HERE / name / "service.py").exists()]
_CULTURE = "forms read numbers as the server's culture writes them, which differs from server to server"
_NIL = "nil is None, as the client says; .NET makes an empty text or object of it where null was not declared"
_REQUEST_VALIDATION = "ASP.NET refuses form values that look like HTML; here the service decides which values it takes"
_CARRIAGE_RETURN = "Mono writes a carriage return as it is, which readers then drop; .NET and we keep it"
_SUBCODES = "SOAP 1.2 has five codes, and subcodes for the rest; Mono writes those of SOAP 1.1"
_TIME_OF_DAY = "a time is written as Python has it; ASP.NET adds the server's zone"
DIFFERENT = {
    "calculator: Divide: by zero over HTTP": "no client sees the text of an exception",
    "faults: WithOwnCode over SOAP 1.2": _SUBCODES,
    "faults: Bug over HTTP": "no client sees the text of an exception",
    "arrays: Prices over HTTP": "Mono answers forms with ArrayOfDecimal and declares ArrayOfDecimal2 in its WSDL",
    "strings: Echo: markup over HTTP": _REQUEST_VALIDATION,
    "xmlvalues: Load over HTTP": _REQUEST_VALIDATION,
    "xmlvalues: Load: a document with namespaces over HTTP": _REQUEST_VALIDATION,
    "strings: Echo: white space over": _CARRIAGE_RETURN,
    "strings: Same over": "Mono writes a tab in an attribute as it is, and readers turn it into a space",
    "strings: Echo: nil over": _NIL,
    "texts: SameNote: text all over": "of text between elements ASMX keeps the last piece; here all of it is kept",
    "zeros: Same: nil where it may be over": _NIL,
    "values: Moment: '2026-03-20T14:35:00.1234567'": "Python's datetime has microseconds",
    "values: Moment: '2026-03-20T14:35:00Z' over HTTP": "ASP.NET's forms make it the server's local time",
    "values: Moment: '2026-03-20T14:35:00.5Z' over HTTP": "ASP.NET's forms make it the server's local time",
    "values: Days: dates over": _TIME_OF_DAY,
    "values: Days: fractions of a second over": _TIME_OF_DAY,
    "values: Days: dates left out over": _TIME_OF_DAY,
    "values: Money: '1,5' over HTTP": _CULTURE,
    "values: Real: 'INF' over HTTP": _CULTURE,
    "values: Real: '-INF' over HTTP": _CULTURE,
    "values: Real: '-0' over HTTP": "Mono's forms lose the sign of zero",
    "values: Single: 'INF' over HTTP": _CULTURE,
    "values: Truth: '1' over HTTP": "forms take XML Schema's 1 and 0 too",
    "values: Truth: '0' over HTTP": "forms take XML Schema's 1 and 0 too",
    "values: Bytes: 'AQI'": "Mono accepts base64 without its padding; .NET refuses it",
    "values: Bytes: '!!!!'": "Mono fails with an empty 400; .NET and we answer with a fault",
}
"""Why an answer differs from ASMX's on purpose, by the beginning of its twin and exchange."""


DIFFERENT_TO_CLIENTS = {
    "faults: FaultsSoap12 WithOwnCode": _SUBCODES,
    "faults: SOAP12 WithOwnCode": _SUBCODES,
    "values: ValuesSoap Days": _TIME_OF_DAY,
    "values: ValuesSoap12 Days": _TIME_OF_DAY,
}


def why_different(twin: str, exchange: Exchange) -> str | None:
    return next((why for start, why in DIFFERENT.items() if f"{twin}: {exchange}".startswith(start)), None)


@cache
def endpoint(twin: str, path: str = "/service.asmx") -> AsmxEndpoint:
    """The twin in Python with default settings, at the path at which the other one was recorded."""
    return AsmxEndpoint(import_module(f"tests.spyne_asmx.twins.{twin}.service").application, path)


def wsdl_of(twin: AsmxEndpoint) -> str:
    return twin.handle(Request("GET", "/service.asmx", "WSDL", HeaderMap())).body.decode()


def answer_of(twin: AsmxEndpoint, exchange: Exchange) -> Answer:
    headers = HeaderMap(list(exchange.headers.items()))
    path = f"/service.asmx{unquote(exchange.path_info)}"
    answer = twin.handle(Request(exchange.method, path, exchange.query, headers, exchange.body.encode()))
    return Answer(answer.status, dict(answer.headers).get("content-type", ""), answer.body.decode())


@pytest.mark.parametrize("twin", TWINS)
def test_the_wsdl_is_the_one_that_asmx_writes(twin: str) -> None:
    assert definitions(wsdl_of(endpoint(twin))) == definitions(text_of(twin, "service.wsdl"))


@pytest.mark.parametrize(
    ("twin", "exchange"),
    [pytest.param(twin, exchange, id=f"{twin}: {exchange}") for twin in TWINS for exchange in exchanges(twin)],
)
def test_the_answer_is_the_one_that_asmx_gives(twin: str, exchange: Exchange) -> None:
    assert exchange.recorded is not None
    expected, answered = meaning(exchange.recorded), meaning(answer_of(endpoint(twin), exchange))
    if "text" in expected and "text" in answered and is_run_times_text(expected["text"]):
        expected["text"] = answered["text"]
    reason = why_different(twin, exchange)
    if reason is None:
        assert answered == expected
    else:
        assert answered != expected, f"the answer is ASMX's, so this reason is wrong: {reason}"


def test_every_reason_is_of_a_recorded_exchange() -> None:
    sent = [f"{twin}: {exchange}" for twin in TWINS for exchange in exchanges(twin)]
    assert [start for start in DIFFERENT if not any(each.startswith(start) for each in sent)] == []
    tables = [(twin, recorded_table(twin, file)) for twin in TWINS for file in ("zeep.json", "typed.json")]
    assert DIFFERENT_TO_CLIENTS.keys() <= {f"{twin}: {name}" for twin, table in tables for name in table}


@pytest.mark.parametrize("twin", TWINS)
def test_zeep_is_answered_alike(twin: str) -> None:
    """Every operation over both SOAP versions, with the WSDL of each."""
    to = endpoint(twin)
    answered = conversation(wsdl_of(to).encode(), EndpointTransport(to))
    assert_same(twin, answered, recorded_table(twin, "zeep.json"))


def assert_same(twin: str, answered: dict[str, str], expected: dict[str, str]) -> None:
    """Check that a client got the answers that ASMX gave it, except for those that differ on purpose."""
    for name in list(expected):
        if f"{twin}: {name}" in DIFFERENT_TO_CLIENTS:
            assert answered.pop(name) != expected.pop(name)
    assert answered == expected


class QuietHandler(WSGIRequestHandler):
    """Logs no requests."""

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The address of a server that serves every twin in Python, each at ``/NAME.asmx``."""
    sites = {f"/{twin}.asmx": WsgiApplication(endpoint(twin, f"/{twin}.asmx")) for twin in TWINS}

    def site(environ: Any, start_response: Any) -> Any:
        return sites[environ["PATH_INFO"]](environ, start_response)

    server = make_server("127.0.0.1", 0, site, threaded=True, request_handler=QuietHandler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def typed(served: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What the twins in Python answer typed .NET proxies."""
    return conversations(TWINS, served, tmp_path_factory.mktemp("proxies"))


@pytest.mark.slow
@pytest.mark.xdist_group("typed proxies")  # made once
@pytest.mark.parametrize("twin", TWINS)
def test_typed_proxies_are_answered_alike(twin: str, typed: dict[str, dict[str, str]]) -> None:
    """Every operation over both SOAP versions, with proxies that Mono's wsdl generates from our WSDL."""
    assert_same(twin, typed[twin], recorded_table(twin, "typed.json"))


@pytest.fixture(scope="module")
def asmx() -> Iterator[str]:
    """A real ASMX that serves every twin in C#."""
    with asmx_of(NAMES) as address:
        yield address


@pytest.mark.slow
@pytest.mark.xdist_group("ASMX")  # started once
@pytest.mark.parametrize("twin", NAMES)
def test_what_is_recorded_is_what_asmx_answers(twin: str, asmx: str) -> None:
    assert text_of(twin, "service.wsdl") == recorded_wsdl(twin, asmx)
    assert {str(exchange): exchange.recorded for exchange in exchanges(twin)} == {
        str(exchange): answer for exchange, answer in recorded_answers(twin, asmx).items()
    }
    assert recorded_table(twin, "zeep.json") == zeep_conversation(twin, asmx)
