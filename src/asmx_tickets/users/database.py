"""The engine under the user directory: SQLite's ways, one map of errors, and whether somebody else changed anything."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from asmx_tickets.errors import SettingsError, Unavailable

ENGINE_OPTIONS: dict[str, Any] = {"hide_parameters": True, "poolclass": QueuePool}
"""For every engine. hide_parameters: an exception's text must hold no name, hash or address, since it ends up in the
log."""

# FULL: what was committed survives a power cut, also in WAL mode.
_SQLITE_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")

# PostgreSQL takes these for errors in a statement, and they are the database's state: no such table, column or schema,
# no right to use it, or another one of that name.
_OTHERWISE_MADE = frozenset({"42P01", "42703", "3F000", "42501", "42P07"})


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds after which a call raises Unavailable, waiting for a connection or a lock included.

    A login reads once and notes a logon once; both and the hashing keep it under a second and a half (SECURITY R3
    allows three).
    """

    reading: float = 0.8
    writing: float = 2.0
    logon: float = 0.5


class Database:
    """An engine, its transactions, and its errors as ours.

    The context managers give a connection for statements. They raise Unavailable, with the cause, for every error but
    one in a statement or its data: the message has the driver's code, and no SQL, path or value.
    """

    def __init__(self, engine: Engine, patience: Patience) -> None:
        self.engine = engine
        self.patience = patience

    @contextmanager
    def reading(self, seconds: float | None = None) -> Iterator[Connection]:
        """A connection to read with, for as many seconds as given or as Patience says."""
        with self._answering(seconds or self.patience.reading), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, seconds: float | None = None) -> Iterator[Connection]:
        """A connection to write one statement with, which is committed at the end."""
        with self._answering(seconds or self.patience.writing), self.engine.begin() as connection:
            yield connection

    def bringing_ids(self) -> AbstractContextManager[Connection]:
        """A connection to add users with who bring an id; at its end new ids are above those that are in use."""
        return self.writing()

    def migrating(self) -> AbstractContextManager[Connection]:
        """A connection to change the schema with, in one transaction, while every other process waits here."""
        return self.writing()

    def version(self) -> int | None:
        """Another number once another process has changed the database; None where that can't be told."""
        return None

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def _answering(self, seconds: float) -> AbstractContextManager[None]:
        """Raises Unavailable for what the driver raises and, where it can, after so many seconds."""
        return answering()


class SqliteMemory(Database):
    """A database that lives in its one connection, which threads take in turns."""

    def version(self) -> int | None:
        return 0


class SqliteFile(Database):
    """A SQLite file. All of this object's writes go through one connection.

    SQLite has one writer at a time anyway, and in here they need not poll for their turn. Also, ``PRAGMA data_version``
    on that connection moves with what others commit, and not with what it commits itself.
    """

    def __init__(self, engine: Engine, patience: Patience) -> None:
        super().__init__(engine, patience)
        self._turn = threading.Lock()
        self._version = 0
        with answering():
            self._writer = engine.connect()

    @contextmanager
    def writing(self, seconds: float | None = None) -> Iterator[Connection]:
        end = time.monotonic() + (seconds or self.patience.writing)
        if not self._turn.acquire(timeout=seconds or self.patience.writing):
            raise Unavailable("The user database has too many changes waiting.")
        try:
            with answering(), self._writer.begin():
                # Another process may hold the file's lock for what is left of the time.
                left = max(0, round((end - time.monotonic()) * 1000))
                self._writer.exec_driver_sql(f"PRAGMA busy_timeout = {left}")
                yield self._writer
        finally:
            self._turn.release()

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        with answering(), locked(self.engine, "PRAGMA busy_timeout = 30000", "BEGIN IMMEDIATE") as connection:
            yield connection

    def version(self) -> int | None:
        # While a write is under way the last number will do: a ticket check must not wait for a disk.
        if self._turn.acquire(blocking=False):
            try:
                with answering(), self._writer.begin():
                    self._version = self._writer.exec_driver_sql("PRAGMA data_version").scalar_one()
            finally:
                self._turn.release()
        return self._version

    def close(self) -> None:
        with self._turn:
            self._writer.close()
        super().close()


def open_sqlite(address: URL, patience: Patience) -> Database:
    name = address.database or ":memory:"
    if address.host or address.query or name.startswith("file:"):
        raise SettingsError("ConnectionStrings:Users: a SQLite file is named by its path alone: sqlite:///FILE.")
    options = ENGINE_OPTIONS | {
        "pool_timeout": patience.reading,
        "connect_args": {"timeout": patience.reading, "check_same_thread": False},
    }
    if name == ":memory:":
        return SqliteMemory(create_engine("sqlite://", pool_size=1, max_overflow=0, **options), patience)
    _make_private(Path(name))
    engine = create_engine(address, **options)
    event.listen(engine, "connect", _set_pragmas)
    return SqliteFile(engine, patience)


def _make_private(file: Path) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Never opened when it is there: closing it again would drop the locks SQLite holds in this process.
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise SettingsError(f"ConnectionStrings:Users: the SQLite file can't be made ({error.strerror}).") from error


def _set_pragmas(connection: Any, _record: object) -> None:
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


@contextmanager
def locked(engine: Engine, *statements: str) -> Iterator[Connection]:
    """A connection of its own that has run the statements, which lock others out; committed at the end."""
    with engine.connect() as connection:
        connection.detach()  # What the statements set stays with this connection.
        for statement in statements:
            connection.exec_driver_sql(statement)
        yield connection
        connection.commit()


def error_code(error: DBAPIError) -> str:
    """SQLite's name of the error, or the SQLSTATE, or nothing where the database said nothing."""
    return getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None) or ""


@contextmanager
def answering(reason: Callable[[DBAPIError], str] = error_code) -> Iterator[None]:
    """Turns every error but one in a statement or its data into Unavailable; ``reason`` goes into the message."""
    try:
        yield
    except (IntegrityError, DataError, NotSupportedError):
        raise
    except PoolTimeout as error:
        raise Unavailable("The user database has too many requests waiting.") from error
    except DBAPIError as error:
        if isinstance(error, ProgrammingError) and error_code(error) not in _OTHERWISE_MADE:
            raise
        raise Unavailable(f"The user database does not answer ({reason(error) or 'no connection'}).") from error
