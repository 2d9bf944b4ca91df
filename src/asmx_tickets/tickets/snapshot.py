"""Keeps the tickets in memory in a file from a graceful stop to the next start, so that users stay logged in.

A file is good for one start: ``load`` marks it as used, on the disk, before it gives the cache a ticket, and ``save``
writes a new one in its place once no further call gets into the cache. A file that could be loaded again would, after a
crash, bring back tickets that were logged out meanwhile; and LogOut is final (CONTRACT 1.2). So after a crash users log
in again. The used file stays where it is until the new one is written, so no stop is without a place to write to.

It holds digests and no ticket, yet who can write it can make tickets: so it is made 0600, and taken from its owner
and root only. Its format, in little-endian order: 12 bytes of magic, which are others once the file was used, the
version as 4 bytes, the SHA-256 of what follows; then the length of a JSON list as 4 bytes, the list, which has the
languages and bindings, and the records as in ``records``, from the ticket used last to the one unused for longest.
A file of version 1, whose records have no origin, is read as well.
"""

import errno
import glob
import hashlib
import io
import json
import logging
import os
import secrets
import stat
import struct
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from asmx_tickets.private_files import give_to_owner_of
from asmx_tickets.tickets.memory import MemoryTicketCache
from asmx_tickets.tickets.records import RECORD_SIZE, RECORD_SIZE_OF_VERSION_1, from_version_1

VERSION = 2
_MAGIC = b"asmx-tickets"
_USED_MAGIC = b"used-tickets"
_HEADER = struct.Struct("<12sI32s")
_LENGTH = struct.Struct("<I")
_BATCH = 4096  # How many records are read at once.
_RECORD_SIZES = {1: RECORD_SIZE_OF_VERSION_1, VERSION: RECORD_SIZE}
_TEMPORARY = ".tmp"

_log = logging.getLogger(__name__)


class _Used(Exception):
    """The file was loaded by a run that did not come to a graceful stop."""


class _Unusable(Exception):
    """Why no tickets are taken from a file, as the end of a sentence about it."""


def save(cache: MemoryTicketCache, file: Path) -> int:
    """Close the cache for good, and write its live tickets to ``file``, replacing it. Returns how many there were.

    For a graceful stop, once the last request is answered: a call that comes later raises Unavailable. What goes wrong
    with the file is one line in the log, and 0 is returned: then the tickets end, and no part of them stays on disk.
    Raises Unavailable if the cache is closed already.
    """
    words, batches = cache.hand_over()
    try:
        saved = _write(file, words, batches)
    except OSError as error:
        _log.error("the tickets can't be saved in %s, so all users have to log in again: %s", file, _reason(error))
        return 0
    _log.info("saved %d tickets in %s", saved, file)
    return saved


def load(cache: MemoryTicketCache, file: Path) -> int:
    """Give an empty cache the tickets that ``save`` wrote to ``file``. Returns how many are alive.

    Only for the start of a server, before the first request. A missing file is normal. One that was used before
    stays where it is. One that is damaged, unreadable, of another version or not to be trusted
    is renamed to ``….damaged.`` and 8 hex digits, or left alone if it is not a regular file. In each case a line in the
    log says why, and the cache stays empty. So it does if ``file`` can't be marked as used. See ``take_over`` for
    what changed settings and clocks do.
    """
    _remove_leftovers(file)
    try:
        with _open(file) as source:
            _lock(source)
            status = os.fstat(source.fileno())
            _check_origin(status)
            words, there, version = _read_head(source, status.st_size)
            _mark_used(source)
            batches = iter(lambda: source.read(_BATCH * _RECORD_SIZES[version]), b"")
            cache.take_over(words, map(from_version_1, batches) if version == 1 else batches)
    except FileNotFoundError:
        return 0
    except _Used:
        _log.warning("the last run did not stop in good order, so the tickets in %s are too old to be used again", file)
    except (OSError, _Unusable) as error:
        _set_aside(file, _reason(error))
    else:
        if status.st_mode & (stat.S_IRGRP | stat.S_IROTH):
            _log.warning("others than its owner could read %s, which tells who is logged in; it needs mode 600", file)
        _log.info("loaded %d tickets of %d in %s; any others had ended or were too many", cache.held, there, file)
    return cache.held


def _write(file: Path, words: list[str], batches: Iterator[bytes]) -> int:
    """Write the file, and return the number of tickets. If this raises OSError, the old file stays as it was."""
    with suppress(FileNotFoundError):
        if stat.S_IFMT(file.lstat().st_mode) not in (stat.S_IFREG, stat.S_IFLNK):
            raise OSError(errno.EINVAL, "there is something that is no file")
    with tempfile.NamedTemporaryFile(
        dir=file.parent, prefix=f".{file.name}.", suffix=_TEMPORARY, delete=False
    ) as target:  # Made with mode 600, and never through a link.
        temporary = Path(target.name)
        try:
            give_to_owner_of(file.parent, target.fileno())
            size = _write_into(target, words, batches)
            target.close()  # Windows renames no open file.
            temporary.replace(file)
        except BaseException:
            with suppress(OSError):  # what is left in the buffer
                target.close()
            with suppress(OSError):
                temporary.unlink()
            raise
    _sync_folder(file.parent)
    return size // RECORD_SIZE


def _write_into(target: IO[bytes], words: list[str], batches: Iterator[bytes]) -> int:
    """Write the content, and return how many bytes the records take."""
    listed = json.dumps(words).encode("ascii")
    head = _LENGTH.pack(len(listed)) + listed
    checksum = hashlib.sha256(head)
    target.write(bytes(_HEADER.size) + head)
    size = 0
    for batch in batches:
        checksum.update(batch)
        size += target.write(batch)
    target.seek(0)
    target.write(_HEADER.pack(_MAGIC, VERSION, checksum.digest()))
    target.flush()
    os.fsync(target.fileno())
    return size


def _open(file: Path) -> io.BufferedRandom:
    """Raises OSError, and _Unusable if it is a symbolic link."""
    if file.is_symlink():
        raise _Unusable("it is a symbolic link")
    # Of a link made just now; and opening a pipe must not wait for who writes. Windows has neither.
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    return open(file, "r+b", opener=lambda name, mode: os.open(name, mode | flags))


def _lock(source: io.BufferedRandom) -> None:
    """Let only one of two servers that start at the same instant go on."""
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(source, fcntl.LOCK_EX)


def _check_origin(status: os.stat_result) -> None:
    """Raises _Unusable if others than its owner, who is root or this process's user, can have written the file."""
    if not stat.S_ISREG(status.st_mode):
        raise _Unusable("it is not a regular file")
    if sys.platform == "win32":
        return  # its access lists are the folder's
    if status.st_uid not in (0, os.geteuid()):
        raise _Unusable("it is owned by another user, who may have forged it")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _Unusable("others than its owner may write to it, and may have forged it; it needs mode 600")
    if status.st_nlink > 1:
        raise _Unusable("it has more than one name, so it may be an old one put back")


def _read_head(source: io.BufferedRandom, size: int) -> tuple[list[str], int, int]:
    """The languages and bindings, how many records follow from where ``source`` stands then, and the version.

    Raises OSError, _Unusable and _Used.
    """
    if size < _HEADER.size:
        raise _Unusable("it is cut short")
    magic, version, checksum = _HEADER.unpack(source.read(_HEADER.size))
    if magic == _USED_MAGIC:
        raise _Used
    if magic != _MAGIC:
        raise _Unusable("it is damaged, or no file of tickets")
    if version not in _RECORD_SIZES:
        raise _Unusable(f"its format has version {version}, and this program reads version {VERSION}")
    if hashlib.file_digest(source, "sha256").digest() != checksum:
        raise _Unusable("it is damaged or cut short")
    source.seek(_HEADER.size)
    try:
        (length,) = _LENGTH.unpack(source.read(_LENGTH.size))
        words = json.loads(source.read(length))
    except (ValueError, RecursionError, struct.error):
        words = None
    records, rest = divmod(size - source.tell(), _RECORD_SIZES[version])
    if rest or not isinstance(words, list) or not all(isinstance(each, str) for each in words):
        raise _Unusable("it has no proper content")
    return words, records, version


def _mark_used(source: io.BufferedRandom) -> None:
    """Raises _Unusable if that can't be kept on the disk."""
    try:
        records = source.tell()
        source.seek(0)
        source.write(_USED_MAGIC)
        source.flush()
        os.fsync(source.fileno())
        source.seek(records)
    except OSError as error:
        raise _Unusable(f"it can't be marked as used, and must not be loaded twice ({_reason(error)})") from error


def _set_aside(file: Path, why: str) -> None:
    try:
        if stat.S_ISREG(file.lstat().st_mode):
            aside = file.with_name(f"{file.name}.damaged.{secrets.token_hex(4)}")
            file.rename(aside)
            done = f"it is now {aside.name}"
        else:
            done = "it was left alone"
    except OSError as error:
        done = f"it can't be renamed ({_reason(error)})"
    _log.warning("the tickets in %s can't be used, so users have to log in again: %s; %s", file, why, done)


def _remove_leftovers(file: Path) -> None:
    """Remove the file of a ``save`` that was killed before it was done."""
    with suppress(OSError):
        for leftover in file.parent.glob(f".{glob.escape(file.name)}.{'?' * 8}{_TEMPORARY}"):
            leftover.unlink()


def _sync_folder(folder: Path) -> None:
    """Make renames and removals in a folder survive a power cut, where its file system can."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EBADF):
            raise
    finally:
        os.close(handle)


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
