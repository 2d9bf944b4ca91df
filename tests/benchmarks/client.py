"""A small HTTP client for what wrk can't do: mint tickets, log in, compare answers."""

import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: the status, the head as it came, and the body."""

    status: int
    head: bytes
    body: bytes


class Connection:
    """A keep-alive connection to a server on this machine, for answers that have a Content-Length."""

    def __init__(self, port: int, timeout: float = 30) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def ask(self, request: bytes) -> Answer:
        """Send a request and wait for its answer."""
        self._socket.sendall(request)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive()
        head, body = received[:end], received[end + 4 :]
        length = _LENGTH.search(head)
        if length is None:
            raise RuntimeError(f"an answer without its length: {head!r}")
        while len(body) < int(length[1]):
            body += self._receive()
        return Answer(int(head[9:12]), head, body)

    def _receive(self) -> bytes:
        piece = self._socket.recv(65536)
        if not piece:
            raise RuntimeError("the server closed the connection in the middle of an answer")
        return piece


def side_by_side(count: int, work: Callable[[int], None]) -> None:
    """Run ``work`` with the numbers 0 to count - 1 in as many threads, and wait. Raises what any of them raised."""
    errors: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
