"""Which other sites' pages may call the service (the Fetch standard's CORS protocol; CONTRACT 2.7). None by default."""

from dataclasses import dataclass

from spyne_asmx import Request, Response

_METHODS = "GET, HEAD, POST"
_REQUEST_HEADERS = "Accept, Authorization, Content-Type, SOAPAction, X-Requested-With"
_ANSWER_HEADERS = "Retry-After, X-Request-Id"
ANY = "*"


@dataclass(frozen=True, slots=True)
class Cors:
    """``origins`` are those allowed, or ANY alone; none switches CORS off. ``max_age`` is in seconds.

    Raises ValueError for ANY beside other origins, or with credentials.
    """

    origins: frozenset[str] = frozenset()
    allow_credentials: bool = False
    max_age: int = 0

    def __post_init__(self) -> None:
        if ANY in self.origins and (len(self.origins) > 1 or self.allow_credentials):
            raise ValueError("* stands alone, and never with credentials")

    def is_preflight(self, request: Request) -> bool:
        """Whether a browser asks whether it may send a request. Nothing runs for it."""
        headers = request.headers
        return (
            bool(self.origins)
            and request.method == "OPTIONS"
            and headers.get("origin") is not None
            and headers.get("access-control-request-method") is not None
        )

    def preflight_answer(self, request: Request) -> Response:
        """The answer to the browser: the same whatever it asks for, and empty for an origin that is not allowed."""
        headers = self.headers(request)
        if len(headers) > 1:
            headers = (
                *headers,
                ("access-control-allow-methods", _METHODS),
                ("access-control-allow-headers", _REQUEST_HEADERS),
                ("access-control-max-age", str(self.max_age)),
            )
        return Response(204, headers)

    def headers(self, request: Request) -> tuple[tuple[str, str], ...]:
        """The CORS headers of the answer to a request."""
        origin = request.headers.get("origin")
        allowed = ANY if ANY in self.origins else origin
        if origin is None or allowed not in self.origins:
            return (("vary", "Origin"),)
        headers = (
            ("vary", "Origin"),
            ("access-control-allow-origin", str(allowed)),
            ("access-control-expose-headers", _ANSWER_HEADERS),
        )
        return (*headers, ("access-control-allow-credentials", "true")) if self.allow_credentials else headers


NO_CORS = Cors()
