"""The forms in which commands print."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asmx_tickets.cli.output import print_facts, print_rows, utc

COLUMNS = ("name", "count", "on", "seen")
ROWS = [
    {"name": "a\tb", "count": 1, "on": True, "seen": None},
    {"name": "Ünal", "count": 0, "on": False, "seen": "2026-02-18T14:35:00Z"},
]


def test_rows_in_a_pipe_have_a_header_and_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    """A tab in a value shifts no column; an unknown value is empty."""
    print_rows(COLUMNS, ROWS, as_json=False)
    expected = "name\tcount\ton\tseen\na b\t1\ttrue\t\nÜnal\t0\tfalse\t2026-02-18T14:35:00Z\n"
    assert capsys.readouterr().out == expected


def test_facts_are_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a blank at the end where a value is empty."""
    print_facts(ROWS[0], as_json=False)
    assert capsys.readouterr().out == "name: a b\ncount: 1\non: true\nseen:\n"
    print_facts(ROWS[1], as_json=True)
    assert json.loads(capsys.readouterr().out) == ROWS[1]


def test_facts_of_a_group_share_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON they are an object in the object."""
    facts = {"workers": 2, "store": {"users": "ok", "tickets": None}}
    print_facts(facts, as_json=False)
    assert capsys.readouterr().out == "workers: 2\nstore users: ok\nstore tickets:\n"
    print_facts(facts, as_json=True)
    assert json.loads(capsys.readouterr().out) == facts


@given(st.lists(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text())))
def test_rows_as_json_are_read_back(rows: list[dict[str, str | int | bool | None]]) -> None:
    """However many there are, even none; each row takes a line."""
    with pytest.MonkeyPatch.context() as patch:
        printed: list[str] = []
        patch.setattr("typer.echo", lambda text, nl=True: printed.append(text + "\n" * nl))
        print_rows((), rows, as_json=True)
    text = "".join(printed)
    assert json.loads(text) == rows
    assert text.count("\n") == (len(rows) + 2 if rows else 1)


def test_times_are_iso_8601_in_utc() -> None:
    """To the second; an unknown time stays unknown."""
    assert utc(1771425300.9) == "2026-02-18T14:35:00Z"
    assert utc(None) is None
