"""The endpoint in ASGI servers: under uvicorn, mounted in Starlette, and spoken to message by message."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
import uvicorn
from spyne import Integer32, Service, Unicode, rpc
from starlette.applications import Starlette
from starlette.routing import Mount

from spyne_asmx import AsgiApplication, AsmxApplication, AsmxEndpoint, Limits, Waiting
from tests.support.asgi import http_scope, sent_by

PATH = "/where.asmx"
LIMIT = 1000


class Where(Service):  # type: ignore[misc]
    @rpc(_returns=Unicode, _udd={"waiting": Waiting.NEVER})
    def Never(ctx: Any) -> str:
        return threading.current_thread().name

    @rpc(_returns=Unicode)
    def Blocking(ctx: Any) -> str:
        return threading.current_thread().name

    @rpc(_returns=Unicode, _udd={"waiting": Waiting.COOPERATIVE})
    def Cooperative(ctx: Any) -> str:
        return threading.current_thread().name

    @rpc(Integer32, Integer32, _returns=Integer32)
    def Add(ctx: Any, a: int, b: int) -> int:
        return a + b

    @rpc(_returns=Unicode)
    def Asked(ctx: Any) -> str:
        request = ctx.request
        names = request.headers.get_all("x-name")
        return "|".join([request.scheme, request.host, request.path_base, request.path, request.remote_address, *names])


@pytest.fixture(scope="module")
def application() -> AsgiApplication:
    return AsgiApplication(
        AsmxEndpoint(AsmxApplication([Where], "urn:where", "Where"), PATH, limits=Limits(body=LIMIT))
    )


@contextmanager
def served(application: Any) -> Iterator[int]:
    """The port of a uvicorn server, on a thread that is named "loop"."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        server = uvicorn.Server(uvicorn.Config(application, log_level="error", ws="none", lifespan="on"))
        thread = threading.Thread(target=server.run, args=([listener],), name="loop")
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture(scope="module")
def port(application: AsgiApplication) -> Iterator[int]:
    with served(application) as port:
        yield port


def ask(port: int, method: str, path: str, body: Any = None, **headers: Any) -> tuple[http.client.HTTPResponse, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response, response.read().decode()


def soap(port: int, operation: str, path: str = PATH) -> tuple[http.client.HTTPResponse, str]:
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<{operation} xmlns="urn:where"><a>1</a><b>2</b></{operation}></s:Body></s:Envelope>'
    )
    action = f'"urn:where/{operation}"'
    return ask(port, "POST", path, body, Content_Type="text/xml; charset=utf-8", SOAPAction=action)


def test_a_call_under_uvicorn(port: int) -> None:
    response, text = soap(port, "Add")
    assert (response.status, response.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert int(response.headers["content-length"]) == len(text.encode())
    assert "<AddResult>3</AddResult>" in text


def test_only_what_never_waits_runs_on_the_loop(port: int) -> None:
    assert ">loop<" in ask(port, "GET", f"{PATH}/Never")[1]
    for operation in ("Blocking", "Cooperative"):
        response, text = ask(port, "GET", f"{PATH}/{operation}")
        assert response.status == 200
        assert ">loop<" not in text


def test_a_service_sees_the_request_as_it_came(port: int) -> None:
    text = ask(port, "GET", f"{PATH}/Asked", x_name="Şükrü".encode())[1]
    assert f"http|127.0.0.1:{port}||{PATH}/Asked|127.0.0.1|Şükrü" in text
    assert "|Ü<" in ask(port, "GET", f"{PATH}/Asked", x_name="Ü".encode("latin-1"))[1]


@pytest.mark.parametrize("query", ["WSDL", "disco", ""])
def test_documents_and_head(port: int, query: str) -> None:
    response, text = ask(port, "GET", f"{PATH}?{query}")
    assert (response.status, bool(text)) == (200, True)
    length = response.headers["content-length"]
    response, text = ask(port, "HEAD", f"{PATH}?{query}")
    assert (response.status, response.headers["content-length"], text) == (200, length, "")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit(port: int, chunked: bool) -> None:
    body = b"a=1&b=2&c=" + b"x" * (LIMIT - 10)
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    path = f"{PATH}/Add"
    assert ask(port, "POST", path, iter([body[:500], body[500:]]) if chunked else body, **form)[0].status == 200
    body += b"x"
    response, text = ask(port, "POST", path, iter([body[:500], body[500:]]) if chunked else body, **form)
    assert (response.status, response.headers["connection"]) == (413, "close")
    assert text == "The request body is larger than 1000 bytes."


def test_mounted_in_starlette(application: AsgiApplication) -> None:
    """The endpoint answers below the mount, and its documents name the address that clients use."""
    with served(Starlette(routes=[Mount("/legacy", app=application)])) as port:
        assert "<AddResult>3</AddResult>" in soap(port, "Add", f"/legacy{PATH}")[1]
        assert f"|/legacy|{PATH}/Asked|" in ask(port, "GET", f"/legacy{PATH}/Asked")[1]
        wsdl = ask(port, "GET", f"/legacy{PATH}?WSDL")[1]
        assert f'location="http://127.0.0.1:{port}/legacy{PATH}"' in wsdl
        assert ask(port, "GET", f"/legacy/other{PATH}")[0].status == 404
        assert ask(port, "GET", PATH)[0].status == 404


def test_a_client_that_goes_away_is_not_answered(application: AsgiApplication) -> None:
    part = {"type": "http.request", "body": b"a=1&b", "more_body": True}
    assert sent_by(application, http_scope("POST", f"{PATH}/Add"), part, {"type": "http.disconnect"}) == []


def test_a_length_over_the_limit_is_refused_unread(application: AsgiApplication) -> None:
    """A client that waits for 100 Continue then sends no body. HTTP/2 has no Connection header."""
    for version, closes in (("1.1", True), ("2", False)):
        headers = [(b"content-length", b"9" * 5000)]
        scope = http_scope("POST", f"{PATH}/Add", headers=headers, http_version=version)
        start = sent_by(application, scope)[0]
        assert start["status"] == 413
        assert ((b"connection", b"close") in start["headers"]) is closes


@pytest.mark.parametrize("path", [f"/base{PATH}/Asked", f"{PATH}/Asked"])
def test_a_path_may_or_may_not_start_with_the_root_path(application: AsgiApplication, path: str) -> None:
    """It starts with it from ASGI 2.4 on; servers of earlier versions left it out."""
    body = sent_by(application, http_scope("GET", path, root_path="/base"))[1]["body"].decode()
    assert f"http|h|/base|{PATH}/Asked|" in body


@pytest.mark.parametrize(
    ("version", "server", "host"),
    [
        ("1.0", ("::1", 8080), "[::1]:8080"),
        ("1.0", ("10.0.0.7", 80), "10.0.0.7:80"),
        ("1.0", ("/run/asmx.sock", None), ""),
        ("1.0", None, ""),
        ("1.1", ("::1", 8080), ""),
    ],
)
def test_without_a_host_header_the_host_of_http_1_0_is_the_servers_address(
    application: AsgiApplication, version: str, server: Any, host: str
) -> None:
    """Addresses in documents need a host. Later versions of HTTP require the header."""
    scope = http_scope("GET", f"{PATH}/Asked", headers=[], http_version=version, server=server)
    assert f">http|{host}||{PATH}/Asked|" in sent_by(application, scope)[1]["body"].decode()


def test_websockets_are_refused_and_lifespan_events_are_answered(application: AsgiApplication) -> None:
    assert sent_by(application, {"type": "websocket"}) == [{"type": "websocket.close"}]
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    assert [m["type"] for m in sent_by(application, {"type": "lifespan"}, *events)] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    with pytest.raises(ValueError, match="odd"):
        sent_by(application, {"type": "odd"})
