"""Runs the service until a signal to stop: it first reports what can't work, then worker processes serve."""

import gc
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from asmx_tickets import extras
from asmx_tickets.hosting.demo import demo_settings
from asmx_tickets.hosting.descriptors import most_connections
from asmx_tickets.hosting.figures import Figures
from asmx_tickets.hosting.file_permissions import exposed_files
from asmx_tickets.hosting.logs import configure_logging
from asmx_tickets.hosting.metrics_folder import metrics_folder
from asmx_tickets.hosting.reloading import read_again
from asmx_tickets.hosting.signals import SIGNALS
from asmx_tickets.hosting.sockets import admin_socket, listen, lock_file
from asmx_tickets.hosting.stores import audit_log, check_ticket_store
from asmx_tickets.hosting.supervisor import Supervisor
from asmx_tickets.hosting.tls import Certificates
from asmx_tickets.hosting.worker import Worker
from asmx_tickets.settings.model import Settings
from asmx_tickets.users.source import open_source

_log = logging.getLogger(__name__)


def serve(settings: Settings, read: Callable[[], Settings], *, demo: bool = False) -> int:
    """Serve until SIGTERM, SIGINT or SIGQUIT, then finish what is under way. Prints the address once it can answer.

    ``read`` reads the settings again for a reload. Returns the exit code. Raises SettingsError for settings that can't
    be served, and what opening the stores raises.
    """
    configure_logging(settings)
    for warning in settings.warnings:
        _log.warning("%s", warning)
    if demo:
        settings = demo_settings(settings)
    most_connections()  # so that too low a limit is told at once
    with ExitStack() as held:
        # These come first: only one server can have the address and the ticket file.
        sockets = listen(settings.urls)
        if settings.tickets.persist_to:
            held.enter_context(lock_file(Path(settings.tickets.persist_to), "Tickets:PersistTo"))
        if any(address.scheme == "https" for address in settings.urls):
            Certificates(settings.certificate)
        audit_log(settings).close()
        check_ticket_store(settings)
        if demo:
            _log.warning("--demo: its passwords and its TrustedUserPwd are known to everybody")
        else:
            _prepare_users(settings)
        for warning in exposed_files(settings):
            _log.warning("%s", warning)
        admin = held.enter_context(admin_socket(Path(settings.admin.socket))) if settings.admin.socket else None
        reread = partial(read_again, read, demo)
        metrics = held.enter_context(_metrics(settings)) if settings.metrics.listen else None
        worker = Worker(settings, demo, sockets, reread, Figures(settings.workers), admin, metrics)
        # What is loaded by now stays, and no process has to look through it for garbage.
        gc.freeze()
        gc.enable()
        return Supervisor(worker, settings, sockets, SIGNALS).run()


@contextmanager
def _metrics(settings: Settings) -> Iterator[socket.socket | None]:
    """The listening socket of Metrics:Listen, with a folder for the numbers of the server's processes."""
    if find_spec("prometheus_client") is None:
        raise extras.missing("Metrics:Listen", "metrics")
    addresses = [settings.metrics.listen] if settings.metrics.listen else []
    with metrics_folder():
        for bound in listen(addresses, "Metrics:Listen"):
            with bound:
                yield bound


def _prepare_users(settings: Settings) -> None:
    """Bring the users' database up to date before any worker opens it, and say what to do if it is empty."""
    with closing(open_source(settings.connection_strings.kept_users()).directory) as directory:
        if next(iter(directory.all()), None) is None:
            where = settings.connection_strings.users
            _log.warning("there are no users in %s yet: add the first one with: asmx-tickets user add NAME", where)
