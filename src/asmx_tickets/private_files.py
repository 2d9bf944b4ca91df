"""Files that are their owner's alone, and who owns them where root makes them for somebody else."""

import os
import stat
from contextlib import suppress
from pathlib import Path


def make_private_folder(folder: Path) -> None:
    """Make a folder, and those above it, with mode 0700 where they are missing. Raises OSError.

    As root, for the owner of the folder it is made in: a server that runs as somebody else must get in.
    """
    if folder.is_dir():
        return
    make_private_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        above = folder.parent.stat()
        _give(folder, above.st_uid, above.st_gid)


def make_private_file(file: Path, flags: int = os.O_WRONLY) -> int:
    """Make a file with mode 0600 and give its descriptor. Raises OSError, FileExistsError among others.

    As root, for the owner of its folder.
    """
    descriptor = os.open(file, flags | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
    folder = file.parent.stat()
    _give(descriptor, folder.st_uid, folder.st_gid)
    return descriptor


def make_alike(descriptor: int, old: os.stat_result) -> None:
    """Give a new file the owner and the mode of the one whose place it takes, as far as this user may."""
    if os.name == "posix":
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
        _give(descriptor, old.st_uid, old.st_gid)


def exposure(file: Path) -> str | None:
    """What is wrong with who may use a file, in one line that says what to do; None if nothing is or it is missing."""
    try:
        mode = file.stat().st_mode
    except OSError:
        return None
    if os.name != "posix" or not mode & (stat.S_IROTH | stat.S_IWOTH):
        return None
    can = "changed" if mode & stat.S_IWOTH else "read"
    return f"{file} can be {can} by everybody on this machine: chmod o-rwx {file}"


def _give(file: Path | int, user: int, group: int) -> None:
    if os.name == "posix" and os.geteuid() == 0:
        os.chown(file, user, group, follow_symlinks=isinstance(file, int))
