"""PostgreSQL for the user directory, through psycopg 3. Every call ends in time, whatever the server does.

A server that hangs and a network that swallows packets say nothing, and no setting of libpq covers that:
``statement_timeout`` is kept by the server, ``tcp_user_timeout`` is content with a kernel that acknowledges for a
stopped process, and ``connect_timeout`` counts whole seconds from two on, the looking up of the host's name aside. So
the end of a call is kept here: a statement's wait for its answer, and a caller's for a new connection, stop there.
"""

import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, ProgrammingError

from asmx_tickets.errors import SettingsError, Unavailable
from asmx_tickets.users.database import ENGINE_OPTIONS, Database, Patience, answering, error_code, locked

# A process has a few threads that ask, each for a fraction of a millisecond; a server's 100 connections should do for
# several processes.
_CONNECTIONS = 8
# How often a server that did not answer is asked again, in seconds.
_PAUSE = 0.5
# How precisely the end of a call is kept, in seconds.
_PRECISION = 0.05

_MIGRATION_SECONDS = 60.0
# What makes processes that start at once wait for each other until the end of the transaction. The number is any that
# no other program uses for this in the same database.
_MIGRATION_LOCKS = (
    "SET lock_timeout = '30s'",
    "SET statement_timeout = 0",
    "SELECT pg_advisory_xact_lock(7202648316151)",
)

# Adding waits for this lock, so that the sequence stands still between these two; finding and logons' reads do not.
_LOCK_IDS = "LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"
_RAISE_IDS = "SELECT setval('users_id_seq', greatest(last_value, (SELECT max(id) FROM users))) FROM users_id_seq"

# What makes a commit less than lasting.
_UNSAFE = """
SELECT name FROM pg_settings
WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off' ORDER BY name
"""

_NO_THREAD = "no thread can be started"
_TIMEOUT = "timeout"
_COMPLAINT = "The user database does not answer ({})."
_SILENT = _COMPLAINT.format(_TIMEOUT)
"""Of a call that was not made, too, since the one before it got no answer."""

# libpq gives no SQLSTATE for a connection that was refused. Its text names hosts and users; these words do not.
_REASONS = (
    ("password authentication failed", "user or password refused"),
    ("no password supplied", "a password is wanted"),
    ("no pg_hba.conf entry", "no entry in pg_hba.conf"),
    ("does not exist", "no such database or user"),
    ("too many", "too many connections"),
    ("connection slots", "too many connections"),
    ("starting up", "starting up"),
    ("shutting down", "shutting down"),
    ("onnection refused", "connection refused"),
    ("translate host name", "no such host"),
    ("resolve host", "no such host"),
    ("SSL", "no agreement about TLS"),
    ("certificate", "no agreement about TLS"),
    (_NO_THREAD, _NO_THREAD),
)

T = TypeVar("T")

_end: ContextVar[float] = ContextVar("_end", default=float("inf"))
"""When the call under way must come to its end, in seconds of the monotonic clock."""


class NoAnswer(psycopg.OperationalError):
    """The server said nothing until the end of the call."""


class PostgreSQL(Database):
    """A PostgreSQL database. Statements commit themselves, so that most calls are one round trip.

    Nothing tells that somebody else changed the users: a counter, in a row or by NOTIFY, would have to be asked before
    every ticket check to be better than reading each user again after a second, as ProfileCache does.
    """

    def __init__(self, engine: Engine, patience: Patience, connector: "_Connector") -> None:
        super().__init__(engine, patience)
        self._transactions = engine.execution_options(isolation_level="READ COMMITTED")
        self._connector = connector
        self._silence = Silence()

    @contextmanager
    def adding_with_ids(self) -> Iterator[Connection]:
        joined = self._joined
        with self._transaction(self.patience.writing) if joined is None else self._step(joined) as connection:
            connection.exec_driver_sql(_LOCK_IDS)
            yield connection
            connection.exec_driver_sql(_RAISE_IDS)

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        with self._answering(_MIGRATION_SECONDS), locked(self._transactions, *_MIGRATION_LOCKS) as connection:
            encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
            if encoding != "UTF8":
                raise SettingsError(
                    f"ConnectionStrings:Users: the database's encoding is {encoding}; make one with "
                    "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0."
                )
            try:
                yield connection
            except ProgrammingError as error:
                if error_code(error) != "42501":
                    raise
                raise SettingsError(
                    "ConnectionStrings:Users: its user may make no tables in the database; "
                    "let it own the database, or GRANT CREATE ON SCHEMA public to it."
                ) from error

    def warnings(self) -> tuple[str, ...]:
        with self.reading() as connection:
            off = connection.exec_driver_sql(_UNSAFE).scalars().all()
        return tuple(
            f"PostgreSQL has {name} off, so a crash may undo what was told as done, such as that a user is disabled:"
            " set it to on"
            for name in off
        )

    def close(self) -> None:
        super().close()
        self._connector.close()

    @contextmanager
    def _transaction(self, seconds: float) -> Iterator[Connection]:
        with self._answering(seconds), self._transactions.begin() as connection:
            yield connection

    @contextmanager
    def _single(self, seconds: float) -> Iterator[Connection]:
        with self._answering(seconds), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def _step(self, connection: Connection) -> Iterator[Connection]:
        # In PostgreSQL an error in a statement spoils the transaction, unless a savepoint is rolled back.
        with connection.begin_nested():
            yield connection

    @contextmanager
    def _answering(self, seconds: float) -> Iterator[None]:
        token = _end.set(time.monotonic() + seconds)
        try:
            with answering(_no_answer), self._silence.watched():
                yield
        finally:
            _end.reset(token)


class Silence:
    """Keeps calls away from a server that did not answer the last one; one call in every pause tries again.

    Otherwise each of a hundred waiting logins would wait the whole time, one after the other.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._silent = False
        self._next_try = 0.0
        self._lock = threading.Lock()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """For the duration of a call. Raises Unavailable if it should not be made."""
        if self._silent:
            self._take_turn()
        try:
            yield
        except DBAPIError as error:
            self._next_try = self._clock() + _PAUSE
            self._silent = isinstance(error.orig, NoAnswer)
            raise
        self._silent = False

    def _take_turn(self) -> None:
        with self._lock:
            now = self._clock()
            if now < self._next_try:
                raise Unavailable(_SILENT)
            self._next_try = now + _PAUSE


class _Connection(psycopg.Connection[Any]):
    """A connection whose statements end when the call does; then it is closed."""

    fresh = True

    def wait(self, gen: Generator[Any, Any, T], interval: float = _PRECISION, timeout: float | None = None) -> T:
        try:
            return super().wait(_until(_end.get(), gen), min(interval, _PRECISION))
        except NoAnswer:
            self.close()
            raise

    def is_quiet(self) -> bool:
        """Whether the server has sent nothing unasked, as it does when it ends or drops a client.

        No round trip, unlike a ping.
        """
        if self.closed:
            return False
        socket = self.pgconn.socket
        if sys.platform == "win32":
            return not select.select([socket], [], [], 0)[0]
        poll = select.poll()
        poll.register(socket, select.POLLIN)
        return not poll.poll(0)


def _until(end: float, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() >= end:
                raise NoAnswer("timeout")
            wanted = gen.send(ready)
    except StopIteration as finished:
        result: T = finished.value
        return result


class _Connector:
    """Makes connections in threads of their own, since nothing can interrupt libpq while it looks up a host's name.

    A connection that comes too late for its caller is given to the next one. So where connecting takes longer than a
    call may, only the first calls fail.
    """

    def __init__(self) -> None:
        self._late: deque[_Connection] = deque()
        self._closed = False

    def connect(self, _dialect: object, _record: object, _args: object, options: dict[str, Any]) -> _Connection:
        """As SQLAlchemy's event ``do_connect`` wants it."""
        while self._late:
            connection = self._late.popleft()
            if connection.is_quiet():
                return connection
            connection.close()
        coming: Future[_Connection] = Future()
        try:
            threading.Thread(target=_connect, args=(coming, options), daemon=True).start()
        except RuntimeError:
            raise psycopg.OperationalError(_NO_THREAD) from None
        try:
            return coming.result(min(_end.get() - time.monotonic(), _MIGRATION_SECONDS))
        except TimeoutError:
            coming.add_done_callback(self._keep)
            raise NoAnswer("timeout") from None

    def close(self) -> None:
        """Close the connections that no caller has taken."""
        self._closed = True
        while self._late:
            self._late.popleft().close()

    def _keep(self, coming: Future[_Connection]) -> None:
        if coming.exception() is None:
            self._late.append(coming.result())
            if self._closed:
                self.close()


def _connect(coming: Future[_Connection], options: dict[str, Any]) -> None:
    try:
        coming.set_result(_Connection.connect(**options))
    except BaseException as error:
        coming.set_exception(error)


def _drop_if_ended(connection: _Connection, _record: object, _proxy: object) -> None:
    """Before a pooled connection is used: the server may have been restarted since."""
    if connection.fresh:
        connection.fresh = False
    elif not connection.is_quiet():
        raise DisconnectionError


def open_postgresql(address: URL, patience: Patience) -> PostgreSQL:
    """The database that the URL names; connects when it is first asked.

    Raises:
        SettingsError: the URL has an option that libpq does not know.
    """
    engine = create_engine(
        address.set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        use_native_hstore=False,
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_timeout=patience.logon,
        pool_use_lifo=True,
        connect_args=_connect_args(address, patience),
        **ENGINE_OPTIONS,
    )
    _, options = engine.dialect.create_connect_args(engine.url)
    options.pop("context", None)
    try:
        make_conninfo(**options)
    except psycopg.ProgrammingError:
        raise SettingsError("ConnectionStrings:Users: PostgreSQL knows no such option as is after the '?'.") from None
    connector = _Connector()
    event.listen(engine, "do_connect", connector.connect)
    event.listen(engine, "checkout", _drop_if_ended)
    return PostgreSQL(engine, patience, connector)


def _connect_args(address: URL, patience: Patience) -> dict[str, Any]:
    given = address.query.get("options", ())
    # A caller that gave up leaves its statement to the server, which must not collect them. A lock gives up first, so
    # that the connection lives on.
    options = [
        f"-c lock_timeout={patience.logon * 800:.0f}",
        f"-c statement_timeout={patience.writing * 1000:.0f}",
        *([given] if isinstance(given, str) else given),
    ]
    wishes = {
        "application_name": "asmx-tickets",
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }
    return {name: value for name, value in wishes.items() if name not in address.query} | {
        "client_encoding": "utf8",
        "connect_timeout": 2,
        "options": " ".join(options),
    }


def _no_answer(error: DBAPIError) -> str:
    return _COMPLAINT.format(_reason(error) or "no connection")


def _reason(error: DBAPIError) -> str:
    if isinstance(error.orig, NoAnswer):
        return _TIMEOUT
    text = str(error.orig)
    return error_code(error) or next((reason for words, reason in _REASONS if words in text), "")
