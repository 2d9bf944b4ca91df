"""Settings that are read again: which of them a running composition takes up."""

from collections.abc import Callable
from pathlib import Path

import pytest

from asmx_tickets.errors import SettingsError
from asmx_tickets.hosting.demo import demo_settings
from asmx_tickets.hosting.reloading import no_change, read_again
from asmx_tickets.settings.model import Settings, load_settings
from spyne_asmx import HeaderMap, Request
from tests.support.service import PASSWORD, TRUSTED_PASSWORD, Service, error_of


@pytest.fixture
def changed(service: Service, tmp_path: Path) -> Callable[..., Service]:
    """The demo's service with other settings and the same stores."""
    file = tmp_path / "changed.json"
    file.write_text("{}")

    def change(**environ: str) -> Service:
        settings = demo_settings(load_settings(file, environ=environ))
        composition = service.composition.with_settings(settings)
        composition.keep_throttling_rules()
        return Service(composition, service.clock)

    return change


def test_tickets_live_on(service: Service, changed: Callable[..., Service]) -> None:
    """Under a new path, with other languages and another company."""
    ticket = service.log_in()
    after = changed(PathBase="/new", Languages__Supported="nl", Languages__Default="nl", ServerInfo__Company="After")
    after.path = "/new/srv.asmx"
    assert after.is_valid(ticket)
    assert after.call("ServerInfo").get("Company") == "After"
    after.call("LogOut", AuthenticationTicket=ticket)
    assert not service.is_valid(ticket)


def test_trusted_networks_change(changed: Callable[..., Service]) -> None:
    """They are compared with the address that a proxy forwards, and known proxies change too."""
    query = f"TrustedUserPwd={TRUSTED_PASSWORD}&UserName=jsmith"
    headers = HeaderMap([("X-Forwarded-For", "10.1.2.3")])
    ask = Request("GET", "/srv.asmx/CreateTicketforUser", query, headers, remote_address="127.0.0.1")
    far = changed(TrustedUserNetworks="10.0.0.0/8")
    assert b"[900]" in far.composition.site.handle(ask).body
    near = changed(TrustedUserNetworks="10.0.0.0/8", ForwardedHeaders__KnownProxies="127.0.0.1")
    assert b'success="true"' in near.composition.site.handle(ask).body


def test_throttling_changes_and_keeps_its_counts(service: Service, changed: Callable[..., Service]) -> None:
    for _ in range(3):
        service.call("AuthenticateUser", UID="jsmith", PWD="wrong")
    stricter = changed(Throttling__Failures="3")
    stricter.call("AuthenticateUser", UID="jsmith", PWD="wrong")
    assert error_of(stricter.call("AuthenticateUser", UID="jsmith", PWD=PASSWORD)).startswith("[900]")
    stricter.clock.advance(60)
    assert stricter.call("AuthenticateUser", UID="jsmith", PWD=PASSWORD).get("success") == "true"


def test_a_certificate_that_cannot_be_used_changes_nothing(tmp_path: Path) -> None:
    """It is read before any process takes up the settings."""
    current = load_settings(environ={"Urls": "https://127.0.0.1:1"})
    wanted = load_settings(environ={"Urls": "https://127.0.0.1:1", "Certificate__Path": str(tmp_path / "none.pem")})
    with pytest.raises(SettingsError, match=r"none\.pem can't be read"):
        read_again(lambda: wanted, False, current)
    without_tls = load_settings(environ={"Certificate__Path": str(tmp_path / "none.pem")})
    assert read_again(lambda: without_tls, False, Settings()).changed == ("Certificate:Path",)


def test_the_demo_stays_the_demo() -> None:
    wanted = load_settings(environ={"TrustedUserPwd": "0123456789abcdef-canary", "ServerInfo__Company": "After"})
    change = read_again(lambda: wanted, True, demo_settings(load_settings(environ={})))
    assert change.changed == ("ServerInfo:Company",)
    assert change.kept == ()


def test_settings_that_come_from_nowhere_do_not_change() -> None:
    assert no_change(Settings()).changed == ()
