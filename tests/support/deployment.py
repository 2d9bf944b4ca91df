"""Servers with users, and clients that record every answer."""

import http.client
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from tests.support.command_line import run_in
from tests.support.server import Server, StartServer
from tests.support.service import PASSWORD, envelope

TRUSTED = "f2a96c1d07b84e5390ab44d1c8e7f653"
LONGEST_ANSWER = 1.5
"""Seconds in which every call must be answered while a store is out."""
RECOVERY = 2.0
"""Seconds in which calls must succeed again once the store is back."""
UNAVAILABLE = "The service is temporarily unavailable."


@dataclass(frozen=True)
class Answer:
    """The answer to a call, the seconds it took, and when it came. Status 0 means that the connection broke."""

    status: int
    text: str
    seconds: float
    at: float
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """``ok``, ``unavailable``, an error code such as ``[901]``, ``broken``, or another answer's status and text."""
        if self.status == 0:
            return "broken"
        if self.status == 200 and 'success="true"' in self.text:
            return "ok"
        if UNAVAILABLE in self.text and self.status in {500, 503}:
            return "unavailable"
        found = re.search(r"\[90\d\]", self.text)
        return found[0] if found else f"{self.status} {self.text[:200]}"


class Client:
    """A client that keeps its connection."""

    def __init__(self, port: int) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def form(self, operation: str, **parameters: str) -> Answer:
        """Call over the POST form binding."""
        content_type = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", f"/srv.asmx/{operation}", urlencode(parameters).encode(), content_type)

    def soap(self, operation: str, **parameters: str) -> Answer:
        """Call over SOAP 1.1."""
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f"http://tempuri.org/{operation}"}
        return self._ask("POST", "/srv.asmx", envelope(operation, parameters), headers)

    def get(self, path: str) -> Answer:
        return self._ask("GET", path, None, {})

    def log_in(self, user: str = "alice") -> str:
        """A new ticket."""
        answer = self.form("AuthenticateUser", UID=user, PWD=PASSWORD)
        assert answer.kind == "ok", answer
        return re.findall('ticket="([^"]+)"', answer.text)[0]

    def is_valid(self, ticket: str) -> Answer:
        return self.form("isValidTicket", AuthenticationTicket=ticket)

    def close(self) -> None:
        self._http.close()

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        started = time.monotonic()
        try:
            self._http.request(method, path, body, headers)
            response = self._http.getresponse()
            text = response.read().decode()
            status, got = response.status, {name.lower(): value for name, value in response.getheaders()}
        except (OSError, http.client.HTTPException):
            self._http.close()
            status, text, got = 0, "", {}
        now = time.monotonic()
        return Answer(status, text, now - started, now, got)


@contextmanager
def under_load(server: Server, ask: Callable[[Client], Answer], clients: int = 4) -> Iterator[list[Answer]]:
    """Several clients ask without pause while the block runs. Gives the list of all answers."""
    answers: list[Answer] = []
    stop = threading.Event()

    def work() -> None:
        client = Client(server.port)
        while not stop.is_set():
            answer = ask(client)
            answers.append(answer)
            time.sleep(0.01 if answer.status == 0 else 0.002)
        client.close()

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=15)


@dataclass
class Deployment:
    """A folder with users, and the settings of the servers in it."""

    folder: Path
    environ: dict[str, str]
    start: StartServer

    def command(self, *arguments: str, stdin: str = "") -> str:
        """Run a command of the program."""
        return run_in(self.folder, *arguments, stdin=stdin, **self.environ).stdout

    def serve(self) -> Server:
        return self.start(environ=self.environ, cwd=self.folder)
