"""Two addresses for load balancers and container platforms, which are not part of the service's contract.

``/healthz``: the process lives. ``/readyz``: its stores answer, so it should get requests; if not, it names them.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping

from asmx_tickets.errors import Busy, Unavailable
from asmx_tickets.waiting import Lane, in_thread, pause
from spyne_asmx import Response, text_response

LIVE, READY = "/healthz", "/readyz"
ASK_EVERY_SECONDS = 1.0
LONGEST_SECONDS = 3.0
"""A store that takes longer counts as hanging, whatever its own time limit."""
_PAUSE_SECONDS = 0.02

_log = logging.getLogger(__name__)


class Health:
    """``checks`` are the stores' checks by name; each raises Unavailable while its store does not answer.

    ``now`` gives seconds that never run backwards.
    """

    def __init__(self, checks: Mapping[str, Callable[[], object]], now: Callable[[], float] = time.monotonic) -> None:
        self._checks = checks
        self._now = now
        self._answer: Response | None = None
        self._good_until = -math.inf
        self._asking = False
        self._asked = ""
        self._complained: set[str] = set()

    def live(self) -> Response:
        """The process answers."""
        return text_response(200, "ok")

    def draining(self) -> Response:
        """The server is about to stop."""
        return _not_ready("the server stops")

    def ready(self) -> Response:
        """200 if every store answers, otherwise 503 with the names of the others. May wait for a store's time limit.

        The stores are asked once a second at most. Meanwhile the last answer counts; only the first callers wait.
        """
        while self._asking and self._answer is None:
            pause(_PAUSE_SECONDS)
        if self._answer is None or (not self._asking and self._now() >= self._good_until):
            self._answer = self._asked_anew()
            self._good_until = self._now() + ASK_EVERY_SECONDS
        return self._answer

    def _asked_anew(self) -> Response:
        self._asking = True
        try:
            silent = in_thread(Lane.HEALTH, self._find_silent, seconds=LONGEST_SECONDS)
        except TimeoutError:
            silent = {self._asked: f"no answer in {LONGEST_SECONDS:g} s"}
        except Busy as error:  # the probe is one too many
            self._log_changes({"probes": str(error)})
            return _not_ready(str(error))
        except Unavailable as error:  # the server stops
            return _not_ready(str(error))
        finally:
            self._asking = False
        self._log_changes(silent)
        return _not_ready(", ".join(silent)) if silent else text_response(200, "ok")

    def _find_silent(self) -> dict[str, str]:
        """The stores that do not answer, and what is to be said in the log: nothing where it is there already."""
        silent = {}
        for name, check in self._checks.items():
            self._asked = name
            try:
                check()
            except Unavailable as error:
                silent[name] = "" if error.told else str(error)
        return silent

    def _log_changes(self, silent: Mapping[str, str]) -> None:
        for name, cause in silent.items():
            if cause and name not in self._complained:
                self._complained.add(name)
                _log.warning("not ready, %s: %s", name, cause)
        for name in sorted(self._complained - set(silent)):
            self._complained.remove(name)
            _log.warning("ready again: %s", name)


NO_STORES = Health({})


def _not_ready(why: str) -> Response:
    return text_response(503, f"Not ready: {why}.", ("retry-after", "1"))
