"""Answers as bytes, and the answers to requests that can't be read."""

from enum import Enum
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from asmx_tickets.hosting.site import COMMON_HEADERS
from spyne_asmx import HeaderMap, Response, text_response

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Refusal(Enum):
    """Why a request can't be read. The connection ends with the answer (RFC 9110 section 15.5; SECURITY H2 to H5)."""

    MALFORMED = (400, "The request is malformed.")
    CUT = (400, "The request body ended early.")
    SLOW = (408, "The request body did not arrive in time.")
    BODY_TOO_LARGE = (413, "The request body is too large.")
    UNKNOWN_METHOD = (405, "Method not allowed.", ("allow", "GET, POST"))
    TARGET_TOO_LONG = (414, "The address is too long.")
    HEAD_TOO_LARGE = (431, "The request's headers are too large.")
    UNKNOWN_CODING = (501, "Only the transfer coding chunked is supported.")

    @property
    def response(self) -> Response:
        return text_response(*self.value)


def framing_refusal(version: str, headers: HeaderMap, longest_body: int) -> Refusal | None:
    """Why a request's body can't be taken, by the way it is framed or by its length (RFC 9112 section 6.3)."""
    codings = [coding.strip().lower() for coding in ",".join(headers.get_all("transfer-encoding")).split(",")]
    length = headers.get("content-length")
    if version not in {"1.0", "1.1"}:
        return Refusal.MALFORMED
    if codings != [""]:
        # A body has one framing, its end is known only where chunked is the last coding, and 1.0 knows no chunks.
        if version == "1.0" or length is not None or codings[-1] != "chunked":
            return Refusal.MALFORMED
        if codings != ["chunked"]:
            return Refusal.UNKNOWN_CODING
    return Refusal.BODY_TOO_LARGE if int(length or 0) > longest_body else None


def answer_bytes(answer: Response, request_id: str, date: str, keep_alive: bool, *, with_body: bool = True) -> bytes:
    """The whole answer: status line, the answer's own headers, those that every answer has, and the body.

    ``with_body`` is False for an answer to HEAD, which says the body's length alone (RFC 9110 section 9.3.2).
    """
    head = _head(answer.status, answer.headers, keep_alive)
    # RFC 9110 section 8.6: 204 has no length.
    length = "" if answer.status == HTTPStatus.NO_CONTENT else f"content-length: {len(answer.body)}\r\n"
    return f"{head}{date}\r\nx-request-id: {request_id}\r\n{length}\r\n".encode("latin-1") + (
        answer.body if with_body else b""
    )


@lru_cache(maxsize=256)
def _head(status: int, headers: tuple[tuple[str, str], ...], keep_alive: bool) -> str:
    own = [(name, value) for name, value in headers if name != "connection"]
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in (*own, *COMMON_HEADERS)]
    lines.append("connection: keep-alive" if keep_alive else "connection: close")
    return "\r\n".join(lines) + "\r\ndate: "
