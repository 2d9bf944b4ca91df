"""The schema: made by its revisions, equal to what the statements expect, and made once."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from asmx_tickets.errors import SettingsError, Unavailable
from asmx_tickets.users import migrations
from asmx_tickets.users.migrations import State
from asmx_tickets.users.opening import open_database
from asmx_tickets.users.sql import SqlUserDirectory, metadata, open_directory
from asmx_tickets.users.user import Profile
from tests.support.directories import run_sql

OPEN = """
import sys
from asmx_tickets.users.sql import open_directory
sys.stdin.readline()
open_directory(sys.argv[1]).close()
print("alembic" in sys.modules)
"""


def start(url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OPEN, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def schema(directory: SqlUserDirectory) -> set[str]:
    """The statements the tables were made with, Alembic's own aside."""
    with directory.database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").scalars()
        return {" ".join(sql.split()) for sql in rows if "alembic_version" not in sql}


def tables(url: str) -> set[str]:
    engine = create_engine(url)
    names = set(inspect(engine).get_table_names())
    engine.dispose()
    return names


def test_the_revisions_make_what_the_statements_expect(kept_url: str) -> None:
    """Alembic finds nothing to add, remove or alter."""
    with closing(open_directory(kept_url)) as directory, directory.database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_database_in_memory_has_the_same_schema(file_directory: SqlUserDirectory) -> None:
    """It is made without the revisions."""
    with closing(open_directory("sqlite://")) as in_memory:
        assert schema(in_memory) == schema(file_directory)


def test_the_known_revisions_are_those_in_the_folder() -> None:
    """In their order, and with one newest."""
    config = Config()
    config.set_main_option("script_location", "asmx_tickets.users:migrations")
    script = ScriptDirectory.from_config(config)
    assert [revision.revision for revision in script.walk_revisions()] == list(reversed(migrations.REVISIONS))
    assert script.get_heads() == [migrations.REVISIONS[-1]]


def test_opening_again_changes_nothing_and_loads_no_alembic(kept_url: str) -> None:
    """A start must be quick."""
    with closing(open_directory(kept_url)) as directory:
        user_id = directory.add(Profile("jsmith"), "h")
    process = start(kept_url)
    assert process.communicate("\n", timeout=30) == ("False\n", "")
    with closing(open_directory(kept_url)) as directory:
        assert [user.id for user in directory.all()] == [user_id]


def test_processes_that_start_at_once_make_one_schema(kept_url: str) -> None:
    """Each waits for the other, and none fails."""
    processes = [start(kept_url) for _ in range(3)]
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        output, errors = process.communicate(timeout=60)
        assert errors == ""
        assert output in {"True\n", "False\n"}
    open_directory(kept_url).close()


def test_an_upgrade_that_fails_leaves_nothing_behind(tmp_path: Path, postgres_url: str) -> None:
    """All revisions, or none."""
    for url in (f"sqlite:///{tmp_path}/users.db", postgres_url):
        run_sql(url, "CREATE TABLE other (x INTEGER)")
        run_sql(url, "CREATE INDEX users ON other (x)")
        with pytest.raises(Unavailable, match=r"\((SQLITE_ERROR|42P07)\)"):
            open_directory(url)
        assert tables(url) == {"other"}


@pytest.mark.parametrize(
    ("revision", "state"),
    [
        (None, State.EMPTY),
        ("1004", State.CURRENT),
        ("1003", State.BEHIND),
        ("0002", State.BREAKING),
        ("0001", State.BREAKING),
        ("1005", State.AHEAD),
        ("2005", State.TOO_NEW),
        ("0007", State.TOO_NEW),
    ],
)
def test_how_a_schema_stands_to_a_program(revision: str | None, state: State) -> None:
    """The first digit tells what a program can work with."""
    assert migrations.state_of(revision, ("0001", "0002", "1003", "1004")) is state


def test_what_a_newer_version_added_disturbs_nobody(kept_url: str) -> None:
    """A server of this version goes on with the newer schema, and comes back with it."""
    with closing(open_directory(kept_url)) as running:
        user_id = running.add(Profile("jsmith"), "h")
        run_sql(kept_url, "ALTER TABLE users ADD COLUMN phone VARCHAR(40)")
        run_sql(kept_url, "UPDATE alembic_version SET version_num = '0002'")
        assert running.change(user_id, enabled=False)
        for make in (True, False):
            with closing(open_directory(kept_url, make=make)) as back:
                assert back.add(Profile(f"added {make}"), "h") > user_id
                assert back.find("JSMITH") is not None
    assert run_sql(kept_url, "SELECT version_num FROM alembic_version") == [("0002",)]


def test_what_a_newer_version_broke_stops_the_start(kept_url: str) -> None:
    """In one line that says what to do, and the database is left as it is."""
    open_directory(kept_url).close()
    run_sql(kept_url, "UPDATE alembic_version SET version_num = '1002'")
    for make in (True, False):
        with pytest.raises(SettingsError, match=r"^ConnectionStrings:Users: a newer version of asmx-tickets .*\.$"):
            open_directory(kept_url, make=make)
    assert run_sql(kept_url, "SELECT version_num FROM alembic_version") == [("1002",)]


def test_what_would_break_older_servers_is_not_done_by_a_start(kept_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator stops them and says so; until then nothing is changed."""
    open_directory(kept_url).close()
    monkeypatch.setattr(migrations, "REVISIONS", ("0001", "1002"))
    with pytest.raises(SettingsError, match=r"stop them all, then run asmx-tickets migrate --breaking\.$"):
        open_directory(kept_url)
    with closing(open_database(kept_url)) as database:
        with pytest.raises(SettingsError, match="--breaking"):
            migrations.upgrade(database)
        assert migrations.check(database, breaking=True) is State.BREAKING
    assert run_sql(kept_url, "SELECT version_num FROM alembic_version") == [("0001",)]


def test_a_command_that_only_reads_changes_no_schema(kept_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest program's list of users is no reason to alter the tables below a server."""
    open_directory(kept_url).close()
    monkeypatch.setattr(migrations, "REVISIONS", ("0001", "0002"))
    with pytest.raises(SettingsError, match=r"run asmx-tickets migrate\.$"):
        open_directory(kept_url, make=False)
    with closing(open_database(kept_url)) as database:
        assert migrations.check(database) is State.BEHIND


def test_a_command_that_only_reads_makes_no_tables(postgres_url: str) -> None:
    with pytest.raises(SettingsError, match=r"run asmx-tickets migrate\.$"):
        open_directory(postgres_url, make=False)
    assert tables(postgres_url) == set()


def test_a_database_of_another_program_stops_the_start(tmp_path: Path, postgres_url: str) -> None:
    """Its table of users is not ours."""
    for url in (f"sqlite:///{tmp_path}/users.db", postgres_url):
        run_sql(url, "CREATE TABLE users (name TEXT)")
        with pytest.raises(SettingsError, match=r"^ConnectionStrings:Users: .* another program.*\.$"):
            open_directory(url)
        assert tables(url) == {"users"}
