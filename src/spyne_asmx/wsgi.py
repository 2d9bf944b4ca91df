"""An endpoint, or what wraps one, as a WSGI application: for any WSGI server, and for tests."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response as WerkzeugResponse

from spyne_asmx.http import HeaderMap, Request, Response, text_response, too_large

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class WsgiApplication:
    """Calls ``handle`` for each request.

    ``max_request_bytes`` bounds the body, whether it says its length or not; what is larger is answered with 413.
    """

    def __init__(self, handle: Callable[[Request], Response], max_request_bytes: int = 65536) -> None:
        self._handle = handle
        self._max_request_bytes = max_request_bytes

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        answer = self._answer(WerkzeugRequest(environ))
        response = WerkzeugResponse(answer.body, answer.status, list(answer.headers))
        return response(environ, start_response)

    def _answer(self, http: WerkzeugRequest) -> Response:
        try:
            body = self._body(http) if http.method == "POST" else b""
        except RequestEntityTooLarge:
            return too_large()
        except HTTPException as error:
            return text_response(error.code or 400, "The request body could not be read.")
        return self._handle(
            Request(
                method=http.method,
                path=http.path,
                query=http.query_string.decode("utf-8", "surrogateescape"),
                headers=HeaderMap(list(http.headers.items())),
                body=body,
                scheme=http.scheme,
                host=http.environ.get("HTTP_HOST", ""),
                path_base=http.root_path,
                remote_address=http.remote_addr or "",
            )
        )

    def _body(self, http: WerkzeugRequest) -> bytes:
        """The whole body. Raises RequestEntityTooLarge, and BadRequest for one that is shorter than it says."""
        # Where a server ends the body, werkzeug cuts it at the maximum and says nothing: so it may read one byte more.
        http.max_content_length = self._max_request_bytes + 1
        body = http.get_data(cache=False, parse_form_data=False)
        if len(body) > self._max_request_bytes:
            raise RequestEntityTooLarge
        if http.content_length not in {None, len(body)}:
            raise BadRequest
        return body
