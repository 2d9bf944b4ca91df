"""`asmx-tickets migrate`: the schema of the users' database."""

from pathlib import Path

import pytest

from asmx_tickets.users import migrations
from tests.support.command_line import Run
from tests.support.directories import run_sql


def test_tables_are_made_once(run: Run, folder: Path) -> None:
    assert run("migrate").output == "The database was brought up to date.\n"
    for arguments in ([], ["--check"]):
        assert run("migrate", *arguments).output == "The database is up to date.\n"
    assert (folder / "App_Data" / "users.db").exists()


def test_check_says_what_would_be_done_and_does_nothing(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("migrate")
    url = f"sqlite:///{folder}/App_Data/users.db"
    monkeypatch.setattr(migrations, "REVISIONS", ("0001", "0002"))
    assert "can go on with it" in run("migrate", "--check").output
    monkeypatch.setattr(migrations, "REVISIONS", ("0001", "1002"))
    for arguments in ([], ["--check"]):
        refused = run("migrate", *arguments, exit_code=1)
        assert refused.stderr.count("\n") == 1
        assert "stop them all" in refused.stderr
    assert "must be stopped first" in run("migrate", "--check", "--breaking").output
    assert run_sql(url, "SELECT version_num FROM alembic_version") == [("0001",)]


def test_a_newer_database_is_reported(run: Run, folder: Path) -> None:
    run("migrate")
    url = f"sqlite:///{folder}/App_Data/users.db"
    run_sql(url, "UPDATE alembic_version SET version_num = '0009'")
    assert "A newer version has changed the database, and this one can work with it" in run("migrate", "--check").output
    run_sql(url, "UPDATE alembic_version SET version_num = '1009'")
    assert "install that or a later one" in run("migrate", "--check", exit_code=1).stderr
