"""The growth of checks a second with server processes on one Redis. Server, Redis and load share all cores."""

import tempfile
from pathlib import Path
from statistics import median

from tests.benchmarks.load import Load, run, write_requests
from tests.benchmarks.messages import soap_request
from tests.benchmarks.shared import log_in_often, shared_server
from tests.support.redis import RedisServer


def table(rounds: int, seconds: float) -> str:
    """Measure tickets in memory with one process, then in Redis with one and two, round by round. Gives Markdown."""
    kinds = {"memory, 1 process": 1, "Redis, 1 process": 1, "Redis, 2 processes": 2}
    runs: dict[str, list[Load]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as name:
        redis = RedisServer(folder_in(Path(name), "redis"))
        try:
            for _ in range(rounds):
                for kind, workers in kinds.items():
                    folder = folder_in(Path(name), kind.replace(" ", "-").replace(",", ""))
                    shared = None if kind.startswith("memory") else redis
                    with shared_server(folder, workers, shared) as server:
                        requests = write_requests(
                            [soap_request(each) for each in log_in_often(server)], folder / "soap"
                        )
                        run(server, requests, 1, core=None)
                        runs[kind].append(run(server, requests, seconds, core=None))
        finally:
            redis.stop()
    lines = ["| tickets in | requests/s | server CPU per request | p99 |", "|---|---:|---:|---:|"]
    for kind, loads in runs.items():
        rate, cpu = median(load.rate for load in loads), median(load.cpu_us for load in loads)
        lines.append(f"| {kind} | {rate:,.0f} | {cpu:.0f} us | {median(load.p99_ms for load in loads):.1f} ms |")
    one, two = runs["Redis, 1 process"], runs["Redis, 2 processes"]
    ratios = [second.rate / first.rate for first, second in zip(one, two, strict=True)]
    return "\n".join(
        [*lines, "", f"Two processes to one: {median(ratios):.2f} x ({min(ratios):.2f} to {max(ratios):.2f})"]
    )


def folder_in(above: Path, name: str) -> Path:
    """The folder of that name, which is made if it does not exist."""
    folder = above / name
    folder.mkdir(exist_ok=True)
    return folder
