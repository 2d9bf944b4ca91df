"""The settings, their sources and what is refused (CONTRACT 3, SECURITY B6, C1, C2)."""

import json
import logging
import subprocess
import sys
import traceback
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from asmx_tickets.errors import SettingsError
from asmx_tickets.settings.layers import keys_of
from asmx_tickets.settings.model import Settings, load_settings
from asmx_tickets.settings.sections import Section
from asmx_tickets.settings.types import ListenAddress

SECRET = "0123456789abcdef-canary"
CONTRACT_3: dict[str, Any] = {
    "Urls": "http://127.0.0.1:8080",
    "PathBase": "",
    "AllowedHosts": "*",
    "TrustedUserPwd": "",
    "SysadminAccountName": "sysadmin",
    "ConnectionStrings": {"Users": "sqlite:///App_Data/users.db", "Tickets": "memory://"},
    "Tickets": {"SlidingExpiration": "30.00:00:00"},
    "Languages": {"Supported": ["en", "de", "fr", "nl", "tr"], "Default": "en"},
    "WebServices": {
        "Protocols": ["HttpSoap", "HttpSoap12", "HttpGet", "HttpPost", "Documentation"],
        "MaxRequestBytes": 65536,
    },
    "ServerInfo": {"Company": "", "LicenseCount": 0},
    "Logging": {"LogLevel": {"Default": "Information"}},
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(file: Path, settings: dict[str, Any], mode: int = 0o640) -> Path:
    """A settings file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(settings), encoding="utf-8")
    file.chmod(mode)
    return file


def as_json(settings: Settings) -> dict[str, Any]:
    """What the `settings` command shows."""
    return settings.model_dump(mode="json", by_alias=True)


def refusal(*, file: Path | None = None, overrides: dict[str, str] | None = None, **environ: str) -> str:
    """The line with which these settings are refused."""
    with pytest.raises(SettingsError) as error:
        load_settings(file, environ=environ, overrides=overrides or {})
    assert SECRET not in "".join(traceback.format_exception(error.value))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_without_any_source_the_defaults_are_the_contracts(folder: Path) -> None:
    """CONTRACT 3's keys with its values, and a few more."""
    shown = as_json(load_settings(environ={}))
    assert shown.items() >= {key: value for key, value in CONTRACT_3.items() if not isinstance(value, dict)}.items()
    assert shown["Languages"] == CONTRACT_3["Languages"]
    for section in ("Logging", "Tickets", "ServerInfo", "WebServices"):
        assert shown[section].items() >= CONTRACT_3[section].items()
    assert shown["ConnectionStrings"] == {"Users": f"sqlite:///{folder}/App_Data/users.db", "Tickets": "memory://"}


def test_settings_built_in_code_read_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a file nor the environment reaches them, and Python's names will do."""
    write(folder / "appsettings.json", {"Urls": "http://*:1"})
    monkeypatch.setenv("Urls", "http://*:2")
    assert Settings().urls == (ListenAddress("127.0.0.1", 8080),)
    assert Settings(path_base="/x").path_base == "/x"


def test_settings_cannot_be_changed() -> None:
    """Neither at the top nor in a section."""
    settings = Settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.path_base = "/x"
    with pytest.raises(ValidationError, match="frozen"):
        settings.tickets.sliding_expiration = timedelta(1)


def test_every_key_says_what_it_means() -> None:
    """The description is there for each value, and each section's class has its docstring."""
    sections: list[type[Section] | type[Settings]] = [Settings]
    for section in sections:
        assert section.__doc__
        for name, field in section.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
                sections.append(field.annotation)
            else:
                assert field.description, name


SHIPPED_LISTS = (("Languages", "Supported"), ("WebServices", "Protocols"))


def test_the_projects_own_file_has_the_contracts_keys() -> None:
    """appsettings.json at the top of the repository loads and is CONTRACT 3's example without its lists, so that items
    of a list in the environment are laid over nothing. What it leaves out is so by default.
    """
    file = Path(__file__).parents[2] / "appsettings.json"
    example = {key: dict(value) if isinstance(value, dict) else value for key, value in CONTRACT_3.items()}
    lists = {section: example[section].pop(name) for section, name in SHIPPED_LISTS}
    assert json.loads(file.read_text(encoding="utf-8")) == example
    settings = load_settings(file, environ={})
    assert settings.sources["ServerInfo:Company"] == "appsettings.json"
    assert lists == {
        "Languages": list(settings.languages.supported),
        "WebServices": list(settings.web_services.protocols),
    }


def test_later_sources_win(folder: Path) -> None:
    """File, file of the environment, environment variables, command line. Each key has its source."""
    write(
        folder / "appsettings.json",
        {"urls": "http://*:1", "PathBase": "/1", "allowedhosts": "a", "SERVERINFO": {"company": "1"}},
    )
    write(folder / "appsettings.Test.json", {"Urls": "http://*:2", "PathBase": "/2", "AllowedHosts": "b"})
    environ = {"ASPNETCORE_ENVIRONMENT": "Test", "URLS": "http://*:3", "pathbase": "/3"}
    settings = load_settings(environ=environ, overrides={"Urls": "http://*:4"})
    assert (settings.urls[0].port, settings.path_base, settings.allowed_hosts) == (4, "/3", "b")
    assert settings.server_info.company == "1"
    assert (
        settings.sources.items()
        >= {
            "Urls": "command line",
            "PathBase": "environment",
            "AllowedHosts": "appsettings.Test.json",
            "ServerInfo:Company": "appsettings.json",
            "ServerInfo:LicenseCount": "default",
        }.items()
    )


def test_every_key_has_a_source(folder: Path) -> None:
    """A list that several sources had a part in names them all."""
    write(folder / "appsettings.json", {"WebServices": {"Protocols": ["HttpSoap", "HttpGet"]}})
    settings = load_settings(environ={"WebServices__Protocols__1": "HttpPost", "Logging__LogLevel__Microsoft": "Error"})
    assert settings.web_services.protocols == ("HttpSoap", "HttpPost")
    assert settings.sources["WebServices:Protocols"] == "appsettings.json, environment"
    assert settings.sources["Logging:LogLevel:Microsoft"] == "environment"
    leaves = {key.path for key in keys_of(Settings) if "section" not in key.kind}
    assert set(settings.sources) == leaves | {"Logging:LogLevel:Microsoft"}


def test_the_environment_is_production_unless_named(folder: Path) -> None:
    """As in ASP.NET; the file lies beside the settings file that was named."""
    file = write(folder / "etc" / "srv.json", {"PathBase": "/base"})
    write(folder / "etc" / "appsettings.Production.json", {"PathBase": "/production"})
    write(folder / "appsettings.Production.json", {"PathBase": "/elsewhere"})
    assert load_settings(file, environ={}).path_base == "/production"
    assert load_settings(file, environ={"ASPNETCORE_ENVIRONMENT": "Development"}).path_base == "/base"
    assert "ASPNETCORE_ENVIRONMENT must be a name" in refusal(ASPNETCORE_ENVIRONMENT="../x")


def test_foreign_environment_variables_are_left_alone() -> None:
    """Even those with the name of one of our sections."""
    environ = {"PATH": "/bin", "LANGUAGES": "en", "PASSWORDS": "x", "Ticketsx__Y": "1", "LOGGING": "1", "A__B": "1"}
    assert as_json(load_settings(environ=environ)) == as_json(load_settings(environ={}))


def test_an_sqlite_path_starts_at_the_settings_files_folder(folder: Path) -> None:
    """Wherever it was set; an absolute path and a memory database stay as they are."""
    file = write(folder / "a%b" / "srv.json", {})

    def users(url: str) -> str:
        settings = load_settings(file, environ={"ConnectionStrings__Users": url})
        return settings.connection_strings.users.get_secret_value()

    assert users("sqlite:///u.db?timeout=5") == f"sqlite:///{folder}/a%25b/u.db?timeout=5"
    for url in ("sqlite:////srv/u.db", "sqlite://", "sqlite:///:memory:"):
        assert users(url) == url


def test_postgresql_is_reached_through_psycopg() -> None:
    """The URL names the driver, however it was written."""
    for url in ("postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"):
        settings = load_settings(environ={"ConnectionStrings__Users": url})
        assert settings.connection_strings.users.get_secret_value() == "postgresql+psycopg://u:p@h/d"


def test_values_are_parsed() -> None:
    """The program gets values, not texts."""
    settings = load_settings(
        environ={
            "Tickets__SlidingExpiration": "1.12:00:00",
            "PathBase": "/InfoRouter/",
            "AllowedHosts": "Example.com; *.example.com;[::1];",
            "ForwardedHeaders__KnownProxies__0": "10.0.0.1",
            "ForwardedHeaders__KnownProxies__1": "fd00::/8",
            "WebServices__Protocols__0": "httpsoap",
            "Logging__LogLevel__Default": "debug",
            "ServerInfo__WorkflowIsOn": "True",
            "ServerInfo__LicenseCount": "25",
            "TrustedUserPwd": SECRET,
        }
    )
    assert settings.tickets.sliding_expiration == timedelta(days=1.5)
    assert settings.path_base == "/InfoRouter"
    assert settings.allowed_hosts == "example.com;*.example.com;[::1]"
    assert settings.forwarded_headers.known_proxies == (ip_network("10.0.0.1/32"), ip_network("fd00::/8"))
    assert settings.web_services.protocols == ("HttpSoap",)
    assert settings.logging.log_level.default == "Debug"
    assert settings.server_info.workflow_is_on is True
    assert settings.server_info.license_count == 25
    assert settings.trusted_user_pwd == (SecretStr(SECRET),)
    assert as_json(settings)["ForwardedHeaders"] == {"KnownProxies": ["10.0.0.1", "fd00::/8"]}


def test_what_is_shown_loads_again_and_is_the_same(folder: Path) -> None:
    """The output of `settings` is a settings file, secrets aside."""
    first = load_settings(environ={"ServerInfo__Company": "Wörld & <Co>", "Tickets__SlidingExpiration": "00:00:01.5"})
    file = write(folder / "again.json", as_json(first))
    assert load_settings(file, environ={}).model_dump() == first.model_dump()


def test_secrets_are_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    """Neither in repr, nor as JSON, nor in the log (SECURITY C1)."""
    settings = load_settings(
        environ={
            "TrustedUserPwd": SECRET,
            "ConnectionStrings__Users": f"postgresql://u:{SECRET}@h/d",
            "ConnectionStrings__Tickets": f"rediss://:{SECRET}@h:6379/0",
        }
    )
    logging.getLogger("test").warning("%s %r", settings, settings)
    shown = as_json(settings)
    assert SECRET not in caplog.text + json.dumps(shown) + repr(settings) + repr(settings.model_dump())
    assert shown["TrustedUserPwd"] == "****"
    assert shown["ConnectionStrings"] == {
        "Users": "postgresql+psycopg://u:****@h/d",
        "Tickets": "rediss://:****@h:6379/0",
    }


def test_a_secret_can_be_changed_while_both_values_count() -> None:
    """TrustedUserPwd may be a list (SECURITY D7); each of its values must be a good one, and none is shown."""
    other = SECRET[::-1]
    settings = load_settings(environ={"TrustedUserPwd__0": SECRET, "TrustedUserPwd__1": other})
    assert settings.trusted_user_pwd == (SecretStr(SECRET), SecretStr(other))
    assert as_json(settings)["TrustedUserPwd"] == ["****", "****"]
    line = refusal(TrustedUserPwd__0=SECRET, TrustedUserPwd__1="short")
    assert line.startswith("TrustedUserPwd must be empty (off) or at least 22 random characters")
    assert "short" not in line


def test_paths_start_at_the_settings_files_folder(folder: Path) -> None:
    file = write(folder / "etc" / "a.json", {"Tickets": {"PersistTo": "t.bin"}, "Audit": {"To": "/var/log/a.jsonl"}})
    settings = load_settings(file, environ={})
    assert settings.tickets.persist_to == str(folder / "etc" / "t.bin")
    assert settings.audit.to == "/var/log/a.jsonl"
    assert load_settings(file, environ={"Audit__To": "stdout"}).audit.to == "stdout"
    assert load_settings(file, environ={"Audit__To": ""}).audit.to == ""


def test_workers_need_tickets_that_they_share() -> None:
    """SECURITY T11: one line that says why and what to do."""
    line = refusal(Workers="2")
    assert "lives in one process" in line
    assert "redis://" in line
    assert load_settings(environ={"Workers": "2", "ConnectionStrings__Tickets": "redis://h"}).workers == 2


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        (
            {"Tickets__PersistTo": "App_Data/users.db"},
            "Tickets:PersistTo must be a file of its own, not that of ConnectionStrings:Users",
        ),
        (
            {"Tickets__PersistTo": "App_Data/users.db-wal"},
            "Tickets:PersistTo must be a file of its own, not that of ConnectionStrings:Users",
        ),
        (
            {"Tickets__PersistTo": "./appsettings.json"},
            "Tickets:PersistTo must be a file of its own, not that of the settings",
        ),
        (
            {"Tickets__PersistTo": "./appsettings.Production.json"},
            "Tickets:PersistTo must be a file of its own, not that of the settings",
        ),
        (
            {"Tickets__PersistTo": "App_Data/../App_Data/audit.jsonl"},
            "Tickets:PersistTo must be a file of its own, not that of Audit:To",
        ),
        (
            {"Tickets__PersistTo": "App_Data/audit-refused.jsonl"},
            "Tickets:PersistTo must be a file of its own, not that of Audit:To",
        ),
        ({"Audit__To": "App_Data/users.db"}, "Audit:To must be a file of its own, not that of ConnectionStrings:Users"),
        ({"Audit__To": "appsettings.json"}, "Audit:To must be a file of its own, not that of the settings"),
        (
            {"Audit__To": "tls.pem", "Certificate__Path": "tls.pem"},
            "Audit:To must be a file of its own, not that of Certificate:Path",
        ),
        (
            {"Admin__Socket": "App_Data/users.db"},
            "Admin:Socket must be a file of its own, not that of ConnectionStrings:Users",
        ),
        (
            {"Admin__Socket": "t", "Tickets__PersistTo": "t"},
            "Admin:Socket must be a file of its own, not that of Tickets:PersistTo",
        ),
        ({"Audit__To": "App_Data/admin.sock.lock"}, "Admin:Socket must be a file of its own, not that of Audit:To"),
    ],
)
def test_what_is_written_has_a_file_of_its_own(folder: Path, environ: dict[str, str], line: str) -> None:
    """A line of the audit log spoils a database, and the tickets take another file's place."""
    assert refusal(**environ) == line


def test_one_file_may_hold_certificate_and_key(folder: Path) -> None:
    """Both are only read."""
    load_settings(environ={"Certificate__Path": "tls.pem", "Certificate__KeyPath": "tls.pem"})


@pytest.mark.parametrize("name", ["stdout", "STDOUT", "StdOut"])
def test_standard_output_is_named_in_any_letter_case(folder: Path, name: str) -> None:
    """Like other values that are words. Otherwise the log would be a file of that name."""
    assert load_settings(environ={"Audit__To": name}).audit.to == "stdout"


@pytest.mark.parametrize("listen", ["http://127.0.0.1:8080", "http://*:8080"])
def test_metrics_have_an_address_of_their_own(folder: Path, listen: str) -> None:
    """Otherwise the start would blame another program that listens there."""
    assert refusal(Metrics__Listen=listen).startswith(
        "Metrics must have an address of its own in Listen, not one of Urls"
    )


def test_redis_keeps_tickets_by_itself() -> None:
    line = refusal(Tickets__PersistTo="t.bin", ConnectionStrings__Tickets="redis://h")
    assert line.startswith("Tickets must have PersistTo empty with tickets in Redis")


BAD = {
    "Urls": ["ftp://*:443", "http://a:1;http://b:2", "", "8080"],
    "PathBase": ["x", "/a/../b", "/a//b", "/a b", "/ü", "http://h/x"],
    "AllowedHosts": ["", ";", "a:80", "*.*", "a b", "*."],
    "TrustedUserPwd": [
        "MyServerSecret",
        SECRET[:21],
        "x" * 40,
        "change-me-to-0123456789",
        "MyServerSecret-MyServerSecret",
    ],
    "TrustedUserNetworks:0": ["10.0.0.1/8", "intranet"],
    "Workers": ["0", "257", "2", "many"],
    "Tickets:AbsoluteExpiration": ["90", "-1.00:00:00"],
    "Tickets:MaxPerUser": ["-1"],
    "Tickets:MaxTotal": ["0"],
    "Tickets:KeyPrefix": ["", "a b", "{x}"],
    "Throttling:Failures": ["0"],
    "Throttling:LongestWait": ["900"],
    "Throttling:SecondsPerFailure": ["0"],
    "Audit:MaxBytes": ["1"],
    "Audit:Keep": ["-1"],
    "SysadminAccountName": ["a\0b"],
    "ConnectionStrings:Users": [f"mysql://u:{SECRET}@h/d", "sqlite://App_Data/u.db", "users.db", ""],
    "ConnectionStrings:Tickets": ["memory://x", "memory", "redis://", f"http://{SECRET}", ""],
    "Tickets:SlidingExpiration": ["30 days", "00:00:00", "-1.00:00:00", "1.24:00:00", ""],
    "Languages:Default": ["xx", "EN", ""],
    "Languages:Supported:0": ["english", "e", "en_GB", ""],
    "WebServices:Protocols:0": ["HttpPut", ""],
    "WebServices:MaxRequestBytes": ["1023", "-1", "1e6", "64 KiB", ""],
    "ServerInfo:Company": ["a\x0bb"],
    "ServerInfo:LicenseCount": ["-1", "1.5", "many"],
    "ServerInfo:WorkflowIsOn": ["maybe", ""],
    "Logging:LogLevel:Default": ["Verbose", ""],
    "Logging:LogLevel:Microsoft": ["Verbose"],
    "ForwardedHeaders:KnownProxies:0": ["proxy", "10.0.0.1/8", ""],
    "Passwords:MemoryKiB": ["1048577", "x"],
    "Passwords:Iterations": ["21"],
    "Passwords:Parallelism": ["0", "17"],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in BAD.items() for value in values])
def test_a_bad_value_is_refused_by_its_key(key: str, value: str) -> None:
    """One line has the key, its place, and the value unless it may be a secret."""
    variable = key.replace(":", "__")
    line = refusal(**{"Languages__Supported__1": "en", variable: value})
    assert line.startswith(f"{key} must ")
    assert line.endswith(f"(environment variable {variable})")
    secret = key.startswith(("TrustedUserPwd", "ConnectionStrings"))
    assert (", not '" in line) is not secret


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        (
            {"WebServices__Protocols__0": "HttpGet", "WebServices__Protocols__1": "httpget"},
            "WebServices:Protocols must not name anything twice (environment variable WebServices__Protocols__0,"
            " environment variable WebServices__Protocols__1)",
        ),
        (
            {"Languages__Supported__0": "de"},
            "Languages:Default must have other values: The default language must be one of the supported ones"
            " (default)",
        ),
        (
            {"Passwords__MemoryKiB": "19455"},
            "Passwords must have other values: Password hashes of 19455 KiB, iterations 2, parallelism 1 are too weak:"
            " the least is 47104 KiB, iterations 1, parallelism 1 or 19456 KiB, iterations 2, parallelism 1 or"
            " 12288 KiB, iterations 3, parallelism 1 (environment variable Passwords__MemoryKiB)",
        ),
        (
            {"Throttling__LongestWait": "12:00:00", "Throttling__ForgetAfter": "12:00:00"},
            "Throttling must have other values: Failed logins must be remembered for longer than the longest wait after"
            " one (environment variable Throttling__ForgetAfter, environment variable Throttling__LongestWait)",
        ),
        (
            {"Throttling__FailuresPerAddress": "100000", "Throttling__SecondsPerFailure": "3600"},
            "Throttling must have other values: The time until an address is free again must be from a millisecond to a"
            " year, not 3.6e+08 seconds (environment variable Throttling__FailuresPerAddress, environment variable"
            " Throttling__SecondsPerFailure)",
        ),
        (
            {"Tickets__SlidingExpiry": "1"},
            "Tickets:SlidingExpiry is not a known key (environment variable Tickets__SlidingExpiry);"
            " did you mean Tickets:SlidingExpiration?",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(environ: dict[str, str], line: str) -> None:
    """The line names all places that had a part in it."""
    assert refusal(**environ) == line


@pytest.mark.parametrize(
    ("variable", "value", "items"),
    [
        ("WebServices__Protocols", "HttpSoap;HttpSoap12", ("HttpSoap", "HttpSoap12")),
        ("WebServices__Protocols", " httpget ; ", ("HttpGet",)),
        ("Languages__Supported", "en;nl", ("en", "nl")),
    ],
)
def test_one_value_stands_for_a_list_and_replaces_it(
    folder: Path, variable: str, value: str, items: tuple[str]
) -> None:
    """Items merge by index, so the few of a variable could not take the place of the many of a file."""
    write(
        folder / "appsettings.json",
        {
            "WebServices": {"Protocols": ["HttpSoap", "HttpSoap12", "HttpGet", "HttpPost", "Documentation"]},
            "Languages": {"Supported": ["en", "de", "fr"]},
        },
    )
    section, _, key = variable.partition("__")
    shown = as_json(load_settings(environ={variable: value}))
    assert tuple(shown[section][key]) == items


@pytest.mark.parametrize(
    ("memory", "iterations", "enough"),
    [(19456, 2, True), (47104, 1, True), (12288, 3, True), (19456, 1, False), (12287, 20, False), (47103, 1, False)],
)
def test_hashes_weaker_than_owasps_minimum_are_refused(memory: int, iterations: int, enough: bool) -> None:
    """SECURITY A1: three ways to be strong enough."""
    environ = {"Passwords__MemoryKiB": str(memory), "Passwords__Iterations": str(iterations)}
    if enough:
        assert load_settings(environ=environ).passwords.memory_kib == memory
    else:
        assert refusal(**environ).startswith("Passwords must have other values: ")


@pytest.mark.parametrize(
    ("variable", "value", "what"),
    [
        (
            "ForwardedHeaders__KnownProxies",
            "127.0.0.1;*",
            "must be an IP address or a network such as 10.0.0.0/8, not '127.0.0.1;*'",
        ),
        ("WebServices__Protocols", "HttpSoap,HttpGet", ", not 'HttpSoap,HttpGet'"),
        ("TrustedUserPwd", "canary", ""),
    ],
)
def test_a_bad_item_of_one_value_for_a_list_is_reported_where_it_was_written(
    variable: str, value: str, what: str
) -> None:
    """Not as an item of the default, which nobody would find."""
    line = refusal(**{variable: value})
    assert line.startswith(variable.replace("__", ":"))
    assert line.endswith(f"{what} (environment variable {variable})")
    assert "canary" not in line


def test_empty_lists_are_refused_where_nothing_would_be_left(folder: Path) -> None:
    """A service without bindings or languages is none."""
    for section, key in (("WebServices", "Protocols"), ("Languages", "Supported")):
        write(folder / "appsettings.json", {section: {key: []}})
        assert refusal().startswith(f"{section}:{key} must ")


def test_errors_name_the_file(folder: Path) -> None:
    """By the path under which it was read."""
    file = write(folder / "etc" / "srv.json", {"Tickets": {"SlidingExpiration": "x"}})
    assert refusal(file=file).endswith(f"not 'x' ({file})")
    write(folder / "appsettings.json", {"Tikets": {"SlidingExpiration": "x"}})
    assert refusal().startswith("Tikets:SlidingExpiration is not a known key (appsettings.json)")
    assert refusal(file=folder / "none.json") == f"{folder}/none.json can't be read: No such file or directory"
    assert refusal(file=write(folder / "ok.json", {}), overrides={"Urls": "x"}).endswith("not 'x' (command line)")


def test_a_file_with_a_secret_that_everybody_can_read_is_warned_about(folder: Path) -> None:
    """SECURITY C2. The row would refuse to start, but all in a container can read the files that it mounts. A file
    without a secret may be readable."""
    file = folder / "appsettings.json"
    for settings, path in (
        ({"TrustedUserPwd": SECRET}, "TrustedUserPwd"),
        ({"ConnectionStrings": {"Users": f"postgresql://u:{SECRET}@h/d"}}, "ConnectionStrings:Users"),
        ({"ConnectionStrings": {"Tickets": f"redis://h?password={SECRET}"}}, "ConnectionStrings:Tickets"),
    ):
        write(file, settings, mode=0o644)
        assert load_settings(environ={}).warnings == (
            f"{path} is a secret and appsettings.json can be read by everybody: chmod o-r appsettings.json",
        )
        write(file, settings, mode=0o640)
        assert load_settings(environ={}).warnings == ()
        assert load_settings(environ={}).sources[path] == "appsettings.json"
    write(file, {"TrustedUserPwd": "", "ConnectionStrings": {"Tickets": "redis://h"}}, mode=0o644)
    assert load_settings(environ={}).trusted_user_pwd == ()


def test_importing_the_settings_is_light() -> None:
    """No store, no server and no XML comes with them."""
    program = "import sys, asmx_tickets.settings.model; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "pydantic_settings" in loaded
    assert not {"sqlalchemy", "spyne", "uvicorn", "argon2", "alembic", "lxml", "werkzeug", "redis"} & set(loaded)
