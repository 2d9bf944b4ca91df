"""Runs a decoded call on the loop, as a greenlet or in a thread, as its operation's ``waiting`` says."""

from collections.abc import Callable
from functools import partial

from asmx_tickets.errors import Unavailable
from asmx_tickets.hosting.site import Answerer, Call
from asmx_tickets.waiting import Hub, Lane, in_thread
from spyne_asmx import Response, Waiting


class Dispatcher:
    """Finishes the calls of a site on an event loop."""

    def __init__(self, site: Answerer, hub: Hub) -> None:
        self._site = site
        self._hub = hub

    def finish(self, call: Call, answered: Callable[[Response], None]) -> None:
        """Run a call; ``answered`` gets the answer, at once or later, on the loop."""
        waiting = call.waiting
        if waiting is Waiting.NEVER:
            answered(self._site.finish(call))
        elif waiting is Waiting.COOPERATIVE:
            self._hub.run(partial(self._site.finish, call), answered)
        else:
            self._hub.run(partial(self._in_lane, call), answered)

    def _in_lane(self, call: Call) -> Response:
        try:
            return in_thread(Lane.CALL, partial(self._site.finish, call))
        except Unavailable:  # too many wait, or the server stops
            return self._site.unavailable(call)
