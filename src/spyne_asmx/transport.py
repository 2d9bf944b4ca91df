"""A call's ``ctx.transport``, through which spyne's services and listeners see the HTTP request and set headers."""

import re
from functools import cached_property
from typing import Any
from urllib.parse import quote

from spyne import Address
from spyne.server.http import HttpTransportContext
from werkzeug.http import dump_cookie, parse_cookie

from spyne_asmx.http import Request, Response

# RFC 9110 section 5.5: characters that end a header's line, and those that no server can encode.
_NO_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Only the server sets these (RFC 9110 section 8.6, RFC 9112 section 6).
_SERVERS_OWN = frozenset({"content-length", "transfer-encoding", "connection"})


class AsmxTransport(HttpTransportContext):
    """spyne's HTTP transport context for an ASMX request.

    ``req`` and ``req_env`` are the request as a WSGI environment. ``headers`` are its headers as in spyne: lists by
    lower-case name with underscores. ``resp_headers`` are set on the answer; a list sets one header for each value.
    ``resp_code`` is the answer's status and ``mime_type`` its content type, unless it is a fault.
    """

    def __init__(self, parent: Any, server: Any, request: Request) -> None:
        self.parent = parent
        self.itself = server
        self.type = "http"
        self.app = server
        self.request = request
        self.request_encoding = None
        self.remote_addr = request.remote_address
        self.sessid = ""
        self.resp_headers: dict[str, Any] = {}
        self.resp_code: Any = None
        self.wsdl = None
        self.wsdl_error = None
        self.req_method = request.method

    @cached_property
    def req(self) -> dict[str, str]:
        request = self.request
        environment = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": request.path_base,
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query,
            "REMOTE_ADDR": request.remote_address,
            "SERVER_NAME": request.host.rpartition(":")[0] or request.host,
            "wsgi.url_scheme": request.scheme,
        }
        for name in request.headers:
            key = name.upper().replace("-", "_")
            joined = ("; " if name == "cookie" else ",").join(request.headers.get_all(name))
            environment[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = joined
        return environment

    @property
    def req_env(self) -> dict[str, str]:
        return self.req

    @cached_property
    def headers(self) -> dict[str, list[str]]:
        return {name[5:].lower(): [value] for name, value in self.req.items() if name.startswith("HTTP_")}

    def get_url(self) -> str:
        return f"{self.request.scheme}://{self.request.host}{self.get_path_and_qs()}"

    def get_path(self) -> str:
        return self.request.path

    def get_path_and_qs(self) -> str:
        query = f"?{self.request.query}" if self.request.query else ""
        return f"{quote(self.request.path_base + self.request.path)}{query}"

    def get_request_method(self) -> str:
        return self.request.method

    def get_request_content_type(self) -> str | None:
        return self.request.headers.get("content-type")

    def get_cookie(self, key: str) -> str | None:
        """The value of a cookie of the request, or None."""
        return parse_cookie("; ".join(self.request.headers.get_all("cookie"))).get(key)

    def get_peer(self) -> Any:
        address = self.request.remote_address
        return Address(type=Address.TCP6 if ":" in address else Address.TCP4, host=address, port=0) if address else None

    def add_header(self, _name: str, _value: str, **parameters: Any) -> None:
        """Set a header of the answer, with parameters as in spyne. Set-Cookie may be set several times."""
        value = self.gen_header(_value, **parameters)
        if _name.lower() != "set-cookie":
            self.resp_headers[_name] = value
            return
        known = self.resp_headers.setdefault(_name, [])
        self.resp_headers[_name] = [*(known if isinstance(known, list) else [known]), value]

    def set_cookie(self, key: str, value: str, **options: Any) -> None:
        """Set a cookie with the answer. The options are those of werkzeug's ``dump_cookie``."""
        self.add_header("Set-Cookie", dump_cookie(key, value, **options))

    def applied(self, answer: Response, *, is_fault: bool) -> Response:
        """The answer with the headers and status that were set here. Raises ValueError for an invalid header."""
        headers = [header for name, value in self.resp_headers.items() for header in _headers(name, value)]
        if is_fault:  # as in ASMX, a fault says of itself what it is
            headers = [header for header in headers if header[0] != "content-type"]
        replaced = {name for name, _ in headers if name != "set-cookie"}
        kept = [header for header in answer.headers if header[0] not in replaced]
        status = answer.status if self.resp_code is None or is_fault else _status(self.resp_code)
        return Response(status, (*kept, *headers), answer.body)


def _status(code: Any) -> int:
    """The number of a status such as spyne's ``200 OK``."""
    status = int(str(code).split()[0])
    if not 200 <= status <= 599:
        raise ValueError(f"{status} is no status of an answer")
    return status


def _headers(name: str, value: Any) -> list[tuple[str, str]]:
    lower = name.lower()
    if lower in _SERVERS_OWN:
        return []
    values = [str(one) for one in (value if isinstance(value, list | tuple) else [value])]
    if not _TOKEN.fullmatch(name) or any(_NO_VALUE.search(one) for one in values):
        raise ValueError(f"the header {name!r} can't be sent")
    return [(lower, one) for one in values]
