"""Keeps worker processes running: starts them, replaces those that die or hang, and stops them in good order."""

import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from asmx_tickets.hosting.signals import Signals
from asmx_tickets.hosting.worker import READY, Worker
from asmx_tickets.service import PATH
from asmx_tickets.settings.model import Settings

STOP_SECONDS = 9.0
HUNG_SECONDS = 10.0
"""A worker that has said nothing for so long hangs. It says something every second."""
_START_SECONDS = 120.0
_TICK_SECONDS = 0.25
_PAUSE_SECONDS = 1.0
"""Between the end of a worker that did not last and its successor's start."""

_log = logging.getLogger(__name__)


@dataclass
class _Process:
    """A worker process. ``pipe`` is where it says that it is ready, and then that it lives."""

    id: int
    pipe: int
    started: float
    heard: float
    ready: bool = False


@dataclass
class _Seat:
    """A place for one worker."""

    process: _Process | None = None
    not_before: float = field(default=0.0)


class Supervisor:
    """Runs as many workers as the settings say, until a signal or a worker that can't be started ends it."""

    def __init__(
        self,
        worker: Worker,
        settings: Settings,
        sockets: Sequence[socket.socket],
        signals: Signals,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._worker = worker
        self._settings = settings
        self._sockets = sockets
        self._signals = signals
        self._now = now
        self._seats = [_Seat() for _ in range(settings.workers)]
        self._announced = False
        self._failed = False

    def run(self) -> int:
        """Supervise until the end; the exit code."""
        if sys.platform == "win32":  # pragma: no cover - without fork this process is the worker
            return self._worker.run(None, self._announce)
        reader, writer = os.pipe()
        for descriptor in (reader, writer):
            os.set_blocking(descriptor, False)
        self._signals.wake(writer)
        try:
            while not self._signals.stop and not self._failed:
                self._fill_seats()
                self._listen(reader)
                self._reap()
                self._end_hung()
                self._reload()
            return self._stop(reader)
        finally:
            self._signals.wake(None)
            os.close(reader)
            os.close(writer)

    def _reload(self) -> None:
        if self._signals.reload:
            self._signals.reload = False
            for process in self._processes():
                _tell(process, signal.SIGHUP)

    def _processes(self) -> list[_Process]:
        return [seat.process for seat in self._seats if seat.process is not None]

    def _fill_seats(self) -> None:
        for seat in self._seats:
            if seat.process is None and self._now() >= seat.not_before and not self._signals.stop:
                seat.process = self._start()

    def _start(self) -> _Process:
        """Fork a worker. What it says comes through a pipe that it alone writes to."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        supervisor = os.getpid()
        child = os.fork()
        if child == 0:
            os.close(reader)
            for other in self._processes():
                os.close(other.pipe)
            self._signals.wake(None)
            os._exit(self._worker.run_forked(writer, supervisor))
        os.close(writer)
        now = self._now()
        return _Process(child, reader, started=now, heard=now)

    def _listen(self, wake: int) -> None:
        """Wait for a signal, or for what a worker says or its end."""
        pipes = {process.pipe: process for process in self._processes()}
        with suppress(InterruptedError):
            readable, _, _ = select.select([wake, *pipes], [], [], _TICK_SECONDS)
            for descriptor in readable:
                with suppress(BlockingIOError):
                    said = os.read(descriptor, 4096)
                    if descriptor in pipes and said:
                        self._hear(pipes[descriptor], said)
            if readable and all(descriptor in pipes for descriptor in readable):
                time.sleep(0.01)  # a pipe whose writer is gone is readable until its process is reaped

    def _hear(self, process: _Process, said: bytes) -> None:
        process.heard = self._now()
        if READY in said and not process.ready:
            process.ready = True
            self._announce()

    def _announce(self) -> None:
        """Print the address, once."""
        if not self._announced:
            self._announced = True
            with suppress(OSError):
                for address in self._settings.urls:
                    sys.stdout.write(f"asmx-tickets answers at {address}{self._settings.path_base}{PATH}\n")
                sys.stdout.flush()

    def _reap(self) -> None:
        for seat in self._seats:
            process = seat.process
            if process is None:
                continue
            ended, status = os.waitpid(process.id, os.WNOHANG)
            if not ended:
                continue
            os.close(process.pipe)
            seat.process = None
            self._judge(seat, process, status)

    def _judge(self, seat: _Seat, process: _Process, status: int) -> None:
        """What the end of a worker means: it is replaced, unless none has ever been able to start."""
        how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit code {os.WEXITSTATUS(status)}"
        if not process.ready and not self._announced and not os.WIFSIGNALED(status):
            self._failed = True
            _log.critical("the server can't start: see above")
            return
        lasted = self._now() - process.started >= _PAUSE_SECONDS and process.ready
        seat.not_before = self._now() + (0.0 if lasted else _PAUSE_SECONDS)
        _log.error("worker %d ended (%s): starting another one", process.id, how)

    def _end_hung(self) -> None:
        for process in self._processes():
            silent = self._now() - process.heard
            if silent > (HUNG_SECONDS if process.ready else _START_SECONDS):
                _log.error("worker %d has not moved for %d s: ending it", process.id, silent)
                _tell(process, signal.SIGKILL)
                process.heard = self._now()

    def _stop(self, wake: int) -> int:
        """Ask the workers to finish, and end those that don't in time."""
        for bound in self._sockets:
            bound.close()
        deadline = self._now() + STOP_SECONDS - 0.5 + self._settings.shutdown.drain_seconds
        for process in self._processes():
            _tell(process, signal.SIGTERM)
        clean = not self._failed
        while self._processes() and self._now() < deadline:
            self._listen(wake)
            clean &= self._reap_stopped()
        for process in self._processes():
            clean = False
            _log.error("worker %d did not stop in time: ending it", process.id)
            _tell(process, signal.SIGKILL)
            os.waitpid(process.id, 0)
        return 0 if clean else 1

    def _reap_stopped(self) -> bool:
        """Take leave of the workers that have stopped. Whether all of them stopped as they should."""
        clean = True
        for seat in self._seats:
            process = seat.process
            if process is None:
                continue
            ended, status = os.waitpid(process.id, os.WNOHANG)
            if ended:
                os.close(process.pipe)
                seat.process = None
                clean &= os.waitstatus_to_exitcode(status) == 0
        return clean


def _tell(process: _Process, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process.id, number)
