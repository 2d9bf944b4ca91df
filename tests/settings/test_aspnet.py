"""ASP.NET's own keys in files and the environment."""

import json
from pathlib import Path
from typing import Any

import pytest

from asmx_tickets.errors import SettingsError
from asmx_tickets.settings.model import Settings, load_settings

SECRET = "0123456789abcdef-canary"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(tree: dict[str, Any], **environ: str) -> Settings:
    """The settings of a file that holds this, and an environment."""
    file = Path("appsettings.json")
    file.write_text(json.dumps(tree))
    file.chmod(0o600)
    return load_settings(environ=environ)


def urls(settings: Settings) -> str:
    return ";".join(map(str, settings.urls))


def test_workers_of_another_program_change_nothing() -> None:
    """The variable has a common name: in another letter case than ours it is another program's, with a warning."""
    settings = load_settings(environ={"WORKERS": "4", "ConnectionStrings__Tickets": "redis://h"})
    assert settings.workers == 1
    assert settings.warnings == (
        "environment variable WORKERS is another program's; for this one it is ASMX_TICKETS__WORKERS or Workers",
    )


@pytest.mark.parametrize("name", ["Workers", "ASMX_TICKETS__WORKERS", "asmx_tickets__Workers", "ASPNETCORE_WORKERS"])
def test_workers_count_as_written_here_or_with_a_prefix(name: str) -> None:
    settings = load_settings(environ={name: "4", "ConnectionStrings__Tickets": "redis://h"})
    assert settings.workers == 4
    assert not settings.warnings


def test_our_prefix_wins_and_is_ours_alone() -> None:
    """What Kubernetes makes of a service of our name is no setting. An unknown key with our prefix is a mistake."""
    environ = {
        "ASMX_TICKETS_PORT": "tcp://10.0.0.1:80",
        "Tickets__MaxTotal": "7",
        "ASMX_TICKETS__TICKETS__MAXTOTAL": "8",
    }
    assert load_settings(environ=environ).tickets.max_total == 8
    with pytest.raises(
        SettingsError, match=r"Worker is not a known key .*ASMX_TICKETS__Worker.*did you mean Workers\?"
    ):
        load_settings(environ={"ASMX_TICKETS__Worker": "1"})


@pytest.mark.parametrize(
    ("environ", "listens"),
    [
        ({"ASPNETCORE_URLS": "http://+:81"}, "http://*:81"),
        ({"DOTNET_URLS": "http://*:82"}, "http://*:82"),
        ({"ASPNETCORE_URLS": "http://*:81", "DOTNET_URLS": "http://*:82"}, "http://*:82"),
        ({"ASPNETCORE_URLS": "http://*:81", "Urls": "http://*:83"}, "http://*:83"),
        ({"ASPNETCORE_HTTP_PORTS": "84;85"}, "http://127.0.0.1:80"),
        ({"ASPNETCORE_Kestrel__Endpoints__Http__Url": "http://*:86"}, "http://*:86"),
        ({"ASPNETCORE_DETAILEDERRORS": "1", "DOTNET_RUNNING_IN_CONTAINER": "true"}, "http://127.0.0.1:80"),
    ],
)
def test_the_hosts_variables_win_over_a_file(environ: dict[str, str], listens: str) -> None:
    assert urls(loaded({"Urls": "http://127.0.0.1:80"}, **environ)) == listens


def test_ports_count_where_nothing_says_urls() -> None:
    environ = {"ASPNETCORE_HTTP_PORTS": "84;85", "ASPNETCORE_HTTPS_PORTS": "86"}
    assert urls(load_settings(environ=environ)) == "http://*:84;http://*:85;https://*:86"
    with pytest.raises(SettingsError, match=r"Urls must be .*environment variable ASPNETCORE_HTTP_PORTS"):
        load_settings(environ={"ASPNETCORE_HTTP_PORTS": "x"})


def test_either_host_names_the_environment(folder: Path) -> None:
    (folder / "appsettings.Test.json").write_text('{"PathBase": "/test"}')
    assert load_settings(environ={"DOTNET_ENVIRONMENT": "Test"}).path_base == "/test"
    both = {"DOTNET_ENVIRONMENT": "Test", "ASPNETCORE_ENVIRONMENT": "Production"}
    assert load_settings(environ=both).path_base == ""


def test_kestrels_endpoints_and_certificate_are_read() -> None:
    settings = loaded(
        {
            "Kestrel": {
                "Endpoints": {
                    "Http": {"Url": "http://localhost:5000"},
                    "Https": {"Url": "https://localhost:5001", "Certificate": {"Path": "c.pem", "KeyPath": "k.pem"}},
                },
                "Certificates": {"Default": {"Password": "s3cret-canary"}},
                "Limits": {"MaxConcurrentConnections": 5},
            }
        }
    )
    assert urls(settings) == "http://localhost:5000;https://localhost:5001"
    assert Path(settings.certificate.path).name == "c.pem"
    assert Path(settings.certificate.key_path).name == "k.pem"
    assert settings.certificate.password.get_secret_value() == "s3cret-canary"
    assert settings.warnings == ("appsettings.json: not read here: Kestrel:Limits:MaxConcurrentConnections",)


def test_what_appsettings_says_counts_where_it_is_a_key_of_ours() -> None:
    """As in a web.config that somebody turned into JSON. A key of its own wins."""
    settings = loaded(
        {
            "AppSettings": {"TrustedUserPwd": SECRET, "PathBase": "/a", "Tickets:MaxTotal": 5, "webpages:Version": "3"},
            "PathBase": "/b",
        }
    )
    assert [secret.get_secret_value() for secret in settings.trusted_user_pwd] == [SECRET]
    assert settings.path_base == "/b"
    assert settings.tickets.max_total == 5
    (warning,) = settings.warnings
    assert warning == "appsettings.json: not read here: AppSettings:PathBase, AppSettings:webpages:Version"
    with pytest.raises(SettingsError) as error:
        loaded({"AppSettings": {"TrustedUserPwd": "short"}})
    assert "(appsettings.json, AppSettings:TrustedUserPwd)" in str(error.value)


@pytest.mark.parametrize(
    "tree",
    [
        {"$schema": "https://json.schemastore.org/appsettings.json"},
        {"Logging": {"Console": {"FormatterName": "json"}, "LogLevel": {"Default": "Debug"}}},
        {"Logging": {"IncludeScopes": False}},
        {"Kestrel": None},
        {"Kestrel": "x"},
        {"Kestrel": {"Endpoints": {"Http": {"Url": ["http://x"]}}}},
        {"AppSettings": []},
        {"DetailedErrors": True, "profiles": {"http": {"commandName": "Project"}}},
    ],
)
def test_what_means_nothing_here_is_named_in_one_warning(tree: dict[str, Any]) -> None:
    (warning,) = loaded(tree).warnings
    assert warning.startswith("appsettings.json: not read here: ")
    assert "\n" not in warning


def test_an_unknown_section_is_still_a_mistake() -> None:
    with pytest.raises(SettingsError, match="Kestrell:x is not a known key"):
        loaded({"Kestrell": {"x": 1}})
