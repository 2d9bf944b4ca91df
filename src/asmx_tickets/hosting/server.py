"""Runs the service under granian until it is told to stop."""

import errno
import logging
import multiprocessing
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from asmx_tickets.errors import SettingsError
from asmx_tickets.hosting.demo import demo_settings
from asmx_tickets.hosting.logs import GRANIAN_LOGGING, configure_logging
from asmx_tickets.hosting.stores import audit_log, shared_ticket_cache
from asmx_tickets.hosting.worker import Worker
from asmx_tickets.settings.model import Settings
from asmx_tickets.users.sql import open_directory

# SECURITY H1, H5. hyper reads at most 100 headers whatever is said here.
_HEADER_SECONDS = 5
_HEADER_BYTES = 16 * 1024
_STOP_SECONDS = 10
# Idle keep-alive connections count as open ones, and a server that has no more stops accepting.
_MAX_CONNECTIONS = 16 * 1024

_log = logging.getLogger(__name__)


def serve(settings: Settings, *, demo: bool = False) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is under way. Prints the address once it can answer.

    Raises SettingsError for what can't be served, and what opening the stores raises.
    """
    configure_logging(settings)
    for warning in settings.warnings:
        _log.warning("%s", warning)
    if demo:
        settings = demo_settings(settings)
    # What can't work is said here, once, before any process is started.
    audit_log(settings).close()
    _prepare_tickets(settings)
    address = settings.urls
    _refuse_busy_port(address.bind_host, address.port)
    if demo:
        _log.warning("--demo: its passwords and its TrustedUserPwd are known to everybody")
    else:
        _prepare_users(settings)
    server = Supervisor(
        "asmx_tickets",
        address=address.bind_host,
        port=address.port,
        interface=Interfaces.RSGI,
        workers=settings.workers,
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
        log_dictconfig=GRANIAN_LOGGING,
    )
    load: Any = Worker(settings, demo, multiprocessing.Semaphore(1))
    server.serve(target_loader=load, wrap_loader=False)


class Supervisor(MPServer):
    """granian's supervisor of worker processes.

    It takes a worker that dies twice within seconds for one that can't run, and gives up. One that was killed from
    outside says nothing of the kind: it is replaced as often as need be (SECURITY R7).
    """

    def _respawn_workers(self, workers: Any, *arguments: Any, **options: Any) -> None:
        killed = [index for index in workers if self.wrks[index].inner.exitcode == -signal.SIGKILL]
        super()._respawn_workers(workers, *arguments, **options)
        for index in killed:
            self.respawned_wrks.pop(index, None)


def _prepare_users(settings: Settings) -> None:
    """Bring the users' database up to date before any worker opens it, and say what to do where it is empty."""
    directory = open_directory(settings.connection_strings.users.get_secret_value())
    try:
        if next(iter(directory.all()), None) is None:
            sys.stderr.write("There are no users yet. Add the first one with: asmx-tickets user add NAME\n")
    finally:
        directory.close()


def _prepare_tickets(settings: Settings) -> None:
    """Look at the URL of a shared cache, and make the folder for Tickets:PersistTo, rather than find out at the stop.

    Raises SettingsError.
    """
    if settings.connection_strings.tickets_are_shared:
        shared_ticket_cache(settings).close()
    if not settings.tickets.persist_to:
        return
    folder = Path(settings.tickets.persist_to).parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"Tickets:PersistTo: the folder {folder} can't be made: {error.strerror}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SettingsError(f"Tickets:PersistTo: the folder {folder} can't be written to")


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
