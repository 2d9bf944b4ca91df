"""The service as several processes share it: workers on one Redis, users in a SQLite file."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.messages import PASSWORD
from tests.benchmarks.processes import Server, running
from tests.support.redis import RedisServer


@contextmanager
def shared_server(directory: Path, workers: int, redis: RedisServer | None) -> Iterator[Server]:
    """A server with jsmith among its users, and tickets in Redis or, without one, in memory."""
    environ = {"Audit__To": "", "Workers": str(workers)}
    if redis is not None:
        environ["ConnectionStrings__Tickets"] = redis.url
    add = [sys.executable, "-m", "asmx_tickets", "user", "add", "jsmith"]
    if not (directory / "App_Data").exists():
        subprocess.run(add, cwd=directory, input=f"{PASSWORD}\n", text=True, check=True, capture_output=True)

    def command(port: int) -> list[str]:
        return [sys.executable, "-m", "asmx_tickets", "serve", "--urls", f"http://127.0.0.1:{port}"]

    with running(command, directory=directory, environ=environ) as server:
        yield server
