"""The endpoint under a server that follows PEP 3333 strictly, and under one that passes on whatever clients send."""

import io
from typing import Any
from wsgiref.handlers import SimpleHandler
from wsgiref.validate import validator

import pytest
from spyne import Integer32, Service, Unicode, rpc

from spyne_asmx import AsmxApplication, AsmxEndpoint, Limits
from spyne_asmx.wsgi import WsgiApplication

PATH = "/asked.asmx"
FORM = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}


class Asked(Service):  # type: ignore[misc]
    @rpc(Integer32, _returns=Unicode)
    def Names(ctx: Any, number: int) -> str:
        return "|".join([str(number), ctx.request.host, *ctx.request.headers.get_all("x-name")])


APPLICATION = WsgiApplication(
    AsmxEndpoint(AsmxApplication([Asked], "urn:asked", "Asked"), PATH, limits=Limits(body=1000))
)


def ask(
    method: str,
    body: bytes = b"",
    *,
    target: str = f"{PATH}/Names?number=7",
    application: Any = APPLICATION,
    **environ: str,
) -> str:
    """What wsgiref writes to a client. It refuses headers that only a server may send."""
    path, _, query = target.partition("?")
    host = {} if environ.get("SERVER_PROTOCOL") == "HTTP/1.0" else {"HTTP_HOST": "localhost"}
    called = {"REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query, **host, **environ}
    called |= {"SERVER_NAME": "::1", "SERVER_PORT": "8080"}
    called.setdefault("SERVER_PROTOCOL", "HTTP/1.1")
    written = io.BytesIO()
    SimpleHandler(io.BytesIO(body), written, io.StringIO(), called, multithread=False).run(application)
    return written.getvalue().decode()


def test_a_call_follows_the_standard() -> None:
    """wsgiref's validator fails on whatever PEP 3333 does not allow."""
    checked = validator(APPLICATION)
    assert ">7|localhost</string>" in ask("POST", b"number=7", application=checked, **FORM, CONTENT_LENGTH="8")
    assert ">7|localhost</string>" in ask("GET", application=checked)


@pytest.mark.parametrize("size", [1001, 100_000])
def test_a_body_over_the_limit_is_refused_without_a_connection_header(size: int) -> None:
    """PEP 3333: that header is the server's to send."""
    answer = ask("POST", b"x" * size, **FORM, CONTENT_LENGTH=str(size))
    assert answer.startswith("HTTP/1.0 413 ")
    assert "connection:" not in answer.lower()


@pytest.mark.parametrize("length", ["x", "-1", "+8", "8,8", "\xb2", "8 8"])
def test_an_invalid_length_is_refused(length: str) -> None:
    """Otherwise the call would run without its parameters (RFC 9110 section 8.6)."""
    assert ask("POST", b"number=7", **FORM, CONTENT_LENGTH=length).startswith("HTTP/1.0 400 ")


def test_a_body_whose_end_the_server_does_not_know_is_refused() -> None:
    """wsgiref does not decode chunks (RFC 9110 section 15.5.12)."""
    answer = ask("POST", b"8\r\nnumber=7\r\n0\r\n\r\n", **FORM, HTTP_TRANSFER_ENCODING="chunked")
    assert answer.startswith("HTTP/1.0 411 ")


@pytest.mark.parametrize(("sent", "read"), [("Şükrü".encode(), "Şükrü"), (b"\xfc", "ü"), (b"plain", "plain")])
def test_a_headers_value_is_utf_8_if_it_can_be(sent: bytes, read: str) -> None:
    """As under other servers. WSGI passes the bytes as Latin-1."""
    assert f"|{read}</string>" in ask("GET", HTTP_X_NAME=sent.decode("latin-1"))


def test_without_a_host_header_the_host_of_http_1_0_is_the_servers_address() -> None:
    """Addresses in documents need a host."""
    assert ">7|[::1]:8080</string>" in ask("GET", SERVER_PROTOCOL="HTTP/1.0")
    assert 'location="http://[::1]:8080/asked.asmx"' in ask("GET", target=f"{PATH}?wsdl", SERVER_PROTOCOL="HTTP/1.0")
