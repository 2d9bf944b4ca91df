"""The engine under the user directory: SQLite's ways, one map of errors, and whether somebody else changed anything."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from asmx_tickets.errors import SettingsError, Unavailable

# Queue and lock together keep a login that can't be served under SECURITY R3's three seconds.
QUEUE_SECONDS = 2.0
LOCK_SECONDS = 1.0

# hide_parameters: an exception's text must hold no name, hash or address, since it ends up in the log.
_ENGINE_OPTIONS: dict[str, Any] = {"hide_parameters": True, "poolclass": QueuePool}
# FULL: what was committed survives a power cut, also in WAL mode.
_SQLITE_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")

_NO_URL = "ConnectionStrings:Users is no sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE."


class Database:
    """An engine, its transactions, and its errors as ours.

    The two context managers give a connection for statements. They raise Unavailable, with the cause, for every
    error but one in a statement or its data: the message has the driver's code, and no SQL, path or value.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read with."""
        with answering(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection to write with, in one transaction that is committed at the end."""
        with answering(), self.engine.begin() as connection:
            yield connection

    def version(self) -> int | None:
        """Another number once another process has changed the database; None where that can't be told."""
        return None

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


class SqliteMemory(Database):
    """A database that lives in its one connection, which threads take in turns."""

    def version(self) -> int | None:
        return 0


class SqliteFile(Database):
    """A SQLite file. All of this object's writes go through one connection.

    SQLite has one writer at a time anyway, and in here they need not poll for their turn. Also, ``PRAGMA data_version``
    on that connection moves with what others commit, and not with what it commits itself.
    """

    def __init__(self, engine: Engine, *, queue_seconds: float) -> None:
        super().__init__(engine)
        self._queue_seconds = queue_seconds
        self._turn = threading.Lock()
        self._version = 0
        with answering():
            self._writer = engine.connect()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        if not self._turn.acquire(timeout=self._queue_seconds):
            raise Unavailable("The user database has too many changes waiting.")
        try:
            with answering(), self._writer.begin():
                yield self._writer
        finally:
            self._turn.release()

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


def open_database(url: str, *, queue_seconds: float = QUEUE_SECONDS, lock_seconds: float = LOCK_SECONDS) -> Database:
    """The database that ``ConnectionStrings:Users`` names.

    ``sqlite:///FILE`` makes the file (0600) and its folder (0700) where they are missing; ``sqlite://`` lives in
    memory; ``postgresql://`` needs the extra ``postgres``.

    Args:
        url: an SQLAlchemy URL.
        queue_seconds: how long to wait for a connection while this process uses all it may have.
        lock_seconds: how long to wait while another process writes to the SQLite file.

    Raises:
        SettingsError: the URL is none, its driver is missing, or the file or folder can't be made.
        Unavailable: the database does not answer.
    """
    try:
        address = make_url(url)
        match address.get_backend_name():
            case "sqlite":
                return _open_sqlite(address, queue_seconds, lock_seconds)
            case "postgresql":
                engine = create_engine(address, pool_pre_ping=True, pool_timeout=queue_seconds, **_ENGINE_OPTIONS)
                return Database(engine)
            case _:
                raise SettingsError(_NO_URL)
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise SettingsError(_NO_URL) from None  # The cause may quote a part of the URL, so of a password.
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"ConnectionStrings:Users needs the Python package {error.name}: pip install asmx-tickets[postgres]."
        ) from error


def _open_sqlite(address: URL, queue_seconds: float, lock_seconds: float) -> Database:
    name = address.database or ":memory:"
    if address.host or address.query or name.startswith("file:"):
        raise SettingsError("ConnectionStrings:Users: a SQLite file is named by its path alone: sqlite:///FILE.")
    options = _ENGINE_OPTIONS | {
        "pool_timeout": queue_seconds,
        "connect_args": {"timeout": lock_seconds, "check_same_thread": False},
    }
    if name == ":memory:":
        return SqliteMemory(create_engine("sqlite://", pool_size=1, max_overflow=0, **options))
    _make_private(Path(name))
    engine = create_engine(address, **options)
    event.listen(engine, "connect", _set_pragmas)
    return SqliteFile(engine, queue_seconds=queue_seconds)


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
def answering() -> Iterator[None]:
    """Turns every error but one in a statement or its data into Unavailable."""
    try:
        yield
    except (IntegrityError, DataError, ProgrammingError, NotSupportedError):
        raise
    except PoolTimeout as error:
        raise Unavailable("The user database has too many requests waiting.") from error
    except DBAPIError as error:
        code = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None)
        raise Unavailable(f"The user database does not answer ({code or 'no connection'}).") from error
