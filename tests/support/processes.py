"""Child processes that can be ended, stopped for a while, and never outlive the tests."""

import contextlib
import errno
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest


def free_port() -> int:
    """A loopback port that nobody has: none of those that the system gives to connections by itself."""
    while True:
        port = random.randrange(12_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED:
                return port


def program(name: str, *folders: Path) -> str:
    """The path of a program, in PATH or in one of the folders. Skips the test where there is none."""
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(map(str, folders)))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


class Child:
    """A server process of a test's own."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.command = command
        self.log = folder / "log.txt"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, answers: Callable[[], bool], seconds: float = 20) -> None:
        """Start it, and come back once it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + seconds
        while not answers():
            if self.process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"{self.command[0]} did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.01)

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def pause(self) -> None:
        """It hangs: connections stay open, and nothing answers."""
        self.send(signal.SIGSTOP)

    def go_on(self) -> None:
        self.send(signal.SIGCONT)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, however it is. More than once does no harm."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGCONT)
        self.process.send_signal(number)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


def wait_until(condition: Callable[[], bool], seconds: float) -> float:
    """Wait until something is so; after how many seconds it was."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds:
            pytest.fail(f"not within {seconds} s")
        time.sleep(0.02)
    return time.monotonic() - started
