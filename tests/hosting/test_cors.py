"""CORS: which other sites' pages may call the service (CONTRACT 2.7)."""

from collections.abc import Callable

import pytest

from asmx_tickets.errors import SettingsError
from asmx_tickets.hosting.door import DoorLimits
from asmx_tickets.settings.model import load_settings
from spyne_asmx import HeaderMap, Request, Response
from tests.support.door import CLOSE, RunningDoor, request, statuses
from tests.support.service import Service

Make = Callable[..., Service]
APP = "https://app.example.com"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "soapaction"}


def ask(service: Service, method: str, path: str, origin: str | None, **headers: str) -> Response:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    if origin is not None:
        pairs.append(("Origin", origin))
    return service.composition.site.handle(Request(method, path, "", HeaderMap(pairs)))


def cors_of(response: Response) -> dict[str, str]:
    return {name: value for name, value in response.headers if name == "vary" or name.startswith("access-control")}


@pytest.fixture(scope="module")
def service(shared_service: Make) -> Service:
    return shared_service()


@pytest.mark.parametrize("origin", [None, APP, "null"])
def test_off_by_default(service: Service, origin: str | None) -> None:
    """There are no headers of CORS, and the method of a preflight is not allowed."""
    assert cors_of(ask(service, "GET", "/srv.asmx/ServerInfo", origin)) == {}
    assert ask(service, "OPTIONS", "/srv.asmx", origin, **PREFLIGHT).status == 405


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (APP, APP),
        ("http://localhost:3000", "http://localhost:3000"),
        ("https://evil.example", None),
        ("https://app.example.com.evil.example", None),
        ("https://app.example.com:8443", None),
        ("http://app.example.com", None),
        ("null", None),
        ("*", None),
        (None, None),
    ],
)
def test_an_answer_names_the_origin_that_is_allowed(
    shared_service: Make, origin: str | None, allowed: str | None
) -> None:
    """All answers vary by the origin, errors too."""
    service = shared_service(Cors__AllowedOrigins=f"{APP};http://localhost:3000")
    for path in ("/srv.asmx/ServerInfo", "/srv.asmx", "/nowhere", "/srv.asmx/Nope"):
        headers = cors_of(ask(service, "GET", path, origin))
        assert headers["vary"] == "Origin"
        assert headers.get("access-control-allow-origin") == allowed
        assert "access-control-allow-credentials" not in headers


def test_a_preflight_runs_nothing(shared_service: Make) -> None:
    """204, whatever path it is for, with what a SOAP call from a browser needs."""
    service = shared_service(Cors__AllowedOrigins=APP, Cors__MaxAge="00:05:00")
    before = len(list(service.composition.tickets.summaries()))
    for path in ("/srv.asmx", "/srv.asmx/AuthenticateUser", "/srv.asmx/LogOut"):
        response = ask(service, "OPTIONS", path, APP, **PREFLIGHT)
        assert (response.status, response.body) == (204, b"")
        headers = cors_of(response)
        assert headers["access-control-allow-origin"] == APP
        assert headers["access-control-max-age"] == "300"
        assert "POST" in headers["access-control-allow-methods"]
        assert {"SOAPAction", "Content-Type", "Authorization"} <= set(
            headers["access-control-allow-headers"].split(", ")
        )
    assert len(list(service.composition.tickets.summaries())) == before


def test_a_preflight_of_another_origin_is_not_allowed(shared_service: Make) -> None:
    service = shared_service(Cors__AllowedOrigins=APP)
    response = ask(service, "OPTIONS", "/srv.asmx", "https://evil.example", **PREFLIGHT)
    assert (response.status, cors_of(response)) == (204, {"vary": "Origin"})


def test_any_origin(shared_service: Make) -> None:
    """The answer says ``*``, and never allows credentials."""
    service = shared_service(Cors__AllowedOrigins="*")
    headers = cors_of(ask(service, "GET", "/srv.asmx/ServerInfo", "https://anywhere.example"))
    assert headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize(("credentials", "known"), [("true", True), ("false", False)])
def test_the_cookie_is_read_only_for_origins_that_may_send_credentials(
    shared_service: Make, credentials: str, known: bool
) -> None:
    """SECURITY D3: a page of another site acts for no user unless the operator allows it."""
    service = shared_service(Cors__AllowedOrigins=APP, Cors__AllowCredentials=credentials)
    cookie = f"ticket={service.log_in()}"
    for origin, counts in ((APP, known), ("https://evil.example", False)):
        response = ask(service, "GET", "/srv.asmx/isValidTicket", origin, Cookie=cookie, Sec_Fetch_Site="cross-site")
        assert (b'success="true"' in response.body) is counts


@pytest.mark.parametrize(
    "settings",
    [
        {"Cors__AllowedOrigins": "https://app.example.com/"},
        {"Cors__AllowedOrigins": "https://app.example.com/path"},
        {"Cors__AllowedOrigins": "app.example.com"},
        {"Cors__AllowedOrigins": "ftp://app.example.com"},
        {"Cors__AllowedOrigins": "null"},
        {"Cors__AllowedOrigins": "https://app.example.com:443"},
        {"Cors__AllowedOrigins": "http://app.example.com:80"},
        {"Cors__AllowedOrigins": "https://*.example.com"},
        {"Cors__AllowedOrigins": f"*;{APP}"},
        {"Cors__AllowedOrigins": "*", "Cors__AllowCredentials": "true"},
        {"Cors__AllowedOrigins__0": APP, "Cors__AllowedOrigins__1": "*"},
    ],
)
def test_settings_that_make_no_sense_stop_the_start(settings: dict[str, str]) -> None:
    """The error names the key."""
    with pytest.raises(SettingsError, match=r"^Cors(:AllowedOrigins\b| must .* AllowedOrigins\b)"):
        load_settings(environ=settings)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request("/srv.asmx", f"Origin: {APP}", "Content-Length: 70000", method="POST"), 413),
        (request("/srv.asmx", f"Origin: {APP}", "Content-Length: 3", CLOSE, method="POST", body=b"abc"), 415),
        (request("/srv.asmx", f"Origin: {APP}", "Transfer-Encoding: gzip, chunked", method="POST"), 501),
        (request("/srv.asmx", f"Origin: {APP}", *[f"X-{n}: {'x' * 500}" for n in range(99)]), 431),
        (request("/srv.asmx?" + "x" * 9000, f"Origin: {APP}"), 414),
        (request("/srv.asmx", f"Origin: {APP}", "Content-Length: 1", "Content-Length: 2", method="POST"), 400),
    ],
)
def test_the_refusal_of_a_request_that_is_not_read_can_be_read_by_the_page(
    shared_service: Make, sent: bytes, status: int
) -> None:
    """Otherwise the page would only learn that something was wrong."""
    door = RunningDoor(shared_service(Cors__AllowedOrigins=APP), DoorLimits())
    try:
        answer = door.raw(sent)
    finally:
        door.close()
    assert statuses(answer) == [status]
    assert f"access-control-allow-origin: {APP}\r\n".encode() in answer.lower()


def test_the_refusal_of_a_call_that_cannot_run_now_can_be_read_by_the_page(shared_service: Make) -> None:
    service = shared_service(Cors__AllowedOrigins=APP)
    site = service.composition.site
    call = site.begin(Request("GET", "/srv.asmx/LogOut", "", HeaderMap([("Origin", APP), ("Host", "localhost")])))
    assert not isinstance(call, Response)
    answer = site.unavailable(call)
    assert (answer.status, cors_of(answer)["access-control-allow-origin"]) == (503, APP)
