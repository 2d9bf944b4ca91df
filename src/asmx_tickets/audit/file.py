"""The audit log in files: set aside when they get too long or too old, and removed when their time is over."""

import errno
import logging
import os
import re
import stat
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path

from asmx_tickets.audit import log
from asmx_tickets.audit.log import AuditLog, writing
from asmx_tickets.audit.record import LONGEST_LINE, Record, written
from asmx_tickets.errors import SettingsError
from asmx_tickets.private_files import make_alike, make_private_file, make_private_folder

_DAY = 86_400.0
_FLAGS = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
_FLAGS |= getattr(os, "O_CLOEXEC", 0)
_log = logging.getLogger(__name__)
_TIME = re.compile(rb'\{"time": "([^"]+)"')


class AuditFile(AuditLog):
    """A file that is set aside when it gets too long or too old: ``audit.jsonl``, ``audit.jsonl.1`` …, newest first.

    Several processes may write to the same one. It is readable by its owner alone, and a new one belongs to whom the
    old one did. Raises SettingsError when it can't be opened.

    Args:
        file: the newest one. No symbolic link: whoever makes one could have any file written to.
        max_bytes: a longer file is set aside.
        keep: how many of those that were set aside are kept; None: any number.
        days: how long each line is kept, and not much longer: a tenth of it, or three days. None: for ever.
        clock: epoch seconds.
    """

    def __init__(
        self,
        file: Path,
        *,
        max_bytes: int = 10_000_000,
        keep: int | None = 9,
        days: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._keep = keep
        self._life = None if days is None else days * _DAY
        self._clock = clock
        self._lock = threading.Lock()
        self._began: float | None = None
        self._complained = False
        try:
            make_private_folder(file.parent)
            self._descriptor = self._open()
            self._began = self._first_time()
        except OSError as error:
            reason = "it is a symbolic link" if error.errno == errno.ELOOP else error.strerror
            raise SettingsError(f"Audit:To {file} can't be opened: {reason}.") from None

    def write(self, record: Record) -> None:
        line = written(record, self._clock())
        with self._lock, writing(self._file):
            _lock(self._descriptor)
            try:
                self._follow(len(line))
                self._append(line)
            finally:
                _unlock(self._descriptor)

    def flush(self) -> None:
        pass

    def check(self) -> None:
        with self._lock, writing(self._file):
            _lock(self._descriptor)
            try:
                self._follow(LONGEST_LINE)
                space = os.statvfs(self._file)
            finally:
                _unlock(self._descriptor)
            if space.f_bavail * space.f_frsize < LONGEST_LINE:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        os.close(self._descriptor)

    def _open(self, old: os.stat_result | None = None) -> int:
        """Open the file, or make it, then like an old one. Raises OSError."""
        try:
            descriptor = make_private_file(self._file, _FLAGS)
        except FileExistsError:
            descriptor = os.open(self._file, _FLAGS)
        else:
            if old is not None:
                make_alike(descriptor, old)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "it is no file")
        return descriptor

    def _first_time(self) -> float | None:
        """When the first line was written; None if the file is empty or its first line is not an audit line.

        What is later than now is of a clock that ran ahead.
        """
        with suppress(OSError, ValueError), self._file.open("rb") as source:
            if found := _TIME.match(source.read(64)):
                return min(datetime.fromisoformat(found[1].decode()).timestamp(), self._clock())
        return None

    def _remove_old(self) -> None:
        """When a file was set aside: remove those whose time was over when it began.

        By then, and not by now: a clock that runs ahead by mistake would take everything away.
        """
        if self._life is None or self._began is None:
            return
        for aside in reversed(self._set_aside_files()):
            if aside.stat().st_mtime >= self._began - self._life:
                return  # What is newer has a lower number; a gap would hide what is behind it.
            aside.unlink()

    def _follow(self, more: int) -> None:
        """Come to the file that has the name now, with room for the line. Called and left with the lock held."""
        while True:
            mine = os.fstat(self._descriptor)
            with suppress(FileNotFoundError):
                named = self._file.lstat()
                if (named.st_dev, named.st_ino) == (mine.st_dev, mine.st_ino):
                    if not mine.st_size or (mine.st_size + more <= self._max_bytes and not self._is_old()):
                        return
                    if not self._is_set_aside():
                        return
            descriptor = self._open(mine)
            _lock(descriptor)
            os.close(self._descriptor)
            self._descriptor = descriptor
            self._remove_old()
            self._began = self._first_time()

    def _is_old(self) -> bool:
        if self._life is None:
            return False
        if self._began is None:
            self._began = self._clock()
        return self._clock() - self._began >= max(_DAY, self._life / 30)

    def _is_set_aside(self) -> bool:
        """Set the file aside. If its folder does not allow that, writing goes on and the log says so."""
        try:
            self._set_aside()
        except PermissionError as error:
            if not self._complained:
                _log.error("%s can't be set aside, so it grows: %s", self._file, error.strerror)
            self._complained = True
            return False
        self._complained = False
        return True

    def _set_aside(self) -> None:
        """Give each file the next one's number, and remove those that are too many."""
        for aside in reversed(self._set_aside_files()):
            number = int(aside.name.rpartition(".")[2])
            if self._keep is not None and number >= self._keep:
                aside.unlink()
            else:
                aside.replace(self._numbered(number + 1))
        if self._keep == 0:
            self._file.unlink()
        else:
            self._file.replace(self._numbered(1))

    def _set_aside_files(self) -> list[Path]:
        """The newest first. Files after a gap in the numbers belong to somebody else."""
        files: list[Path] = []
        for number in count(1):
            aside = self._numbered(number)
            if not aside.exists():
                return files
            files.append(aside)
        raise AssertionError

    def _numbered(self, number: int) -> Path:
        return self._file.with_name(f"{self._file.name}.{number}")

    def _append(self, line: bytes) -> None:
        before = os.fstat(self._descriptor).st_size
        written_bytes = os.write(self._descriptor, line)
        if written_bytes != len(line):
            # The disk is full: half a line would spoil the next one.
            os.ftruncate(self._descriptor, before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


if sys.platform == "win32":  # pragma: no cover - where nothing renames or cuts a file that another process has open

    def _lock(descriptor: int) -> None:
        pass

    def _unlock(descriptor: int) -> None:
        pass

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        end = time.monotonic() + log.STUCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise OSError(errno.EAGAIN, "another program keeps it locked") from None
                time.sleep(0.005)
            else:
                return

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
