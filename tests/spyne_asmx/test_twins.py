"""Services in C# and in Python say the same: what a real ASMX answered to the first is expected of the second."""

from collections.abc import Iterator
from importlib import import_module
from urllib.parse import unquote

import pytest

from spyne_asmx import AsmxEndpoint, Request
from spyne_asmx.http import HeaderMap
from tests.spyne_asmx.twins.comparing import canonical, is_run_times_text, meaning
from tests.spyne_asmx.twins.exchanges import HERE, NAMES, Answer, Exchange, exchanges, text_of
from tests.spyne_asmx.twins.recording import asmx_of, recorded_answers, recorded_wsdl

TWINS = [name for name in NAMES if (HERE / name / "service.py").exists()]
DIFFERENT: dict[str, str] = {}
"""Answers that differ on purpose, by twin and exchange, and why."""


def endpoint(twin: str) -> AsmxEndpoint:
    """The twin in Python, at the address at which the other was recorded."""
    return AsmxEndpoint(import_module(f"tests.spyne_asmx.twins.{twin}.service").application, "/service.asmx")


def answer_of(twin: AsmxEndpoint, exchange: Exchange) -> Answer:
    headers = HeaderMap(list(exchange.headers.items()))
    path = f"/service.asmx{unquote(exchange.path_info)}"
    answer = twin.handle(Request(exchange.method, path, exchange.query, headers, exchange.body.encode()))
    return Answer(answer.status, dict(answer.headers).get("content-type", ""), answer.body.decode())


@pytest.mark.parametrize("twin", TWINS)
def test_the_wsdl_is_the_one_that_asmx_writes(twin: str) -> None:
    request = Request("GET", "/service.asmx", "WSDL", HeaderMap())
    answer = endpoint(twin).handle(request).body.decode()
    assert canonical(answer, strip=True) == canonical(text_of(twin, "service.wsdl"), strip=True)


@pytest.mark.parametrize(
    ("twin", "exchange"),
    [pytest.param(twin, exchange, id=f"{twin}: {exchange}") for twin in TWINS for exchange in exchanges(twin)],
)
def test_the_answer_is_the_one_that_asmx_gives(twin: str, exchange: Exchange) -> None:
    assert exchange.recorded is not None
    expected, answered = meaning(exchange.recorded), meaning(answer_of(endpoint(twin), exchange))
    if "text" in expected and "text" in answered and is_run_times_text(expected["text"]):
        expected["text"] = answered["text"]
    if (reason := DIFFERENT.get(f"{twin}: {exchange}")) is not None:
        assert expected != answered, f"no longer different: {reason}"
    else:
        assert answered == expected


@pytest.fixture(scope="module")
def asmx() -> Iterator[str]:
    """A real ASMX that serves every twin in C#."""
    with asmx_of(NAMES) as address:
        yield address


@pytest.mark.slow
@pytest.mark.parametrize("twin", NAMES)
def test_what_is_recorded_is_what_asmx_answers(twin: str, asmx: str) -> None:
    assert text_of(twin, "service.wsdl") == recorded_wsdl(twin, asmx)
    assert {str(exchange): exchange.recorded for exchange in exchanges(twin)} == {
        str(exchange): answer for exchange, answer in recorded_answers(twin, asmx).items()
    }
