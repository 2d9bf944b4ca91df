"""What is sent to a twin, over every binding, and what came back when it was recorded."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
NAMES = sorted(path.parent.name for path in HERE.glob("*/calls.toml"))
RECORDED_AT = "http://localhost/service.asmx"
"""The address in recorded documents."""

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XSD = "http://www.w3.org/2001/XMLSchema"
_ENVELOPES = {
    "SOAP 1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "SOAP 1.2": "http://www.w3.org/2003/05/soap-envelope",
}


class Answer(NamedTuple):
    """An HTTP answer as it is recorded."""

    status: int
    content_type: str
    body: str


@dataclass(frozen=True, eq=False)
class Exchange:
    """One request, over one binding, and the answer recorded for it, if there is one."""

    name: str
    binding: str
    method: str
    path_info: str
    query: str
    headers: dict[str, str]
    body: str
    recorded: Answer | None

    def __str__(self) -> str:
        return f"{self.name} over {self.binding}"


def text_of(twin: str, file: str) -> str:
    return (HERE / twin / file).read_text("utf-8")


def recorded_table(twin: str, file: str) -> dict[str, Any]:
    """A recorded JSON file of a twin; empty before the first recording."""
    path = HERE / twin / file
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def exchanges(twin: str) -> list[Exchange]:
    """Every call of a twin, over every binding that it is for."""
    calls = tomllib.loads(text_of(twin, "calls.toml"))
    recorded = recorded_table(twin, "answers.json")
    return [
        Exchange(
            *request,
            recorded=Answer(*recorded[key]) if (key := f"{request[0]} over {request[1]}") in recorded else None,
        )
        for call in calls["call"]
        for request in _requests(call, calls["namespace"])
    ]


def _requests(call: dict[str, str], namespace: str) -> Iterator[Any]:
    operation = call["operation"]
    name = f"{operation}: {call['name']}" if "name" in call else operation
    action = f"{namespace.removesuffix('/')}/{operation}"
    for binding, envelope in _ENVELOPES.items():
        header = f"<soap:Header>{call['header']}</soap:Header>" if "header" in call else ""
        body = (
            f'<soap:Envelope xmlns:soap="{envelope}" xmlns:xsi="{_XSI}" xmlns:xsd="{_XSD}">'
            f"{header}<soap:Body>{call['body']}</soap:Body></soap:Envelope>"
        )
        if binding == "SOAP 1.1":
            headers = {"content-type": "text/xml; charset=utf-8", "soapaction": f'"{action}"'}
        else:
            headers = {"content-type": f'application/soap+xml; charset=utf-8; action="{action}"'}
        yield name, binding, "POST", "", "", headers, body
    if "form" in call:
        form = {"content-type": "application/x-www-form-urlencoded"}
        yield name, "HTTP GET", "GET", f"/{operation}", call["form"], {}, ""
        yield name, "HTTP POST", "POST", f"/{operation}", "", form, call["form"]
