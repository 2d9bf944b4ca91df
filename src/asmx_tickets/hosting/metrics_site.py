"""The site that a Prometheus server reads (Metrics:Listen), behind its own door."""

import secrets
from collections.abc import Callable
from itertools import count

from asmx_tickets.hosting.site import Answerer, Call, SideCall
from spyne_asmx import Decoder, Request, Response, text_response

PATH = "/metrics"


class MetricsSite(Answerer):
    """Answers at PATH with the result of ``text``, which may wait."""

    def __init__(self, text: Callable[[], bytes], content_type: str) -> None:
        self._text = text
        self._headers = (("content-type", content_type), ("cache-control", "no-store"))
        self._run = secrets.token_hex(4)
        self._numbers = count(1)

    def decoder(self, request: Request) -> None:
        """None: no head is remembered."""

    def begin(self, request: Request, decoder: Decoder | None = None) -> Call | Response:
        request.id = self.next_id()
        if request.path != PATH:
            return text_response(404, f"Not found. The metrics are at {PATH}.")
        if request.method not in {"GET", "HEAD"}:
            return text_response(405, "Method not allowed.", ("allow", "GET, HEAD"))
        return SideCall(request, lambda: Response(200, self._headers, self._text()))

    def finish(self, call: Call) -> Response:
        try:
            return call.answer()
        except Exception:  # the one net: a scrape that fails must not end the connection without an answer
            call.request.log_bug("the metrics")
            return text_response(500, "Server was unable to process request.")

    def unavailable(self, call: Call) -> Response:
        return text_response(503, "The service is temporarily unavailable.")

    def completed(self, answer: Response, request: Request) -> Response:
        return answer

    def next_id(self) -> str:
        return f"{self._run}-{next(self._numbers):x}"

    def client_of(self, request: Request) -> str:
        return request.remote_address
