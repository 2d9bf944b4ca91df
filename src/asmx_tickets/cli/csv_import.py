"""``asmx-tickets user import``: many users from a CSV file."""

import csv
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from asmx_tickets.access.accounts import AccountRules
from asmx_tickets.errors import UserError
from asmx_tickets.users.passwords import PasswordHasher
from asmx_tickets.users.sql import SqlUserDirectory
from asmx_tickets.users.user import Profile, name_taken

_TEXTS = ("user_name", "first_name", "last_name", "email", "domain", "language")
_FLAGS = ("read_only", "enabled")
_COLUMNS = {"password", *_TEXTS, *_FLAGS}
_FLAG_VALUES = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_REPORT_EVERY = 100


@dataclass(frozen=True, slots=True)
class Line:
    """What became of a line that ends at byte ``end`` of the file. ``complaint`` is None where a user was added."""

    number: int
    end: int
    complaint: str | None


@dataclass(frozen=True, slots=True)
class Adding:
    """How users are added: where to, with what hashes, by which rules; and who is told name and id of each before it
    is kept. What ``note`` raises undoes it.
    """

    directory: SqlUserDirectory
    passwords: PasswordHasher
    rules: AccountRules
    note: Callable[[str, int], None]


def run(file: Path, adding: Adding) -> int:
    """Import the file, tell on standard error how it goes and on standard output how it ended; gives the exit code.

    Raises UserError when the file can't be read or has no proper header, Unavailable when the directory or the note
    fails; what was added until then stays, and is told.
    """
    try:
        source = file.open("rb")
    except OSError as error:
        raise UserError(f"{file} can't be read: {error.strerror}.") from None
    added = refused = 0
    stopped = False
    with source, _ctrl_c() as pressed:
        try:
            with closing(add_users(source, adding)) as lines, _progress(file) as (progress, task):
                for line in lines:
                    if line.complaint is None:
                        added += 1
                    else:
                        refused += 1
                        progress.console.print(f"line {line.number}: {line.complaint}", soft_wrap=True)
                    progress.update(task, completed=line.end, added=added)
                    if progress.disable and line.complaint is None and added % _REPORT_EVERY == 0:
                        typer.echo(f"added {added}", err=True)
                    stopped = pressed()
                    if stopped:
                        break
        finally:
            typer.echo(f"{added} added, {refused} refused")
    return 130 if stopped else int(refused > 0)


def add_users(source: Iterable[bytes], adding: Adding) -> Generator[Line]:
    """Add the users of a CSV file, line by line in the file's order; each has been committed when its line is given.

    Passwords are hashed on all cores. No more lines are read ahead than keep these busy. Raises UserError for a header
    that won't do.
    """
    numbered = _non_blank(source)
    columns = _columns(next(numbered, (1, 0, b""))[2])
    workers = os.cpu_count() or 1
    ahead: deque[tuple[int, int, Future[tuple[Profile, str]]]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for number, end, line in numbered:
            ahead.append((number, end, pool.submit(_prepare, line, columns, adding)))
            if len(ahead) > workers * 2:
                yield _add(*ahead.popleft(), adding)
        while ahead:
            yield _add(*ahead.popleft(), adding)
    finally:
        pool.shutdown(cancel_futures=True)


def _non_blank(source: Iterable[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """Number, end and content of each line that has any."""
    end = 0
    for number, line in enumerate(source, 1):
        end += len(line)
        content = line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
        if content.strip():
            yield number, end, content


def _columns(header: bytes) -> list[str]:
    # No name is repeated in the message: where the header is missing, it would be a user's name and password.
    columns = [name.strip().lower() for name in _fields(header)]
    if not {"user_name", "password"} <= set(columns) <= _COLUMNS or len(set(columns)) != len(columns):
        raise UserError(
            "The first line must name the columns, once each: user_name,password and any of"
            " first_name,last_name,email,domain,language,read_only,enabled."
        )
    return columns


def _prepare(line: bytes, columns: list[str], adding: Adding) -> tuple[Profile, str]:
    """Everything that can be done before the line's turn comes. Raises UserError, with no value from the
    line but a name that another account has.
    """
    fields = _fields(line)
    if len(fields) != len(columns):
        raise UserError(f"The header has {len(columns)} columns, this line has {len(fields)}.")
    values = dict(zip(columns, fields, strict=True))
    known: dict[str, Any] = {name: values[name] for name in _TEXTS if name in values}
    known |= {name: _flag(name, values[name]) for name in _FLAGS if values.get(name)}
    profile = Profile(**known)
    adding.rules.check_profile(profile)
    adding.rules.check_password(values["password"], profile.user_name)
    # Asked before the costly part, so that an import can be repeated quickly; adding asks again.
    if adding.directory.find(profile.user_name) is not None:
        raise name_taken(profile.user_name)
    return profile, adding.passwords.hash(values["password"])


def _add(number: int, end: int, prepared: Future[tuple[Profile, str]], adding: Adding) -> Line:
    try:
        profile, password_hash = prepared.result()
        with adding.directory.together():
            adding.note(profile.user_name, adding.directory.add(profile, password_hash))
    except UserError as error:
        return Line(number, end, str(error))
    return Line(number, end, None)


def _fields(line: bytes) -> list[str]:
    """The fields of one line. A field can't hold a line break: no value may."""
    try:
        return next(csv.reader([line.decode()], strict=True), [])
    except UnicodeDecodeError:
        raise UserError("The line is not UTF-8.") from None
    except csv.Error:
        raise UserError("The line is no CSV: are its quotes closed and doubled?") from None


def _flag(name: str, value: str) -> bool:
    flag = _FLAG_VALUES.get(value.strip().lower())
    if flag is None:
        raise UserError(f"The column {name} must be true or false.")
    return flag


@contextmanager
def _progress(file: Path) -> Iterator[tuple[Progress, Any]]:
    """A progress bar on standard error, if that is a terminal."""
    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[added]} added"), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as progress:
        yield progress, progress.add_task("", total=file.stat().st_size or None, added=0)


@contextmanager
def _ctrl_c() -> Iterator[Callable[[], bool]]:
    """Lets a line that is being added be finished and counted. The second Ctrl-C interrupts at once."""
    pressed = False

    def press(_signal: int, _frame: object) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, press)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)
