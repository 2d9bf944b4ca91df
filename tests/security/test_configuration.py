"""SECURITY C1 and C2: secrets of the configuration stay in it, and a server with a bad configuration does not start."""

import os
import resource
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from asmx_tickets.cli.app import app
from asmx_tickets.errors import SettingsError, Unavailable
from asmx_tickets.hosting.composition import compose
from asmx_tickets.settings.model import load_settings
from tests.support.attacks import ENVIRONMENT_CANARY, TRUSTED, WatchedServer, http, status_of
from tests.support.processes import free_port
from tests.support.service import PASSWORD, TRUSTED_PASSWORD, envelope

FORM = "application/x-www-form-urlencoded"
SECRET = "s3cr3t-of-the-configuration-9f0b"


# --- C1: secrets stay where they are ----------------------------------------------------------------------------------

DOCUMENTS = ("/srv.asmx", "/srv.asmx?wsdl", "/srv.asmx?disco", "/srv.asmx?op=LogOut", "/srv.asmx?op=x", "/healthz")
OTHERS = ("/", "/readyz", "/srv.asmx/ServerInfo", "/srv.asmx/Nope", "/srv.asmx/%00")
REQUESTS = [
    *(http(target) for target in (*DOCUMENTS, *OTHERS)),
    http("/srv.asmx/AuthenticateUser", f"UID=jsmith&PWD={PASSWORD}".encode(), content_type=FORM),
    http("/srv.asmx/AuthenticateUser", b"UID=$DEPLOY_TOKEN&PWD=%24%7BDEPLOY_TOKEN%7D", content_type=FORM),
    http(f"/srv.asmx/CreateTicketforUser?TrustedUserPwd={TRUSTED_PASSWORD}&UserName=jsmith"),
    http("/srv.asmx", envelope("GetCurrentUser", {}), content_type="text/xml"),
    http("/srv.asmx", envelope("Nope", {}), "SOAPAction: DEPLOY_TOKEN", content_type="text/xml"),
    http("/srv.asmx", b"<", "DEPLOY_TOKEN: 1", "HTTP_DEPLOY_TOKEN: 1", content_type="text/xml"),
    http("/srv.asmx", method="TRACE"),
    http("/srv.asmx", host="$DEPLOY_TOKEN"),
]  # fmt: skip


def test_c1_the_environment_is_in_no_answer_and_no_log(watched_demo: WatchedServer) -> None:
    """A secret of another program's is in the environment of a server that logs at Trace, and nowhere else."""
    answers = [watched_demo.raw(request) for request in REQUESTS]
    assert {200, 302, 400, 404, 405, 500} == {status_of(answer) for answer in answers}
    written = "".join(answer.decode("latin-1") for answer in answers) + watched_demo.stdout + watched_demo.stderr
    assert watched_demo.stdout
    assert watched_demo.stderr
    assert ENVIRONMENT_CANARY not in written


SECRETS = {
    "TrustedUserPwd__0": SECRET,
    "TrustedUserPwd__1": f"{SECRET}-too",
    "ConnectionStrings__Users": f"postgresql://svc:{SECRET}@127.0.0.1:1/users?password={SECRET}",
    "ConnectionStrings__Tickets": f"redis://svc:{SECRET}@127.0.0.1:1/0",
}


def test_c1_nothing_that_shows_settings_shows_a_secret(tmp_path: Path) -> None:
    """repr, str, JSON, and the command that prints all settings."""
    file = tmp_path / "appsettings.json"
    file.write_text("{}")
    settings = load_settings(file, environ=SECRETS)
    assert settings.trusted_user_pwd[1].get_secret_value() == f"{SECRET}-too"
    shown = [repr(settings), str(settings), settings.model_dump_json(), repr(settings.model_dump())]
    printed = CliRunner().invoke(app, ["settings", "--settings", str(file)], env=SECRETS)
    assert printed.exit_code == 0
    assert "****" in printed.output
    assert [text for text in (*shown, printed.output) if SECRET in text] == []


def test_c1_what_is_built_from_secrets_shows_none(tmp_path: Path) -> None:
    """Neither in its repr nor when a store can't be reached."""
    composition = compose(load_settings(environ={"TrustedUserPwd": TRUSTED, "ConnectionStrings__Users": "sqlite://"}))
    assert TRUSTED not in repr(composition)
    composition.close()
    with pytest.raises(Unavailable) as raised:
        compose(load_settings(environ=SECRETS))
    assert SECRET not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("TrustedUserPwd", "short-s3cr3t"),
        ("TrustedUserPwd", f"change-me-{SECRET}"),
        ("TrustedUserPwd__0", "short-s3cr3t"),
        ("ConnectionStrings__Users", f"mysql://svc:{SECRET}@host/users"),
        ("ConnectionStrings__Tickets", f"http://svc:{SECRET}@host/0"),
        ("ConnectionStrings__Tickets", SECRET),
    ],
)
def test_c1_a_complaint_names_the_key_and_not_the_value(key: str, value: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(environ={key: value})
    assert str(raised.value).startswith(key.removesuffix("__0").replace("__", ":"))
    assert "s3cr3t" not in "".join(traceback.format_exception(raised.value))


# --- C2: bad configurations -------------------------------------------------------------------------------------------

BAD: dict[str, tuple[str, dict[str, str], str]] = {
    "an unknown key": ('{"Ticket": {"SlidingExpiration": "1.00:00:00"}}', {}, "Ticket"),
    "no JSON": ('{"Urls": ', {}, "appsettings.json"),
    "a key twice": ('{"PathBase": "/a", "pathbase": "/b"}', {}, "pathbase"),
    "an example for a secret": ('{"TrustedUserPwd": "MyServerSecret"}', {}, "TrustedUserPwd"),
    "hashes that are too cheap": ('{"Passwords": {"MemoryKiB": 1024}}', {}, "Passwords"),
    "workers that share nothing": ('{"Workers": 2}', {}, "Workers"),
    "a default that is not among its list": ('{"Languages": {"Default": "xx"}}', {}, "Languages:Default"),
    "waits that are forgotten too soon": ('{"Throttling": {"ForgetAfter": "00:01:00"}}', {}, "Throttling"),
    "https without a proxy": ("{}", {"Urls": "https://*:443"}, "Urls"),
    "an unknown option of Redis": (
        '{"ConnectionStrings": {"Tickets": "redis://host/0?retry=9"}}',
        {},
        "ConnectionStrings",
    ),
    "an audit log that can't be opened": ('{"Audit": {"To": "/proc/nowhere/audit.jsonl"}}', {}, "Audit:To"),
}


def processor_seconds_of_children() -> float:
    """Unlike time on the clock it does not depend on how busy the machine is."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("bad", BAD)
def test_c2_a_bad_configuration_does_not_start(
    tmp_path: Path, bad: str, record_property: Callable[[str, object], None]
) -> None:
    """Exit code 1 within 3 s of processor time, one line on standard error that names the key, and no address line."""
    text, environ, named = BAD[bad]
    (tmp_path / "appsettings.json").write_text(text)
    command = [sys.executable, "-m", "asmx_tickets", "serve"]
    environ = {"Urls": f"http://127.0.0.1:{free_port()}", **environ}
    before = processor_seconds_of_children()
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    seconds = processor_seconds_of_children() - before
    record_property("C2 seconds", round(seconds, 2))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("asmx-tickets: ")
    assert named in done.stderr
    assert seconds < 3
