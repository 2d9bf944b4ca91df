"""Two workers on one Redis at half of their full rate, for minutes, while one of them is restarted again and again.

A client that keeps its connection must expect that it is closed between two calls; it connects anew and asks again. Any
other failure counts.
"""

import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.benchmarks.client import Connection
from tests.benchmarks.messages import form_request, soap_request
from tests.benchmarks.processes import Server
from tests.benchmarks.shared import log_in_often, shared_server
from tests.benchmarks.workers import folder_in
from tests.support.redis import RedisServer
from tests.support.service import PASSWORD

CLIENTS = 6
RESTART_SECONDS = 30
_LEAD_IN = 5.0


@dataclass
class Tally:
    """What the clients saw, and the memory that the servers took."""

    answers: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    restarts: int = 0


class Caller:
    """A client that keeps its connection, and connects anew if it was closed between two calls."""

    def __init__(self, port: int, tally: Tally) -> None:
        self._port = port
        self._tally = tally
        self._connection: Connection | None = None

    def ask(self, request: bytes, expected: bytes) -> None:
        started = time.perf_counter()
        for attempt in ("first", "again"):
            kept = self._connection is not None
            try:
                self._connection = self._connection or Connection(self._port, timeout=10)
                answer = self._connection.ask(request)
            except (OSError, RuntimeError) as error:
                self._connection = None
                if kept and attempt == "first":
                    self._tally.answers["connection was closed, asked again"] += 1
                    continue
                self._tally.answers[f"FAILED: {type(error).__name__} {error}"] += 1
                return
            self._tally.seconds.append(time.perf_counter() - started)
            good = answer.status == 200 and expected in answer.body
            self._tally.answers["good" if good else f"FAILED: {answer.status} {answer.body[-200:]!r}"] += 1
            return


def run(minutes: float) -> str:
    """Measure, and give the report."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as name:
        redis = RedisServer(folder_in(Path(name), "redis"))
        try:
            with shared_server(folder_in(Path(name), "server"), 2, redis) as server:
                tickets = log_in_often(server)
                capacity = _load(server, tickets, Tally(), _LEAD_IN, None)
                _restart_and_watch(server, tickets, tally, minutes * 60, capacity / 2)
        finally:
            redis.stop()
    return _report(tally, capacity, minutes)


def _restart_and_watch(server: Server, tickets: list[str], tally: Tally, seconds: float, rate: float) -> None:
    loading = threading.Thread(target=_load, args=(server, tickets, tally, seconds, rate))
    loading.start()
    started = time.monotonic()
    next_restart = started + RESTART_SECONDS
    while loading.is_alive():
        time.sleep(1)
        now = time.monotonic()
        tally.memory.append((now - started, server.memory_bytes() / 2**20))
        if now >= next_restart and now - started < seconds - 5:
            next_restart += RESTART_SECONDS
            workers = psutil.Process(server.process.pid).children()
            os.kill(random.choice(workers).pid, signal.SIGTERM)
            tally.restarts += 1
    loading.join()


def _load(server: Server, tickets: list[str], tally: Tally, seconds: float, rate: float | None) -> float:
    """Calls a second of all clients together. ``rate`` None: as many as they can make."""
    end = time.monotonic() + seconds
    pause = 0.0 if rate is None else CLIENTS / rate

    def work(number: int) -> None:
        caller = Caller(server.port, tally)
        due = time.monotonic() + pause * number / CLIENTS
        calls = 0
        while (now := time.monotonic()) < end:
            if now < due:
                time.sleep(due - now)
            due += pause
            ticket = tickets[(calls * CLIENTS + number) % len(tickets)]
            calls += 1
            if calls % 1000 == 0:
                caller.ask(form_request("AuthenticateUser", UID="jsmith", PWD=PASSWORD), b'success="true"')
            elif calls % 10 == 0:
                caller.ask(form_request("GetCurrentUser", authenticationTicket=ticket), b'success="true"')
            else:
                caller.ask(soap_request(ticket), b'success="true"')

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(tally.answers.values()) / seconds


def _report(tally: Tally, capacity: float, minutes: float) -> str:
    times = sorted(tally.seconds)
    settled = [mib for second, mib in tally.memory if second > minutes * 60 / 5]
    half = len(settled) // 2
    lines = [
        f"{minutes:g} minutes at {sum(tally.answers.values()) / minutes / 60:,.0f} calls/s"
        f" (these clients at full speed: {capacity:,.0f}), {tally.restarts} restarts of a worker",
        *(f"- {count:,} {what}" for what, count in tally.answers.most_common()),
        f"- p50 {times[len(times) // 2] * 1000:.1f} ms, p99 {times[len(times) * 99 // 100] * 1000:.1f} ms,"
        f" longest {times[-1] * 1000:.0f} ms",
        f"- memory of all server processes: {sum(settled[:half]) / half:.1f} MiB in the first half after warming up,"
        f" {sum(settled[half:]) / (len(settled) - half):.1f} MiB in the second",
    ]
    return "\n".join(lines)
