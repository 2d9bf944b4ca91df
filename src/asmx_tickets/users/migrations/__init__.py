"""The schema's revisions, and bringing a database to the newest.

A revision is a module in ``versions``. Its id joins :data:`REVISIONS`, so that a start with an up-to-date database
need not load Alembic.
"""

from sqlalchemy import Connection, inspect, text

from asmx_tickets.errors import SettingsError
from asmx_tickets.users.database import Database

REVISIONS = ("0001",)
"""The ids of all revisions, oldest first."""


def upgrade(database: Database) -> None:
    """Bring the database's schema to the newest revision; one process at a time, and all revisions or none.

    Raises:
        SettingsError: the schema is newer than this program, or another program's.
        Unavailable: the database does not answer.
    """
    # A start may take longer than a login: nobody waits for it, and the first connection takes a few more steps.
    with database.reading(database.patience.writing) as connection:
        if _is_current(connection):
            return
    with database.migrating() as connection:
        if not _is_current(connection):
            _run(connection)


def _is_current(connection: Connection) -> bool:
    tables = inspect(connection)
    if not tables.has_table("alembic_version"):
        if tables.has_table("users"):
            raise SettingsError(
                "ConnectionStrings:Users: the database has a table 'users' of another program; name an empty database."
            )
        return False
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if revision is not None and revision not in REVISIONS:
        raise SettingsError(
            "ConnectionStrings:Users: a newer version of asmx-tickets made the database; install that or a later one."
        )
    return revision == REVISIONS[-1]


def _run(connection: Connection) -> None:
    # Loaded here: it takes longer than the rest of the start, which hardly ever needs it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "asmx_tickets.users:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
