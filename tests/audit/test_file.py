"""SECURITY L8, R4, D22: the audit log in files. No line is lost unnoticed."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from asmx_tickets.audit import AuditFile, Event, Record, SplitAudit, written
from asmx_tickets.errors import SettingsError, Unavailable
from tests.audit.records import CALLER, LOGIN, NOW, lines
from tests.support.service import Clock
from tests.support.somebody import NOBODY, needs_root, nobody, passable_folder


@pytest.fixture
def open_file(tmp_path: Path) -> Iterator[Callable[..., AuditFile]]:
    opened: list[AuditFile] = []

    def open_one(**options: int) -> AuditFile:
        opened.append(AuditFile(tmp_path / "App_Data" / "audit.jsonl", clock=lambda: NOW, **options))
        return opened[-1]

    yield open_one
    for log in opened:
        log.close()


def test_the_file_is_its_owners_alone(open_file: Callable[..., AuditFile], tmp_path: Path) -> None:
    open_file().write(LOGIN)
    assert (tmp_path / "App_Data" / "audit.jsonl").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "App_Data").stat().st_mode & 0o777 == 0o700


def test_a_long_file_is_set_aside(open_file: Callable[..., AuditFile], tmp_path: Path) -> None:
    """So many files are kept, the newest as .1, and the oldest goes."""
    log = open_file(max_bytes=len(written(LOGIN, NOW)) * 2, keep=2)
    for number in range(9):
        log.write(LOGIN._replace(user_id=number))
    folder = tmp_path / "App_Data"
    assert sorted(file.name for file in folder.iterdir()) == ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"]
    assert [line["user_id"] for line in lines(folder / "audit.jsonl")] == [8]
    assert [line["user_id"] for line in lines(folder / "audit.jsonl.1")] == [6, 7]
    assert [line["user_id"] for line in lines(folder / "audit.jsonl.2")] == [4, 5]


def test_no_old_file_is_kept_where_keep_is_zero(open_file: Callable[..., AuditFile], tmp_path: Path) -> None:
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
    """SECURITY R4: without room the write fails, and when there is room again the log goes on with whole lines."""
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


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    """At the start, and when one takes the file's place."""
    target, file = tmp_path / "precious", tmp_path / "audit.jsonl"
    target.write_text("precious")
    file.symlink_to(target)
    with pytest.raises(SettingsError, match=r"^Audit:To .*/audit\.jsonl can't be opened: it is a symbolic link\.$"):
        AuditFile(file)
    file.unlink()
    log = AuditFile(file)
    file.unlink()
    file.symlink_to(target)
    with pytest.raises(Unavailable):
        log.write(LOGIN)
    log.close()
    assert target.read_text() == "precious"


@needs_root
def test_the_file_after_a_rotation_has_the_old_ones_owner() -> None:
    """Root's command sets a file aside. The server, which runs as nobody, goes on writing."""
    with passable_folder() as folder:
        os.chown(folder, NOBODY, NOBODY)
        file = folder / "audit.jsonl"
        with nobody():
            server = AuditFile(file, max_bytes=1)
            server.write(LOGIN)
            file.chmod(0o640)
        command = AuditFile(file, max_bytes=1)
        command.write(LOGIN)
        status = file.stat()
        assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (NOBODY, NOBODY, 0o640)
        assert (folder / "audit.jsonl.1").exists()
        with nobody():
            server.write(LOGIN)
        for log in (server, command):
            log.close()


@needs_root
def test_what_root_makes_first_belongs_to_the_folders_owner() -> None:
    """The first command is often root's, and the server comes later."""
    with passable_folder() as folder:
        os.chown(folder, NOBODY, NOBODY)
        AuditFile(folder / "App_Data" / "audit.jsonl").close()
        with nobody():
            server = AuditFile(folder / "App_Data" / "audit.jsonl")
            server.write(LOGIN)
            server.close()


@pytest.fixture
def aged(tmp_path: Path, clock: Clock) -> Iterator[AuditFile]:
    """A log that keeps lines for ten days, whose files have the times of its clock."""
    log = AuditFile(tmp_path / "audit.jsonl", max_bytes=10**6, keep=None, days=10, clock=clock)
    yield log
    log.close()


def write_on(log: AuditFile, clock: Clock, folder: Path, number: int) -> None:
    log.write(LOGIN._replace(user_id=number))
    os.utime(folder / "audit.jsonl", (clock(), clock()))


def kept(folder: Path) -> list[object]:
    return sorted(int(str(line["user_id"])) for file in folder.iterdir() for line in lines(file))


def test_lines_are_kept_for_their_days_and_not_much_longer(aged: AuditFile, clock: Clock, tmp_path: Path) -> None:
    """However few there are: a file is set aside when it is a day old, or a thirtieth of the days."""
    for day in range(30):
        write_on(aged, clock, tmp_path, day)
        assert set(kept(tmp_path)) >= set(range(max(0, day - 10), day + 1))
        assert min(map(int, map(str, kept(tmp_path)))) >= day - 13
        clock.advance(days=1)


def test_a_file_has_its_age_from_the_run_before(aged: AuditFile, clock: Clock, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        write_on(aged, clock, tmp_path, number)
        clock.advance(days=11)
    again = AuditFile(tmp_path / "audit.jsonl", keep=None, days=10, clock=clock)
    write_on(again, clock, tmp_path, 4)
    again.close()
    assert kept(tmp_path) == [3, 4]


def test_a_clock_that_ran_ahead_takes_no_lines_away(aged: AuditFile, clock: Clock, tmp_path: Path) -> None:
    """Neither a command of that moment nor the server removes any, and later ones are kept as before."""
    for number in range(5):
        write_on(aged, clock, tmp_path, number)
        clock.advance(days=1)
    for number, days in ((5, 1000), (6, 0), (7, -1000), (8, 1), (9, 1)):
        clock.advance(days=days)
        again = AuditFile(tmp_path / "audit.jsonl", keep=None, days=10, clock=clock)
        write_on(again, clock, tmp_path, number)
        again.close()
    assert kept(tmp_path) == list(range(10))


def test_refusals_push_out_nothing_else(tmp_path: Path, clock: Clock) -> None:
    """SECURITY D22: a flood of them is bounded by itself."""
    small = len(written(LOGIN, NOW)) * 3
    log = SplitAudit(
        AuditFile(tmp_path / "audit.jsonl", max_bytes=small, keep=None, days=90, clock=clock),
        AuditFile(tmp_path / "refused.jsonl", max_bytes=small, keep=2, days=90, clock=clock),
    )
    for number in range(100):
        log.write(Record(Event.LOGIN_REFUSED, CALLER, user="sysadmin"))
        log.write(Record(Event.LOCK, CALLER, user="sysadmin"))
        if number % 10 == 0:
            log.write(LOGIN._replace(user_id=number))
    log.close()
    everything = [line for file in tmp_path.iterdir() for line in lines(file)]
    assert sum(line["event"] == "login" for line in everything) == 10
    assert len(list(tmp_path.glob("refused.jsonl*"))) == 3
    assert {line["event"] for file in tmp_path.glob("audit.jsonl*") for line in lines(file)} == {"login"}


@needs_root
def test_a_folder_that_lets_nothing_be_renamed_shuts_nobody_out(logged: list[logging.LogRecord]) -> None:
    """The file is the server's and its folder is not: the file grows, and the log says so once."""
    with passable_folder() as folder:
        file = folder / "audit.jsonl"
        file.touch()
        os.chown(file, NOBODY, NOBODY)
        with nobody():
            log = AuditFile(file, max_bytes=1)
            for _ in range(3):
                log.write(LOGIN)
            log.close()
        assert len(lines(file)) == 3
        assert [record.getMessage() for record in logged] == [
            f"{file} can't be set aside, so it grows: Permission denied"
        ]
