"""Makes files that only their owner may use, and gives those that root makes to the owner of the folder."""

import os
import stat
import sys
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
        if sys.platform != "win32":
            # By its descriptor: the owner of the folder above may put something else in its place.
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                os.fchmod(descriptor, 0o700)  # whatever the umask is
                give_to_owner_of(folder.parent, descriptor)
            finally:
                os.close(descriptor)


def make_private_file(file: Path, flags: int = os.O_WRONLY) -> int:
    """Make a file with mode 0600 and return its descriptor. Raises OSError, such as FileExistsError.

    As root, for the owner of its folder.
    """
    descriptor = os.open(file, flags | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
    if sys.platform != "win32":
        os.fchmod(descriptor, 0o600)  # whatever the umask is
    give_to_owner_of(file.parent, descriptor)
    return descriptor


def open_private_file(file: Path, flags: int) -> int:
    """Open a file, or make it as ``make_private_file`` does. Raises OSError."""
    try:
        return make_private_file(file, flags)
    except FileExistsError:
        return os.open(file, flags | getattr(os, "O_CLOEXEC", 0))


def give_to_owner_of(folder: Path, descriptor: int) -> None:
    """As root: give a new file to the owner of its folder."""
    status = folder.stat()
    _give(descriptor, status.st_uid, status.st_gid)


def make_alike(descriptor: int, old: os.stat_result) -> None:
    """Give a new file the owner and the mode of the one that it replaces, as far as this user may."""
    if sys.platform != "win32":
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
        _give(descriptor, old.st_uid, old.st_gid)


def permission_problem(path: Path) -> str | None:
    """A line that says who else may use a file, and what to do; None if nobody may or the file is missing.

    In a folder that others can write to, they can put files in others' places, unless it is one like /tmp.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return None
    if sys.platform == "win32":
        return None
    is_folder = stat.S_ISDIR(mode)
    if mode & stat.S_IWOTH and not (is_folder and mode & stat.S_ISVTX):
        return f"{path} can be changed by everybody on this machine: chmod o-rwx {path}"
    if mode & stat.S_IROTH and not is_folder:
        return f"{path} can be read by everybody on this machine: chmod o-rwx {path}"
    return None


def _give(descriptor: int, user: int, group: int) -> None:
    if sys.platform != "win32" and os.geteuid() == 0:
        os.fchown(descriptor, user, group)
