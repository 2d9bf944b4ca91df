"""The user directory in a SQL database, through SQLAlchemy Core."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    case,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from asmx_tickets.errors import UserError
from asmx_tickets.users import migrations
from asmx_tickets.users.database import Database, Patience
from asmx_tickets.users.directory import Rehash, UserDirectory
from asmx_tickets.users.opening import open_database
from asmx_tickets.users.source import UserSource
from asmx_tickets.users.sqlite import SqliteFile, SqliteMemory
from asmx_tickets.users.user import Credentials, Profile, User, account_key, name_taken

if TYPE_CHECKING:
    from asmx_tickets.users.passwords import PasswordHasher
    from asmx_tickets.users.verifier import StoredPasswords

metadata = MetaData()

# Times are epoch seconds as double precision: exact for a Python float, and the same everywhere. A key is compared and
# ordered by code point everywhere; that is SQLite's default, and the collation "C" of PostgreSQL.
users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("user_key", String(1024).with_variant(String(1024, collation="C"), "postgresql"), nullable=False),
    Column("user_name", String(256), nullable=False),
    Column("first_name", String(256), nullable=False),
    Column("last_name", String(256), nullable=False),
    Column("email", String(320), nullable=False),
    Column("domain", String(256), nullable=False),
    Column("language", String(64), nullable=False),
    Column("read_only", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("password_hash", String(512)),
    Column("security_stamp", BigInteger, nullable=False),
    Column("last_logon", Double),
    Column("last_password_change", Double),
    UniqueConstraint("user_key", name="uq_users_user_key"),
    # SQLite gives a removed row's id again otherwise, and with it that user's tickets.
    sqlite_autoincrement=True,
)

_PAGE = 200

_PROFILE_COLUMNS = tuple(users.c[field.name] for field in fields(Profile))
_USER_COLUMNS = (
    users.c.id,
    users.c.security_stamp,
    users.c.last_logon,
    users.c.last_password_change,
    *_PROFILE_COLUMNS,
)
_FIND = select(users.c.password_hash, *_USER_COLUMNS).where(users.c.user_key == bindparam("key"))
_GET = select(*_USER_COLUMNS).where(users.c.id == bindparam("user_id"))
_NEXT_PAGE = (
    select(users.c.user_key, *_USER_COLUMNS)
    .where(users.c.user_key > bindparam("after"))
    .order_by(users.c.user_key)
    .limit(_PAGE)
)
_REMOVE = delete(users).where(users.c.id == bindparam("user_id"))


class SqlUserDirectory(UserDirectory):
    """Users in a SQL database.

    Args:
        database: a database with the schema of :data:`metadata`; closed by :meth:`close`.
        clock: epoch seconds UTC.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.database = database
        self._clock = clock
        self._changes = 0
        self._counting = threading.Lock()

    def find(self, user_name: str) -> Credentials | None:
        # Text that no account's name can be is looked up as well, so that it takes as long; but as a name which every
        # driver takes. No key is empty.
        key = account_key(user_name) if _is_user_name(user_name) else ""
        with self.database.reading() as connection:
            row = connection.execute(_FIND, {"key": key}).first()
        return None if row is None else Credentials(_user(row[1:]), row.password_hash)

    def get(self, user_id: int) -> User | None:
        with self.database.reading() as connection:
            row = connection.execute(_GET, {"user_id": user_id}).first()
        return None if row is None else _user(row)

    def add(self, profile: Profile, password_hash: str, *, user_id: int | None = None) -> int:
        values = _profile_values(profile) | {
            "password_hash": password_hash,
            # Random, so that tickets which outlived a deleted database are dead in the next one.
            "security_stamp": secrets.randbelow(2**31),
            "last_password_change": self._clock(),
        }
        if user_id is not None:
            values["id"] = user_id
        try:
            given = self._insert(values)
        except IntegrityError as error:
            if user_id is not None and self.get(user_id) is not None:
                raise UserError("The userid is taken.") from error
            raise name_taken(profile.user_name) from error
        self._count_change()
        return given

    def change(
        self,
        user_id: int,
        *,
        profile: Profile | None = None,
        enabled: bool | None = None,
        password_hash: str | None = None,
        rehash: Rehash | None = None,
        last_logon: float | None = None,
    ) -> bool:
        if password_hash is not None and rehash is not None:
            raise ValueError("a password can't be changed and rehashed at once")
        values = self._changed(profile, enabled, password_hash)
        beyond_logon = bool(values)
        if rehash is not None:
            current = users.c.password_hash
            values["password_hash"] = case((current == rehash.old, rehash.new), else_=current)
        if last_logon is not None:
            values["last_logon"] = last_logon
        if not values:
            raise ValueError("nothing to change")
        try:
            with self.database.writing(None if beyond_logon else self.database.patience.logon) as connection:
                found = connection.execute(update(users).where(users.c.id == user_id).values(values)).rowcount == 1
        except IntegrityError as error:
            if profile is None:
                raise
            raise name_taken(profile.user_name) from error
        if found and beyond_logon:
            self._count_change()
        return found

    def remove(self, user_id: int) -> bool:
        with self.database.writing() as connection:
            found = connection.execute(_REMOVE, {"user_id": user_id}).rowcount == 1
        if found:
            self._count_change()
        return found

    def all(self) -> Iterator[User]:
        after = ""
        while True:
            with self.database.reading() as connection:
                rows = connection.execute(_NEXT_PAGE, {"after": after}).all()
            yield from (_user(row[1:]) for row in rows)
            if len(rows) < _PAGE:
                return
            after = rows[-1].user_key

    def together(self) -> AbstractContextManager[None]:
        return self.database.together()

    def warnings(self) -> tuple[str, ...]:
        return self.database.warnings()

    def follow(self) -> None:
        self.database.follow()

    def version(self) -> int | None:
        return self.database.version()

    @property
    def changes(self) -> int:
        return self._changes

    def close(self) -> None:
        self.database.close()

    def _insert(self, values: dict[str, Any]) -> int:
        """Add a row and give back its id. Raises IntegrityError where its id or its name is taken."""
        statement = insert(users).returning(users.c.id)
        if "id" in values:
            with self.database.adding_with_ids() as connection:
                return int(connection.execute(statement, values).scalar_one())
        try:
            with self.database.writing() as connection:
                return int(connection.execute(statement, values).scalar_one())
        except IntegrityError:
            if self._has(values["user_key"]):
                raise
        # The new id is taken, by a row that another program has added.
        with self.database.adding_with_ids():
            pass
        with self.database.writing() as connection:
            return int(connection.execute(statement, values).scalar_one())

    def _has(self, user_key: str) -> bool:
        with self.database.reading() as connection:
            return connection.execute(_FIND, {"key": user_key}).first() is not None

    def _changed(self, profile: Profile | None, enabled: bool | None, password_hash: str | None) -> dict[str, Any]:
        """The columns to set, by the rules of UserDirectory.change for all but logons."""
        values: dict[str, Any] = {} if profile is None else _profile_values(profile)
        if enabled is not None:
            values["enabled"] = enabled
        if password_hash is not None:
            values |= {"password_hash": password_hash, "last_password_change": self._clock()}
        if password_hash is not None or values.get("enabled") is False:
            values["security_stamp"] = users.c.security_stamp + 1
        return values

    def _count_change(self) -> None:
        with self._counting:
            self._changes += 1


def open_source(url: str, *, clock: Callable[[], float], make: bool) -> UserSource:
    """The database as a source of users: see :mod:`~asmx_tickets.users.source`."""
    return UserSource(open_directory(url, clock=clock, make=make), _verifier)


def _verifier(directory: UserDirectory, passwords: "PasswordHasher", clock: Callable[[], float]) -> "StoredPasswords":
    # Commands that check no password need not wait for what does.
    from asmx_tickets.users.verifier import StoredPasswords

    return StoredPasswords(directory, passwords, clock=clock)


def open_directory(
    url: str,
    *,
    clock: Callable[[], float] = time.time,
    patience: Patience | None = None,
    make: bool = True,
) -> SqlUserDirectory:
    """The directory in the database that ``ConnectionStrings:Users`` names.

    Its schema is brought up to date; with ``make`` false nothing is made or changed, and must not have to be.

    Arguments are those of :func:`~asmx_tickets.users.opening.open_database` and of :class:`SqlUserDirectory`.

    Raises:
        SettingsError: the URL can't be used, the database is another program's, or a newer version of this one made it.
        Unavailable: the database does not answer.
    """
    database = open_database(url, patience=patience, make=make)
    try:
        if isinstance(database, SqliteMemory):
            # Nothing to migrate from; and Alembic takes longer to load than all the rest of the start.
            metadata.create_all(database.engine)
        elif make:
            migrations.upgrade(database)
        else:
            migrations.require(database)
        if isinstance(database, SqliteFile):
            database.on_replaced = partial(migrations.upgrade, database)
    except BaseException:
        database.close()
        raise
    return SqlUserDirectory(database, clock=clock)


def _is_user_name(text: str) -> bool:
    try:
        Profile(text)
    except UserError:
        return False
    return True


def _profile_values(profile: Profile) -> dict[str, Any]:
    values = {column.name: getattr(profile, column.name) for column in _PROFILE_COLUMNS}
    return values | {"user_key": account_key(profile.user_name)}


def _user(row: Sequence[Any]) -> User:
    user_id, security_stamp, last_logon, last_password_change, *texts_and_flags = row
    try:
        profile = Profile(*texts_and_flags)
    except UserError as error:
        raise UserError(f"The row of user {user_id} was changed by hand and is not valid: {error}") from error
    return User(user_id, profile, security_stamp, last_logon, last_password_change)
