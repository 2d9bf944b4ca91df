"""Every command, used wrongly: one line on standard error says what is wrong and what helps."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from asmx_tickets.cli.app import app
from asmx_tickets.users.sql import SqlUserDirectory
from asmx_tickets.users.user import Profile
from tests.support.command_line import Run

NOBODY = (["nobody"], 1, "There is no user 'nobody'.")
NO_NAME = ([], 2, "Missing argument 'NAME'.")
NO_SERVER = ([], 1, "No server listens at .*admin.sock: does one run with these settings?")
# Mistakes of each command's own: the arguments, the exit code, and a part of the line.
OF_ITS_OWN: dict[str, list[tuple[list[str], int, str]]] = {
    "serve": [
        (["--urls", "localhost:8080"], 1, "Urls must be a URL such as http://127.0.0.1:8080, .*command line"),
        (["--demo", "--urls", "http://*:8080"], 1, "Urls "),
    ],
    "migrate": [(["--chek"], 2, "No such option: --chek .*--check")],
    "status": [NO_SERVER],
    "reload": [NO_SERVER],
    "wsdl": [(["--url", "tickets.example.com"], 2, "'--url': must begin with http:// or https://")],
    "settings": [(["--jsn"], 2, "No such option: --jsn .*--json")],
    "user add": [
        NO_NAME,
        (["a", "--language", "xx"], 1, "The language must be one of Languages:Supported"),
        (["a", "--password", "x"], 2, "No such option: --password"),
        (["a"], 1, "The password is empty."),
        (["JSMITH"], 1, "The user name 'JSMITH' is taken."),
    ],
    "user list": [(["--lokced"], 2, "No such option: --lokced")],
    "user show": [NO_NAME, NOBODY],
    "user set": [
        NO_NAME,
        (["jsmith"], 2, "name at least one thing to change, such as --email ADDRESS"),
        (["jsmith", "--email"], 2, "Option '--email' requires an argument."),
        (["nobody", "--email", "a@b"], 1, "There is no user 'nobody'."),
        (["jsmith", "--email", "a b"], 1, "The e-mail address must have one @"),
        (["jsmith", "--user-name", "x" * 257], 1, "The user name is longer than 256 characters."),
    ],
    "user unlock": [NO_NAME, NOBODY],
    "user password": [NO_NAME, NOBODY, (["jsmith"], 1, "The password is empty."), (["jsmith", "secret"], 2, "extra")],
    "user enable": [NO_NAME, NOBODY],
    "user disable": [NO_NAME, NOBODY],
    "user delete": [NO_NAME, NOBODY, (["jsmith", "--force"], 2, "No such option: --force")],
    "user import": [
        ([], 2, "Missing argument 'FILE'."),
        (["none.csv"], 1, "none.csv can't be read: No such file or directory."),
        (["."], 1, r"\. can't be read: Is a directory."),
        (["header.csv"], 1, "The first line must name the columns, .*; column 1 is none of them."),
        (["utf16.csv"], 1, "The file is in UTF-16. In Excel, save it as CSV UTF-8."),
    ],
    "user export": [(["users.csv"], 2, "Got unexpected extra argument")],
    "ticket list": [(["--user"], 2, "Option '--user' requires an argument.")],
    "ticket revoke": [
        ([], 2, "name either a TICKET or --user NAME"),
        (["1ef0a6f2", "--user", "jsmith"], 2, "name either a TICKET or --user NAME"),
    ],
}
# Mistakes that every command can be used with.
OF_ALL: list[tuple[list[str], int, str]] = [
    (["--nope"], 2, "No such option: --nope"),
    (["one", "two", "three"], 2, r"Got unexpected extra argument|extra argument\(s\)"),
    (["--settings"], 2, "Option '--settings' requires an argument."),
    (["--settings", "none.json"], 1, "none.json can't be read: No such file or directory"),
    (["--settings", "."], 1, r"\. can't be read: Is a directory"),
    (["--settings", "bad.json"], 1, "bad.json, line 2, column 1: no valid JSON"),
    (["--settings", "typo.json"], 1, "Urlz is not a known key .typo.json.; did you mean Urls?"),
]
# What a command needs before it looks at its settings.
ARGUMENTS = {
    "user add": ["a"],
    "user set": ["jsmith", "--email", ""],
    "user import": ["users.csv"],
    "ticket revoke": ["--user", "jsmith"],
} | {f"user {verb}": ["jsmith"] for verb in ("show", "unlock", "password", "enable", "disable", "delete")}


def commands(group: Any, above: str = "") -> Iterator[str]:
    """The names of all commands, from the command line itself."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}"


COMMANDS = list(commands(typer.main.get_command(app)))


def test_every_command_is_used_wrongly_in_ways_of_its_own() -> None:
    """A command that is added needs a row, and a row needs its command."""
    assert set(COMMANDS) == set(OF_ITS_OWN)
    assert all(OF_ITS_OWN.values())


@pytest.fixture
def files(folder: Path) -> None:
    (folder / "bad.json").write_text('{"Urls": "http://127.0.0.1:8080"\n"Workers": 1}')
    (folder / "typo.json").write_text('{"Urlz": ""}')
    (folder / "header.csv").write_text("bob,Secret123!\n")
    (folder / "utf16.csv").write_text("user_name,password\n", encoding="utf-16")


def assert_one_line(result: Any, expected: str) -> None:
    assert re.search(expected, result.stderr), result.stderr
    assert result.stderr.startswith("asmx-tickets")
    assert result.stderr.count("\n") == 1
    assert result.stdout in {"", "0 added, 0 refused\n"}


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_wrong_with_any_command_is_one_line(run: Run, command: str) -> None:
    """An option or argument too many, a value too few, and settings that are not there, can't be read or are wrong."""
    for arguments, exit_code, expected in OF_ALL:
        wanted = ARGUMENTS.get(command, [])
        result = run(*command.split(), *wanted, *arguments, exit_code=exit_code)
        assert_one_line(result, expected)
        if exit_code == 2:
            assert result.stderr.endswith(f" See asmx-tickets {command} --help.\n")


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("command", "arguments", "exit_code", "expected"),
    [(command, *wrong) for command in COMMANDS for wrong in OF_ITS_OWN[command]],
)
def test_what_is_wrong_with_a_command_is_one_line(
    run: Run, request: pytest.FixtureRequest, command: str, arguments: list[str], exit_code: int, expected: str
) -> None:
    if {"jsmith", "JSMITH", "nobody"} & set(arguments):
        directory: SqlUserDirectory = request.getfixturevalue("directory")
        directory.add(Profile("jsmith"), "x")
    assert_one_line(run(*command.split(), *arguments, exit_code=exit_code), expected)


def test_a_working_directory_that_was_removed_is_told(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    with contextlib.chdir(gone):
        gone.rmdir()
        result = CliRunner().invoke(app, ["user", "list"])
    assert (result.exit_code, result.stderr) == (1, "asmx-tickets: The working directory has been removed.\n")
