"""Server processes: started on given cores, watched through /proc, and ended by id."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.processes import free_port

SERVER_CORE = 0
LOAD_CORE = 1
_START_SECONDS = 60
_STOP_SECONDS = 15


class NotInstalled(Exception):
    """Something that a measurement needs is not on this machine. The message names it."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its process, and the loopback port at which it answers."""

    process: subprocess.Popen[bytes]
    port: int

    def cpu_seconds(self) -> float:
        """User and system time that the whole process tree has used."""
        times = [process.cpu_times() for process in self._tree()]
        return sum(each.user + each.system for each in times)

    def memory_bytes(self) -> int:
        """Resident memory of the whole process tree."""
        return sum(process.memory_info().rss for process in self._tree())

    def _tree(self) -> list[psutil.Process]:
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]


def pinned(command: Sequence[str], core: int | None) -> list[str]:
    """The command on one core, or on all if ``core`` is None."""
    return [*command] if core is None else ["taskset", "-c", str(core), *command]


@contextmanager
def running(
    command: Callable[[int], Sequence[str]],
    *,
    core: int | None = None,
    directory: Path,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run a server while the context lasts. ``command`` makes its command line for a free port.

    What it prints goes to a file in ``directory``. Raises RuntimeError if it ends or does not listen in time.
    """
    port = free_port()
    log = directory / f"server-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            pinned(command(port), core),
            cwd=directory,
            env={**os.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_listening(process, port, log)
        yield Server(process, port)
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started, by id, and by force if it does not end."""
    children: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        children = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in psutil.wait_procs(children, timeout=_STOP_SECONDS)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not is_listening(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args} does not answer:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.02)
