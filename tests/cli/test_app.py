"""The command line as a whole: exit codes, one-line errors, and how quickly it starts."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from asmx_tickets.cli import serve
from asmx_tickets.errors import Unavailable
from tests.support.command_line import COMMAND, Run, complete, start
from tests.support.processes import free_port

OF_THE_SERVER = {"spyne", "uvicorn", "uvloop", "argon2", "alembic", "lxml", "werkzeug", "redis", "psycopg", "jinja2"}
NOT_TO_READ = OF_THE_SERVER | {"rich", "greenlet", "asmx_tickets.hosting.stores"}
OF_WHAT_IS_OFF = {"alembic", "redis", "psycopg", "prometheus_client", "rich", "typer.rich_utils"}


def loaded_by(*arguments: str) -> tuple[set[str], str]:
    """The modules that a command imports, and what it prints. That no server runs is no failure here."""
    command = [sys.executable, "-X", "importtime", "-m", "asmx_tickets", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0 or "No server listens" in done.stderr, done.stderr
    return modules_in(done.stderr), done.stdout


def modules_in(importtime: str) -> set[str]:
    """The modules that Python names with ``-X importtime``."""
    return {line.rpartition("|")[2].strip() for line in importtime.splitlines()}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["user", "--help"], ["user", "import", "--help"], ["serve", "--help"], ["--version"]]
)
def test_help_loads_nothing_that_takes_long(arguments: list[str]) -> None:
    """Stores, server and XML are imported by the commands that need them."""
    loaded, printed = loaded_by(*arguments)
    assert "asmx_tickets.cli.app" in loaded
    assert not loaded & (NOT_TO_READ | {"asyncio", "sqlalchemy", "asmx_tickets.settings.model"})
    assert "asmx-tickets" in printed


@pytest.mark.parametrize(
    ("arguments", "without"),
    [
        (["settings"], NOT_TO_READ | {"sqlalchemy", "asmx_tickets.tickets.memory"}),
        (["user", "list"], NOT_TO_READ | {"asmx_tickets.tickets.memory"}),
        (["user", "show", "jsmith"], NOT_TO_READ),
        (["user", "export"], NOT_TO_READ),
        (["migrate", "--check"], NOT_TO_READ),
        (["status"], NOT_TO_READ | {"sqlalchemy"}),
        (["ticket", "list"], NOT_TO_READ),
    ],
)
def test_a_command_that_only_reads_loads_no_more_than_it_needs(arguments: list[str], without: set[str]) -> None:
    """Half of such a command's time goes into SQLAlchemy; the modules that change users would cost as much again."""
    complete("user", "add", "jsmith", stdin="Secret123!\n")
    assert not loaded_by(*arguments)[0] & without


def test_a_server_loads_nothing_for_what_is_switched_off(tmp_path: Path) -> None:
    """A start is as long as what it loads."""
    command = ["serve", "--demo", "--urls", f"http://127.0.0.1:{free_port()}"]
    with (tmp_path / "imports.txt").open("w+") as imports:
        server = start(*command, env=os.environ | {"PYTHONPROFILEIMPORTTIME": "1"}, stderr=imports)
        assert server.stdout is not None
        assert "answers at" in server.stdout.readline()
        server.terminate()
        server.communicate(timeout=30)
        imports.seek(0)
        loaded = modules_in(imports.read())
    assert "uvicorn" in loaded
    assert not loaded & OF_WHAT_IS_OFF


@pytest.mark.parametrize("arguments", [[], ["user"], ["ticket"]])
def test_without_a_command_the_help_is_shown(run: Run, arguments: list[str]) -> None:
    """On standard error: nothing was done."""
    result = run(*arguments, exit_code=2)
    assert result.stdout == ""
    assert "Commands:" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nope"], "asmx-tickets: No such command 'nope'. See asmx-tickets --help."),
        (
            ["user", "shw"],
            "asmx-tickets user: No such command 'shw'. Did you mean 'show'? See asmx-tickets user --help.",
        ),
        (["user", "show"], "asmx-tickets user show: Missing argument 'NAME'. See asmx-tickets user show --help."),
        (["serve", "x"], "asmx-tickets serve: Got unexpected extra argument(s) (x). See asmx-tickets serve --help."),
        (
            ["serve", "--settings"],
            "asmx-tickets serve: Option '--settings' requires an argument. See asmx-tickets serve --help.",
        ),
        (
            ["user", "add", "a", "--password", "x"],
            "asmx-tickets user add: No such option: --password. See asmx-tickets user add --help.",
        ),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(run: Run, arguments: list[str], line: str) -> None:
    """The line says which command has the help. A password is never an argument."""
    result = run(*arguments, exit_code=2)
    assert (result.stdout, result.stderr) == ("", f"{line}\n")


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("arguments", [[], ["serve"], ["user"], ["ticket"], ["user", "show"], ["user", "import"]])
def test_help_is_plain_text(run: Run, arguments: list[str], option: str) -> None:
    """Arguments and switches are shown as one types them."""
    text = run(*arguments, option).stdout
    assert text.startswith(f"Usage: {' '.join(['asmx-tickets', *arguments])} [OPTIONS]")
    assert not re.search(r"[{}<>│]|\[required\]", text)
    assert "..." not in text.partition("\n")[2]  # no description of a command is cut short


def test_the_version(run: Run) -> None:
    """That of the package."""
    assert run("--version").stdout == f"asmx-tickets {version('asmx-tickets')}\n"


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("asmx-tickets se", ["serve", "settings"]),
        ("asmx-tickets user sh", ["show"]),
        ("asmx-tickets user show --j", ["--json"]),
    ],
)
def test_a_shell_completes_commands_and_options(words: str, completions: list[str]) -> None:
    """As bash asks for it, with the script that --install-completion keeps."""
    asked = {"_ASMX_TICKETS_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    assert complete(env=os.environ | asked).stdout.split() == completions
    script = complete(env=os.environ | {"_ASMX_TICKETS_COMPLETE": "source_bash"}).stdout
    assert "complete -o default -F _asmx_tickets_completion asmx-tickets" in script


@pytest.mark.parametrize("arguments", [["settings"], ["--help"]])
def test_a_full_disk_is_one_line(arguments: list[str]) -> None:
    """When the output goes to a file that can't take it."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "asmx-tickets: No space left on device.\n")


def test_a_pipe_that_nobody_reads_to_its_end_is_no_message() -> None:
    """As with `asmx-tickets settings | head -n 1`: exit code 1, and standard error stays empty."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*COMMAND, "settings"], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("user export >&-", ""),
        ("user list --json >&- 2>&-", ""),
        ("user delete jsmith <&-", ""),
        ("user add canary <&-", "asmx-tickets: The password is empty.\n"),
        ("user import - <&-", "0 added, 0 refused\nasmx-tickets: The first line must name the columns"),
    ],
)
def test_a_closed_descriptor_counts_as_an_empty_one(command: str, line: str) -> None:
    """Some supervisors start programs without standard streams. No file of ours may take their place."""
    complete("user", "add", "jsmith", stdin="Secret123!\n")
    shell = f'exec "$0" -m asmx_tickets {command}'
    done = subprocess.run(["sh", "-c", shell, sys.executable], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == (1 if line else 0)
    assert (done.stdout + done.stderr)[: len(line) or None] == line


def test_a_name_that_the_terminal_has_no_letters_for_is_escaped() -> None:
    """The command goes on to its end."""
    complete("user", "add", "Ωmega", stdin="Secret123!\n")
    listed = complete("user", "show", "Ωmega", env=os.environ | {"PYTHONIOENCODING": "latin-1"})
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "user_name: \\u03a9mega" in listed.stdout


@pytest.mark.parametrize(
    "arguments",
    [["serve"], ["wsdl"], ["settings"], *(["user", "show", "x"], ["user", "list"], ["user", "import", "x.csv"])],
)
def test_every_command_takes_a_settings_file(run: Run, folder: Path, arguments: list[str]) -> None:
    """Bad settings are one line on standard error and exit code 1, in every command."""
    (folder / "srv.json").write_text('{"Urlz": ""}', encoding="utf-8")
    result = run(*arguments, "--settings", "srv.json", exit_code=1)
    assert result.stderr == "asmx-tickets: Urlz is not a known key (srv.json); did you mean Urls?\n"
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


@pytest.mark.parametrize(
    ("setting", "value", "line"),
    [
        ("Tickets__PersistTo", ".", "Tickets:PersistTo: {folder} is not a file"),
        ("Tickets__PersistTo", "/dev/null", "Tickets:PersistTo: /dev/null is not a file"),
        ("ConnectionStrings__Users", "sqlite://", "ConnectionStrings:Users must name a file, sqlite:///FILE"),
    ],
)
def test_a_server_that_would_lose_what_it_keeps_does_not_start(
    folder: Path, setting: str, value: str, line: str
) -> None:
    """Otherwise it would find out when it stops, and all would be lost."""
    done = complete("serve", "--urls", f"http://127.0.0.1:{free_port()}", env=os.environ | {setting: value})
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(f"asmx-tickets: {line.format(folder=folder)}")


def test_the_module_is_the_command() -> None:
    """`python -m asmx_tickets` names itself as the command does."""
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True, timeout=60)
    assert "Usage: asmx-tickets [OPTIONS]" in done.stdout
