"""The admin socket: how the command line speaks to a running server, on one machine, as the server's own user or root.

The protocol is JSON in UTF-8, a line each. A client sends one line of at most 4096 bytes, the name of a command and
what it takes:

    {"do": "tickets", "user_id": 42}

It gets any number of items, then the result or an error, which is a sentence for people. Then the server closes:

    {"item": {"user_id": 42, "short_hash": "0a1b2c3d", …}}
    {"result": {}}
    {"error": "There is no command 'ticket'."}

An answer without one of the last two lines is not whole. No answer has a ticket, a password or the hash of one in it.
"""

import inspect
import json
import logging
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from asmx_tickets.errors import AsmxTicketsError, UserError
from asmx_tickets.waiting import NO_THREAD

LONGEST_REQUEST = 4096
REQUEST_SECONDS = 5.0
"""How long a client may take to say what it wants."""
ANSWER_SECONDS = 60.0
"""How long a client may read nothing: somebody may look at a long list page by page."""
MOST_CLIENTS = 8

Result: TypeAlias = Mapping[str, Any]
Command: TypeAlias = Callable[..., Result | Iterator[Result]]
"""Takes the other fields of a request by name; gives the result, or the items one by one. It may block."""

_log = logging.getLogger(__name__)


class AdminServer:
    """Answers on a listening Unix socket. Each client has its own thread, so that none holds up the others."""

    def __init__(self, commands: Mapping[str, Command], *, patience: float = ANSWER_SECONDS) -> None:
        self._commands = commands
        self._patience = patience
        self._places = threading.BoundedSemaphore(MOST_CLIENTS)

    def accept(self, listener: socket.socket) -> None:
        """Take the client that waits, if there is one. ``listener`` must not block."""
        try:
            client, _ = listener.accept()
        except OSError:  # gone already, taken by another process, or there are no descriptors left
            return
        if not self._places.acquire(blocking=False):
            _turn_away(client, "Too many clients are at the admin socket already.")
            return
        try:
            threading.Thread(target=self._serve, args=(client,), name="admin", daemon=True).start()
        except RuntimeError:
            self._places.release()
            _turn_away(client, NO_THREAD)

    def _serve(self, client: socket.socket) -> None:
        try:
            # It does not matter if a client is gone or hangs.
            with client, suppress(OSError):
                self._converse(client)
        finally:
            self._places.release()

    def _converse(self, client: socket.socket) -> None:
        client.settimeout(REQUEST_SECONDS)
        if not _is_owner(client):
            client.sendall(_line({"error": "The admin socket is for the server's own user and root."}))
            return
        with client.makefile("rb") as reader:
            request = reader.readline(LONGEST_REQUEST)
        client.settimeout(self._patience)
        with client.makefile("wb", buffering=65536) as writer:
            for answer in self._answers(request):
                writer.write(_line(answer))

    def _answers(self, request: bytes) -> Iterator[Result]:
        """All answers to a request. This handles whatever its command raises."""
        try:
            outcome = self._begin(request)
            if isinstance(outcome, Mapping):
                yield {"result": outcome}
                return
            for item in outcome:
                yield {"item": item}
        except AsmxTicketsError as error:
            yield {"error": str(error)}
        except Exception:
            _log.exception("a command on the admin socket failed")
            yield {"error": "The server failed to do that; its log says why."}
        else:
            yield {"result": {}}

    def _begin(self, request: bytes) -> Result | Iterator[Result]:
        if not request.endswith(b"\n"):
            raise UserError(f"A request is a line of at most {LONGEST_REQUEST} bytes.")
        try:
            fields = json.loads(request)
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict) or not isinstance(fields.get("do"), str):
            raise UserError('A request is a JSON object that names a command in "do".')
        name = fields.pop("do")
        command = self._commands.get(name)
        if command is None:
            raise UserError(f"There is no command {name!r}: the server may be of another version.")
        try:
            inspect.signature(command).bind(**fields)
        except TypeError:
            raise UserError(f"The command {name!r} takes other fields: the server may be of another version.") from None
        return command(**fields)


def _turn_away(client: socket.socket, why: str) -> None:
    client.setblocking(False)
    with client, suppress(OSError):
        client.send(_line({"error": why}))


def _is_owner(client: socket.socket) -> bool:
    """Whether root or this process's user is at the other end. Elsewhere than on Linux the file's mode must do."""
    if sys.platform != "linux":
        return True
    credentials = struct.Struct("3i")
    _, user, _ = credentials.unpack(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size))
    return user in {0, os.geteuid()}


def _line(answer: Result) -> bytes:
    return json.dumps(answer).encode() + b"\n"
