"""A demo server for tests of clients, whose clock can be moved.

With pytest, installing this package gives you the fixture ``ticket_server``. Without pytest, write

>>> with DemoServer() as server:
...     server.address
'http://127.0.0.1:41213/srv.asmx'

In another language, run ``python -m asmx_tickets.testing`` and talk to it as this module does.
"""

import subprocess
import sys
from contextlib import suppress
from types import TracebackType
from typing import IO, cast


class DemoServer:
    """A demo server on a free port of this machine, in a process of its own, which ends with this one.

    Its user is jsmith / Secret123!, its TrustedUserPwd MyServerSecret. ``address`` is where it answers.
    """

    address: str

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "asmx_tickets.testing"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._input, self._output = cast("IO[str]", self._process.stdin), cast("IO[str]", self._process.stdout)
        self.address = self._hear()

    def advance(self, seconds: float = 0.0, *, days: float = 0.0) -> None:
        """Move its clock forward: tickets grow older, and waits after failed logins pass."""
        self._tell(f"advance {seconds + days * 86400}")

    def reset(self) -> None:
        """Make it as it was at its start: no tickets, no failed logins, and the time is the system's."""
        self._tell("reset")

    def close(self) -> None:
        """End it."""
        with self._process, suppress(BrokenPipeError):
            self._input.close()

    def __enter__(self) -> "DemoServer":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.close()

    def _tell(self, line: str) -> None:
        with suppress(BrokenPipeError):  # then nothing is heard either
            self._input.write(f"{line}\n")
            self._input.flush()
        answer = self._hear()
        if answer != "ok":
            raise ValueError(answer)

    def _hear(self) -> str:
        line = self._output.readline().rstrip("\n")
        if not line:
            raise RuntimeError("the demo server has ended; see standard error")
        return line
