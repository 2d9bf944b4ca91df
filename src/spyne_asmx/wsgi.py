"""An endpoint, or a wrapper of one, as a WSGI application, for any WSGI server and for tests."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from werkzeug.exceptions import BadRequest, HTTPException, LengthRequired, RequestEntityTooLarge
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response as WerkzeugResponse

from spyne_asmx.http import HeaderMap, Request, Response, header_text, host_of_server, text_response, too_large
from spyne_asmx.limits import Limits

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Handler(Protocol):
    """An endpoint, or a wrapper of one."""

    @property
    def limits(self) -> Limits:
        """The limits of a request."""

    def handle(self, request: Request) -> Response:
        """Answer a request from beginning to end."""


class WsgiApplication:
    """Answers HTTP requests (PEP 3333), each in the server's own thread.

    A body over the endpoint's limit, whether or not its length is declared, is answered with 413.
    """

    def __init__(self, endpoint: Handler) -> None:
        self.endpoint = endpoint
        self._max_body = endpoint.limits.body

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        answer = self._answer(WerkzeugRequest(environ))
        # PEP 3333: only the server may say what becomes of the connection.
        headers = [(name, value) for name, value in answer.headers if name != "connection"]
        response = WerkzeugResponse(answer.body, answer.status, headers)
        return response(environ, start_response)

    def _answer(self, http: WerkzeugRequest) -> Response:
        try:
            body = self._body(http) if http.method == "POST" else b""
        except RequestEntityTooLarge:
            return too_large(self._max_body)
        except HTTPException as error:
            return text_response(error.code or 400, "The request body could not be read.")
        return self.endpoint.handle(
            Request(
                method=http.method,
                path=http.path,
                query=http.query_string.decode("utf-8", "surrogateescape"),
                headers=HeaderMap([(name, header_text(value.encode("latin-1"))) for name, value in http.headers]),
                body=body,
                scheme=http.scheme,
                host=_host(http.environ),
                path_base=http.root_path,
                remote_address=http.remote_addr or "",
            )
        )

    def _body(self, http: WerkzeugRequest) -> bytes:
        """Read the whole body.

        Raises RequestEntityTooLarge, BadRequest if it is shorter than declared, and what _check_end does.
        """
        _check_end(http.environ)
        # If the server ends the body, werkzeug silently cuts it at the maximum, so the maximum here is one byte more.
        http.max_content_length = self._max_body + 1
        body = http.get_data(cache=False, parse_form_data=False)
        if len(body) > self._max_body:
            raise RequestEntityTooLarge
        if http.content_length not in {None, len(body)}:
            raise BadRequest
        return body


def _check_end(environ: "WSGIEnvironment") -> None:
    """Refuse a body whose end is not known: it would be taken for none. Raises BadRequest and LengthRequired."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()):
        raise BadRequest
    if environ.get("HTTP_TRANSFER_ENCODING") and not environ.get("wsgi.input_terminated"):
        raise LengthRequired  # the server knows no chunks


def _host(environ: "WSGIEnvironment") -> str:
    host: str | None = environ.get("HTTP_HOST")
    if host is None and environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        return host_of_server(environ["SERVER_NAME"], environ["SERVER_PORT"])
    return host or ""
