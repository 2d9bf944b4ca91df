"""What known proxies say about the client (CONTRACT 2.7, RFC 7239)."""

import ipaddress
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asmx_tickets.hosting.proxies import Proxies
from spyne_asmx import HeaderMap, Request
from tests.support.service import Service

Make = Callable[..., Service]

PROXIES = Proxies((ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")))


def resolved(headers: dict[str, str], peer: str = "10.0.0.1") -> tuple[str, str, str, str]:
    """Address, scheme, host and path base of a request that came from ``peer``."""
    request = Request("GET", "/", "", HeaderMap(list(headers.items())), host="inner:8080", remote_address=peer)
    request = PROXIES.resolve(request)
    return request.remote_address, request.scheme, request.host, request.path_base


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, ("10.0.0.1", "http", "inner:8080", "")),
        ({"Forwarded": "for=192.0.2.7"}, ("192.0.2.7", "http", "inner:8080", "")),
        ({"Forwarded": "for=192.0.2.7;proto=https;host=a.example"}, ("192.0.2.7", "https", "a.example", "")),
        ({"Forwarded": 'For="[2001:db8::7]:4711"; Proto=HTTPS'}, ("2001:db8::7", "https", "inner:8080", "")),
        ({"Forwarded": 'for="192.0.2.7:80";host="a.example:8443"'}, ("192.0.2.7", "http", "a.example:8443", "")),
        ({"Forwarded": "for=192.0.2.7, for=10.0.0.2"}, ("192.0.2.7", "http", "inner:8080", "")),
        ({"Forwarded": "for=6.6.6.6, for=192.0.2.7"}, ("192.0.2.7", "http", "inner:8080", "")),
        ({"Forwarded": "for=192.0.2.7;host=a.example, for=10.0.0.2"}, ("192.0.2.7", "http", "a.example", "")),
        ({"Forwarded": "for=192.0.2.7;=x"}, ("10.0.0.1", "http", "inner:8080", "")),
        ({"Forwarded": "for=192.0.2.7;proto=gopher"}, ("192.0.2.7", "http", "inner:8080", "")),
        (
            {"Forwarded": "for=192.0.2.7", "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Host": "evil.example"},
            ("192.0.2.7", "http", "inner:8080", ""),
        ),
        ({"X-Forwarded-For": "6.6.6.6, 192.0.2.7, 10.0.0.2"}, ("192.0.2.7", "http", "inner:8080", "")),
        ({"X-Forwarded-For": "10.0.0.3"}, ("10.0.0.3", "http", "inner:8080", "")),
        (
            {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "a.example", "X-Forwarded-Port": "443"},
            ("10.0.0.1", "https", "a.example", ""),
        ),
        (
            {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "a.example:1", "X-Forwarded-Port": "8443"},
            ("10.0.0.1", "https", "a.example:8443", ""),
        ),
        ({"X-Forwarded-Host": "[2001:db8::1]", "X-Forwarded-Port": "81"}, ("10.0.0.1", "http", "[2001:db8::1]:81", "")),
        ({"X-Forwarded-Host": "a.example", "X-Forwarded-Port": "x"}, ("10.0.0.1", "http", "a.example", "")),
        ({"X-Forwarded-Prefix": "/InfoRouter"}, ("10.0.0.1", "http", "inner:8080", "/InfoRouter")),
        ({"X-Forwarded-Prefix": "/a/b/"}, ("10.0.0.1", "http", "inner:8080", "/a/b")),
        ({"X-Forwarded-Prefix": "//evil.example"}, ("10.0.0.1", "http", "inner:8080", "")),
        ({"X-Forwarded-Prefix": "/<script>"}, ("10.0.0.1", "http", "inner:8080", "")),
    ],
)
def test_a_known_proxy_is_believed(headers: dict[str, str], expected: tuple[str, str, str, str]) -> None:
    """Forwarded goes before the X-Forwarded headers. The last address of a chain that is not a known proxy's is the
    client's: the client itself wrote what is further left (SECURITY B4)."""
    assert resolved(headers) == expected


@pytest.mark.parametrize(
    "headers",
    [
        {"Forwarded": "for=1.2.3.4;proto=https;host=evil.example"},
        {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Port": "1", "X-Forwarded-Prefix": "/evil"},
    ],
)
def test_other_peers_are_not_believed(headers: dict[str, str]) -> None:
    assert resolved(headers, peer="192.0.2.9") == ("192.0.2.9", "http", "inner:8080", "")


def test_several_lines_are_one_chain() -> None:
    lines = [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "203.0.113.9, 10.0.0.2")]
    request = Request("GET", "/", "", HeaderMap(lines), remote_address="10.0.0.1")
    assert PROXIES.resolve(request).remote_address == "203.0.113.9"


_TEXT = st.text(st.characters(max_codepoint=255), max_size=80)


@given(_TEXT | st.builds("for={};proto={};host={}".format, _TEXT, _TEXT, _TEXT) | _TEXT.map("/{}".format))
def test_any_header_is_read_or_ignored(header: str) -> None:
    """No exception comes out, the scheme is valid, and a prefix is a path."""
    forwarded = {"X-Forwarded-For": header, "X-Forwarded-Prefix": header, "X-Forwarded-Port": header}
    for headers in ({"Forwarded": header}, forwarded):
        _, scheme, _, path_base = resolved(headers)
        assert scheme in {"http", "https"}
        assert path_base == "" or re.fullmatch(r"/[^/\\?#<>\s].*", path_base)


@pytest.mark.parametrize("what", ["wsdl", "disco", "", "op=LogOut"])
def test_every_address_in_a_document_is_the_one_that_the_client_uses(shared_service: Make, what: str) -> None:
    """Scheme, host, port and prefix are those that the proxy forwards."""
    composed = shared_service(ForwardedHeaders__KnownProxies="10.0.0.0/8").composition.site
    headers = HeaderMap([("Forwarded", "for=192.0.2.7;proto=https;host=a.example:8443"), ("X-Forwarded-Prefix", "/ir")])
    body = composed.handle(Request("GET", "/srv.asmx", what, headers, remote_address="10.0.0.1")).body.decode()
    if what != "op=LogOut":
        assert "https://a.example:8443/ir/srv.asmx" in body
    assert "localhost" not in body


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("", "//srv.asmx/ServerInfo"),
        ("", "/srv.asmx//ServerInfo"),
        ("", "///srv.asmx///ServerInfo"),
        ("/InfoRouter", "/InfoRouter//srv.asmx/ServerInfo"),
        ("/InfoRouter", "//InfoRouter/srv.asmx/ServerInfo"),
        ("/InfoRouter", "//inforouter//srv.asmx//ServerInfo"),
        ("", "/./srv.asmx/ServerInfo"),
        ("", "/x/../srv.asmx/ServerInfo"),
        ("", "/../../srv.asmx/ServerInfo"),
        ("", "/srv.asmx/./ServerInfo"),
        ("", "/srv.asmx/LogOut/../ServerInfo"),
        ("", "/a//b/../../srv.asmx//.//ServerInfo"),
        ("", "/srv.asmx/../srv.asmx/ServerInfo"),
        ("/InfoRouter", "/InfoRouter/app/../srv.asmx/ServerInfo"),
        ("/InfoRouter", "/x/../InfoRouter/./srv.asmx/ServerInfo"),
    ],
)
def test_doubled_slashes_count_as_one_and_dot_segments_are_resolved(shared_service: Make, base: str, path: str) -> None:
    """As on IIS (CONTRACT 2.3; RFC 3986 section 5.2.4): Java and others send addresses as they were put together."""
    site = shared_service(PathBase=base).composition.site
    assert b'success="true"' in site.handle(Request("GET", path, "", HeaderMap())).body


@pytest.mark.parametrize(
    ("base", "path", "status"),
    [
        ("", "/srv.asmx/..", 302),
        ("", "/srv.asmx/.", 500),
        ("", "/srv.asmx/ServerInfo/..", 500),
        ("", "/.srv.asmx/ServerInfo", 404),
        ("", "/srv.asmx./ServerInfo", 404),
        ("", "/srv.asmx/ServerInfo/.", 500),
        ("", "/.../srv.asmx/ServerInfo", 404),
        ("", "/srv.asmx/ServerInfo..", 500),
        ("/InfoRouter", "/InfoRouter/../srv.asmx/ServerInfo", 404),
        ("/InfoRouter", "/srv.asmx/../InfoRouterX/srv.asmx", 404),
    ],
)
def test_dots_lead_nowhere_else(shared_service: Make, base: str, path: str, status: int) -> None:
    """Only whole segments of one dot or two mean anything. The path that is left is treated like any other."""
    assert shared_service(PathBase=base).composition.site.handle(Request("GET", path, "", HeaderMap())).status == status
