"""Opens the database that a URL names. A database's own module is imported only where it is opened."""

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from asmx_tickets import extras
from asmx_tickets.errors import SettingsError
from asmx_tickets.users.database import Database, Patience
from asmx_tickets.users.sqlite import open_sqlite

_NO_URL = "ConnectionStrings:Users is no sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE."


def open_database(url: str, *, patience: Patience | None = None, make: bool = True) -> Database:
    """The database that ``ConnectionStrings:Users`` names.

    ``sqlite:///FILE`` makes the file (0600) and its folder (0700) where they are missing, unless told otherwise;
    ``sqlite://`` lives in memory; ``postgresql://``, with psycopg 3, needs the extra ``postgres``.

    Args:
        url: an SQLAlchemy URL.
        patience: how long calls may take.
        make: whether a SQLite file that is missing is made.

    Raises:
        SettingsError: the URL is none, its driver is missing, or the file or folder is missing or can't be used.
        Unavailable: the database does not answer.
    """
    patience = patience or Patience()
    try:
        address = make_url(url)
        match address.drivername:
            case "sqlite" | "sqlite+pysqlite":
                return open_sqlite(address, patience, make=make)
            case "postgresql" | "postgresql+psycopg":
                return _open_postgresql(address, patience)
            case _:
                raise SettingsError(_NO_URL)
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise SettingsError(_NO_URL) from None  # The cause may quote a part of the URL, so of a password.


def _open_postgresql(address: URL, patience: Patience) -> Database:
    try:
        from asmx_tickets.users.postgresql import open_postgresql
    except ImportError as error:  # Also where psycopg is there and finds no libpq.
        raise extras.missing("ConnectionStrings:Users", "postgres") from error
    return open_postgresql(address, patience)
