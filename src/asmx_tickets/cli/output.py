"""What commands print: rows and facts, for people on a terminal and for scripts in a pipe, and both as JSON."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Annotated

import typer

Value = str | int | float | bool | None
Facts = Mapping[str, Value]
Groups = Mapping[str, Value | Facts]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def print_rows(columns: Sequence[str], rows: Iterable[Facts], *, as_json: bool) -> None:
    """Print a row a line below the columns' names: as a table on a terminal, in a pipe with tabs between.

    As JSON it is an array with an object a row. Rows are printed as they come, but for the table's.
    """
    if as_json:
        _print_array(rows)
    elif sys.stdout.isatty():
        _print_table(columns, rows)
    else:
        rest = iter(rows)
        first = [*islice(rest, 1)]  # where there are none to be had, the error is all that is printed
        typer.echo("\t".join(columns))
        for row in chain(first, rest):
            typer.echo("\t".join(_text(row[column]) for column in columns))


def print_facts(facts: Groups, *, as_json: bool) -> None:
    """Print what is known of one thing, a fact a line; as JSON one object."""
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    for name, value in facts.items():
        parts = value if isinstance(value, Mapping) else {"": value}
        for part, fact in parts.items():
            typer.echo(f"{name} {part}".rstrip() + f": {_text(fact)}".rstrip())


def utc(seconds: float | None) -> str | None:
    """A time as it is printed: ISO 8601 in UTC, to the second."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ended(tickets: int) -> str:
    """How many tickets ended."""
    return f"{tickets} {'ticket' if tickets == 1 else 'tickets'} ended"


def _text(value: Value) -> str:
    """A value on one line and in one column."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value).replace("\t", " ")


def _print_array(rows: Iterable[Facts]) -> None:
    separator = "[\n  "
    for row in rows:
        typer.echo(f"{separator}{json.dumps(dict(row))}", nl=False)
        separator = ",\n  "
    typer.echo("[]" if separator.startswith("[") else "\n]")


def _print_table(columns: Sequence[str], rows: Iterable[Facts]) -> None:
    """A table as wide as it needs; the terminal wraps what is too long, and nothing is cut off."""
    from rich.cells import cell_len

    lines = [columns, *([_text(row[column]) for column in columns] for row in rows)]
    widths = [max(map(cell_len, cells)) for cells in zip(*lines, strict=True)]
    for line in lines:
        padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True))
        typer.echo("  ".join(padded).rstrip())
