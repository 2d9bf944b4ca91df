"""What the supervisor does when its workers end. They are real processes without a server in them (SECURITY R4, R7)."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from asmx_tickets.hosting import supervisor as module
from asmx_tickets.hosting.signals import Signals
from asmx_tickets.hosting.supervisor import Supervisor
from asmx_tickets.hosting.worker import BEAT, READY, SAVING, Worker
from asmx_tickets.settings.changes import Change
from asmx_tickets.settings.model import Settings, load_settings
from tests.support.processes import wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")

Behaviour = Callable[[int, int], int]
"""What a worker does, given its pipe and its number in the order of starts. Returns its exit code."""


@dataclass
class FakeWorker:
    """Counts its starts in a file, since each start is another process."""

    behaviour: Behaviour
    file: Path

    def reread(self, current: Settings) -> Change:
        return Change(current, (), ())

    def with_settings(self, _settings: Settings) -> "FakeWorker":
        return self

    def run_forked(self, pipe: int, _supervisor: int, _seat: int) -> int:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with self.file.open("ab") as starts:
            starts.write(b".")
        return self.behaviour(pipe, self.starts)

    @property
    def starts(self) -> int:
        return self.file.stat().st_size if self.file.exists() else 0


class Run:
    """A supervisor in a thread, with signals that a test sets."""

    def __init__(self, worker: FakeWorker, settings: Settings, now: Callable[[], float] = time.monotonic) -> None:
        self.worker = worker
        self.signals = Signals()
        self.supervisor = Supervisor(cast(Worker, worker), settings, [], self.signals, now)
        self.code: int | None = None
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.code = self.supervisor.run()

    def start(self) -> "Run":
        self._thread.start()
        return self

    @property
    def is_ready(self) -> bool:
        """Whether a worker is ready."""
        return any(seat.process is not None and seat.process.ready for seat in self.supervisor._seats)

    def stop(self) -> None:
        self.signals.stop = True

    def wait(self) -> int:
        self._thread.join(30)
        assert self.code is not None
        return self.code


def until(condition: Callable[[], bool]) -> None:
    wait_until(condition, 20)


def serve(pipe: int, _number: int) -> int:
    """Be ready, and run until a signal."""
    os.write(pipe, READY)
    while True:
        os.write(pipe, BEAT)
        time.sleep(0.05)


def finish_when_told(pipe: int, _number: int) -> int:
    """Be ready, and exit 0 at SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    return serve(pipe, 0)


Supervise = Callable[..., Run]


@pytest.fixture
def supervise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervise]:
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(module, "_TICK_SECONDS", 0.02)
    runs: list[Run] = []

    def start(behaviour: Behaviour, workers: int = 1, now: Callable[[], float] = time.monotonic) -> Run:
        settings = load_settings(environ={"ConnectionStrings__Tickets": "redis://localhost", "Workers": str(workers)})
        runs.append(Run(FakeWorker(behaviour, tmp_path / "starts"), settings, now))
        return runs[-1].start()

    yield start
    for run in runs:
        run.stop()
        run.wait()


def test_an_ended_worker_is_replaced(supervise: Supervise, capfd: pytest.CaptureFixture[str]) -> None:
    """Whether it exits or is killed. The address is printed once."""

    def behave(pipe: int, number: int) -> int:
        os.write(pipe, READY)
        if number == 1:
            return 1
        if number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return finish_when_told(pipe, number)

    run = supervise(behave)
    until(lambda: run.worker.starts == 3 and run.is_ready)
    run.stop()
    assert run.wait() == 0
    assert capfd.readouterr().out.count("asmx-tickets answers at") == 1


def test_a_worker_that_cannot_start_ends_the_server(supervise: Supervise, caplog: pytest.LogCaptureFixture) -> None:
    """It is tried once though there are two seats, and the supervisor adds nothing to the line that it wrote."""
    run = supervise(lambda _pipe, _number: 1, workers=2)
    assert run.wait() == 1
    assert run.worker.starts == 1
    assert caplog.messages == []


def test_a_worker_that_is_killed_at_each_start_ends_the_server(
    supervise: Supervise, caplog: pytest.LogCaptureFixture
) -> None:
    """It could not say why, so the supervisor does."""

    def behave(_pipe: int, _number: int) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    run = supervise(behave)
    assert run.wait() == 1
    assert run.worker.starts == 3
    assert caplog.messages[-1] == "the server can't start: its process ended 3 times (signal 9)"


def test_one_that_keeps_dying_does_not_end_the_others(supervise: Supervise) -> None:
    """Not even if its successors can't start."""

    def behave(pipe: int, number: int) -> int:
        return finish_when_told(pipe, number) if number == 1 else 1

    run = supervise(behave, workers=2)
    until(lambda: run.worker.starts >= 6)
    assert run.is_ready
    assert run.code is None


def test_a_worker_that_stops_before_the_supervisor_looks_has_not_failed(supervise: Supervise) -> None:
    """A signal to the whole group reaches the workers too, and that is not a failed start."""

    runs: list[Run] = []

    def now() -> float:
        if runs and runs[0].worker.starts and not runs[0].signals.stop:
            time.sleep(0.1)  # the worker ends first
            runs[0].stop()
        return time.monotonic()

    runs.append(supervise(lambda _pipe, _number: 0, now=now))
    assert runs[0].wait() == 0


def test_a_silent_worker_is_replaced(supervise: Supervise, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process runs, but sends nothing."""
    monkeypatch.setattr(module, "HUNG_SECONDS", 0.2)

    def behave(pipe: int, number: int) -> int:
        if number == 1:
            os.write(pipe, READY)
            time.sleep(60)
        return finish_when_told(pipe, number)

    run = supervise(behave)
    until(lambda: run.worker.starts == 2 and run.is_ready)
    run.stop()
    assert run.wait() == 0


def test_a_pause_of_the_whole_group_ends_no_worker(supervise: Supervise) -> None:
    """Ctrl-Z and fg, or a container that was paused: neither side ran for an hour."""
    paused = [0.0]
    run = supervise(finish_when_told, now=lambda: time.monotonic() + paused[0])
    until(lambda: run.is_ready)
    for _ in range(3):
        paused[0] += 3600.0
        time.sleep(0.1)
    run.stop()
    assert run.wait() == 0
    assert run.worker.starts == 1


def test_a_worker_that_does_not_stop_is_ended(supervise: Supervise, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code says that something was cut off."""
    monkeypatch.setattr(module, "STOP_SECONDS", 0.7)

    def behave(pipe: int, number: int) -> int:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return serve(pipe, number)

    run = supervise(behave)
    until(lambda: run.is_ready)
    run.stop()
    assert run.wait() == 1


def test_a_worker_that_is_killed_at_the_stop_is_told(
    supervise: Supervise, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With it go tickets that it would have written, and the exit code is 1."""

    def behave(pipe: int, number: int) -> int:
        signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        return serve(pipe, number)

    run = supervise(behave)
    until(lambda: run.is_ready)
    run.stop()
    assert run.wait() == 1
    (said,) = caplog.messages
    assert said.endswith(" ended (signal 9) while it stopped")


def test_a_worker_that_saves_its_tickets_gets_the_time(supervise: Supervise, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killing it then would lose them all."""
    monkeypatch.setattr(module, "STOP_SECONDS", 0.7)

    def behave(pipe: int, number: int) -> int:
        def save(*_: object) -> None:
            os.write(pipe, SAVING)
            time.sleep(1.0)
            os._exit(0)

        signal.signal(signal.SIGTERM, save)
        return serve(pipe, number)

    run = supervise(behave)
    until(lambda: run.is_ready)
    run.stop()
    assert run.wait() == 0


def test_a_worker_that_is_suspended_is_resumed_to_stop(supervise: Supervise, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have tickets to write."""
    monkeypatch.setattr(module, "STOP_SECONDS", 2.0)
    run = supervise(finish_when_told)
    until(lambda: run.is_ready)
    (process,) = run.supervisor._processes()
    os.kill(process.id, signal.SIGSTOP)
    run.stop()
    assert run.wait() == 0


def test_a_fork_that_fails_is_tried_again(
    supervise: Supervise, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The machine can start no process for a while; the workers that run go on, and the log says so once."""
    fork, left = os.fork, [1, 0, 0, 1]

    def scarce_fork() -> int:
        if left and not left.pop(0):
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return fork()

    monkeypatch.setattr(os, "fork", scarce_fork)
    run = supervise(finish_when_told, workers=2)
    until(lambda: run.worker.starts == 2)
    run.stop()
    assert run.wait() == 0
    assert caplog.messages == ["a worker can't be started: Resource temporarily unavailable"]


def test_a_fork_that_fails_at_the_start_ends_the_server_with_one_line(
    supervise: Supervise, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_fork() -> int:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(os, "fork", no_fork)
    assert supervise(finish_when_told).wait() == 1
    assert caplog.messages == ["a worker can't be started: Cannot allocate memory"]


def test_a_reload_is_passed_on_to_the_workers(supervise: Supervise, tmp_path: Path) -> None:
    """By SIGHUP."""
    told = tmp_path / "told"

    def behave(pipe: int, number: int) -> int:
        signal.signal(signal.SIGHUP, lambda *_: told.touch())
        return finish_when_told(pipe, number)

    run = supervise(behave)
    until(lambda: run.is_ready)
    run.signals.reload = True
    until(told.exists)
    run.stop()
    assert run.wait() == 0
    assert run.worker.starts == 1


def test_a_worker_that_crashes_says_why(tmp_path: Path) -> None:
    """The line is written before the log closes."""
    program = (
        "import sys; from asmx_tickets.hosting import worker; from asmx_tickets.settings.model import Settings\n"
        "def broken(*_, **__): raise RuntimeError('a bug')\n"
        "worker.compose = broken\n"
        "sys.exit(worker.Worker(Settings(), True, []).run(None, lambda: None))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 1
    assert "a server process failed" in ended.stderr
    assert "RuntimeError: a bug" in ended.stderr
