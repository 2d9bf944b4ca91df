"""The service as it is installed: ``serve --demo`` with tickets minted over HTTP."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.client import Connection, side_by_side
from tests.benchmarks.messages import TICKET, mint_request
from tests.benchmarks.processes import Server, running

_MINTERS = 8


def serve_command(port: int) -> list[str]:
    return [sys.executable, "-m", "asmx_tickets", "serve", "--demo", "--urls", f"http://127.0.0.1:{port}"]


@contextmanager
def demo_server(directory: Path, core: int | None = None) -> Iterator[Server]:
    """Our own server while the context lasts."""
    with running(serve_command, core=core, directory=directory) as server:
        yield server


def mint(server: Server, count: int) -> list[str]:
    """Make tickets over CreateTicketforUser."""
    request = mint_request()
    tickets: list[str] = []

    def work(number: int) -> None:
        with Connection(server.port) as connection:
            for _ in range(number, count, _MINTERS):
                answer = connection.ask(request)
                found = TICKET.search(answer.body)
                if found is None:
                    raise RuntimeError(f"no ticket in {answer}")
                tickets.append(found[1].decode())

    side_by_side(_MINTERS, work)
    return tickets
