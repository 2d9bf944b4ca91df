"""``asmx-tickets user import``: many users from a CSV file."""

import os
import signal
import sys
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from asmx_tickets.access.accounts import AccountRules
from asmx_tickets.audit import Event
from asmx_tickets.cli.auditing import Note
from asmx_tickets.cli.csv_records import Record, Records
from asmx_tickets.cli.output import ended
from asmx_tickets.errors import UserError
from asmx_tickets.users.directory import UserDirectory
from asmx_tickets.users.passwords import PasswordHasher
from asmx_tickets.users.user import PROFILE_FIELDS, Credentials, Profile, User, name_taken

_FLAGS = ("read_only", "enabled")
_FLAG_VALUES = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_REPORT_EVERY = 100


@dataclass(frozen=True, slots=True)
class Line:
    """What became of a line that ends at byte ``end``: ``added``, ``updated``, ``unchanged`` or ``refused``."""

    number: int
    end: int
    outcome: str
    complaint: str = ""
    tickets: int = 0
    """How many tickets ended by it."""


@dataclass(frozen=True, slots=True)
class Importer:
    """Adds users to a directory, with hashes and by rules, and notes each one before it is kept.

    What ``note`` raises undoes it. ``update``: users who are there are changed. ``end_tickets`` ends those of a user
    who was given a new password or disabled, and gives their number.
    """

    directory: UserDirectory
    passwords: PasswordHasher
    rules: AccountRules
    note: Note
    update: bool
    end_tickets: Callable[[int], int]


@dataclass(frozen=True, slots=True)
class Change:
    """What a line asks for. ``user`` is who is there already, ``password_hash`` that of a new password."""

    profile: Profile
    password_hash: str | None
    user: User | None = None

    def events(self) -> Iterator[tuple[Event, str]]:
        """What happens to the user, and what of the profile it is about. Nothing, where all is so already."""
        if self.user is None:
            yield Event.USER_ADDED, ""
            return
        before = self.user.profile
        changed = [name for name in PROFILE_FIELDS if getattr(before, name) != getattr(self.profile, name)]
        if "enabled" in changed:
            changed.remove("enabled")
            yield Event.USER_ENABLED if self.profile.enabled else Event.USER_DISABLED, ""
        if changed:
            yield Event.USER_CHANGED, ", ".join(changed)
        if self.password_hash is not None:
            yield Event.PASSWORD_CHANGED, ""


def run(file: Path, importer: Importer) -> int:
    """Import the file, or standard input where it is ``-``; tell on standard error how it goes and on standard output
    how it ended. Gives the exit code.

    Raises UserError when the file can't be read or has no proper header, Unavailable when the directory or the note
    fails; what was done until then stays, and is told.
    """
    count: Counter[str] = Counter()
    tickets = 0
    stopped = False
    with _opened(file) as source, _ctrl_c() as pressed:
        try:
            with closing(import_users(source, importer)) as lines, _progress(source) as (progress, task):
                for line in lines:
                    count[line.outcome] += 1
                    tickets += line.tickets
                    if line.complaint:
                        progress.console.print(line.complaint, soft_wrap=True)
                    progress.update(task, completed=line.end, added=count["added"])
                    if progress.disable and line.outcome == "added" and count["added"] % _REPORT_EVERY == 0:
                        typer.echo(f"added {count['added']}", err=True)
                    stopped = pressed()
                    if stopped:
                        break
        finally:
            outcomes = ("added", "updated", "unchanged", "refused") if importer.update else ("added", "refused")
            typer.echo(", ".join(f"{count[outcome]} {outcome}" for outcome in outcomes))
    if tickets:
        typer.echo(ended(tickets))
    return 130 if stopped else int(count["refused"] > 0)


def import_users(source: Iterable[bytes], importer: Importer) -> Generator[Line]:
    """Import the users of a CSV file in the file's order; each has been committed when its line is given.

    Passwords are hashed on all cores. No more lines are read ahead than keep these busy. Raises UserError for a header
    that won't do.
    """
    required = ("user_name",) if importer.update else ("user_name", "password")
    records = Records(source, ("user_name", "password", *PROFILE_FIELDS[1:]), required)
    workers = os.cpu_count() or 1
    ahead: deque[tuple[Record, Future[Change]]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for record in records:
            ahead.append((record, pool.submit(_prepare, record, importer)))
            if len(ahead) > workers * 2:
                yield _done(*ahead.popleft(), records.titles, importer)
        while ahead:
            yield _done(*ahead.popleft(), records.titles, importer)
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare(record: Record, importer: Importer) -> Change:
    """Everything that can be done before the line's turn comes. Raises UserError, with no value from the
    line but a name that another account has.
    """
    if record.complaint:
        raise UserError(record.complaint)
    profile = Profile(**_given(record.fields))
    password = record.fields.get("password", "")
    # Asked before the costly part, so that an import can be repeated quickly; adding asks again.
    there = importer.directory.find(profile.user_name)
    if there is None:
        importer.rules.check_profile(profile)
        importer.rules.check_password(password, profile.user_name)
        return Change(profile, importer.passwords.hash(password))
    if not importer.update:
        raise name_taken(profile.user_name)
    importer.rules.check_profile(profile)
    before = there.user.profile
    profile = replace(before, **_given(record.fields) | {"user_name": before.user_name})
    return Change(profile, _new_hash(there, password, importer), there.user)


def _new_hash(there: Credentials, password: str, importer: Importer) -> str | None:
    """The hash of another password than the user has; None where it is the same, or none is given."""
    if not password or importer.passwords.verify(there.password_hash, password).ok:
        return None
    importer.rules.check_password(password, there.user.profile.user_name)
    return importer.passwords.hash(password)


def _done(record: Record, prepared: Future[Change], titles: Mapping[str, str], importer: Importer) -> Line:
    try:
        outcome, tickets = _kept(prepared.result(), importer)
    except UserError as error:
        column = f", column {titles[error.field]}" if error.field in titles else ""
        return Line(record.line, record.end, "refused", f"line {record.line}{column}: {error}")
    return Line(record.line, record.end, outcome, tickets=tickets)


def _kept(change: Change, importer: Importer) -> tuple[str, int]:
    """What became of the user, and how many tickets ended."""
    events = list(change.events())
    if not events:
        return "unchanged", 0
    with importer.directory.together():
        if change.user is None:
            user_id = importer.directory.add(change.profile, change.password_hash or "")
        else:
            user_id = change.user.id
            if not importer.directory.change(user_id, profile=change.profile, password_hash=change.password_hash):
                raise UserError(f"There is no user {change.profile.user_name!r} any more.")
        for event, reason in events:
            importer.note(event, change.profile.user_name, user_id, reason=reason)
    if {Event.USER_DISABLED, Event.PASSWORD_CHANGED} & {event for event, _ in events}:
        return "updated", importer.end_tickets(user_id)
    return "added" if change.user is None else "updated", 0


def _given(line: Mapping[str, str]) -> dict[str, Any]:
    """The fields of the profile that a line has. A switch that is left empty is none of them."""
    given: dict[str, Any] = {name: line[name] for name in PROFILE_FIELDS if name in line and name not in _FLAGS}
    return given | {name: _flag(name, line[name]) for name in _FLAGS if line.get(name)}


def _flag(name: str, value: str) -> bool:
    flag = _FLAG_VALUES.get(value.strip().lower())
    if flag is None:
        raise UserError("It must be true or false.", name)
    return flag


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    try:
        source = file.open("rb")
    except OSError as error:
        raise UserError(f"{file} can't be read: {error.strerror}.") from None
    with source:
        yield source


@contextmanager
def _progress(source: BinaryIO) -> Iterator[tuple[Progress, Any]]:
    """A progress bar on standard error, if that is a terminal."""
    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[added]} added"), TimeRemainingColumn())
    size = os.fstat(source.fileno()).st_size if source is not sys.stdin.buffer else 0
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as progress:
        yield progress, progress.add_task("", total=size or None, added=0)


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
