"""The back-ends of user directories that tests run over."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import create_engine, text

KEPT: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "SQLite file": lambda request: f"sqlite:///{request.getfixturevalue('tmp_path')}/App_Data/users.db",
    "PostgreSQL": lambda request: request.getfixturevalue("postgres_url"),
}


BACK_ENDS = KEPT | {
    "PostgreSQL": lambda request: request.getfixturevalue("emptied_postgres_url"),
    "SQLite in memory": lambda _request: "sqlite://",
}


def run_sql(url: str, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """Run a statement without the program, and give its rows."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()
