"""Asks a real ASMX what the tests expect."""

import json
from contextlib import AbstractContextManager
from http.client import HTTPConnection
from urllib.parse import quote, urlsplit

from tests.spyne_asmx.twins.exchanges import HERE, RECORDED_AT, Answer, Exchange, exchanges, text_of
from tests.support.mono import asmx_server


def asmx_of(twins: list[str]) -> AbstractContextManager[str]:
    """A real ASMX that serves twins in C#, each at ``/NAME.asmx``."""
    return asmx_server({f"{twin}.asmx": text_of(twin, "service.asmx") for twin in twins})


def record(twin: str, address: str) -> None:
    """Write a twin's WSDL and answers into its folder."""
    answers = {str(exchange): list(answer) for exchange, answer in recorded_answers(twin, address).items()}
    rows = ",\n".join(
        f"  {json.dumps(name, ensure_ascii=False)}: {json.dumps(row, ensure_ascii=False)}"
        for name, row in answers.items()
    )
    (HERE / twin / "answers.json").write_text(f"{{\n{rows}\n}}\n", "utf-8")
    (HERE / twin / "service.wsdl").write_text(recorded_wsdl(twin, address), "utf-8")


def recorded_wsdl(twin: str, address: str) -> str:
    answer = _ask(f"{address}/{twin}.asmx", "GET", "", "WSDL", {}, "")
    assert answer.status == 200, f"{twin}: {answer.body}"
    return answer.body.replace(f"{address}/{twin}.asmx", RECORDED_AT)


def recorded_answers(twin: str, address: str) -> dict[Exchange, Answer]:
    return {exchange: _answer(exchange, f"{address}/{twin}.asmx") for exchange in exchanges(twin)}


def _answer(exchange: Exchange, address: str) -> Answer:
    answer = _ask(address, exchange.method, exchange.path_info, exchange.query, exchange.headers, exchange.body)
    return answer._replace(body=answer.body.replace(address, RECORDED_AT))


def _ask(address: str, method: str, path_info: str, query: str, headers: dict[str, str], body: str) -> Answer:
    split = urlsplit(address)
    connection = HTTPConnection(split.hostname or "", split.port, timeout=120)
    path = f"{split.path}{quote(path_info)}{'?' if query else ''}{query}"
    connection.request(
        method,
        path,
        body.encode() or None,
        {**headers, "content-length": str(len(body.encode()))} if method == "POST" else headers,
    )
    response = connection.getresponse()
    answer = Answer(response.status, response.headers.get("content-type", ""), response.read().decode("utf-8-sig"))
    connection.close()
    return answer
