"""Hosts, proxies and path bases (CONTRACT 2.4, 2.5, 3): which headers are believed, and the addresses in documents."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from asmx_tickets.hosting.site import HostFilter
from spyne_asmx import AsmxContext
from spyne_asmx.http import HeaderMap, Request
from tests.support.service import Service, envelope

Make = Callable[..., Service]


@pytest.fixture(scope="module")
def service(shared_service: Make) -> Service:
    return shared_service()


def wsdl_addresses(service: Service, path: str = "/srv.asmx", peer: str = "127.0.0.1", **headers: str) -> set[str]:
    """The addresses in the WSDL that a client behind ``peer`` gets."""
    response = service.http.get(
        f"{path}?wsdl",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        environ_base={"REMOTE_ADDR": peer},
    )
    return set(re.findall(r':address location="([^"]+)"', response.text))


def test_addresses_come_from_the_host_of_the_request(service: Service) -> None:
    assert wsdl_addresses(service, Host="docs.example.com:8443") == {"http://docs.example.com:8443/srv.asmx"}


@pytest.mark.parametrize("path", ["/InfoRouter/srv.asmx", "/inforouter/SRV.ASMX"])
def test_addresses_have_the_path_base(shared_service: Make, path: str) -> None:
    """In any letter case."""
    service = shared_service(PathBase="/InfoRouter")
    assert {address.lower() for address in wsdl_addresses(service, path, Host="a")} == {"http://a/inforouter/srv.asmx"}
    assert service.http.get("/srv.asmx").status_code == 404


def test_a_known_proxy_sets_scheme_and_host(shared_service: Make) -> None:
    """ForwardedHeaders:KnownProxies, an address or a network."""
    service = shared_service(ForwardedHeaders__KnownProxies__0="10.0.0.0/8")
    forwarded = {"Host": "inner", "X_Forwarded_Proto": "https", "X_Forwarded_Host": "docs.example.com"}
    assert wsdl_addresses(service, peer="10.1.2.3", **forwarded) == {"https://docs.example.com/srv.asmx"}
    assert wsdl_addresses(service, peer="192.0.2.1", **forwarded) == {"http://inner/srv.asmx"}


def test_there_is_no_known_proxy_by_default(service: Service) -> None:
    forwarded = {"Host": "inner", "X_Forwarded_Proto": "https", "X_Forwarded_Host": "evil.example.com"}
    assert wsdl_addresses(service, **forwarded) == {"http://inner/srv.asmx"}


def test_one_clients_host_never_reaches_another(service: Service) -> None:
    """SECURITY L6: documents are kept per address."""
    wsdl_addresses(service, Host="evil.example.com")
    assert wsdl_addresses(service, Host="good.example.com") == {"http://good.example.com/srv.asmx"}


@pytest.mark.parametrize(
    ("patterns", "host", "allowed"),
    [
        (("*",), "anything.example.com", True),
        (("*",), "[::1]:8080", True),
        (("*",), "", False),
        (("*",), "a<script>", False),
        (("*",), "a,b", False),
        (("*",), "user@a", False),
        (("a.example.com",), "A.Example.Com:443", True),
        (("a.example.com",), "b.example.com", False),
        (("*.example.com",), "b.example.com", True),
        (("*.example.com",), "a.b.example.com", True),
        (("*.example.com",), "example.com", False),
        (("*.example.com",), "badexample.com", False),
    ],
)
def test_allowed_hosts(patterns: tuple[str, ...], host: str, allowed: bool) -> None:
    """As ASP.NET's AllowedHosts. Text that is not a host is never allowed (SECURITY H6)."""
    assert HostFilter(patterns).allows(host) is allowed


@pytest.mark.parametrize(
    ("base", "path", "location"),
    [
        ("", "/", "/srv.asmx"),
        ("", "//", "/srv.asmx"),
        ("", "/?op=LogOut", "/srv.asmx"),
        ("/InfoRouter", "/InfoRouter", "/InfoRouter/srv.asmx"),
        ("/InfoRouter", "/InfoRouter/", "/InfoRouter/srv.asmx"),
        ("/a/b", "/a/b/", "/a/b/srv.asmx"),
    ],
)
def test_the_root_redirects_to_the_help_page(shared_service: Make, base: str, path: str, location: str) -> None:
    service = shared_service(PathBase=base)
    answer = service.http.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, location)
    assert service.http.get(location).status_code == 200


@pytest.mark.parametrize(("base", "path"), [("/InfoRouter", "/"), ("/InfoRouter", "/InfoRouterX"), ("", "/x/")])
def test_no_other_path_redirects_to_the_help_page(shared_service: Make, base: str, path: str) -> None:
    assert shared_service(PathBase=base).http.get(path).status_code == 404


def test_the_root_redirects_only_get_and_only_if_documents_are_on(shared_service: Make) -> None:
    assert shared_service().http.post("/").status_code == 404
    assert shared_service(WebServices__Protocols="HttpSoap").http.get("/").status_code == 404


def test_the_redirect_has_the_prefix_of_a_known_proxy(shared_service: Make) -> None:
    service = shared_service(ForwardedHeaders__KnownProxies__0="10.0.0.1")
    answer = service.http.get("/", headers={"X-Forwarded-Prefix": "/docs"}, environ_base={"REMOTE_ADDR": "10.0.0.1"})
    assert answer.headers["Location"] == "/docs/srv.asmx"


_HOST = ("Host", "localhost")
_SOAP = (("Content-Type", "text/xml"), ("SOAPAction", '"http://tempuri.org/LogOut"'))
_CALLS = {
    "GET": Request("GET", "/srv.asmx/isValidTicket", "AuthenticationTicket=x", HeaderMap([_HOST])),
    "GET, no parameters": Request("GET", "/SRV.asmx/ServerInfo", "", HeaderMap([_HOST])),
    "POST": Request(
        "POST",
        "/srv.asmx/isValidTicket",
        "",
        HeaderMap([_HOST, ("Content-Type", "application/x-www-form-urlencoded; charset=latin1")]),
        b"AuthenticationTicket=%E9",
    ),
    "SOAP": Request("POST", "/srv.asmx", "", HeaderMap([_HOST, *_SOAP]), envelope("LogOut", {})),
}


@pytest.mark.parametrize("request_", _CALLS.values(), ids=_CALLS)
def test_a_call_is_the_same_with_the_decoder_of_its_head_and_without_it(service: Service, request_: Request) -> None:
    """A decoder skips what the head alone decides."""
    site = service.composition.site
    decoder = site.decoder(request_)
    assert decoder is not None
    for request in (request_, replace(request_, query="AuthenticationTicket=y%2B", body=request_.body + b" ")):
        answers = [site.begin(request), site.begin(request, decoder)]
        calls = [(a.operation, a.in_object, a.form) for a in answers if isinstance(a, AsmxContext)]
        assert len(calls) == 2
        assert calls[0] == calls[1]


@pytest.mark.parametrize(
    ("settings", "changes"),
    [
        ({"ForwardedHeaders__KnownProxies__0": "10.0.0.0/8"}, {}),
        ({"PathBase": "/Base"}, {"path": "/Base/srv.asmx/isValidTicket"}),
        ({"AllowedHosts": "example.com"}, {}),
        ({}, {"host": ""}),
        ({}, {"path": "//srv.asmx/isValidTicket"}),
        ({}, {"path": "/srv.asmx"}),
        ({}, {"path": "/healthz"}),
        ({}, {"path": "/"}),
        ({}, {"path": "/other.asmx/isValidTicket"}),
        ({}, {"path": "/srv.asmx/nothing"}),
        ({}, {"path": "/srv.asmx/isValidTicket", "method": "PUT"}),
        ({}, {"path": "/srv.asmx/isValidTicket", "method": "POST"}),
        ({}, {"path": "/srv.asmx", "method": "POST", "headers": HeaderMap([("Content-Encoding", "gzip")])}),
        ({"WebServices__Protocols__0": "HttpSoap"}, {}),
    ],
)
def test_a_head_that_leaves_something_to_decide_has_no_decoder(
    shared_service: Make, settings: dict[str, str], changes: dict[str, Any]
) -> None:
    assert shared_service(**settings).composition.site.decoder(replace(_CALLS["GET"], **changes)) is None
