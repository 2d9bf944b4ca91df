"""The errors of a database that can't be used, and of one that does not answer."""

import re
import sqlite3
import stat
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from asmx_tickets.errors import SettingsError, Unavailable
from asmx_tickets.users.database import Patience
from asmx_tickets.users.opening import open_database
from asmx_tickets.users.sql import SqlUserDirectory, open_directory
from asmx_tickets.users.user import Profile


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def assert_tells_nothing(error: Unavailable, cause: type[SQLAlchemyError]) -> None:
    """The message has the file and SQLite's reason, but no SQL and no value. The cause is kept, and has no value."""
    told = r"The user database (/\S+/users\.db can't be used: [a-z :]+ \(SQLITE_[A-Z_]+\)|[a-z ]+)\."
    assert re.fullmatch(told, str(error))
    assert isinstance(error.__cause__, cause)
    assert "secret" not in str(error.__cause__)


class TestFile:
    def test_file_and_folder_are_private(self, tmp_path: Path) -> None:
        """Password hashes are nobody else's business, and SQLite's log has some too."""
        with closing(open_directory(f"sqlite:///{tmp_path}/App_Data/users.db")) as directory:
            directory.add(Profile("jsmith"), "h")
            files = list((tmp_path / "App_Data").iterdir())
            assert {file.name for file in files} == {"users.db", "users.db-wal", "users.db-shm"}
            assert {mode(file) for file in files} == {0o600}
        assert mode(tmp_path / "App_Data") == 0o700

    def test_a_folder_and_a_file_that_are_there_keep_their_mode(self, tmp_path: Path) -> None:
        """The operator may have given a group access."""
        tmp_path.chmod(0o750)
        file = tmp_path / "users.db"
        file.touch(0o640)
        open_directory(f"sqlite:///{file}").close()
        assert mode(tmp_path) == 0o750
        assert mode(file) == 0o640

    def test_a_path_may_have_any_characters(self, tmp_path: Path) -> None:
        """Escaped where every URL needs it."""
        open_directory(f"sqlite:///{tmp_path}/My Data/100%25/ü.db").close()
        assert (tmp_path / "My Data" / "100%" / "ü.db").exists()

    def test_commits_go_to_the_disk(self, file_directory: SqlUserDirectory) -> None:
        """SECURITY R8: on every connection."""
        for connecting in (file_directory.database.reading, file_directory.database.writing):
            with connecting() as connection:
                values = {
                    pragma: connection.exec_driver_sql(f"PRAGMA {pragma}").scalar()
                    for pragma in ("journal_mode", "synchronous", "foreign_keys")
                }
            assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


class TestBadSettings:
    @pytest.mark.parametrize(
        "url",
        [
            *("", "nonsense", "users.db", "nonsense://secret", "mysql://u:secret@h/d", "postgresql://u:p@h:secret/d"),
            *("sqlite://host/secret", "sqlite:///file:secret?uri=true", "sqlite:///secret.db?mode=ro"),
        ],
    )
    def test_a_bad_url_is_reported_without_its_text(self, url: str) -> None:
        """It may hold a password; the key is named."""
        with pytest.raises(SettingsError, match=r"^ConnectionStrings:Users ?.*sqlite:///FILE") as caught:
            open_database(url)
        assert "secret" not in str(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None

    def test_a_file_that_cannot_be_made_is_reported(self, tmp_path: Path) -> None:
        """A file stands where the folder should be, or a folder where the file should."""
        (tmp_path / "file").touch()
        with pytest.raises(SettingsError, match=r"^ConnectionStrings:Users: /.+/file/users\.db can't be made: .+\.$"):
            open_database(f"sqlite:///{tmp_path}/file/users.db")

    def test_a_missing_driver_is_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With the command that installs it."""
        monkeypatch.setitem(sys.modules, "psycopg", None)
        monkeypatch.delitem(sys.modules, "asmx_tickets.users.postgresql", raising=False)
        with pytest.raises(SettingsError, match=r"^ConnectionStrings:Users needs .*: pip install 'psycopg\[binary\]<"):
            open_database("postgresql://jsmith:secret@127.0.0.1:1/users")


class TestNoAnswer:
    def test_a_folder_is_no_database(self, tmp_path: Path) -> None:
        """This stops the start, since it will not change by itself."""
        with pytest.raises(SettingsError, match=rf"^ConnectionStrings:Users: {tmp_path} is not a file\.$"):
            open_directory(f"sqlite:///{tmp_path}")

    def test_another_file_is_no_database(self, tmp_path: Path) -> None:
        """The start finds that out."""
        (tmp_path / "users.db").write_bytes(b"secret, and no database" * 100)
        with pytest.raises(Unavailable, match="SQLITE_NOTADB") as caught:
            open_directory(f"sqlite:///{tmp_path}/users.db")
        assert_tells_nothing(caught.value, DBAPIError)

    @pytest.mark.parametrize(
        "write",
        [
            lambda directory: directory.add(Profile("other"), "secret"),
            lambda directory: directory.change(1, password_hash="secret"),
            lambda directory: directory.remove(1),
        ],
        ids=["add", "change", "remove"],
    )
    def test_a_locked_file_refuses_writes_in_time_and_answers_reads(
        self, file_directory: SqlUserDirectory, url: str, write: Callable[[SqlUserDirectory], object]
    ) -> None:
        """SECURITY R3: another program holds the lock. Afterwards writes work, and nothing has changed."""
        user_id = file_directory.add(Profile("jsmith"), "h")
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            start = time.monotonic()
            with pytest.raises(Unavailable, match="SQLITE_BUSY") as caught:
                write(file_directory)
            assert time.monotonic() - start < 3
            assert_tells_nothing(caught.value, DBAPIError)
            assert file_directory.find("jsmith") is not None
        assert [user.id for user in file_directory.all()] == [user_id]
        assert file_directory.change(user_id, enabled=False)

    def test_a_logon_waits_less_than_another_change(self, url: str) -> None:
        """A login waits for it. Its time is the sum for this process's turn and for the file's lock."""
        with (
            closing(open_directory(url, patience=Patience(writing=9.0, logon=0.2))) as directory,
            closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other,
        ):
            user_id = directory.add(Profile("jsmith"), "h")
            other.execute("BEGIN IMMEDIATE")
            start = time.monotonic()
            with pytest.raises(Unavailable, match="SQLITE_BUSY"):
                directory.change(user_id, last_logon=1.0)
            assert time.monotonic() - start < 5

    def test_a_full_disk_refuses_writes_and_answers_reads(self, file_directory: SqlUserDirectory) -> None:
        """Once there is room again, writes work."""
        file_directory.add(Profile("jsmith"), "h")
        with file_directory.database.writing() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
        with pytest.raises(Unavailable, match="SQLITE_FULL") as caught:
            for number in range(1000):
                file_directory.add(Profile(f"user{number}"), "secret" * 80)
        assert_tells_nothing(caught.value, DBAPIError)
        assert file_directory.find("jsmith") is not None
        with file_directory.database.writing() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        assert file_directory.add(Profile("other"), "h")

    def test_writers_do_not_queue_for_ever(self, file_directory: SqlUserDirectory) -> None:
        """Another thread of this process holds the connection for writing."""
        with (
            file_directory.database.writing(),
            pytest.raises(Unavailable, match="too many changes"),
        ):
            file_directory.add(Profile("jsmith"), "h")
        assert file_directory.add(Profile("jsmith"), "h")

    def test_readers_do_not_queue_for_ever(self) -> None:
        """The one connection of a database in memory is in use."""
        with (
            closing(open_directory("sqlite://", patience=Patience(reading=0.01))) as directory,
            directory.database.reading(),
            pytest.raises(Unavailable) as caught,
        ):
            directory.find("jsmith")
        assert_tells_nothing(caught.value, PoolTimeout)

    def test_a_damaged_file_is_unavailable(self, file_directory: SqlUserDirectory, url: str) -> None:
        """So clients keep their tickets."""
        with file_directory.database.writing() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint")
        Path(url.removeprefix("sqlite:///")).write_bytes(b"secret" * 5000)
        with pytest.raises(Unavailable) as caught:
            file_directory.find("jsmith")
        assert_tells_nothing(caught.value, DBAPIError)

    def test_a_missing_table_is_unavailable(self, file_directory: SqlUserDirectory) -> None:
        """As when somebody restores half a database."""
        with file_directory.database.writing() as connection:
            connection.exec_driver_sql("DROP TABLE users")
        with pytest.raises(Unavailable, match="SQLITE_ERROR") as caught:
            file_directory.add(Profile("jsmith"), "secret")
        assert_tells_nothing(caught.value, DBAPIError)


class TestVersion:
    def test_it_moves_with_a_commit_elsewhere(self, file_directory: SqlUserDirectory, url: str) -> None:
        """And with nothing else."""
        seen = file_directory.version()
        assert file_directory.version() == seen
        with closing(open_directory(url)) as other:
            assert file_directory.version() == seen
            other.add(Profile("jsmith"), "h")
            assert file_directory.version() != seen

    def test_it_does_not_wait_for_a_write(self, file_directory: SqlUserDirectory) -> None:
        """It gives the last number, so that ticket checks go on while a disk is slow."""
        seen = file_directory.version()
        with file_directory.database.writing():
            assert file_directory.version() == seen

    def test_it_is_asked_by_many_threads(self, url: str) -> None:
        """While others write through the same object."""

        def work(number: int) -> None:
            for step in range(10):
                directory.version()
                directory.add(Profile(f"user{number}-{step}"), "h")

        with closing(open_directory(url)) as directory, ThreadPoolExecutor(4) as threads:
            seen = directory.version()
            list(threads.map(work, range(4)))
            assert directory.version() == seen

    def test_a_server_has_none(self) -> None:
        """Only reading shows whether anything has changed."""
        with closing(open_database("postgresql://jsmith:secret@127.0.0.1:1/users")) as database:
            assert database.version() is None

    def test_nobody_else_changes_a_database_in_memory(self) -> None:
        """Its version stands still."""
        with closing(open_directory("sqlite://")) as directory:
            seen = directory.version()
            directory.add(Profile("jsmith"), "h")
            assert directory.version() == seen is not None
