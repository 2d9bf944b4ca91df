"""Several .asmx files in one application."""

from typing import Any

import pytest
from werkzeug.test import Client

from spyne_asmx import (
    AsgiApplication,
    AsmxApplication,
    AsmxEndpoint,
    AsmxEndpoints,
    Limits,
    Request,
    Response,
    WsgiApplication,
)
from spyne_asmx.http import HeaderMap
from spyne_asmx.spyne import Integer32, Service, Unicode, rpc
from tests.support.asgi import http_scope, sent_by


class Numbers(Service):
    @rpc(Integer32, _returns=Integer32)
    def Twice(ctx: Any, n: int) -> int:
        return 2 * n


class Words(Service):
    @rpc(Unicode, _returns=Unicode)
    def Twice(ctx: Any, text: str) -> str:
        return 2 * text


def endpoint(service: type[Service], path: str, **options: Any) -> AsmxEndpoint:
    return AsmxEndpoint(AsmxApplication([service], f"urn:{service.__name__}", service.__name__), path, **options)


@pytest.fixture(scope="module")
def both() -> AsmxEndpoints:
    return AsmxEndpoints(
        endpoint(Numbers, "/Numbers.asmx"), endpoint(Words, "/deep/Words.asmx", limits=Limits(body=64))
    )


@pytest.mark.parametrize(
    ("url", "status", "inside"),
    [
        ("/Numbers.asmx/Twice?n=2", 200, ">4</int>"),
        ("/numbers.ASMX/Twice?n=2", 200, ">4</int>"),
        ("/deep/words.asmx/Twice?text=ab", 200, ">abab</string>"),
        ("/deep/Words.asmx?wsdl", 200, 'targetNamespace="urn:Words"'),
        ("/Numbers.asmx", 200, "Numbers"),
        ("/deep/Numbers.asmx/Twice?n=2", 404, "Not found."),
        ("/Numbers.asmx2/Twice?n=2", 404, "Not found."),
        ("/", 404, "Not found."),
    ],
)
def test_a_request_is_for_the_endpoint_whose_path_it_has(
    both: AsmxEndpoints, url: str, status: int, inside: str
) -> None:
    response = Client(WsgiApplication(both)).get(url)
    assert (response.status_code, inside in response.text) == (status, True)


@pytest.mark.parametrize(("path", "status"), [("/deep/Words.asmx/Twice", 413), ("/Numbers.asmx/Twice", 200)])
def test_each_endpoint_has_its_own_limits(both: AsmxEndpoints, path: str, status: int) -> None:
    form = {"n": "1", "text": "x" * 100}
    assert Client(WsgiApplication(both)).post(path, data=form).status_code == status


def test_asgi_servers_take_several_too(both: AsmxEndpoints) -> None:
    scope = http_scope("GET", "/Numbers.asmx/Twice", query_string=b"n=4")
    assert sent_by(AsgiApplication(both), scope, {"type": "http.request"})[-1]["body"].endswith(b">8</int>")


def test_each_needs_a_path_of_its_own() -> None:
    with pytest.raises(ValueError, match="a path of its own"):
        AsmxEndpoints(endpoint(Numbers, "/a.asmx"), endpoint(Words, "/A.asmx"))
    with pytest.raises(ValueError, match="there must be one"):
        AsmxEndpoints()


def test_a_call_cannot_move_to_a_path_that_no_endpoint_has(both: AsmxEndpoints) -> None:
    begun = both.begin(Request("GET", "/Numbers.asmx/Twice", "n=1", HeaderMap()))
    assert not isinstance(begun, Response)
    begun.request.path = "/other.asmx"
    with pytest.raises(ValueError, match="no path of these endpoints"):
        both.finish(begun)
