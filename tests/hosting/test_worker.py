"""Parts of a server process: what it does regularly, and how it waits for stores (SECURITY R1, R7)."""

import asyncio
import logging
import os
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from asmx_tickets.errors import SettingsError, Unavailable
from asmx_tickets.hosting import metrics_folder
from asmx_tickets.hosting import worker as module
from asmx_tickets.hosting.metrics_folder import VARIABLE
from asmx_tickets.hosting.reloading import no_change
from asmx_tickets.hosting.signals import SIGNALS, Signals
from asmx_tickets.hosting.worker import BEAT, Worker, every
from asmx_tickets.settings.changes import Change
from asmx_tickets.settings.model import Settings


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """Restores the log, which a worker redirects for the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    SIGNALS.stop = SIGNALS.reload = False


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_a_chore_that_fails_is_done_again(caplog: pytest.LogCaptureFixture) -> None:
    """Otherwise a worker that runs would fall silent, and be ended."""
    done = []

    def chore() -> None:
        done.append(len(done))
        if len(done) == 1:
            raise ValueError("a bug")

    async def some_times() -> None:
        task = asyncio.ensure_future(every(0, chore))
        while len(done) < 3:
            await asyncio.sleep(0)
        task.cancel()

    asyncio.run(some_times())
    assert len(caplog.records) == 1
    assert "a bug" in caplog.text


def test_a_stop_ends_the_wait_for_a_store(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """While it waits it tells the supervisor that it runs, and then it exits 0."""
    tries = []

    def out(*_: object, **__: object) -> None:
        tries.append(1)
        SIGNALS.stop = len(tries) == 3
        raise Unavailable("The users' database does not answer.")

    monkeypatch.setattr(module, "compose", out)
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0.01)
    assert Worker(Settings(), False, []).run(pipe[1], lambda: None) == 0
    assert os.read(pipe[0], 100) == BEAT * 3


def test_a_setting_that_cannot_work_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object, **__: object) -> None:
        raise SettingsError("Languages:Supported: xx is no language")

    monkeypatch.setattr(module, "compose", wrong)
    assert Worker(Settings(), False, []).run(None, lambda: None) == 1


def test_a_reload_that_is_asked_for_during_the_start_comes_before_the_first_answer() -> None:
    """A worker that was forked before a reload answers nobody by the old settings."""
    done = []

    def reread(current: Settings) -> Change:
        done.append("reread")
        return no_change(current)

    def announce() -> None:
        done.append("announced")
        SIGNALS.stop = True

    SIGNALS.reload = True
    with socket.create_server(("127.0.0.1", 0)) as bound:
        assert Worker(Settings(), True, [bound], reread).run(None, announce) == 0
    assert done == ["reread", "announced"]


def test_signals_are_noted_and_wake_the_loop(pipe: tuple[int, int]) -> None:
    """A handler does nothing else. Neither a full pipe nor a missing one holds it up."""
    signals = Signals()
    signals._on_stop(15, None)
    assert signals.stop
    assert not signals.reload
    os.set_blocking(pipe[1], False)
    signals.wake(partial(os.write, pipe[1], b"!"))
    signals._on_reload(1, None)
    assert os.read(pipe[0], 10) == b"!"
    for _ in range(70_000):
        signals._on_reload(1, None)
    assert signals.reload


def test_a_process_without_room_for_its_numbers_serves_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setitem(metrics_folder._SIZES, "counter", 1 << 60)
    with socket.socket() as listener:
        assert Worker(Settings(), False, [], metrics=listener)._metrics() is None
    (said,) = caplog.messages
    assert said.startswith("Metrics:Listen: no room for the numbers of this process, so it counts nothing: ")
