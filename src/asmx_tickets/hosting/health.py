"""Two addresses for load balancers and container platforms, beside the service and with nothing of its contract.

``/healthz``: the process lives. ``/readyz``: its stores answer, so it should get requests; if not, it says which.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping

from asmx_tickets.errors import Unavailable
from asmx_tickets.waiting import Lane, in_thread
from spyne_asmx import Response, text_response

LIVE, READY = "/healthz", "/readyz"
ASK_EVERY_SECONDS = 1.0

_log = logging.getLogger(__name__)


class Health:
    """``checks`` are the stores by what people call them; each raises Unavailable while its store does not answer.

    ``now`` gives seconds that never run backwards.
    """

    def __init__(self, checks: Mapping[str, Callable[[], object]], now: Callable[[], float] = time.monotonic) -> None:
        self._checks = checks
        self._now = now
        self._answer: Response | None = None
        self._good_until = -math.inf
        self._asking = False

    def live(self) -> Response:
        """The process answers."""
        return text_response(200, "ok")

    def draining(self) -> Response:
        """The server is about to stop."""
        return text_response(503, "Not ready: the server stops.", ("retry-after", "1"))

    def ready(self) -> Response:
        """200 when every store answers; else 503, and which do not. May wait as long as a store's time limit.

        However many ask, the stores are asked once a second; while they are, the last answer counts.
        """
        if self._answer is not None and (self._asking or self._now() < self._good_until):
            return self._answer
        self._asking = True
        try:
            self._answer = in_thread(Lane.HEALTH, self._ask)
        except Unavailable as error:  # too many ask, or the server stops
            return text_response(503, f"Not ready: {error}.", ("retry-after", "1"))
        finally:
            self._asking = False
        self._good_until = self._now() + ASK_EVERY_SECONDS
        return self._answer

    def _ask(self) -> Response:
        silent = [name for name, check in self._checks.items() if not _answers(name, check)]
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
