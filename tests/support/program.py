"""The program in its own process, for a fraction of the cost of a fresh interpreter.

Several hundred processes are started, and loading the program takes most of a second of a core. So one process loads it
and forks whenever a test asks for one. What it forks has its own id, streams, folder and environment, is a child of the
test's process, and runs the module as ``python -m`` does.
"""

import atexit
import contextlib
import ctypes
import gc
import inspect
import json
import os
import runpy
import socket
import subprocess
import sys
import threading
import time
from functools import cache
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Any

_LOADED = (
    "asmx_tickets.hosting.server",
    "asmx_tickets.cli.app",
    "asmx_tickets.cli.csv_import",
    "asmx_tickets.cli.running",
    "asmx_tickets.users.migrations",
    "asmx_tickets.users.postgresql",
    "asmx_tickets.users.sql",
    "asmx_tickets.tickets.redis",
    "asmx_tickets.throttling.redis",
    "asmx_tickets.redis.opening",
    "alembic.command",
    "uvloop",
)
_FORKED_WITH = {"cwd", "env", "start_new_session", "stdin", "stdout", "stderr", "text"}
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def start(module: str, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
    """``python -m module arguments`` with the options of Popen, forked where that can't be told from a fresh start."""
    command = [sys.executable, "-m", module, *arguments]
    fresh = sys.platform != "linux" or options.keys() - _FORKED_WITH
    if fresh or _read_at_start(options.get("env") or os.environ) != _read_at_start(os.environ):
        return subprocess.Popen(command, **options)
    return _Forked(command, **options)


def complete(
    module: str, *arguments: str, stdin: str = "", timeout: float = 60, **options: Any
) -> "subprocess.CompletedProcess[str]":
    """Start it as :func:`start` does, and wait for its end; what it writes is text."""
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    with start(module, *arguments, text=True, **streams) as process:
        try:
            output, errors = process.communicate(stdin, timeout=timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def _read_at_start(environ: Any) -> dict[str, str]:
    """What an interpreter reads only when it starts."""
    return {name: value for name, value in environ.items() if name.startswith(("PYTHON", "LC_", "LANG"))}


class _Forked(subprocess.Popen[str]):
    """A Popen whose process is forked; pipes, waiting and signals are Popen's own."""

    def _execute_child(self, *arguments: Any) -> None:
        # Private to subprocess: it has to set `pid` and to close the child's ends of the pipes.
        given = inspect.signature(subprocess.Popen._execute_child).bind(self, *arguments).arguments
        ends = [given[name] for name in ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")]
        streams = [own if end == -1 else end for own, end in zip((0, 1, 2), (ends[0], ends[3], ends[5]), strict=True)]
        order = {
            "command": given["args"][2:],
            "cwd": str(given["cwd"] or Path.cwd()),
            "environ": dict(given["env"] if given["env"] is not None else os.environ),
            "session": given["start_new_session"],
            "umask": _umask(),
        }
        try:
            self.pid = _forker().fork(order, streams)
            self._child_created = True
        finally:
            self._close_pipe_fds(*ends)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


class _Forker:
    """The process that has loaded the program."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        command = [sys.executable, "-m", "tests.support.program", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, cwd=Path(__file__).parents[2]
            )

    def end(self) -> None:
        self._orders.close()
        self._process.wait()

    def fork(self, order: dict[str, Any], streams: list[int]) -> int:
        """Have it fork, and give the id of the new process, which is a child of this one."""
        with self._lock, _adopting():
            socket.send_fds(self._orders, [json.dumps(order).encode()], streams)
            return int(self._orders.recv(20))


@cache
def _forker() -> _Forker:
    forker = _Forker()
    atexit.register(forker.end)
    return forker


@contextlib.contextmanager
def _adopting() -> Any:
    """A process whose parent has ended meanwhile becomes a child of this one."""
    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        prctl(_PR_SET_CHILD_SUBREAPER, 0)


def _serve(orders: socket.socket) -> dict[str, Any] | None:
    """Fork for each order. Comes back with the order in the forked process, and with None when the tests have ended."""
    while True:
        message, streams, _, _ = socket.recv_fds(orders, 1 << 20, 3)
        if not message:
            return None
        reading, writing = os.pipe()
        if (between := os.fork()) == 0:
            if forked := os.fork():
                os.write(writing, str(forked).encode())
                os._exit(0)
            _take(streams)
            os.closerange(3, max(*streams, reading, writing, orders.fileno()) + 1)
            return dict(json.loads(message))
        os.waitpid(between, 0)  # The test's process adopts what it has forked.
        orders.send(os.read(reading, 20))
        for number in (reading, writing, *streams):
            os.close(number)


def _take(streams: list[int]) -> None:
    """Make these the standard streams, as Python opens them."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    sys.stdin = _opened(0, "r", sys.stdin)
    sys.stdout = _opened(1, "w", sys.stdout)
    sys.stderr = _opened(2, "w", sys.stderr)


def _opened(number: int, mode: str, old: Any) -> TextIOWrapper:
    buffering = 1 if number == 2 else -1  # standard error has each line at once
    return open(number, mode, encoding=old.encoding, errors=old.errors, closefd=False, buffering=buffering)


def _run(order: dict[str, Any]) -> None:
    os.chdir(order["cwd"])
    sys.path[0] = order["cwd"]
    os.umask(order["umask"])
    if order["session"]:
        os.setsid()
    os.environ.clear()
    os.environ.update(order["environ"])
    time.tzset()
    module, *sys.argv[1:] = order["command"]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def main() -> None:
    """Load the program, and fork until the tests end."""
    for module in _LOADED:
        import_module(module)
    gc.collect()
    gc.freeze()  # so that no garbage collection of a forked process copies what they share
    orders = socket.socket(fileno=int(sys.argv[1]))
    if (order := _serve(orders)) is not None:
        _run(order)


if __name__ == "__main__":
    main()
