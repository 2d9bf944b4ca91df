"""What runs in each server process."""

import asyncio
import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.synchronize import Semaphore
from typing import Any

from asmx_tickets.errors import AsmxTicketsError, Unavailable
from asmx_tickets.hosting.composition import Composition, compose
from asmx_tickets.hosting.lanes import Lane, LaneSize
from asmx_tickets.hosting.logs import BackgroundLog
from asmx_tickets.hosting.rsgi import BodyLimits, RsgiApplication
from asmx_tickets.hosting.site import Call, ReadinessCall
from asmx_tickets.service import PATH
from asmx_tickets.settings.model import Settings

_RETRY_SECONDS = 0.5

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Worker:
    """Builds the application inside a server process. The one that gets ``announcement`` says the address."""

    settings: Settings
    demo: bool
    announcement: Semaphore

    def __call__(self) -> RsgiApplication:
        _die_with_parent()
        log = BackgroundLog(self.settings)
        composition = self._composed(log)
        composition.load_tickets()
        for warning in composition.warnings():
            _log.warning("%s", warning)

        def stop() -> None:
            composition.close()
            log.close()

        return RsgiApplication(
            composition.site,
            lanes=_lanes(self.settings.workers),
            lane_of=lane_of(composition.waits),
            limits=BodyLimits(max_bytes=self.settings.web_services.max_request_bytes),
            on_start=self._announce,
            on_stop=stop,
        )

    def _composed(self, log: BackgroundLog) -> Composition:
        """The application's parts. A process that takes the place of a dead one waits for stores that are out."""
        complained = False
        while True:
            try:
                return compose(self.settings, demo=self.demo)
            except Unavailable as error:
                if not complained:
                    _log.error("%s Trying again until it does.", error)
                complained = True
                time.sleep(_RETRY_SECONDS)
            except AsmxTicketsError as error:
                _log.critical("%s", error)
                log.close()
                raise SystemExit(1) from None

    async def _announce(self) -> None:
        """Print the address once a connection to it succeeds."""
        address = self.settings.urls
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.bind_host, address.bind_host)  # noqa: S104
        while True:
            try:
                _, writer = await asyncio.open_connection(host, address.port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                break
        if self.announcement.acquire(block=False):
            sys.stdout.write(f"asmx-tickets answers at {address}{self.settings.path_base}{PATH}\n")
            sys.stdout.flush()


def _lanes(workers: int) -> dict[str, Lane]:
    # Hashing takes a whole core for as long as it lasts: no more at a time than there are (SECURITY A3).
    hashing = max(1, (os.cpu_count() or 1) // workers)
    return {
        "login": Lane("login", LaneSize(threads=hashing, waiting=hashing * 31, background=True)),
        "store": Lane("store", LaneSize(threads=16, waiting=1000)),
        "health": Lane("health", LaneSize(threads=1, waiting=20)),
    }


def lane_of(waits: bool) -> Callable[[Call], str]:
    """Which lane a call must run in; none where it never waits. ``waits``: every call may, for stores elsewhere."""
    default = "store" if waits else ""

    def lane(call: Call) -> str:
        return "health" if isinstance(call, ReadinessCall) else call.operation.lane or default

    return lane


def _die_with_parent() -> None:
    """A killed supervisor must not leave a worker behind that holds the port (SECURITY R7)."""
    if sys.platform == "linux":
        set_parent_death_signal: Any = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
