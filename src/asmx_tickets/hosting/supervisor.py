"""Keeps worker processes running: starts them, replaces those that die or hang, and stops them gracefully."""

import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from asmx_tickets.errors import SettingsError
from asmx_tickets.hosting.logs import adjust_logging
from asmx_tickets.hosting.metrics_folder import forget_process
from asmx_tickets.hosting.service_manager import READY as READY_FOR_CALLS
from asmx_tickets.hosting.service_manager import STOPPING, tell_service_manager
from asmx_tickets.hosting.signals import Signals
from asmx_tickets.hosting.worker import READY, SAVING, Worker
from asmx_tickets.service import PATH
from asmx_tickets.settings.model import Settings

STOP_SECONDS = 9.0
HUNG_SECONDS = 10.0
"""A worker that has sent nothing for this long is taken to hang. Workers send something every second."""
_START_SECONDS = 120.0
_TICK_SECONDS = 0.25
_PAUSE_SECONDS = 1.0
"""Between the end of a worker that did not last and its successor's start."""
_SAVING_SECONDS = 60.0
"""How much longer a worker that is writing its tickets may take: killing it would lose them all."""
_ABSENCE_SECONDS = 2.0
_EARLY_DEATHS = 3
"""How many workers may be killed before the first one is ready."""

_log = logging.getLogger(__name__)


@dataclass
class _Process:
    """A worker process. Through ``pipe`` it reports that it is ready, and then that it lives."""

    id: int
    pipe: int
    started: float
    heard: float
    ready: bool = False
    saving: bool = False


@dataclass
class _Seat:
    """A place for one worker."""

    process: _Process | None = None
    not_before: float = 0.0


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
        self._clean = True
        self._early_deaths = 0
        self._lacks_processes = False
        self._looked_at = now()

    def run(self) -> int:
        """Supervise until the end. Returns the exit code."""
        if sys.platform == "win32":  # pragma: no cover - without fork this process is the worker
            return self._worker.run(None, self._announce)
        reader, writer = os.pipe()
        for descriptor in (reader, writer):
            os.set_blocking(descriptor, False)
        self._signals.wake(partial(os.write, writer, b"!"))
        try:
            while not self._signals.stop and not self._failed:
                self._fill_seats()
                self._listen(reader)
                self._forgive_absence()
                self._reap()
                self._end_hung()
                self._reload()
            return self._stop(reader)
        finally:
            self._signals.wake(None)
            os.close(reader)
            os.close(writer)

    def _reload(self) -> None:
        """Read the settings again, for the workers there are and will be. Bad ones change nothing."""
        if not self._signals.reload:
            return
        self._signals.reload = False
        try:
            change = self._worker.reread(self._settings)
        except SettingsError as error:
            _log.error("the new settings are not used: %s", error)
            return
        self._settings = change.settings
        self._worker = self._worker.with_settings(change.settings)
        for process in self._processes():
            _tell(process, signal.SIGHUP)
        adjust_logging(change.settings)
        for warning in change.settings.warnings:
            _log.warning("%s", warning)
        _log.log(logging.WARNING if change.kept else logging.INFO, "the settings were read again: %s", change)

    def _processes(self) -> list[_Process]:
        return [seat.process for seat in self._seats if seat.process is not None]

    def _fill_seats(self) -> None:
        """Start the workers that are missing: the first one alone, so that what stops them all is said once."""
        for number, seat in enumerate(self._seats if self._announced else self._seats[:1]):
            if seat.process is None and self._now() >= seat.not_before and not self._signals.stop:
                try:
                    seat.process = self._start(number)
                except OSError as error:  # no process or descriptor is left
                    seat.not_before = self._now() + _PAUSE_SECONDS
                    self._failed = not self._announced
                    if not self._lacks_processes:
                        _log.error("a worker can't be started: %s", error.strerror)
                    self._lacks_processes = True
                else:
                    self._lacks_processes = False

    def _start(self, seat: int) -> _Process:
        """Fork a worker for a seat. What it says comes through a pipe that it alone writes to."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        supervisor = os.getpid()
        try:
            child = os.fork()
        except OSError:
            os.close(reader)
            os.close(writer)
            raise
        if child == 0:
            os.close(reader)
            for other in self._processes():
                os.close(other.pipe)
            self._signals.wake(None)
            os._exit(self._worker.run_forked(writer, supervisor, seat))
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
        process.saving |= SAVING in said
        if READY in said and not process.ready:
            process.ready = True
            self._announce()

    def _announce(self) -> None:
        """Print the address and tell the service manager, once."""
        if not self._announced:
            self._announced = True
            tell_service_manager(READY_FOR_CALLS)
            lines = [
                f"asmx-tickets answers at {each}{self._settings.path_base}{PATH}\n" for each in self._settings.urls
            ]
            with suppress(OSError):
                # Past sys.stdout, which would complain at the exit where nobody reads.
                os.write(1, "".join(lines).encode())

    def _forgive_absence(self) -> None:
        """Do not count time in which this process itself was stopped or paused as silence of its workers."""
        now = self._now()
        absent = now - self._looked_at
        self._looked_at = now
        if absent > _ABSENCE_SECONDS:
            for process in self._processes():
                process.heard = max(process.heard, min(now, process.heard + absent))

    def _ended(self) -> Iterator[tuple[_Seat, _Process, int]]:
        """The workers that have ended, their seats, and their exit codes, negative for a signal."""
        for seat in self._seats:
            process = seat.process
            if process is None:
                continue
            ended, status = os.waitpid(process.id, os.WNOHANG)
            if ended:
                os.close(process.pipe)
                forget_process(process.id)
                seat.process = None
                yield seat, process, os.waitstatus_to_exitcode(status)

    def _reap(self) -> None:
        for seat, process, code in self._ended():
            if self._signals.stop:  # it was told before this process came round to it
                self._clean &= code == 0
            else:
                self._judge(seat, process, code)

    def _judge(self, seat: _Seat, process: _Process, code: int) -> None:
        """Decide what follows a worker's end: it is replaced, unless none has ever been able to start."""
        if not self._announced and code:
            self._early_deaths += 1
            # One that exits by itself has said why.
            self._failed = code > 0 or self._early_deaths >= _EARLY_DEATHS
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        if self._failed:
            if code < 0:
                _log.critical("the server can't start: its process ended %d times (%s)", self._early_deaths, how)
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
        tell_service_manager(STOPPING)
        for bound in self._sockets:
            bound.close()
        deadline = self._now() + STOP_SECONDS - 0.5 + self._settings.shutdown.drain_seconds
        for process in self._processes():
            _tell(process, signal.SIGTERM)
            _tell(process, signal.SIGCONT)  # one that somebody stopped has tickets to write, too
        while self._processes() and self._now() < deadline + (
            _SAVING_SECONDS if any(process.saving for process in self._processes()) else 0.0
        ):
            self._listen(wake)
            self._reap_stopped()
        for process in self._processes():
            self._clean = False
            _log.error("worker %d did not stop in time: ending it", process.id)
            _tell(process, signal.SIGKILL)
            os.waitpid(process.id, 0)
        return 0 if self._clean and not self._failed else 1

    def _reap_stopped(self) -> None:
        for _, process, code in self._ended():
            self._clean &= code == 0
            if code < 0:  # One that exits by itself has said why.
                _log.error("worker %d ended (signal %d) while it stopped", process.id, -code)


def _tell(process: _Process, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process.id, number)
