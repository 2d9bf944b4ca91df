"""The service in several processes: workers on one Redis, and users in a SQLite file."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.client import Connection
from tests.benchmarks.messages import TICKET, login_request
from tests.benchmarks.processes import NotInstalled, Server, running
from tests.support.redis import RedisServer
from tests.support.service import PASSWORD

_TICKETS = 20


@contextmanager
def redis_server(directory: Path, core: int) -> Iterator[RedisServer]:
    """A Redis on one core. Raises NotInstalled."""
    if shutil.which("redis-server") is None:
        raise NotInstalled("redis-server")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})  # a child inherits it
    try:
        redis = RedisServer(directory)
    finally:
        os.sched_setaffinity(0, before)
    try:
        yield redis
    finally:
        redis.stop()


@contextmanager
def shared_server(
    directory: Path, workers: int, redis: RedisServer | None, core: int | None = None
) -> Iterator[Server]:
    """A server with the user jsmith, on one core or on all. Tickets are in Redis, or in memory if there is none."""
    environ = {"Audit__To": "", "Workers": str(workers)}
    if redis is not None:
        environ["ConnectionStrings__Tickets"] = redis.url
    add = [sys.executable, "-m", "asmx_tickets", "user", "add", "jsmith"]
    if not (directory / "App_Data").exists():
        subprocess.run(add, cwd=directory, input=f"{PASSWORD}\n", text=True, check=True, capture_output=True)

    def command(port: int) -> list[str]:
        return [sys.executable, "-m", "asmx_tickets", "serve", "--urls", f"http://127.0.0.1:{port}"]

    with running(command, core=core, directory=directory, environ=environ) as server:
        yield server


def log_in_often(server: Server) -> list[str]:
    """Some tickets of jsmith. Raises RuntimeError if there are none."""
    with Connection(server.port) as connection:
        answers = [connection.ask(login_request()) for _ in range(_TICKETS)]
    # On a busy machine Redis may be slow, and some logins unavailable.
    tickets = [found[1].decode() for answer in answers if (found := TICKET.search(answer.body)) is not None]
    if not tickets:
        raise RuntimeError(f"no ticket in {answers[-1]}")
    return tickets
