"""Runs the service under granian until it is told to stop."""

import asyncio
import ctypes
import errno
import logging
import os
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from asmx_tickets.asmx.context import AsmxContext
from asmx_tickets.errors import AsmxTicketsError, SettingsError
from asmx_tickets.hosting.composition import compose
from asmx_tickets.hosting.demo import demo_settings
from asmx_tickets.hosting.lanes import Lane, LaneSize
from asmx_tickets.hosting.rsgi import BodyLimits, RsgiApplication
from asmx_tickets.service import PATH
from asmx_tickets.settings import Settings
from asmx_tickets.users.sql import open_directory

# SECURITY H1, H5. hyper reads at most 100 headers whatever is said here.
_HEADER_SECONDS = 5
_HEADER_BYTES = 16 * 1024
_STOP_SECONDS = 10
# Idle keep-alive connections count as open ones, and a server that has no more stops accepting.
_MAX_CONNECTIONS = 16 * 1024

# ASP.NET's names for Python's levels.
_LEVELS = {
    "Trace": logging.DEBUG,
    "Debug": logging.DEBUG,
    "Information": logging.INFO,
    "Warning": logging.WARNING,
    "Error": logging.ERROR,
    "Critical": logging.CRITICAL,
    "None": logging.CRITICAL + 1,
}

_log = logging.getLogger(__name__)


def serve(settings: Settings, *, demo: bool = False) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is under way. Prints the address once it can answer.

    Raises SettingsError for what can't be served, and what opening the stores raises.
    """
    configure_logging(settings)
    for warning in settings.warnings:
        _log.warning("%s", warning)
    if demo:
        demo_settings(settings)
    else:
        _prepare_users(settings)
    address = settings.urls
    _refuse_busy_port(address.bind_host, address.port)
    server = MPServer(
        "asmx_tickets",
        address=address.bind_host,
        port=address.port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        loop=Loops.auto,
        backlog=1024,
        backpressure=_MAX_CONNECTIONS,
        http1_settings=HTTP1Settings(
            header_read_timeout=_HEADER_SECONDS * 1000, max_buffer_size=_HEADER_BYTES, pipeline_flush=False
        ),
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_SECONDS,
        log_level=LogLevels.warning,
        log_dictconfig=_GRANIAN_LOGGING,
    )
    load: Any = Worker(settings, demo)
    server.serve(target_loader=load, wrap_loader=False)


@dataclass(frozen=True, slots=True)
class Worker:
    """Builds the application inside a worker process."""

    settings: Settings
    demo: bool

    def __call__(self) -> RsgiApplication:
        _die_with_parent()
        try:
            composition = compose(self.settings, demo=self.demo)
        except AsmxTicketsError as error:
            _log.critical("%s", error)
            raise SystemExit(1) from None
        cores = os.cpu_count() or 1
        return RsgiApplication(
            composition.site,
            lanes={
                "login": Lane("login", LaneSize(threads=cores, waiting=cores * 31, background=True)),
                "store": Lane("store", LaneSize(threads=4, waiting=1000)),
            },
            lane_of=_lane_of,
            limits=BodyLimits(max_bytes=self.settings.web_services.max_request_bytes),
            on_start=self._announce,
        )

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
        sys.stdout.write(f"asmx-tickets answers at {address}{self.settings.path_base}{PATH}\n")
        sys.stdout.flush()


def _lane_of(ctx: AsmxContext) -> str:
    return ctx.operation.lane


def configure_logging(settings: Settings) -> None:
    """Log to standard error, from the level that Logging:LogLevel:Default names."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=_LEVELS[settings.logging.log_level.default], handlers=[handler], force=True)


# granian's own handlers write to standard output, which has the address line and nothing else.
_GRANIAN_LOGGING: dict[str, Any] = {
    "handlers": {},
    "formatters": {},
    "loggers": {"_granian": {"propagate": True}, "granian.access": {"propagate": False}},
}


def _prepare_users(settings: Settings) -> None:
    """Bring the users' database up to date before any worker opens it, and say what to do where it is empty."""
    directory = open_directory(settings.connection_strings.users.get_secret_value())
    try:
        if next(iter(directory.all()), None) is None:
            sys.stderr.write("There are no users yet. Add the first one with: asmx-tickets user add NAME\n")
    finally:
        directory.close()


def _refuse_busy_port(host: str, port: int) -> None:
    """granian shares a port with whoever has it already; two services on one address are surely a mistake.

    Raises SettingsError.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = {
                errno.EADDRINUSE: "another program listens there",
                errno.EACCES: "ports below 1024 need a privilege",
                errno.EADDRNOTAVAIL: "this machine has no such address",
            }.get(error.errno or 0, os.strerror(error.errno or 0))
            raise SettingsError(f"Urls: can't listen on {host} port {port}: {reason}") from None


def _die_with_parent() -> None:
    """A killed supervisor must not leave a worker behind that holds the port (SECURITY R7)."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
