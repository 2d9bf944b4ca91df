"""The sockets that the server listens on, bound once, and the locks on what only one server may use."""

import errno
import os
import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from asmx_tickets.errors import SettingsError
from asmx_tickets.settings.types import ListenAddress

_BACKLOG = 1024


def listen(addresses: Iterable[ListenAddress]) -> list[socket.socket]:
    """A listening socket for each address. Raises SettingsError where an address can't be had."""
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            sockets.append(_listen(address))
    except SettingsError:
        for bound in sockets:
            bound.close()
        raise
    return sockets


def _listen(address: ListenAddress) -> socket.socket:
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
        bound.listen(_BACKLOG)
    except OSError as error:
        if bound is not None:
            bound.close()
        reason = {
            errno.EADDRINUSE: "another program listens there",
            errno.EACCES: "ports below 1024 need a privilege",
            errno.EADDRNOTAVAIL: "this machine has no such address",
        }.get(error.errno or 0, os.strerror(error.errno or 0))
        raise SettingsError(f"Urls: can't listen on {host} port {address.port}: {reason}") from None
    bound.setblocking(False)
    return bound


def lock_ticket_file(file: Path) -> IO[bytes]:
    """Make this process, and those that it forks, the only user of a ticket file while what is returned is open.

    The lock is on a file of its own, because the ticket file is replaced at each stop. Raises SettingsError.
    """
    lock = file.with_name(f"{file.name}.lock")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        handle = os.fdopen(os.open(lock, flags, 0o600), "rb")
    except OSError as error:
        raise SettingsError(f"Tickets:PersistTo: {lock} can't be opened: {error.strerror}") from None
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            raise SettingsError(f"Tickets:PersistTo: another server uses {file}; give each a file of its own") from None
    return handle
