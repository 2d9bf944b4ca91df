"""The schema's revisions, and bringing a database to the newest.

A revision is a module in ``versions``. Its id joins :data:`REVISIONS`, so that a start with an up-to-date database
need not load Alembic.

An id is four digits, and the first is its generation. A revision that only adds (a table, an index, a column that may
be left out when a row is added) stays in the generation before: servers of the previous version go on with its schema,
and start with it. Any other begins a new generation, which they refuse.
"""

from collections.abc import Sequence
from enum import Enum, auto

from sqlalchemy import Connection, inspect, text

from asmx_tickets.errors import SettingsError
from asmx_tickets.users.database import Database

REVISIONS = ("0001",)
"""The ids of all revisions, oldest first."""


class State(Enum):
    """How a database's schema compares with this program's."""

    EMPTY = auto()
    CURRENT = auto()
    BEHIND = auto()
    """It lacks revisions that servers of the previous version can work with."""
    BREAKING = auto()
    """It lacks revisions that they can't work with."""
    AHEAD = auto()
    """A newer version has added what this one does not need to know."""
    TOO_NEW = auto()


_REFUSALS = {
    State.BREAKING: "the database is of a version whose servers can't work with what this one would make of it: stop"
    " them all, then run asmx-tickets migrate --breaking.",
    State.TOO_NEW: "a newer version of asmx-tickets made the database; install that or a later one.",
}


def state_of(revision: str | None, known: Sequence[str]) -> State:
    """How a database with this revision, None for an empty one, stands to a program that knows these revisions."""
    if revision is None:
        return State.EMPTY
    newest = known[-1]
    if revision == newest:
        return State.CURRENT
    same_generation = revision[0] == newest[0]
    if revision in known:
        return State.BEHIND if same_generation else State.BREAKING
    return State.AHEAD if same_generation and revision > newest else State.TOO_NEW


def upgrade(database: Database, *, breaking: bool = False) -> State:
    """Bring the database's schema to the newest revision; one process at a time, and all revisions or none.

    What it was is returned. ``breaking``: also by revisions that servers of the previous version can't work with.

    Raises:
        SettingsError: it is of a version too old or too new, or another program's.
        Unavailable: the database does not answer.
    """
    before = check(database, breaking=breaking)
    if before in {State.CURRENT, State.AHEAD}:
        return before
    with database.migrating() as connection:
        if _state(connection) not in {State.CURRENT, State.AHEAD}:
            _run(connection)
    return before


def check(database: Database, *, breaking: bool = False) -> State:
    """How the database's schema stands to this program. Changes nothing. Raises as ``upgrade``."""
    # A start may take longer than a login: nobody waits for it, and the first connection takes a few more steps.
    with database.reading(database.patience.writing) as connection:
        state = _state(connection)
    if state in _REFUSALS and not (breaking and state is State.BREAKING):
        raise SettingsError(f"ConnectionStrings:Users: {_REFUSALS[state]}")
    return state


def require(database: Database) -> None:
    """For callers that only read. Raises SettingsError where the schema would have to be made or changed first."""
    if check(database) in {State.EMPTY, State.BEHIND}:
        raise SettingsError("ConnectionStrings:Users: the database has not all tables yet: run asmx-tickets migrate.")


def _state(connection: Connection) -> State:
    tables = inspect(connection)
    if not tables.has_table("alembic_version"):
        if tables.has_table("users"):
            raise SettingsError(
                "ConnectionStrings:Users: the database has a table 'users' of another program; name an empty database."
            )
        return State.EMPTY
    return state_of(connection.execute(text("SELECT version_num FROM alembic_version")).scalar(), REVISIONS)


def _run(connection: Connection) -> None:
    # Loaded here: it takes longer than the rest of the start, which hardly ever needs it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "asmx_tickets.users:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
