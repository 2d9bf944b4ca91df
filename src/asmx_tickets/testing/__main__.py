"""``python -m asmx_tickets.testing``: a demo server whose clock can be moved, on a free loopback port.

It prints its address. Then it reads lines, and answers each with ``ok`` or with what is wrong: ``advance SECONDS``
moves its clock forward, ``reset`` makes it as it was at its start. It ends when nobody writes to it any more.
"""

import asyncio
import math
import sys
import time
from types import SimpleNamespace

from asmx_tickets.cores import usable_cores
from asmx_tickets.errors import AsmxTicketsError
from asmx_tickets.hosting.composition import Composition, compose
from asmx_tickets.hosting.connection import Connection
from asmx_tickets.hosting.dispatch import Dispatcher
from asmx_tickets.hosting.door import SWEEP_SECONDS, Door, DoorLimits
from asmx_tickets.hosting.worker import every
from asmx_tickets.service import PATH
from asmx_tickets.settings.model import Settings
from asmx_tickets.waiting import Hub, lane_sizes


class DemoProcess:
    """The demo's service behind a door, and the clock that it goes by."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._composition = self._composed()

    def _composed(self) -> Composition:
        return compose(
            Settings(),
            demo=True,
            clock=lambda: time.time() + self._ahead,
            steady_clock=lambda: time.monotonic() + self._ahead,
        )

    async def serve(self) -> None:
        """Serve until standard input ends."""
        loop = asyncio.get_running_loop()
        hub = Hub(loop, lane_sizes(usable_cores()))
        site = self._composition.site
        door = Door(site, Dispatcher(site, hub), DoorLimits(), loop.time)
        app, state = SimpleNamespace(app=door), SimpleNamespace(connections=set())
        server = await loop.create_server(lambda: Connection(app, state, {}), "127.0.0.1", 0)
        sweep = loop.create_task(every(SWEEP_SECONDS, door.sweep))
        _say(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{PATH}")
        while line := await asyncio.to_thread(sys.stdin.readline):
            _say(self._obey(line.split(), door, hub))
        sweep.cancel()
        server.close()
        door.cut()
        hub.close()
        self._composition.close()

    def _obey(self, words: list[str], door: Door, hub: Hub) -> str:
        match words:
            case ["advance", text]:
                try:
                    seconds = float(text)
                except ValueError:
                    seconds = math.nan
                if not 0 <= seconds < math.inf:
                    return "error: advance wants seconds, 0 or more"
                self._ahead += seconds
            case ["reset"]:
                self._composition.close()
                self._ahead = 0.0
                self._composition = self._composed()
                site = self._composition.site
                door.change(site, Dispatcher(site, hub), DoorLimits())
            case _:
                return "error: there is advance SECONDS, and reset"
        return "ok"


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the other end of the pipe reads it


def main() -> None:
    """Serve. What can't work is one line on standard error."""
    try:
        asyncio.run(DemoProcess().serve())
    except KeyboardInterrupt:
        pass
    except AsmxTicketsError as error:
        sys.exit(f"asmx-tickets: {error}")


if __name__ == "__main__":
    main()
