"""One client connection: HTTP/1.1 on httptools, a request at a time (RFC 9112).

Whole requests go to the site, decoded calls to the dispatcher, answers back in one write. What has to be in time, the
door's sweep ends when its deadline has passed.
"""

import asyncio
from collections import deque
from dataclasses import replace
from typing import Any, cast

import httptools

from asmx_tickets.hosting import heads
from asmx_tickets.hosting.answers import CONTINUE, Refusal, answer_bytes, framing_refusal
from asmx_tickets.hosting.door import Door
from asmx_tickets.hosting.heads import MAX_BYTES, NO_HEAD, BadTarget, Head
from spyne_asmx import Decoder, HeaderMap, Request, Response, header_text

_NEVER = float("inf")
_PIECE = 8192  # the parser gets no more at once, so that what is too much is found before all of it is read


class Connection(asyncio.Protocol):
    """The protocol of one connection. Its constructor is the one that uvicorn calls; ``config.app`` is the Door."""

    def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
        self._door: Door = config.app
        self._connections: set[Any] = server_state.connections
        self._parser: Any = None
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)
        self._waiting: deque[Request | Refusal] = deque()
        self._busy = False  # a call is under way
        self._closing = False  # nothing more is read
        self._keep_alive = True
        self._paused = self._stuck = False  # reading is paused; the client does not take what is written
        self._ended = False  # the client sends nothing more
        self.deadline = _NEVER
        self._written = 0
        self._began = 0.0  # when the current call began, if there is an observer
        self._message_begun = self._known = self._refused = False
        self._head: Head | None = None
        self._query = ""  # of a request whose head was known
        self._begin_message()

    # --- what the transport says ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._address = peer[0] if isinstance(peer, tuple) else ""
        self._scheme = "https" if transport.get_extra_info("ssl_object") is not None else "http"
        self._connections.add(self)
        self.deadline = self._door.now() + self._door.limits.head_seconds
        self._door.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._door.closed(self)
        self._closing = True
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        if self._known:
            self._take_more(data)
        elif self._message_begun or self._busy or self._stuck or self._waiting or not self._take_known(data):
            self._feed(data)
            self._go_on()

    def eof_received(self) -> bool:
        """The client sends nothing more. Whole requests are still answered; one that is cut is not run."""
        self._ended = True
        if self._message_begun and not self._closing:
            self._refuse(Refusal.CUT if self._head is not None else Refusal.MALFORMED)
            self._go_on()
        elif not self._busy and not self._waiting:
            return False
        return self._scheme == "http"  # TLS has no half-closed connections

    def pause_writing(self) -> None:
        self._stuck = True
        self._pause(True)

    def resume_writing(self) -> None:
        self._stuck = False
        self._go_on()

    # --- what the server says ---

    @property
    def is_idle(self) -> bool:
        """Whether nothing would be lost by closing now."""
        return not (self._busy or self._waiting or self._message_begun or self._transport.get_write_buffer_size())

    @property
    def is_incomplete(self) -> bool:
        """Whether it is only the client who has to go on."""
        return self._message_begun and not (self._busy or self._waiting or self._transport.is_closing())

    @property
    def unsent_bytes(self) -> int:
        return self._transport.get_write_buffer_size()

    @property
    def taken_bytes(self) -> int:
        """How much the client has taken of what was written to it, as far as the transport knows."""
        return self._written - self._transport.get_write_buffer_size()

    def shutdown(self) -> None:
        """Take no more requests; close once those under way are answered."""
        self._keep_alive = False
        if self.is_idle:
            self._transport.close()

    def close(self) -> None:
        """Close now."""
        self._closing = True
        self._transport.abort()

    def expire(self) -> None:
        """The deadline has passed: a head or body that did not come, a client that is idle, or one that lingers."""
        self.deadline = _NEVER
        if self._closing:
            self._transport.abort()
        elif self._message_begun and self._head is not None:
            self._refuse(Refusal.SLOW)
            self._go_on()
        else:
            self._transport.close()

    # --- reading ---

    def _take_known(self, data: bytes) -> bool:
        """Take all or the beginning of a request whose head is remembered. Returns whether it was one."""
        end = data.find(b"\r\n\r\n")
        found = self._door.heads.get(data[:end]) if end > 0 else None
        if found is None:
            return False
        head, query = found
        missing = end + 4 + head.length - len(data)
        if missing < 0:
            return False
        if missing:
            self._head, self._query, self._known, self._message_begun = head, query, True, True
            self._body.append(data[end + 4 :])
            self._size = head.length - missing
            self._set_deadline()
        else:
            self._take(head, query, data[end + 4 :])
        return True

    def _take_more(self, data: bytes) -> None:
        """Take more of the body of a request whose head was known."""
        head = self._head
        assert head is not None  # noqa: S101 - it is known
        rest = data[head.length - self._size :]
        self._body.append(data[: head.length - self._size])
        self._size += len(data) - len(rest)
        if self._size == head.length:
            query, body = self._query, b"".join(self._body)
            self._begin_message()
            self._take(head, query, body)
        if rest:
            self.data_received(rest)

    def _take(self, head: Head, query: str, body: bytes) -> None:
        """Run a whole request with a remembered head. Nothing is under way and nothing waits."""
        if not head.keep_alive:
            self._closing = True
        self._busy = True
        self._run(self._request(head, query, body if head.method == "POST" else b""), head.decoder)

    def _begin_message(self) -> None:
        self._message_begun = self._known = self._refused = False
        self._in_line = False  # what comes next belongs to the request line
        self._raw_head = self._raw_target = b""
        self._head = None
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._size = self._raw_size = 0

    def _feed(self, data: bytes) -> None:
        """Read with the parser."""
        if self._parser is None:
            self._parser = httptools.HttpRequestParser(self)
        if not self._message_begun:
            data = data.lstrip(b"\r\n")  # RFC 9112 section 2.2: a request may come behind empty lines
            if not data:
                return
            # The first byte makes it a request, which has to come to its end in time.
            self._message_begun = self._in_line = True
            self._raw_head = data[: max(0, data.find(b"\r\n\r\n"))]
            self._set_deadline()
        if self._in_line:
            data, self._in_line = heads.escaped_line(data)
        for start in range(0, len(data), _PIECE):
            if not self._closing:
                self._feed_piece(data[start : start + _PIECE])

    def _feed_piece(self, data: bytes) -> None:
        self._raw_size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # Nobody here speaks anything else: the request is answered, and what follows is its body or the next one.
            self._parser = httptools.HttpRequestParser(self)
            if self._message_begun and self._head is not None:
                self._parser.feed_data(self._head.framing)
            rest = data[upgrade.args[0] :]
            if rest and not self._closing:
                self._feed(rest)
        except httptools.HttpParserInvalidMethodError:
            self._refuse(Refusal.UNKNOWN_METHOD if heads.is_request_line(data) else Refusal.MALFORMED)
        except httptools.HttpParserError:
            if not self._closing:
                self._refuse(Refusal.MALFORMED)
        if self._message_begun and not self._closing:
            if self._head is None and self._raw_size > MAX_BYTES:
                self._refuse(Refusal.HEAD_TOO_LARGE)
            elif self._head is not None and self._is_mostly_framing:
                self._refuse(Refusal.MALFORMED)

    @property
    def _is_mostly_framing(self) -> bool:
        """Whether a body's chunks are hardly anything but sizes, extensions and trailers."""
        return self._raw_size > _PIECE + 8 * self._size

    # --- httptools calls these ---

    def on_message_begin(self) -> None:
        self._message_begun = True

    def on_url(self, url: bytes) -> None:
        self._raw_target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head is None:  # otherwise it is a trailer, which is dropped
            self._headers.append((name.decode("latin-1").lower(), header_text(value.rstrip(b" \t"))))

    def on_headers_complete(self) -> None:
        if self._head is not None:  # it was read before an upgrade that is ignored
            return
        head = self._read_head()
        if isinstance(head, Refusal):
            self._refuse(head)
            return
        self._head = head
        self._raw_size = 0  # of the body, from here on
        self._set_deadline()
        if not self._busy and not self._waiting:
            self._expect(head)

    def on_body(self, body: bytes) -> None:
        if self._refused or self._closing:
            return
        self._size += len(body)
        if self._size > self._door.limits.body_bytes:
            self._refuse(Refusal.BODY_TOO_LARGE)
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        head = self._head
        if self._refused or self._closing or head is None or (self._parser.should_upgrade() and head.framing):
            return
        if self._is_mostly_framing:
            self._refuse(Refusal.MALFORMED)
            return
        request = self._request(head, head.query, b"".join(self._body) if head.method == "POST" else b"")
        if self._raw_head and self._raw_target.partition(b"?")[0].decode("latin-1") == head.path:
            self._door.heads.remember(self._raw_head, head, lambda: self._door.site.decoder(request))
        self._waiting.append(request)
        if not head.keep_alive:
            self._closing = True
        self._begin_message()

    def _read_head(self) -> Head | Refusal:
        """The head that has been read, or why it is refused."""
        parser, headers = self._parser, HeaderMap(self._headers)
        version = parser.get_http_version()
        # The request line, a line for each header with its colon, space and line end, and the empty line.
        line = len(parser.get_method()) + len(self._raw_target) + len("  HTTP/1.1\r\n")
        size = line + sum(len(name) + len(value) + 4 for name, value in self._headers) + 2
        if len(self._headers) > heads.MAX_HEADERS or size > MAX_BYTES:
            return Refusal.HEAD_TOO_LARGE
        if len(self._raw_target) > heads.MAX_TARGET:
            return Refusal.TARGET_TOO_LONG
        refusal = framing_refusal(version, headers, self._door.limits.body_bytes)
        if refusal is not None:
            return refusal
        try:
            sockname = self._transport.get_extra_info("sockname")
            return heads.read_head(parser, self._raw_target, self._headers, sockname)
        except BadTarget:
            return Refusal.MALFORMED

    def _expect(self, head: Head) -> None:
        """Ask for the body that a client keeps back until then."""
        if head.expects_continue and not self._size:
            self._written += len(CONTINUE)
            self._transport.write(CONTINUE)

    def _request(self, head: Head, query: str, body: bytes) -> Request:
        return Request(head.method, head.path, query, head.headers, body, self._scheme, head.host, "", self._address)

    def _refuse(self, refusal: Refusal) -> None:
        """Answer what can't be read, behind the answers that are due, and read nothing more. Only the first time."""
        if self._refused:
            return
        self._refused = self._closing = True
        self._message_begun = False
        self._waiting.append(refusal)

    def _set_deadline(self) -> None:
        """Until when the client has to do something: send a head, a body, or the next request."""
        if self._busy:
            self.deadline = _NEVER  # it is our turn
            return
        limits = self._door.limits
        seconds = limits.body_seconds if self._head is not None else limits.head_seconds
        self.deadline = self._door.now() + (seconds if self._message_begun else limits.idle_seconds)

    # --- answering ---

    def _go_on(self) -> None:
        """Run the requests that wait, one after the other, as far as the client takes the answers."""
        while self._waiting and not self._busy and not self._stuck:
            request = self._waiting.popleft()
            if isinstance(request, Refusal):
                method = self._parser.get_method().decode("ascii") if self._raw_target else NO_HEAD.method
                head = self._head or replace(NO_HEAD, method=method, headers=HeaderMap(self._headers))
                refused = replace(self._request(head, head.query, b""), id=self._door.site.next_id())
                self._began = self._door.now()
                self._answered(refused, self._door.site.completed(request.response, refused))
                return
            self._busy = True
            self._run(request)
        self._pause(self._busy or self._stuck or bool(self._waiting))

    def _run(self, request: Request, decoder: Decoder | None = None) -> None:
        self.deadline = _NEVER
        if self._door.observer is not None:
            self._began = self._door.now()
        try:
            begun = self._door.site.begin(request, decoder)
            if isinstance(begun, Response):
                self._answered(request, begun)
            else:
                self._door.dispatcher.finish(begun, lambda answer: self._finished(request, answer))
        except Exception:  # never let a bug leave a client without an answer
            request.log_bug("the connection")
            self._transport.abort()

    def _finished(self, request: Request, answer: Response) -> None:
        self._answered(request, answer)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._go_on)
        elif self._paused and not self._stuck:
            self._pause(False)

    def _answered(self, request: Request, answer: Response) -> None:
        self._busy = False
        if self._transport.is_closing():
            return
        keep_alive = self._keep_alive and (bool(self._waiting) or not (self._closing or self._ended))
        self._write(answer, request.id, keep_alive=keep_alive, with_body=request.method != "HEAD")
        if self._door.observer is not None:
            self._door.observe(request, answer.status, self._began)

    def _write(self, answer: Response, request_id: str, *, keep_alive: bool, with_body: bool = True) -> None:
        keep_alive = keep_alive and ("connection", "close") not in answer.headers
        written = answer_bytes(answer, request_id, self._door.date, keep_alive, with_body=with_body)
        self._written += len(written)
        self._transport.write(written)
        if keep_alive:
            self._set_deadline()
            if self._head is not None and not self._known and not self._waiting:
                self._expect(self._head)  # it came while another call was under way
            return
        # The client may still be sending: closing at once would make the system throw away the answer (RFC 9112 9.6).
        self._closing = True
        self._waiting.clear()
        if self._message_begun or self._refused:
            self._linger()
        else:
            self._transport.close()

    def _linger(self) -> None:
        self.deadline = self._door.now() + self._door.limits.linger_seconds
        self._transport.write_eof() if self._transport.can_write_eof() else self._transport.close()
        self._pause(False)

    def _pause(self, pause: bool) -> None:
        if pause != self._paused and not self._transport.is_closing():
            self._paused = pause
            self._transport.pause_reading() if pause else self._transport.resume_reading()
