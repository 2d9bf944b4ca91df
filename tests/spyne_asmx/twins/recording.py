"""Asks a real ASMX what the tests expect."""

import json
from contextlib import AbstractContextManager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, urlsplit

from tests.spyne_asmx.twins.exchanges import HERE, RECORDED_AT, Answer, Exchange, exchanges, text_of
from tests.spyne_asmx.twins.typed_client import conversations
from tests.spyne_asmx.twins.zeep_client import conversation
from tests.support.mono import asmx_server
from tests.support.zeep import OfflineTransport


def asmx_of(twins: list[str]) -> AbstractContextManager[str]:
    """A real ASMX that serves twins in C#, each at ``/NAME.asmx``."""
    return asmx_server({f"{twin}.asmx": text_of(twin, "service.asmx") for twin in twins})


def record(twin: str, address: str) -> None:
    """Write a twin's WSDL and answers into its folder."""
    answers = {str(exchange): list(answer) for exchange, answer in recorded_answers(twin, address).items()}
    _write(twin, "answers.json", answers)
    _write(twin, "zeep.json", zeep_conversation(twin, address))
    (HERE / twin / "service.wsdl").write_text(recorded_wsdl(twin, address), "utf-8")


def record_typed(twins: list[str], address: str) -> None:
    """Write what typed .NET proxies are answered into the twins' folders."""
    with TemporaryDirectory() as folder:
        for twin, answers in conversations(twins, address, Path(folder)).items():
            _write(twin, "typed.json", answers)


def _write(twin: str, file: str, rows: dict[str, Any]) -> None:
    """Write a table as JSON, a line a row."""
    lines = [
        f"  {json.dumps(name, ensure_ascii=False)}: {json.dumps(row, ensure_ascii=False)}" for name, row in rows.items()
    ]
    (HERE / twin / file).write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def zeep_conversation(twin: str, address: str) -> dict[str, str]:
    """What the twin in C# answers zeep."""
    wsdl = _ask(f"{address}/{twin}.asmx", "GET", "", "WSDL", {}, "")
    return conversation(wsdl.body.encode(), OfflineTransport())


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
