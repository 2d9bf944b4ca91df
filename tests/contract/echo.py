"""The ticket service in front of rules that only write down what reaches them: for what the wire carries, not costs."""

from typing import Any, NoReturn

from werkzeug.test import Client

from asmx_tickets.access.refusals import AuthenticationFailed, InvalidTicket
from asmx_tickets.audit import Caller
from asmx_tickets.hosting.site import Site
from asmx_tickets.service import LIMITS, PATH, Parts, ticket_application
from spyne_asmx import AsmxEndpoint
from spyne_asmx.wsgi import WsgiApplication


class Echo:
    """Refuses every login, and keeps what it was asked."""

    def __init__(self) -> None:
        parts = Parts(self, {"VersionNumber": ""}, clock=lambda: 0.0)  # type: ignore[arg-type]
        self.site = Site(AsmxEndpoint(ticket_application(parts), PATH, limits=LIMITS))
        self.http = Client(WsgiApplication(self.site))
        self.given: list[Any] = []

    def log_in(self, user_name: str, password: str, language: str | None, _caller: Caller) -> NoReturn:
        self.given.append((user_name, password, language))
        raise AuthenticationFailed

    def __getattr__(self, name: str) -> Any:
        def refuse(*_: object) -> NoReturn:
            self.given.append(name)
            raise InvalidTicket

        return refuse

    def taken(self) -> Any:
        """What reached the rules since the last time."""
        given, self.given = self.given, []
        return given
