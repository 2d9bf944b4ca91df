"""Two addresses for load balancers and container platforms, beside the service and with nothing of its contract.

``/healthz``: the process lives. ``/readyz``: its stores answer, so it should get requests; if not, it says which.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from asmx_tickets.errors import Unavailable
from spyne_asmx import Response, text_response

LIVE, READY = "/healthz", "/readyz"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """``checks`` are the stores by what people call them; each raises Unavailable while its store does not answer."""

    checks: Mapping[str, Callable[[], object]]

    def live(self) -> Response:
        """The process answers."""
        return text_response(200, "ok")

    def draining(self) -> Response:
        """The server is about to stop."""
        return text_response(503, "Not ready: the server stops.", ("retry-after", "1"))

    def ready(self) -> Response:
        """200 when every store answers; else 503, and which do not. May wait as long as a store's time limit."""
        silent = [name for name, check in self.checks.items() if not _answers(name, check)]
        if not silent:
            return text_response(200, "ok")
        return text_response(503, f"Not ready: {', '.join(silent)}.", ("retry-after", "1"))


NO_STORES = Health({})


def _answers(name: str, check: Callable[[], object]) -> bool:
    try:
        check()
    except Unavailable as error:
        _log.warning("not ready, %s: %s", name, error)
        return False
    return True
