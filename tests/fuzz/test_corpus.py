"""The kept inputs pass the harnesses, and harnesses and search find bugs that a test puts in."""

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from asmx_tickets.service import LIMITS
from spyne_asmx.soap import Route
from spyne_asmx.xml import read
from tests.fuzz import readers
from tests.fuzz.__main__ import MAX_BYTES, MAX_FILES
from tests.fuzz.child import INSTRUMENTED, by_hypothesis
from tests.fuzz.mutation import edited, search

FILES = [(name, file) for name in readers.NAMES for file in readers.kept_inputs(name)]


@pytest.mark.parametrize(("name", "file"), FILES, ids=[f"{name}/{file.name}" for name, file in FILES])
def test_a_kept_input_breaks_nothing(name: str, file: Path) -> None:
    """No fuzzer is needed."""
    readers.load(name).check(file.read_bytes())


def test_the_corpus_stays_small() -> None:
    """It is replayed at each commit. A search begins with it and finds the rest."""
    assert len(FILES) <= MAX_FILES
    assert sum(file.stat().st_size for _, file in FILES) <= MAX_BYTES
    assert {name for name, _ in FILES} == set(readers.NAMES)


def any_uuid(text: str) -> bytes | None:
    """SECURITY T2: whatever Python takes for a GUID."""
    try:
        return uuid.UUID(text.strip()).bytes
    except ValueError:
        return None


# A bug for each reader that a programmer could write.
LOG_OUT = Route("LogOut", frozenset())
BUGS: dict[str, tuple[str, Any]] = {
    "guid": ("tests.fuzz.readers.guid.parse_guid", any_uuid),
    "xml": (
        "tests.fuzz.readers.xml.read",
        lambda body, charset=None, limits=LIMITS: read(body, charset, replace(limits, depth=100)),
    ),
    "soap": (
        "spyne_asmx.soap._route_of_11",
        lambda entry, _action, routes: routes.by_element.get(entry.local_name if entry else "LogOut") or LOG_OUT,
    ),
    "forms": ("spyne_asmx.forms._NOT_A_VALUE", re.compile(r"(?!)")),
    "carriers": ("asmx_tickets.carriers._only", lambda values: max(values, default=None)),
    "settings": ("asmx_tickets.settings.layers._is_secret", lambda annotation: False),
    "snapshot": ("asmx_tickets.tickets.snapshot._mark_used", lambda file: None),
}


@pytest.mark.parametrize("name", readers.NAMES)
def test_a_harness_finds_a_bug_with_the_corpus(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bug is one that the test puts in."""
    reader = readers.load(name)
    monkeypatch.setattr(*BUGS[name])
    with pytest.raises(AssertionError):
        for file in readers.kept_inputs(name):
            reader.check(file.read_bytes())


def fails_at(piece: bytes) -> Callable[[bytes], None]:
    """A check with a bug."""

    def check(data: bytes) -> None:
        assert piece not in data

    return check


def test_the_search_without_atheris_finds_a_bug_and_shrinks_its_input() -> None:
    """One token inserted into a known input is enough."""
    inputs = edited([b"some known input", b"another"], [b"<", b"<!--"], 100)
    tried, failing, error = search(fails_at(b"<!"), inputs, seconds=30)
    assert tried > 0
    assert failing is not None
    assert b"<!" in failing
    assert len(failing) <= len(b"some known input<!--")
    assert isinstance(error, AssertionError)


def test_the_search_without_atheris_ends_in_time_where_there_is_no_bug() -> None:
    """It says how many inputs it tried."""
    tried, failing, error = search(fails_at(b"nowhere"), st.binary(max_size=3), seconds=0.1)
    assert tried >= 100
    assert (failing, error) == (None, None)


def test_a_finding_without_atheris_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The input is saved, the traceback printed, and the exit code is 1."""
    monkeypatch.setattr(*BUGS["guid"])
    for folder in ("seeds", "findings"):
        (tmp_path / folder).mkdir()
    (tmp_path / "seeds" / "urn").write_bytes((readers.CORPUS / "guid" / "urn").read_bytes())
    assert by_hypothesis("guid", tmp_path, 20) == 1
    (saved,) = (tmp_path / "findings").iterdir()
    with pytest.raises(AssertionError):
        readers.load("guid").check(saved.read_bytes())
    printed = capsys.readouterr().out
    assert "AssertionError" in printed
    assert re.search(r"^inputs tried: [1-9]", printed, re.MULTILINE)


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command in the repository."""
    command = [sys.executable, "-m", "tests.fuzz", *arguments]
    root = Path(__file__).parents[2]
    return subprocess.run(
        command, cwd=root, env=os.environ | environ, capture_output=True, text=True, timeout=120, check=False
    )


BROKEN = """
import asmx_tickets.tickets.ticket as ticket, uuid
ticket.parse_guid = lambda text: uuid.UUID(text).bytes
"""


@pytest.mark.slow
def test_the_command_says_what_it_tried_and_keeps_what_it_found(tmp_path: Path) -> None:
    """Exit code 0, or 1 if a reader is broken, with atheris or without it."""
    found = tmp_path / "found"
    done = run("--seconds", "1", "--findings", str(found), "guid")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^guid: [1-9][0-9,]* inputs in ", done.stdout)
    assert not found.exists()
    (tmp_path / "sitecustomize.py").write_text(BROKEN)
    done = run("--seconds", "1", "--findings", str(found), "guid", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "NOT OK" in done.stdout
    assert [file.name for file in found.iterdir() if f"kept: {file}" in done.stdout]


@pytest.mark.parametrize("name", readers.NAMES)
def test_coverage_guides_the_search(name: str) -> None:
    """A fuzzer instruments every package in which the bugs above are."""
    target, _ = BUGS[name]
    bug = getattr(readers.load(name), target.rpartition(".")[2]) if target.startswith("tests.") else None
    module = bug.__module__ if bug is not None else target
    assert any(f"{module}.".startswith(f"{package}.") for package in INSTRUMENTED)


def test_the_command_refuses_an_unknown_reader() -> None:
    """With exit code 2."""
    done = run("nope")
    assert done.returncode == 2
    assert "no such reader: nope" in done.stderr
