"""The audit log (SECURITY L8, R4): a line for a record, whatever is in it; and never a line that is lost unnoticed."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asmx_tickets.audit import AuditFile, AuditStream, Caller, Event, Record, written
from asmx_tickets.errors import SettingsError, Unavailable

NOW = 1_771_425_300.25
CALLER = Caller("192.0.2.7", "SOAP 1.1", "1f-2")
LOGIN = Record(Event.LOGIN, CALLER, user="jsmith", user_id=42, ticket="0a1b2c3d")


def test_a_line_says_when_what_who_from_where_and_how() -> None:
    assert json.loads(written(LOGIN, NOW)) == {
        "time": "2026-02-18T14:35:00.250Z",
        "event": "login",
        "user": "jsmith",
        "user_id": 42,
        "ticket": "0a1b2c3d",
        "address": "192.0.2.7",
        "binding": "SOAP 1.1",
        "request": "1f-2",
    }


@given(user=st.text(), reason=st.text(), address=st.text(max_size=100))
@example(user='\x7f\r\n\u2028\ud800"}', reason="", address="")
def test_a_record_is_one_line_whatever_clients_send(user: str, reason: str, address: str) -> None:
    """SECURITY L8: a name with line ends and quotes forges no second record."""
    record = Record(Event.LOGIN_REFUSED, Caller(address, "HTTP GET"), user=user, reason=reason)
    line = written(record, NOW)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert all(0x20 <= byte < 0x7F for byte in line[:-1])
    assert json.loads(line).get("user", "") == user[:64]
    assert len(line) <= 4096


@pytest.fixture
def open_file(tmp_path: Path) -> Iterator[Callable[..., AuditFile]]:
    opened: list[AuditFile] = []

    def open_one(**options: int) -> AuditFile:
        opened.append(AuditFile(tmp_path / "App_Data" / "audit.jsonl", clock=lambda: NOW, **options))
        return opened[-1]

    yield open_one
    for log in opened:
        log.close()


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_the_file_is_its_owners_alone(open_file: Callable[..., AuditFile], tmp_path: Path) -> None:
    open_file().write(LOGIN)
    assert (tmp_path / "App_Data" / "audit.jsonl").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "App_Data").stat().st_mode & 0o777 == 0o700


def test_a_long_file_is_set_aside(open_file: Callable[..., AuditFile], tmp_path: Path) -> None:
    """So many are kept, the newest as .1; what is oldest goes."""
    log = open_file(max_bytes=len(written(LOGIN, NOW)) * 2, keep=2)
    for number in range(9):
        log.write(LOGIN._replace(user_id=number))
    folder = tmp_path / "App_Data"
    assert sorted(file.name for file in folder.iterdir()) == ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"]
    assert [line["user_id"] for line in lines(folder / "audit.jsonl")] == [8]
    assert [line["user_id"] for line in lines(folder / "audit.jsonl.1")] == [6, 7]
    assert [line["user_id"] for line in lines(folder / "audit.jsonl.2")] == [4, 5]


def test_none_is_kept_if_so_wanted(open_file: Callable[..., AuditFile], tmp_path: Path) -> None:
    log = open_file(max_bytes=1, keep=0)
    for _ in range(3):
        log.write(LOGIN)
    assert [file.name for file in (tmp_path / "App_Data").iterdir()] == ["audit.jsonl"]


def test_a_file_that_somebody_moved_is_begun_anew(open_file: Callable[..., AuditFile], tmp_path: Path) -> None:
    """As logrotate does."""
    log = open_file()
    log.write(LOGIN)
    file = tmp_path / "App_Data" / "audit.jsonl"
    file.rename(tmp_path / "moved")
    log.write(LOGIN)
    assert len(lines(file)) == len(lines(tmp_path / "moved")) == 1


_WRITER = """
import sys
from pathlib import Path
from asmx_tickets.audit import AuditFile, Caller, Event, Record
log = AuditFile(Path(sys.argv[1]), max_bytes=20_000, keep=99)
for number in range(500):
    log.write(Record(Event.LOGIN, Caller("192.0.2.7"), user=sys.argv[2], user_id=number))
"""


def test_processes_share_a_file(tmp_path: Path) -> None:
    """No line is lost, torn or written twice while four processes set it aside again and again."""
    file = tmp_path / "audit.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, file, name]) for name in "abcd"]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0, 0]
    found = [(line["user"], line["user_id"]) for part in tmp_path.iterdir() for line in lines(part)]
    assert sorted(found) == sorted((name, number) for name in "abcd" for number in range(500))


_FULL = """
import resource, sys
from pathlib import Path
from asmx_tickets.audit import AuditFile, Caller, Event, Record
from asmx_tickets.errors import Unavailable
log = AuditFile(Path(sys.argv[1]))
record = Record(Event.LOGIN, Caller("192.0.2.7"), user="a")
log.write(record)
resource.setrlimit(resource.RLIMIT_FSIZE, (150, resource.RLIM_INFINITY))
try:
    log.write(record)
except Unavailable as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.write(record)
"""


def test_half_a_line_is_taken_back(tmp_path: Path) -> None:
    """SECURITY R4: no more room is said, and when there is some again the log goes on with whole lines."""
    file = tmp_path / "audit.jsonl"
    done = subprocess.run([sys.executable, "-c", _FULL, file], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.startswith("The audit log can't be written")
    assert len(lines(file)) == 2


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "audit.jsonl"
    if kind == "folder":
        place.mkdir()
    else:
        os.mkfifo(place)
    with pytest.raises(SettingsError, match="Audit:To"):
        AuditFile(place)


def test_a_stuck_reader_of_standard_output_is_said_and_does_no_harm() -> None:
    """SECURITY R4: nothing hangs; once somebody reads again, the log goes on with whole lines."""
    reading, writing = os.pipe()
    log = AuditStream(writing, clock=lambda: NOW)
    line = written(LOGIN, NOW)
    fits = 0
    started = time.monotonic()
    with pytest.raises(Unavailable):
        while True:
            log.write(LOGIN)
            fits += 1
    assert time.monotonic() - started < 5
    while fits:
        taken = os.read(reading, len(line))
        assert taken == line
        fits -= 1
    log.write(LOGIN)
    assert os.read(reading, 4096) == line
    log.close()
    os.close(reading)
    os.close(writing)


def test_standard_output_can_be_a_socket() -> None:
    """As under systemd."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        log = AuditStream(ours.fileno(), clock=lambda: NOW)
        log.write(LOGIN)
        assert theirs.recv(4096) == written(LOGIN, NOW)
        log.close()


def test_a_reader_who_left_is_said() -> None:
    reading, writing = os.pipe()
    log = AuditStream(writing)
    os.close(reading)
    with pytest.raises(Unavailable):
        log.write(LOGIN)
    log.close()
    os.close(writing)
