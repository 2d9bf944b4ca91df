"""The running server, as the command line reaches it: through the admin socket (its protocol: ``hosting/admin.py``)."""

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asmx_tickets.errors import Unavailable, UserError

if TYPE_CHECKING:
    from asmx_tickets.settings.model import Settings

_SECONDS = 10.0


class RunningServer:
    """The server that runs with these settings on this machine. All methods raise Unavailable and UserError."""

    def __init__(self, settings: "Settings") -> None:
        self._file = Path(settings.admin.socket)
        if not settings.admin.socket:
            raise UserError("Admin:Socket is empty, so a running server can't be reached.")
        if sys.platform == "win32":
            raise UserError("A running server can be reached on Unix only.")

    def ask(self, command: str, **fields: Any) -> dict[str, Any]:
        """The result of a command."""
        result: dict[str, Any] = {}
        for kind, value in self._answers(command, fields):
            if kind == "result":
                result = value
        return result

    def items(self, command: str, **fields: Any) -> Iterator[dict[str, Any]]:
        """The items that a command gives, as they come."""
        return (value for kind, value in self._answers(command, fields) if kind == "item")

    def _answers(self, command: str, fields: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        with self._connected() as connection:
            try:
                with suppress(BrokenPipeError):  # one client too many is answered before it asks
                    connection.sendall(json.dumps({"do": command, **fields}).encode() + b"\n")
                with connection.makefile("rb") as lines:
                    for line in lines:
                        ((kind, value),) = json.loads(line).items()
                        if kind == "error":
                            raise UserError(value)
                        yield kind, value
                        if kind == "result":
                            return
            except TimeoutError:
                raise Unavailable(f"The server at {self._file} does not answer.") from None
            except OSError as error:
                raise Unavailable(f"The server at {self._file} went away: {error.strerror}.") from None
        raise Unavailable(f"The answer of the server at {self._file} broke off.")

    def _connected(self) -> socket.socket:
        from asmx_tickets.hosting.sockets import short_name

        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_SECONDS)
        try:
            with short_name(self._file) as name:
                connection.connect(name)
        except PermissionError:
            connection.close()
            raise UserError(f"{self._file} is for the server's own user and root.") from None
        except OSError:
            connection.close()
            raise Unavailable(f"No server listens at {self._file}: does one run with these settings?") from None
        return connection
