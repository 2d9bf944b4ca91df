"""The file descriptors that this process may have, on which the number of clients depends."""

import sys
from contextlib import suppress

from asmx_tickets.errors import SettingsError
from asmx_tickets.hosting.door import MOST_CONNECTIONS

_ENOUGH = 65536
_SPARE = 64  # for stores, logs and listening sockets
_FEWEST_CONNECTIONS = 16


def most_connections() -> int:
    """How many clients there are file descriptors for, after raising that limit as far as allowed.

    Raises SettingsError if there are hardly any.
    """
    if sys.platform == "win32":
        return 500
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, _ENOUGH) if hard != resource.RLIM_INFINITY else _ENOUGH
    if wanted > soft:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    least = _SPARE + _FEWEST_CONNECTIONS
    if soft < least:
        raise SettingsError(
            f"The process may have {soft} open files and needs {least}: raise its limit (ulimit -n, or LimitNOFILE in a"
            " systemd unit)."
        )
    return min(soft - _SPARE, MOST_CONNECTIONS)
