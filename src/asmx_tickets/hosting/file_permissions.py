"""Finds the server's files that other users of the machine can read or change."""

from collections.abc import Iterator
from pathlib import Path

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
    users = [Path(name) for name in settings.connection_strings.user_files()]
    yield from (*users, *(file.parent for file in users))
    if settings.audit.to not in {"", STDOUT}:
        for log in (Path(settings.audit.to), settings.audit.refusals):
            yield from (log, *sorted(log.parent.glob(f"{log.name}.*")), log.parent)
    if settings.certificate.path:
        yield Path(settings.certificate.key_path or settings.certificate.path)
