"""The access log of a real server (SECURITY L1, L2)."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import Server, StartServer

Lines = Callable[[int], list[dict[str, Any]]]


@pytest.fixture
def server(start_server: StartServer) -> Server:
    environ = {
        "Logging__Access": "true",
        "Logging__Format": "json",
        "Logging__LogLevel__Default": "None",
        "ForwardedHeaders__KnownProxies": "127.0.0.1",
    }
    return start_server("--demo", environ=environ)


@pytest.fixture
def lines(server: Server, tmp_path: Path) -> Lines:
    """The log's lines, once there are so many."""

    def lines(number: int) -> list[dict[str, Any]]:
        file = tmp_path / f"stderr-{server.port}.txt"
        end = time.monotonic() + 10
        while (text := file.read_text()).count("\n") < number:
            assert time.monotonic() < end, text
            time.sleep(0.02)
        return [json.loads(line) for line in text.splitlines()]

    return lines


def get(target: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers, "", ""]).encode()


def test_each_answer_is_a_line_without_a_secret(server: Server, lines: Lines) -> None:
    """Whatever the log level; with the address that a known proxy gave, and the answer's request id."""
    answer = server.raw(get("/srv.asmx/AuthenticateUser?UID=jsmith&PWD=Secret123!", "X-Forwarded-For: 192.0.2.7"))
    (line,) = lines(1)
    assert line["category"] == "access"
    assert (line["method"], line["path"], line["status"]) == ("GET", "/srv.asmx/AuthenticateUser", 200)
    assert line["address"] == "192.0.2.7"
    assert 0 < line["duration"] < 60_000
    assert f"x-request-id: {line['request']}\r\n".encode() in answer
    assert line["message"].startswith("GET /srv.asmx/AuthenticateUser 200 ")
    assert "Secret123" not in str(line)


def test_what_can_not_be_read_is_a_line_too(server: Server, lines: Lines) -> None:
    server.raw(b"no request\r\n\r\n")
    server.raw(get("/nothing%0a%20here?a=b"))
    server.raw(b"POST /srv.asmx HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\n")
    malformed, unknown, large = lines(3)
    assert (malformed["method"], malformed["path"], malformed["status"]) == ("-", "-", 400)
    assert (unknown["path"], unknown["status"]) == ("/nothing\\n\\x20here", 404)
    assert large["status"] == 413
