"""The admin socket on a server process's loop."""

import asyncio
import logging
import os
import socket
from pathlib import Path

from asmx_tickets.hosting.admin import AdminServer
from asmx_tickets.hosting.sockets import listen_again

_log = logging.getLogger(__name__)


class AdminListener:
    """Has a server accept the clients of a listening socket, for this or any of the server's processes.

    Args:
        listener: listens at ``file`` and must not block.
        file: the socket's name.
        server: answers the clients.
    """

    def __init__(self, listener: socket.socket, file: Path, server: AdminServer) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._file = file
        self._server = server
        self._known = _status(file)
        self._accept()

    def keep(self) -> None:
        """Listen again where the socket is gone: somebody removed it, or its folder is another one now.

        To be called regularly, in each process; one of them makes the new socket.
        """
        status = _status(self._file)
        if status is not None and self._known is not None and os.path.samestat(status, self._known):
            return
        listener = listen_again(self._file)
        self._known = _status(self._file)
        if listener is not None:
            self.close()
            self._listener = listener
            self._accept()
            _log.warning("the admin socket %s was gone: it was made again", self._file)

    def close(self) -> None:
        """Accept no more clients."""
        self._loop.remove_reader(self._listener)
        self._listener.close()

    def _accept(self) -> None:
        self._loop.add_reader(self._listener, self._server.accept, self._listener)


def _status(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:
        return None
