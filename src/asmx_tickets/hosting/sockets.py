"""The sockets that the server listens on, bound once, and the locks on what only one server may use."""

import errno
import logging
import os
import socket
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from asmx_tickets.errors import SettingsError
from asmx_tickets.private_files import make_private_folder, open_private_file
from asmx_tickets.settings.types import ListenAddress

BACKLOG = 1024
_ADMIN_BACKLOG = 16
_LONGEST_SOCKET_NAME = 100

_log = logging.getLogger(__name__)


def listen(addresses: Iterable[ListenAddress], key: str = "Urls") -> list[socket.socket]:
    """A listening socket for each address. Raises SettingsError if an address can't be used."""
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            sockets.append(_listen(address, key))
    except SettingsError:
        for bound in sockets:
            bound.close()
        raise
    return sockets


def _listen(address: ListenAddress, key: str) -> socket.socket:
    host = address.bind_host
    bound = None
    try:
        bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        if sys.platform != "win32":
            # On Unix this takes over what a closed server left behind, and never an address that somebody listens on.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if ":" in host:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((host, address.port))
        # At once: of two servers that have bound an address at the same instant, one can't listen.
        bound.listen(BACKLOG)
    except OSError as error:
        if bound is not None:
            bound.close()
        reason = {
            errno.EADDRINUSE: "another program listens there",
            errno.EACCES: "ports below 1024 need a privilege",
            errno.EADDRNOTAVAIL: "this machine has no such address",
        }.get(error.errno or 0, error.strerror)
        raise SettingsError(f"{key}: can't listen on {host} port {address.port}: {reason}") from None
    bound.setblocking(False)
    return bound


def lock_file(file: Path, key: str) -> IO[bytes]:
    """Make this process and those that it forks the only user of a file, as long as the returned file is open.

    The lock is on a separate file beside the link's target, because the target is replaced at each start or stop.
    ``key`` is the setting that names the file. Raises SettingsError.
    """
    real = Path(os.path.realpath(file))
    lock = real.with_name(f"{real.name}.lock")
    try:
        make_private_folder(lock.parent)
        handle = os.fdopen(open_private_file(lock, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)), "rb")
    except OSError as error:
        raise SettingsError(f"{key}: {lock} can't be opened: {error.strerror}") from None
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            raise SettingsError(f"{key}: another server uses {file}; give each a file of its own") from None
    return handle


@contextmanager
def admin_socket(file: Path) -> Iterator[socket.socket | None]:
    """The listening admin socket, for this process's user only. It replaces one that a killed server left behind.

    None, and a warning in the log, if it can't be opened: tickets are served without it.
    """
    with ExitStack() as held:
        listener = None
        if sys.platform != "win32":
            try:
                held.enter_context(lock_file(file, "Admin:Socket"))
                listener = held.enter_context(_listen_at(file))
                held.callback(_remove, file)
            except SettingsError as error:
                _log.warning("%s; the command line can't reach this server", error)
        yield listener


def _remove(file: Path) -> None:
    """At the stop: a folder that is gone or can't be changed any more must not make it a bad one."""
    with suppress(OSError):
        file.unlink()


def listen_again(file: Path) -> socket.socket | None:
    """A new admin socket in the place of one that was removed, or whose folder was; None if there is one, or can't be.

    One that nobody listens at, as of a folder that was copied, is none.
    """
    try:
        return None if _is_answered(file) else _listen_at(file)
    except (OSError, SettingsError):
        return None


def _is_answered(file: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client, short_name(file) as name:
        client.setblocking(False)
        try:
            client.connect(name)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except BlockingIOError:  # too many clients wait already
            return True
    return True


def _listen_at(file: Path) -> socket.socket:
    """Called only where a socket which is there has no server. Raises SettingsError."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(file)
        mask = os.umask(0o177)
        try:
            with short_name(file) as name:
                listener.bind(name)
        finally:
            os.umask(mask)
        listener.listen(_ADMIN_BACKLOG)
    except OSError as error:
        listener.close()
        raise SettingsError(f"Admin:Socket: can't listen at {file}: {error.strerror or error}") from None
    listener.setblocking(False)
    return listener


def _remove_stale(file: Path) -> None:
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(file.lstat().st_mode):
            raise OSError(errno.EEXIST, "there is something that is no socket")
        file.unlink()


@contextmanager
def short_name(file: Path) -> Iterator[str]:
    """The name of a Unix socket for bind and connect, which take names of about 100 bytes at most."""
    if len(os.fsencode(file)) <= _LONGEST_SOCKET_NAME or sys.platform != "linux":
        yield str(file)
        return
    folder = os.open(file.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{file.name}"
    finally:
        os.close(folder)
