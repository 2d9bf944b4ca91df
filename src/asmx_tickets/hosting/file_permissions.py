"""Finds the server's files that other users of the machine can read or change."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import make_url

from asmx_tickets.private_files import permission_problem
from asmx_tickets.settings.model import Settings
from asmx_tickets.settings.sections import STDOUT


def exposed_files(settings: Settings) -> Iterator[str]:
    """One line for each such file, which says what to do. It is only a warning: the operator may want it so."""
    for file in dict.fromkeys(_files(settings)):
        problem = permission_problem(file)
        if problem is not None:
            yield problem


def _files(settings: Settings) -> Iterator[Path]:
    users = make_url(settings.connection_strings.users.get_secret_value())
    if users.get_backend_name() == "sqlite" and users.database:
        yield from (Path(f"{users.database}{end}") for end in ("", "-wal", "-shm"))
        yield Path(users.database).parent
    if settings.audit.to not in {"", STDOUT}:
        for log in (Path(settings.audit.to), settings.audit.refusals):
            yield from (log, *sorted(log.parent.glob(f"{log.name}.*")), log.parent)
    if settings.certificate.path:
        yield Path(settings.certificate.key_path or settings.certificate.path)
