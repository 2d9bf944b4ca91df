"""The engine under the user directory: SQLite's ways, one map of errors, and whether somebody else changed anything."""

import errno
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
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

from asmx_tickets.errors import Busy, SettingsError, Unavailable
from asmx_tickets.private_files import make_private_file, make_private_folder

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
    one in a statement or its data: the message has the driver's code, and no SQL or value.
    """

    def __init__(self, engine: Engine, patience: Patience) -> None:
        self.engine = engine
        self.patience = patience
        self._together = threading.local()

    @contextmanager
    def reading(self, seconds: float | None = None) -> Iterator[Connection]:
        """A connection to read with, for as many seconds as given or as Patience says."""
        joined = self._joined
        with (
            self._answering(seconds or self.patience.reading),
            self.engine.connect() if joined is None else nullcontext(joined) as connection,
        ):
            yield connection

    @contextmanager
    def writing(self, seconds: float | None = None) -> Iterator[Connection]:
        """A connection to write one statement with, which is committed at the end."""
        seconds = seconds or self.patience.writing
        joined = self._joined
        with self._single(seconds) if joined is None else self._step(joined) as connection:
            yield connection

    @contextmanager
    def together(self) -> Iterator[None]:
        """What this thread writes in here is committed at the end as a whole; not at all where anything is raised."""
        with self._transaction(self.patience.writing) as connection:
            self._together.connection = connection
            try:
                yield
            finally:
                self._together.connection = None

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

    @property
    def _joined(self) -> Connection | None:
        """The connection of ``together``, where this thread is in there."""
        joined: Connection | None = getattr(self._together, "connection", None)
        return joined

    @contextmanager
    def _transaction(self, seconds: float) -> Iterator[Connection]:
        """A connection in a transaction, which is committed at the end."""
        with self._answering(seconds), self.engine.begin() as connection:
            yield connection

    def _single(self, seconds: float) -> AbstractContextManager[Connection]:
        """A connection for one statement, which is committed at the end."""
        return self._transaction(seconds)

    def _step(self, connection: Connection) -> AbstractContextManager[Connection]:
        """The connection for one statement of a transaction, which goes on without it where it fails."""
        return nullcontext(connection)

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

    def __init__(self, engine: Engine, patience: Patience, file: Path) -> None:
        super().__init__(engine, patience)
        self._file = file
        self._turn = threading.Lock()
        self._version = 0
        with self._answering(patience.writing):
            self._writer = engine.connect()

    @contextmanager
    def _transaction(self, seconds: float) -> Iterator[Connection]:
        end = time.monotonic() + seconds
        if not self._turn.acquire(timeout=seconds):
            raise Busy("The user database has too many changes waiting.")
        try:
            with self._answering(seconds), self._writer.begin():
                # Another process may hold the file's lock for what is left of the time.
                left = max(0, round((end - time.monotonic()) * 1000))
                self._writer.exec_driver_sql(f"PRAGMA busy_timeout = {left}")
                yield self._writer
        finally:
            self._turn.release()

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        with self._answering(30), locked(self.engine, "PRAGMA busy_timeout = 30000", "BEGIN IMMEDIATE") as connection:
            yield connection

    def version(self) -> int | None:
        # While a write is under way the last number will do: a ticket check must not wait for a disk.
        if self._turn.acquire(blocking=False):
            try:
                with self._answering(self.patience.reading), self._writer.begin():
                    self._version = self._writer.exec_driver_sql("PRAGMA data_version").scalar_one()
            finally:
                self._turn.release()
        return self._version

    def close(self) -> None:
        with self._turn:
            self._writer.close()
        super().close()

    def _answering(self, seconds: float) -> AbstractContextManager[None]:
        return answering(self._complaint)

    def _complaint(self, error: DBAPIError) -> str:
        return f"The user database {self._file} can't be used: {error.orig} ({error_code(error)})."


def open_sqlite(address: URL, patience: Patience, *, make: bool) -> Database:
    name = address.database or ":memory:"
    if address.host or address.query or name.startswith("file:"):
        raise SettingsError("ConnectionStrings:Users: a SQLite file is named by its path alone: sqlite:///FILE.")
    options = ENGINE_OPTIONS | {
        "pool_timeout": patience.reading,
        "connect_args": {"timeout": patience.reading, "check_same_thread": False},
    }
    if name == ":memory:":
        return SqliteMemory(create_engine("sqlite://", pool_size=1, max_overflow=0, **options), patience)
    file = Path(name)
    if make:
        _make_private(file)
    _check_access(file)
    engine = create_engine(address, **options)
    event.listen(engine, "connect", _set_pragmas)
    return SqliteFile(engine, patience, file)


def _make_private(file: Path) -> None:
    try:
        make_private_folder(file.parent)
        # Never opened when it is there: closing it again would drop the locks SQLite holds in this process.
        with suppress(FileExistsError):
            os.close(make_private_file(file))
    except OSError as error:
        raise SettingsError(f"ConnectionStrings:Users: {file} can't be made: {error.strerror}.") from error


def _check_access(file: Path) -> None:
    """Raises SettingsError, with the reason, for a file that SQLite would say no more of than that it can't open it."""
    try:
        status = file.stat()
    except FileNotFoundError:
        raise SettingsError(
            f"ConnectionStrings:Users: there is no file {file}; it is made by the first start of the server, and by"
            " asmx-tickets user add."
        ) from None
    except OSError as error:
        raise SettingsError(f"ConnectionStrings:Users: {file} can't be opened: {error.strerror}.") from None
    if not stat.S_ISREG(status.st_mode):
        raise SettingsError(f"ConnectionStrings:Users: {file} is no file.")
    # SQLite keeps its log of changes in the folder, for readers too.
    for path, needed in ((file, os.R_OK | os.W_OK), (file.parent, os.W_OK | os.X_OK)):
        if not os.access(path, needed, effective_ids=os.access in os.supports_effective_ids):
            raise SettingsError(f"ConnectionStrings:Users: {path} can't be written to: {os.strerror(errno.EACCES)}.")


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


def _no_answer(error: DBAPIError) -> str:
    return f"The user database does not answer ({error_code(error) or 'no connection'})."


@contextmanager
def answering(complaint: Callable[[DBAPIError], str] = _no_answer) -> Iterator[None]:
    """Turns every error but one in a statement or its data into Unavailable, with ``complaint``'s message."""
    try:
        yield
    except (IntegrityError, DataError, NotSupportedError):
        raise
    except PoolTimeout as error:
        raise Busy("The user database has too many requests waiting.") from error
    except DBAPIError as error:
        if isinstance(error, ProgrammingError) and error_code(error) not in _OTHERWISE_MADE:
            raise
        raise Unavailable(complaint(error)) from error
