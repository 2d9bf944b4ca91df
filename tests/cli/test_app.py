"""The command line as a whole: exit codes, one-line errors, and how quickly it starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from asmx_tickets.cli import serve
from asmx_tickets.errors import Unavailable
from tests.cli.conftest import COMMAND, Run, complete

HEAVY = ["sqlalchemy", "spyne", "uvicorn", "argon2", "alembic", "pydantic_settings", "lxml", "werkzeug", "redis"]


@pytest.mark.parametrize(
    "arguments", [["--help"], ["user", "--help"], ["user", "import", "--help"], ["serve", "--help"]]
)
def test_help_loads_nothing_that_takes_long(arguments: list[str]) -> None:
    """Stores, server and XML are imported by the commands that need them."""
    command = [sys.executable, "-X", "importtime", "-m", "asmx_tickets", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "asmx_tickets.cli.app" in loaded
    assert not loaded & set(HEAVY)
    assert "Usage: asmx-tickets" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["user"],
        ["nope"],
        ["user", "nope"],
        ["user", "show"],
        ["user", "add", "a", "--password", "x"],
        ["serve", "x"],
    ],
)
def test_wrong_use_exits_2(run: Run, arguments: list[str]) -> None:
    """No command, an unknown one, or other arguments than it takes; a password is never an argument."""
    run(*arguments, exit_code=2)


@pytest.mark.parametrize(
    "arguments",
    [["serve"], ["wsdl"], ["settings"], *(["user", "show", "x"], ["user", "list"], ["user", "import", "x.csv"])],
)
def test_every_command_takes_a_settings_file(run: Run, folder: Path, arguments: list[str]) -> None:
    """Bad settings are one line on standard error and exit code 1, in every command."""
    (folder / "srv.json").write_text('{"Urlz": ""}', encoding="utf-8")
    result = run(*arguments, "--settings", "srv.json", exit_code=1)
    assert result.stderr == "asmx-tickets: Urlz is no known key (srv.json); did you mean Urls?\n"
    assert result.stdout == ""


def test_a_failure_has_no_traceback() -> None:
    """Also as a process of its own; and the secret that was refused is not shown."""
    done = complete("settings", env=os.environ | {"TrustedUserPwd": "canary"})
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("asmx-tickets: TrustedUserPwd must be empty (off) or at least 22 random characters")
    assert done.stderr.count("\n") == 1
    assert "canary" not in done.stderr


@pytest.mark.parametrize(
    ("error", "exit_code", "line"),
    [(Unavailable("The store is away."), 1, "asmx-tickets: The store is away.\n"), (KeyboardInterrupt(), 130, "")],
)
def test_what_ends_a_command_decides_its_exit_code(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, exit_code: int, line: str
) -> None:
    """An error of ours is a line and 1; Ctrl-C is 130 without a word."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(serve, "read_settings", fail)
    assert run("serve", exit_code=exit_code).stderr == line


def test_the_demo_is_for_this_machine_only() -> None:
    """Its passwords are known to everybody: another address is refused before anything listens."""
    done = complete("serve", "--demo", "--urls", "http://*:8080")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("asmx-tickets: Urls ")
    assert done.stderr.count("\n") == 1


def test_the_module_is_the_command() -> None:
    """`python -m asmx_tickets` names itself as the command does."""
    assert COMMAND[-1] == "asmx_tickets"
    assert "Usage: asmx-tickets [OPTIONS]" in complete("--help").stdout
