"""The engine under the user directory: transactions, translation of errors, and detection of others' changes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from asmx_tickets.errors import Busy, Unavailable

ENGINE_OPTIONS: dict[str, Any] = {"hide_parameters": True, "poolclass": QueuePool}
"""For every engine. hide_parameters: an exception's text must hold no name, hash or address, since it ends up in the
log."""

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
        """Commit all that this thread writes in the block at its end, or nothing if it raises."""
        with self._transaction(self.patience.writing) as connection:
            self._together.connection = connection
            try:
                yield
            finally:
                self._together.connection = None

    def adding_with_ids(self) -> AbstractContextManager[Connection]:
        """A connection to add users with given ids. At its end, new ids are above all that are in use."""
        return self.writing()

    def migrating(self) -> AbstractContextManager[Connection]:
        """A connection to change the schema with, in one transaction, while every other process waits here."""
        return self.writing()

    def warnings(self) -> tuple[str, ...]:
        """What an operator should mend in the database, a line each. Raises Unavailable."""
        return ()

    def follow(self) -> None:
        """Switch to the database that has the name now, if it was replaced. Raises Unavailable."""

    def version(self) -> int | None:
        """A number that changes when another process changes the database; None if the database has no such number."""
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


@contextmanager
def locked(engine: Engine, *statements: str) -> Iterator[Connection]:
    """A separate connection that has run the statements, which lock others out; committed at the end."""
    with engine.connect() as connection:
        connection.detach()  # What the statements set stays with this connection.
        for statement in statements:
            connection.exec_driver_sql(statement)
        yield connection
        connection.commit()


def error_code(error: DBAPIError) -> str:
    """SQLite's name of the error, or the SQLSTATE; empty if the database gave none."""
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
