"""Limits are set in one place for every binding, and a refusal names the limit."""

from typing import Any

import pytest
from lxml import etree
from werkzeug.test import Client

from spyne_asmx import AsgiApplication, AsmxApplication, AsmxEndpoint, Limits, Request, Response, WsgiApplication
from spyne_asmx.http import HeaderMap
from spyne_asmx.spyne import Array, ByteArray, Integer32, Service, rpc
from tests.support.asgi import http_scope, sent_by

PATH = "/store.asmx"
FORM = "application/x-www-form-urlencoded"
MEGABYTE = 1024 * 1024


class Store(Service):
    @rpc(ByteArray, _returns=Integer32)
    def Put(ctx: Any, data: Any) -> int:
        return sum(map(len, data))

    @rpc(Array(Integer32), _returns=Integer32)
    def Add(ctx: Any, numbers: list[int]) -> int:
        return sum(numbers)

    @rpc(Integer32, _returns=Integer32)
    def Same(ctx: Any, number: int) -> int:
        return number


def endpoint(**limits: int) -> AsmxEndpoint:
    return AsmxEndpoint(AsmxApplication([Store], "urn:store", "Store"), PATH, limits=Limits(**limits))


def envelope(inside: str) -> bytes:
    soap = "http://schemas.xmlsoap.org/soap/envelope/"
    return f'<s:Envelope xmlns:s="{soap}"><s:Body>{inside}</s:Body></s:Envelope>'.encode()


def put(size: int) -> bytes:
    return envelope(f'<Put xmlns="urn:store"><data>{"AAAA" * (size // 3)}</data></Put>')


def add(count: int) -> bytes:
    return envelope(f'<Add xmlns="urn:store"><numbers>{"<int>1</int>" * count}</numbers></Add>')


def soap(to: AsmxEndpoint, body: bytes) -> Response:
    return to.handle(Request("POST", PATH, "", HeaderMap([("content-type", "text/xml")]), body))


def text_of(answer: Response) -> str:
    """The text of the result or of the fault."""
    root = etree.fromstring(answer.body)
    return "".join(root.xpath("//faultstring/text() | //*[contains(local-name(), 'Result')]//text()"))


def over_wsgi(to: AsmxEndpoint, path: str, body: bytes, content_type: str) -> tuple[int, str]:
    answer = Client(WsgiApplication(to)).post(path, data=body, content_type=content_type)
    return answer.status_code, answer.text


def over_asgi(to: AsmxEndpoint, path: str, body: bytes, content_type: str) -> tuple[int, str]:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    scope = http_scope("POST", path, headers=headers)
    sent = sent_by(AsgiApplication(to), scope, {"type": "http.request", "body": body})
    return sent[0]["status"], sent[1]["body"].decode()


def test_a_body_may_have_four_megabytes_by_default() -> None:
    """ASP.NET's maxRequestLength is 4,096 KB. Base64 makes 4 bytes of 3."""
    assert text_of(soap(endpoint(), put(3 * MEGABYTE - 300))) == str(3 * MEGABYTE - 300)


@pytest.mark.parametrize("adapter", [over_wsgi, over_asgi])
def test_a_body_over_the_limit_is_413_and_names_the_limit(adapter: Any) -> None:
    body = put(3 * MEGABYTE)
    assert adapter(endpoint(), PATH, body, "text/xml")[0] == 413
    to = endpoint(body=1000)
    assert adapter(to, PATH, put(300), "text/xml")[0] == 200
    refused = (413, "The request body is larger than 1000 bytes.")
    assert adapter(to, PATH, put(900), "text/xml") == refused
    assert adapter(to, f"{PATH}/Same", b"number=1&x=" + b"x" * 989, FORM)[0] == 200
    assert adapter(to, f"{PATH}/Same", b"number=1&x=" + b"x" * 990, FORM) == refused


def test_a_request_may_have_ten_thousand_elements_by_default() -> None:
    """Envelope, Body, operation and parameter are four of them."""
    assert text_of(soap(endpoint(), add(9_996))) == "9996"
    answer = soap(endpoint(), add(9_997))
    assert answer.status == 400
    assert text_of(answer) == "Server was unable to read request. ---> The request has more than 10000 elements."
    assert text_of(soap(endpoint(elements=20_000), add(9_997))) == "9997"


@pytest.mark.parametrize(
    ("limits", "body", "text"),
    [
        ({"depth": 3}, add(0), "The request has more than 3 levels."),
        ({"attributes": 1}, add(0).replace(b"<numbers", b"<numbers a='' b=''"), "more than 1 attributes on an element"),
        ({"namespaces": 1}, add(0), "more than 1 namespaces"),
        ({"names_length": 5000}, add(1000), "more than 5000 characters in its names and their namespaces"),
        ({"value_length": 3}, put(3), "The parameter data is longer than 3 characters."),
    ],
)
def test_every_limit_of_an_envelope_is_named(limits: dict[str, int], body: bytes, text: str) -> None:
    assert text in text_of(soap(endpoint(**limits), body))


@pytest.mark.parametrize(
    ("limits", "query", "text"),
    [
        ({"fields": 2}, "number=1&a=1&b=1", "The form has more than 2 fields."),
        ({"value_length": 3}, "number=1000", "The form has a value of more than 3 characters."),
    ],
)
def test_every_limit_of_a_form_is_named(limits: dict[str, int], query: str, text: str) -> None:
    answer = endpoint(**limits).handle(Request("GET", f"{PATH}/Same", query, HeaderMap()))
    assert (answer.status, answer.body.decode()) == (400, text)
