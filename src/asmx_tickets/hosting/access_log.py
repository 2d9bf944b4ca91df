"""A line in the log for each answer, if Logging:Access asks for it.

It leaves out the query, because a GET's can hold a password (SECURITY L2)."""

import logging

from spyne_asmx import Request

_log = logging.getLogger("access")
_log.setLevel(logging.INFO)  # whatever level the rest of the log has

_LONGEST_PATH = 1024


def log_answer(request: Request, status: int, seconds: float, address: str) -> None:
    """Log one answer. ``address`` is the client's, according to known proxies."""
    path = request.path[:_LONGEST_PATH]
    if not path.isprintable() or " " in path:
        path = path.encode("unicode_escape").decode("ascii").replace(" ", "\\x20")
    milliseconds = round(seconds * 1000, 3)
    fields = {
        "method": request.method,
        "path": path,
        "status": status,
        "duration": milliseconds,
        "address": address,
        "request": request.id,
    }
    _log.info(
        "%s %s %d %g ms %s %s",
        request.method,
        path,
        status,
        milliseconds,
        address or "-",
        request.id,
        extra={"fields": fields},
    )
