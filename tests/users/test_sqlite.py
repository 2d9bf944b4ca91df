"""A SQLite file that another one replaces, such as a restored backup."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from asmx_tickets.errors import Unavailable
from asmx_tickets.users.profiles import ProfileCache
from asmx_tickets.users.sql import SqlUserDirectory, open_directory
from asmx_tickets.users.user import Profile
from tests.support.directories import run_sql
from tests.support.service import Clock


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "users.db"


@pytest.fixture
def served(file: Path) -> Iterator[SqlUserDirectory]:
    """The directory that a server has open, with alice enabled and a change that is in SQLite's log alone."""
    with closing(open_directory(f"sqlite:///{file}")) as directory:
        directory.add(Profile("alice"), "old hash")
        yield directory


def backup(file: Path, name: str = "backup.db", *, enabled: bool = False) -> Path:
    """A copy of the database as it was, in which alice has another state and bob is there."""
    copy = file.with_name(name)
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    with closing(open_directory(f"sqlite:///{copy}")) as directory:
        found = directory.find("alice")
        assert found is not None
        directory.change(found.user.id, enabled=enabled)
        directory.add(Profile("bob"), "new hash")
    return copy


def names(directory: SqlUserDirectory) -> list[str]:
    return [user.profile.user_name for user in directory.all()]


def test_the_new_file_counts_from_the_next_call_on(
    served: SqlUserDirectory, file: Path, logged: list[logging.LogRecord]
) -> None:
    """For logins, for changes, and for the version that shows a change. The log says so once."""
    version = served.version()
    backup(file).rename(file)
    assert served.version() != version
    credentials = served.find("alice")
    assert credentials is not None
    assert not credentials.user.profile.enabled
    assert names(served) == ["alice", "bob"]
    assert served.version() not in {-1, version}
    assert [record.getMessage() for record in logged] == [f"{file} is another file now: its users count from here on"]


def test_a_change_goes_to_the_new_file(served: SqlUserDirectory, file: Path) -> None:
    backup(file).rename(file)
    served.add(Profile("carol"), "h")
    with closing(open_directory(f"sqlite:///{file}", make=False)) as other:
        assert names(other) == ["alice", "bob", "carol"]
    assert run_sql(f"sqlite:///{file}", "PRAGMA integrity_check") == [("ok",)]


def test_nothing_of_the_old_file_gets_into_the_new_one_nor_is_lost(served: SqlUserDirectory, file: Path) -> None:
    """What SQLite's log of changes holds belongs to the old file, and goes there."""
    copy = backup(file)
    for number in range(50):
        served.add(Profile(f"late {number}"), "h")
    file.rename(file.with_name("old.db"))
    copy.rename(file)
    assert names(served) == ["alice", "bob"]
    assert run_sql(f"sqlite:///{file}", "PRAGMA integrity_check") == [("ok",)]
    with closing(sqlite3.connect(file.with_name("old.db"))) as old:
        assert old.execute("SELECT count(*) FROM users").fetchone() == (51,)


def test_a_log_that_came_with_the_new_file_is_its_own(served: SqlUserDirectory, file: Path) -> None:
    """A copy of a database with its log beside it, moved as a whole."""
    copy = backup(file)
    with closing(sqlite3.connect(copy)) as source:
        source.execute("PRAGMA journal_mode = WAL")
        source.execute("UPDATE users SET first_name = 'in the log' WHERE user_name = 'bob'")
        source.commit()
        for end in ("", "-wal"):
            moved = file.with_name(f"copied.db{end}")
            moved.write_bytes(copy.with_name(f"backup.db{end}").read_bytes())
    for end in ("-wal", ""):
        file.with_name(f"copied.db{end}").rename(file.with_name(f"users.db{end}"))
    found = served.find("bob")
    assert found is not None
    assert found.user.profile.first_name == "in the log"


def test_two_processes_open_the_new_file(served: SqlUserDirectory, file: Path) -> None:
    """As two workers do, one after the other."""
    with closing(open_directory(f"sqlite:///{file}")) as other:
        backup(file).rename(file)
        served.add(Profile("carol"), "h")
        assert names(other) == ["alice", "bob", "carol"]
        other.add(Profile("dave"), "h")
        assert names(served) == ["alice", "bob", "carol", "dave"]


def test_a_disabled_users_ticket_dies_with_the_file(served: SqlUserDirectory, file: Path, clock: Clock) -> None:
    """SECURITY T8: without a login or a change in between."""
    profiles = ProfileCache(served, clock=clock)
    (alice,) = served.all()
    assert profiles.get(alice.id) == alice
    backup(file).rename(file)
    clock.advance(0.02)
    user = profiles.get(alice.id)
    assert user is not None
    assert not user.profile.enabled


def test_what_is_no_database_is_refused_until_it_is_one(served: SqlUserDirectory, file: Path) -> None:
    good = backup(file)
    (file.with_name("bad.db")).write_bytes(b"no database" * 1000)
    file.with_name("bad.db").rename(file)
    for _ in range(2):
        with pytest.raises(Unavailable, match=f"{file}"):
            served.find("alice")
        with pytest.raises(Unavailable):
            served.add(Profile("carol"), "h")
    good.rename(file)
    assert names(served) == ["alice", "bob"]


def test_a_file_that_is_gone_is_unavailable(served: SqlUserDirectory, file: Path) -> None:
    """The server does not go on with a file that ends with the process. Put back, the file counts again."""
    file.rename(file.with_name("away.db"))
    with pytest.raises(Unavailable, match=f"The user database {file} is gone"):
        served.find("alice")
    with pytest.raises(Unavailable):
        served.add(Profile("carol"), "h")
    assert not file.exists()
    file.with_name("away.db").rename(file)
    assert names(served) == ["alice"]


def test_a_backup_of_the_version_before_is_brought_up_to_date(served: SqlUserDirectory, file: Path) -> None:
    """An empty one is the oldest there is."""
    empty = file.with_name("empty.db")
    empty.touch(0o600)
    empty.replace(file)
    assert names(served) == []
    served.add(Profile("carol"), "h")
    assert names(served) == ["carol"]


def test_a_database_of_another_program_is_refused(served: SqlUserDirectory, file: Path) -> None:
    other = file.with_name("other.db")
    run_sql(f"sqlite:///{other}", "CREATE TABLE users (name TEXT)")
    other.rename(file)
    with pytest.raises(Unavailable, match="another program"):
        served.find("alice")
