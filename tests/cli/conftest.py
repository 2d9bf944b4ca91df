"""What the tests of the command line share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from asmx_tickets.cli.app import app
from asmx_tickets.users.sql import SqlUserDirectory, open_directory
from tests.support.command_line import Run
from tests.support.service import HASHER


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, no setting in the environment but one, and quick hashes in this process."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if "__" in name]:
        monkeypatch.delenv(name)
    # Where it does not matter what a password is, these tests use a short one.
    monkeypatch.setenv("Passwords__MinLength", "1")
    monkeypatch.setattr("asmx_tickets.hosting.stores.password_hasher", lambda _: HASHER)
    return tmp_path


@pytest.fixture
def run() -> Run:
    """Runs a command in this process; standard input is no terminal."""

    def invoke(
        *arguments: str, stdin: str | bytes = "", exit_code: int = 0, env: dict[str, str] | None = None
    ) -> Result:
        result = CliRunner().invoke(app, arguments, input=stdin, env=env)
        assert result.exit_code == exit_code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result

    return invoke


@pytest.fixture
def directory(folder: Path) -> Iterator[SqlUserDirectory]:
    """The directory that commands use by default."""
    opened = open_directory(f"sqlite:///{folder}/App_Data/users.db")
    yield opened
    opened.close()
