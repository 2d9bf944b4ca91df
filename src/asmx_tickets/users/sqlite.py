"""SQLite for the user directory: a file that somebody may replace, or a database in memory."""

import errno
import logging
import os
import sqlite3
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from asmx_tickets.errors import Busy, SettingsError, Unavailable
from asmx_tickets.private_files import make_private_file, make_private_folder
from asmx_tickets.users.database import ENGINE_OPTIONS, Database, Patience, answering, error_code, locked

# FULL: what was committed survives a power cut, also in WAL mode.
_PRAGMAS = ("synchronous = FULL", "foreign_keys = ON")
_TURN_SECONDS = 0.01
_ID_BITS = 32

_Identity: TypeAlias = tuple[int, int]

_log = logging.getLogger(__name__)


class SqliteMemory(Database):
    """A database that lives in its one connection, which threads take in turns."""

    def version(self) -> int | None:
        return 0


class SqliteFile(Database):
    """A SQLite file. All of this object's writes go through one connection.

    SQLite has one writer at a time anyway, and in here they need not poll for their turn. Also, ``PRAGMA data_version``
    on that connection moves with what others commit, and not with what it commits itself.

    Where another file takes the name (a backup, say), that one counts from the next call on. ``on_replaced`` is called
    then, and may raise.
    """

    def __init__(self, engine: Engine, patience: Patience, file: Path) -> None:
        super().__init__(engine, patience)
        self._file = file
        self._turn = threading.Lock()
        self._data_version = self._generation = 0
        self.on_replaced: Callable[[], object] = lambda: None
        self._open()

    @contextmanager
    def reading(self, seconds: float | None = None) -> Iterator[Connection]:
        if self._joined is None:
            self.follow()
        with super().reading(seconds) as connection:
            yield connection

    @contextmanager
    def _transaction(self, seconds: float) -> Iterator[Connection]:
        end = time.monotonic() + seconds
        with self._my_turn(seconds):
            self._follow()
            with self._answering(seconds), self._writer.begin():
                # Another process may hold the file's lock for what is left of the time.
                left = max(0, round((end - time.monotonic()) * 1000))
                self._writer.exec_driver_sql(f"PRAGMA busy_timeout = {left}")
                yield self._writer

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        with self._answering(30), locked(self.engine, "PRAGMA busy_timeout = 30000", "BEGIN IMMEDIATE") as connection:
            yield connection

    def version(self) -> int | None:
        if not self._is_current():
            return -1  # The next query of users switches to the other file; here that would take too long.
        # While a write is under way the last number will do: a ticket check must not wait for a disk.
        if self._turn.acquire(blocking=False):
            try:
                with self._answering(self.patience.reading), self._writer.begin():
                    self._data_version = self._writer.exec_driver_sql("PRAGMA data_version").scalar_one()
            finally:
                self._turn.release()
        return self._generation << _ID_BITS | self._data_version

    def follow(self) -> None:
        if not self._is_current():
            with self._my_turn(self.patience.reading):
                self._follow()

    def close(self) -> None:
        with self._turn:
            self._writer.close()
        super().close()

    @contextmanager
    def _my_turn(self, seconds: float) -> Iterator[None]:
        if not self._turn.acquire(timeout=seconds):
            raise Busy("The user database has too many changes waiting.")
        try:
            yield
        finally:
            self._turn.release()

    def _is_current(self) -> bool:
        return self._identity is not None and self._identity == _identity(self._file)

    def _open(self) -> None:
        """Connect to the file that has the name, and remember which one that is."""
        with self._answering(self.patience.writing):
            self._writer = self.engine.connect()
            with self._writer.begin():
                self._writer.exec_driver_sql("PRAGMA schema_version")  # Opens the log of changes.
        self._identity = _identity(self._file)
        self._beside = {file: _identity(file) for file in self._companions()}

    def _follow(self) -> None:
        """Called while this thread has its turn."""
        if self._is_current():
            return
        if not self._file.exists():
            raise Unavailable(f"The user database {self._file} is gone.")
        self._let_go()
        try:
            _check_access(self._file)
            self._open()
            self.on_replaced()
        except BaseException as error:
            self._identity = None  # The next call tries again.
            if isinstance(error, SettingsError):
                raise Unavailable(str(error)) from error
            raise
        self._generation += 1
        _log.warning("%s is another file now: its users count from here on", self._file)

    def _let_go(self) -> None:
        """Close the file that had the name, as a whole, and take its log of changes out of the other one's way.

        SQLite takes any log of that name for the file's own, and would put the old changes into the new file.
        """
        if not self._writer.closed:
            with suppress(DBAPIError):
                self._writer.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            self._writer.close()
        self.engine.dispose()
        for file, known in self._beside.items():
            if known is not None and _identity(file) == known:
                with suppress(OSError):
                    file.unlink()
        self._beside = {}

    def _companions(self) -> list[Path]:
        return [Path(f"{self._file}{end}") for end in ("-wal", "-shm")]

    def _answering(self, seconds: float) -> AbstractContextManager[None]:
        return answering(self._complaint)

    def _complaint(self, error: DBAPIError) -> str:
        return f"The user database {self._file} can't be used: {error.orig} ({error_code(error)})."


def _identity(file: Path) -> _Identity | None:
    """The identity of the file with this name; None if there is no file."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


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
    event.listen(engine, "connect", partial(_set_pragmas, patience.reading))
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
        raise SettingsError(f"ConnectionStrings:Users: {file} is not a file.")
    # SQLite keeps its log of changes in the folder, for readers too.
    for path, needed in ((file, os.R_OK | os.W_OK), (file.parent, os.W_OK | os.X_OK)):
        if not os.access(path, needed, effective_ids=os.access in os.supports_effective_ids):
            raise SettingsError(f"ConnectionStrings:Users: {path} can't be written to: {os.strerror(_reason(path))}.")


def _reason(path: Path) -> int:
    """Why a path can't be written to: its file system, or its permissions."""
    if sys.platform != "win32" and os.statvfs(path).f_flag & os.ST_RDONLY:
        return errno.EROFS
    return errno.EACCES


def _set_pragmas(seconds: float, connection: Any, _record: object) -> None:
    _use_wal(connection, time.monotonic() + seconds)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _use_wal(connection: Any, end: float) -> None:
    """Switch a new file to a write-ahead log. Of two processes that do so at once, SQLite makes neither wait."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                raise
            time.sleep(_TURN_SECONDS)
        else:
            return
