"""CONTRACT 2.7 and SECURITY H1 to H5 on the wire: keep-alive, 100-continue, chunks, and bodies that never end."""

import os
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.server import Server
from tests.support.service import envelope

_FORM = b"UID=jsmith&PWD=Secret123!"
_LOGIN = (
    b"POST /srv.asmx/AuthenticateUser HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n"
)


def test_keep_alive(shared_demo: Server) -> None:
    """Two requests on one connection get two answers."""
    info = b"GET /srv.asmx/ServerInfo HTTP/1.1\r\nHost: localhost\r\n"
    received = shared_demo.raw(info + b"\r\n" + info + b"Connection: close\r\n\r\n")
    assert received.count(b'success="true"') == 2


def test_expect_100_continue(shared_demo: Server) -> None:
    """.NET sends the header with every POST and waits for the go-ahead."""
    with socket.create_connection(("127.0.0.1", shared_demo.port), timeout=10) as connection:
        connection.sendall(_LOGIN + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(_FORM))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(_FORM)
        assert b'success="true"' in connection.recv(65536)


def test_chunked_body(shared_demo: Server) -> None:
    """A body in chunks is read whole."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (1, _FORM[i : i + 1]) for i in range(len(_FORM))) + b"0\r\n\r\n"
    received = shared_demo.raw(_LOGIN + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks)
    assert b'success="true"' in received


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param(b"Content-Length: 100\r\n\r\n" + _FORM, id="fewer bytes than Content-Length"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n19\r\n" + _FORM + b"\r\n", id="no last chunk"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n19\r\n" + _FORM + b"\r\nzz\r\n", id="a broken chunk"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n", id="no chunk at all"),
    ],
)
def test_a_cut_body_is_no_request(shared_demo: Server, cut: bytes) -> None:
    """SECURITY H4: 400, and nothing ran, even where what arrived would be a complete form."""
    received = shared_demo.raw(_LOGIN + cut, half_close=True)
    assert received.startswith(b"HTTP/1.1 400 ")
    assert b"ticket=" not in received


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param(b"Content-Length: 70000\r\n\r\n", 413, id="a large body that says so"),
        pytest.param(
            b"Transfer-Encoding: chunked\r\n\r\n" + b"11170\r\n" + b"x" * 70000 + b"\r\n",
            413,
            id="and one that does not",
        ),
        pytest.param(b"X-Long: " + b"x" * 17000 + b"\r\nContent-Length: 0\r\n\r\n", 431, id="large headers"),
        pytest.param(b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, id="two lengths"),
        pytest.param(b"Content-Length: -1\r\n\r\n", 400, id="a negative length"),
        pytest.param(b"Host: other\r\nContent-Length: 0\r\n\r\n", 400, id="two hosts"),
    ],
)
def test_requests_that_no_server_should_take(shared_demo: Server, headers: bytes, status: int) -> None:
    """SECURITY F1, H3, H5, H6."""
    assert shared_demo.raw(_LOGIN + headers, timeout=3).startswith(b"HTTP/1.1 %d " % status)


def test_http2_is_off(shared_demo: Server) -> None:
    """SECURITY H10."""
    assert not shared_demo.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", timeout=3).startswith(b"\x00")


def test_no_answer_names_the_server_software(shared_demo: Server) -> None:
    """CONTRACT 2.4: no library's name."""
    for request in (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        _LOGIN + b"Content-Length: 99999\r\n\r\n",
    ):
        assert b"granian" not in shared_demo.raw(request).lower()


@pytest.mark.parametrize("binding", ["form", "SOAP"])
def test_logins_beyond_the_queue_are_told_to_come_back(demo: Server, binding: str) -> None:
    """CONTRACT 2.4: 503 with Retry-After to a form, a soap:Server fault to SOAP; the others log in."""
    envelope_ = envelope("AuthenticateUser", {"UID": "jsmith", "PWD": "Secret123!"})
    head = b"POST /srv.asmx HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n" if binding == "SOAP" else _LOGIN
    body = envelope_ if binding == "SOAP" else _FORM
    request = head + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    crowd = 200 * (os.cpu_count() or 1)  # the queue holds 32 for each hash that may run at a time
    with ThreadPoolExecutor(crowd) as clients:
        answers = list(clients.map(lambda _: demo.raw(request), range(crowd)))
    refused = [answer for answer in answers if b'success="true"' not in answer]
    assert 0 < len(refused) < len(answers)
    for answer in refused:
        assert b"The service is temporarily unavailable." in answer
        if binding == "SOAP":
            assert answer.startswith(b"HTTP/1.1 500 ")
            assert b"<faultcode>soap:Server</faultcode>" in answer
        else:
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"retry-after: " in answer
