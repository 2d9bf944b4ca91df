"""Runs in each server process: the service behind the door, on uvicorn's loop, until a signal to stop."""

import asyncio
import ctypes
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import uvicorn

from asmx_tickets.cores import usable_cores
from asmx_tickets.errors import AsmxTicketsError, Unavailable
from asmx_tickets.hosting.acceptor import Acceptor
from asmx_tickets.hosting.access_log import log_answer
from asmx_tickets.hosting.admin import AdminServer, Result
from asmx_tickets.hosting.admin_listener import AdminListener
from asmx_tickets.hosting.composition import Composition, compose
from asmx_tickets.hosting.connection import Connection
from asmx_tickets.hosting.descriptors import most_connections
from asmx_tickets.hosting.dispatch import Dispatcher
from asmx_tickets.hosting.door import SWEEP_SECONDS, Door, DoorLimits, Observer
from asmx_tickets.hosting.figures import Figures
from asmx_tickets.hosting.logs import BackgroundLog, adjust_logging
from asmx_tickets.hosting.metrics_folder import reserve_room
from asmx_tickets.hosting.metrics_site import MetricsSite
from asmx_tickets.hosting.reloading import Reread, no_change
from asmx_tickets.hosting.signals import SIGNALS
from asmx_tickets.hosting.site import Site
from asmx_tickets.hosting.sockets import BACKLOG
from asmx_tickets.hosting.tls import Certificates
from asmx_tickets.settings.model import Settings
from asmx_tickets.waiting import Hub, Lane, in_thread, lane_sizes

if TYPE_CHECKING:
    from asmx_tickets.hosting.metrics import Metrics

READY, BEAT, SAVING = b"R", b".", b"S"
"""What a worker tells its supervisor: it is ready, it is alive, it is saving its tickets before it ends."""
_RETRY_SECONDS = 0.5
_BEAT_SECONDS = 1.0
_GRACE_SECONDS = 7
"""How long a stop waits for calls under way and for clients that hang."""
_STOPPING_SECONDS = 0.01
"""Between two looks whether they are done."""
_SCRAPERS = 16
_RELOAD_SECONDS = 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Worker:
    """Serves on sockets that are bound already."""

    settings: Settings
    demo: bool
    sockets: Sequence[socket.socket]
    reread: Reread = no_change
    figures: Figures = field(default_factory=Figures)
    admin: socket.socket | None = None
    metrics: socket.socket | None = None
    """The socket for Prometheus."""

    def with_settings(self, settings: Settings) -> "Worker":
        """The same worker with other settings."""
        return replace(self, settings=settings)

    def run_forked(self, pipe: int, supervisor: int, seat: int) -> int:
        """Run in a forked process, and return its exit code. Never raises."""
        try:
            _die_with(supervisor)
            self.figures.take(seat)
            return self.run(pipe, lambda: None)
        except SystemExit as error:
            return error.code if isinstance(error.code, int) else 1
        except BaseException:
            _log.critical("a server process failed", exc_info=True)
            return 1

    def run(self, pipe: int | None, announce: Callable[[], None]) -> int:
        """Serve until a signal to stop. Returns the exit code. ``pipe`` gets READY, BEAT each second, then SAVING."""
        log = BackgroundLog(self.settings)
        try:
            self._run(pipe, announce)
        except AsmxTicketsError as error:
            _log.critical("%s", error)
            return 1
        except Exception:
            _log.critical("a server process failed", exc_info=True)
            return 1
        else:
            return 0
        finally:
            log.close()

    def _run(self, pipe: int | None, announce: Callable[[], None]) -> None:
        composition = self._composed(pipe)
        if composition is None:
            return
        try:
            composition.load_tickets()
            for warning in composition.warnings():
                _log.warning("%s", warning)
            self._serve(composition, pipe, announce)
        finally:
            _say(pipe, SAVING)
            composition.close()

    def _composed(self, pipe: int | None) -> Composition | None:
        """The built service, once its stores answer; None if a signal to stop came first."""
        complained = False
        metrics = self._metrics()
        while not SIGNALS.stop:
            try:
                return compose(self.settings, demo=self.demo, figures=self.figures, metrics=metrics)
            except Unavailable as error:
                if not complained:
                    _log.error("%s Trying again until it does.", error)
                complained = True
                _say(pipe, BEAT)
                time.sleep(_RETRY_SECONDS)
        return None

    def _metrics(self) -> "Metrics | None":
        if self.metrics is None:
            return None
        try:
            reserve_room(os.getpid())
        except OSError as error:
            _log.error("Metrics:Listen: no room for the numbers of this process, so it counts nothing: %s", error)
            return None
        from asmx_tickets.hosting.metrics import Metrics

        return Metrics()

    def _serve(self, composition: Composition, pipe: int | None, announce: Callable[[], None]) -> None:
        config = uvicorn.Config(
            # uvicorn hands this to each Connection; it is no ASGI application.
            app=None,  # type: ignore[arg-type]
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
        )
        server = _Server(config, self, composition, pipe, announce)
        server.run(list(self.sockets))


class _Server(uvicorn.Server):
    """uvicorn's server, with our listeners, signals and sweep."""

    def __init__(
        self,
        config: uvicorn.Config,
        worker: Worker,
        composition: Composition,
        pipe: int | None,
        announce: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._worker = worker
        self._composition = composition
        self._pipe = pipe
        self._announce = announce
        self._certificates: Certificates | None = None
        self._other_doors: list[Door] = []
        self._admin: AdminListener | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are noted already, from the process's first moment on."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen on each address, with TLS where it says https."""
        loop = asyncio.get_running_loop()
        settings = self._worker.settings
        self._hub = Hub(loop, lane_sizes(max(1, usable_cores() // settings.workers)))
        self._most_connections = most_connections()
        self._door = Door(*self._served(), loop.time)
        self._observe()
        if SIGNALS.reload:  # they have changed while this process started
            await self._reload()
        self.config.app = self._door  # type: ignore[assignment]
        self.servers = []
        for address, bound in zip(settings.urls, sockets or [], strict=True):
            make = partial(Connection, self.config, self.server_state, {})
            if address.scheme == "https":
                # To uvicorn it is one of asyncio's servers.
                self.servers.append(Acceptor(bound, self._door, self._tls_context(), make))  # type: ignore[arg-type]
            else:
                self.servers.append(await loop.create_server(make, sock=bound, backlog=BACKLOG))
        self.started = True
        self._admin = self._open_admin()
        await self._open_metrics(loop)
        self._tasks = [loop.create_task(each) for each in self._chores()]
        _say(self._pipe, READY)
        self._announce()

    async def main_loop(self) -> None:
        """Serve until a signal to stop; then say so to load balancers for a while, if the settings want that."""
        noticed = asyncio.Event()
        SIGNALS.wake(partial(asyncio.get_running_loop().call_soon_threadsafe, noticed.set))
        try:
            while not SIGNALS.stop:
                noticed.clear()
                if SIGNALS.reload:
                    await self._reload()
                else:
                    await noticed.wait()
        finally:
            SIGNALS.wake(None)
        seconds = self._composition.settings.shutdown.drain_seconds
        if seconds:
            self._composition.site.drain()
            await asyncio.sleep(seconds)

    async def _reload(self) -> None:
        """Apply the settings, which the supervisor has checked. If they can't be used here, nothing changes."""
        SIGNALS.reload = False
        current = self._composition
        try:
            change = await asyncio.to_thread(self._worker.reread, current.settings)
            changed = await asyncio.to_thread(current.with_settings, change.settings)
            if self._certificates is not None:
                self._certificates.change(change.settings.certificate)
        except AsmxTicketsError as error:
            _log.error("the new settings are not used: %s", error)
        except Exception:
            _log.exception("the new settings are not used")
        else:
            changed.keep_throttling_rules()
            self._composition = changed
            self._door.change(*self._served())
            self._observe()
            adjust_logging(change.settings)

    def _observe(self) -> None:
        """Report each answer to the metrics and the access log, if they are on."""
        metrics = self._composition.foundation.metrics
        observers: list[Observer] = [] if metrics is None else [metrics.answered]
        if self._composition.settings.logging.access:
            observers.append(log_answer)
        self._door.observe_by(observers)

    def _served(self) -> tuple[Site, Dispatcher, DoorLimits]:
        """What the door serves, as the settings say: the site, its dispatcher and the limits."""
        site, settings = self._composition.site, self._composition.settings
        limits = DoorLimits(settings.web_services.max_request_bytes, connections=self._most_connections)
        return site, Dispatcher(site, self._hub), limits

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what is under way, and cut off clients that hang."""
        # uvicorn's own would wait a tenth of a second, whether anybody is there or not.
        for server in self.servers:
            server.close()
        for bound in sockets or []:
            bound.close()
        await asyncio.sleep(0)  # whoever was accepted becomes a connection
        for connection in list(self.server_state.connections):
            connection.shutdown()
        end = time.monotonic() + _GRACE_SECONDS
        while self.server_state.connections and time.monotonic() < end:
            await asyncio.sleep(_STOPPING_SECONDS)
        if self._admin is not None:
            self._admin.close()
        for door in (self._door, *self._other_doors):
            door.cut()
        for task in self._tasks:
            task.cancel()
        end = time.monotonic() + 1.0
        while self._hub.running and time.monotonic() < end:
            await asyncio.sleep(_STOPPING_SECONDS)
        self._hub.close()

    async def _open_metrics(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answer Prometheus, on its own socket with its own limits."""
        metrics, listener = self._composition.foundation.metrics, self._worker.metrics
        if metrics is None or listener is None:
            return
        from asmx_tickets.hosting.metrics import CONTENT_TYPE

        def text() -> bytes:
            metrics.count_tickets(self._composition.tickets)
            return metrics.text()

        metrics_site = MetricsSite(partial(in_thread, Lane.HEALTH, text), CONTENT_TYPE)
        door = Door(metrics_site, Dispatcher(metrics_site, self._hub), DoorLimits(connections=_SCRAPERS), loop.time)
        self._other_doors.append(door)
        config = SimpleNamespace(app=door)
        self.servers.append(
            await loop.create_server(lambda: Connection(config, self.server_state, {}), sock=listener, backlog=16)
        )

    def _open_admin(self) -> AdminListener | None:
        if self._worker.admin is None:
            return None
        commands = {**self._composition.commands, "reload": self._have_settings_read}
        return AdminListener(self._worker.admin, Path(self._worker.settings.admin.socket), AdminServer(commands))

    def _have_settings_read(self) -> Result:
        """Have the supervisor read the settings again, wait until this process uses them, and return what changed.

        Raises SettingsError, and Unavailable when that takes too long.
        """
        before = self._composition
        change = self._worker.reread(before.settings)
        if change.changed and self._pipe is None:
            SIGNALS.ask_reload()
        elif change.changed:
            os.kill(os.getppid(), signal.SIGHUP)
        end = time.monotonic() + _RELOAD_SECONDS
        while change.changed and self._composition is before:
            if time.monotonic() > end:
                raise Unavailable("The server does not use the new settings yet; its log may say why.")
            time.sleep(0.02)
        return {"changed": change.changed, "kept": change.kept}

    def _tls_context(self) -> Any:
        if self._certificates is None:
            self._certificates = Certificates(self._composition.settings.certificate)
        return self._certificates.context

    def _tend(self) -> None:
        self._composition.tend()  # a reload replaces it

    def _chores(self) -> Iterator[Coroutine[Any, Any, None]]:
        for door in (self._door, *self._other_doors):
            yield every(SWEEP_SECONDS, door.sweep)
        metrics = self._composition.foundation.metrics
        if metrics is not None:
            yield every(_BEAT_SECONDS, lambda: metrics.sample(len(self._door), self._hub))
        yield every(_BEAT_SECONDS, partial(_say, self._pipe, BEAT))
        yield every(_BEAT_SECONDS, one_at_a_time(self._hub, self._tend))
        if self._admin is not None:
            yield every(_BEAT_SECONDS, self._admin.keep)
        yield every(_BEAT_SECONDS, lambda: self._worker.figures.note_queue(self._hub.waiting(Lane.HASH)))
        if self._certificates is not None:
            yield every(_BEAT_SECONDS, self._certificates.renew)


async def every(seconds: float, chore: Callable[[], object]) -> None:
    """Do a chore every so many seconds. A failure is logged, and the chore goes on."""
    while True:
        try:
            chore()
        except Exception:
            _log.exception("a chore of every %g s failed", seconds)
        await asyncio.sleep(seconds)


def one_at_a_time(hub: Hub, work: Callable[[], None]) -> Callable[[], None]:
    """A chore that does work which may wait, unless the last time has not ended. Failures are logged."""
    under_way = False

    def do() -> None:
        nonlocal under_way
        try:
            work()
        except Exception:
            _log.exception("the regular work failed")
        finally:
            under_way = False

    def chore() -> None:
        nonlocal under_way
        if not under_way:
            under_way = True
            hub.run(do, lambda _: None)

    return chore


def _say(pipe: int | None, what: bytes) -> None:
    if pipe is not None:
        with suppress(OSError):
            os.write(pipe, what)


def _die_with(supervisor: int) -> None:
    """A killed supervisor must not leave a worker behind that holds the port (SECURITY R7)."""
    if sys.platform == "linux":
        set_parent_death_signal: Any = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
        if os.getppid() != supervisor:
            raise SystemExit(1)  # it was killed before
