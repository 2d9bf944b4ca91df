"""A million tickets in one process: ``python -m tests.benchmarks.tickets COUNT ROUNDS`` prints their cost as JSON."""

import gc
import hashlib
import json
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import psutil

from asmx_tickets.hosting.composition import Composition, compose
from asmx_tickets.settings.model import load_settings
from asmx_tickets.tickets.cache import TicketCache, TicketRules
from asmx_tickets.tickets.memory import MemoryTicketCache
from tests.support.service import Clock

_JOHN = 42
_OTHER_USERS = 10_000
_FEW = 1000
_SCATTERED = 50_000
_EXPIRING = 100_000
_CHECKS = 20_000  # in a run, and in the second in which the tickets expire
_WINDOW = 30 * 86400.0
_NOW = Clock.now


@dataclass(frozen=True, slots=True)
class Tickets:
    """Rates are checks (Authentication.validate) a second in one thread, ratios are medians of the rounds' own."""

    count: int
    bytes_each: float
    rate_few: float  # with 1000 tickets
    rate_many: float  # with all of them, 1000 of them in use
    rate_scattered: float  # with all of them, 50,000 of them in use in no order
    ratio: float
    ratio_scattered: float
    pause_wall_ms: float  # the longest of the checks while 100,000 tickets expire
    pause_cpu_ms: float
    quiet_wall_ms: float  # the longest of as many while none does
    quiet_cpu_ms: float


def in_a_process(count: int, rounds: int) -> Tickets:
    """Measure in a new process, whose memory nothing else has used."""
    command = [sys.executable, "-m", "tests.benchmarks.tickets", str(count), str(rounds)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=600, check=True)
    return Tickets(**json.loads(done.stdout))


def measure(count: int, rounds: int) -> Tickets:
    clock = Clock()
    few, many = (compose(load_settings(environ={}), demo=True, clock=clock) for _ in range(2))
    _fill(few, _FEW)
    gc.collect()
    before = psutil.Process().memory_info().rss
    _fill(many, count)
    bytes_each = (psutil.Process().memory_info().rss - before) / count
    step = max(1, count // _FEW)
    in_use = [_guid(index) for index in range(0, count, step)]
    scattered = [_guid(index) for index in range(0, count, max(1, count // _SCATTERED))]
    random.Random(1).shuffle(scattered)
    first = [_guid(index) for index in range(_FEW)]
    rates = [(_rate(few, first), _rate(many, in_use), _rate(many, scattered)) for _ in range(rounds)]
    quiet, expiring = _pauses(0, count), _pauses(_EXPIRING, count)
    return Tickets(
        count,
        bytes_each,
        *(median(column) for column in zip(*rates, strict=True)),
        ratio=median(with_many / with_few for with_few, with_many, _ in rates),
        ratio_scattered=median(with_many / with_few for with_few, _, with_many in rates),
        pause_wall_ms=expiring[0],
        pause_cpu_ms=expiring[1],
        quiet_wall_ms=quiet[0],
        quiet_cpu_ms=quiet[1],
    )


def _guid(index: int) -> bytes:
    """The ticket with this number. It is computed, so that no list of tickets takes memory."""
    return hashlib.blake2b(index.to_bytes(8), digest_size=16).digest()


def _fill(composition: Composition, count: int) -> None:
    """Add tickets of 10,000 users. Those that are checked are John's, who alone has a profile."""
    john = composition.directory.get(_JOHN)
    if john is None:
        raise RuntimeError(f"the demo has no user {_JOHN}")
    step, scattered = max(1, count // _FEW), max(1, count // _SCATTERED)
    for index in range(count):
        is_johns = index < _FEW or index % step == 0 or index % scattered == 0
        user_id = _JOHN if is_johns else 1000 + index % _OTHER_USERS
        _add(composition.tickets, index, user_id, john.security_stamp)


def _add(cache: TicketCache, index: int, user_id: int, security_stamp: int) -> None:
    cache.add(_guid(index), user_id=user_id, security_stamp=security_stamp, language="en", previous_logon=None)


def _rate(composition: Composition, guids: Sequence[bytes]) -> float:
    validate = composition.authentication.validate
    asked = [guids[index % len(guids)] for index in range(max(_CHECKS, len(guids)))]
    began = time.perf_counter()
    for guid in asked:
        validate(guid)
    return len(asked) / (time.perf_counter() - began)


def _pauses(expiring: int, count: int) -> tuple[float, float]:
    """The longest check, wall and processor milliseconds, in a second in which so many of the tickets expire."""
    clock = Clock()
    cache = MemoryTicketCache(TicketRules(_WINDOW), clock=clock)
    for index in range(expiring):
        clock.now = _NOW + index / expiring
        _add(cache, index, 1000 + index % _OTHER_USERS, 0)
    clock.now = _NOW + 60
    for index in range(expiring, count):
        _add(cache, index, 1000 + index % _OTHER_USERS, 0)
    asked = [_guid(expiring + index) for index in range(min(_CHECKS, count - expiring))]
    longest_wall = longest_cpu = 0
    for turn, guid in enumerate(asked, 1):
        clock.now = _NOW + _WINDOW + turn / len(asked)
        wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
        cache.look(guid)
        longest_cpu = max(longest_cpu, time.thread_time_ns() - cpu)
        longest_wall = max(longest_wall, time.perf_counter_ns() - wall)
    if cache.held != count - expiring:
        raise RuntimeError(f"{cache.held} tickets are left of {count} when {expiring} have expired")
    return longest_wall / 1e6, longest_cpu / 1e6


if __name__ == "__main__":
    print(json.dumps(asdict(measure(*map(int, sys.argv[1:])))))
