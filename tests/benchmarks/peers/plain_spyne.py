"""spyne as its manual shows it: Soap11 in and out, WsgiApplication, behind granian. ``plain_spyne.py PORT TICKETS``."""

import sys
import time
from typing import Any
from uuid import UUID

from granian.constants import HTTPModes, Interfaces
from granian.server.mp import MPServer
from lxml import etree
from spyne import AnyXml, Application, Service, Unicode, rpc
from spyne.protocol.soap import Soap11
from spyne.server.wsgi import WsgiApplication

import spyne_asmx.compat  # noqa: F401 - lets spyne import on CPython 3.12 and 3.13
from tests.benchmarks.peers.store import USER, read_tickets

NAMESPACE = "http://tempuri.org/"


def application(tickets: dict[bytes, float]) -> WsgiApplication:
    """The service as a WSGI application."""

    class TicketService(Service):
        @rpc(
            Unicode, _returns=AnyXml, _operation_name="isValidTicket", _in_variable_names={"t": "AuthenticationTicket"}
        )
        def is_valid_ticket(_ctx: Any, t: str | None) -> etree._Element:
            try:
                expires_at = tickets.get(UUID(t or "").bytes, 0)
            except ValueError:
                expires_at = 0
            if expires_at <= time.time():
                return etree.Element("root", success="false", error="[901] Session expired or Invalid ticket")
            expire_on = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires_at))
            return etree.Element("root", {"success": "true", **USER, "expireOn": expire_on, "isAuthenticated": "True"})

    return WsgiApplication(Application([TicketService], NAMESPACE, "srv", in_protocol=Soap11(), out_protocol=Soap11()))


def main(port: str, tickets: str) -> None:
    """Serve with one thread: more of them fight for the GIL."""
    server = MPServer(
        "plain_spyne",
        address="127.0.0.1",
        port=int(port),
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        blocking_threads=1,
        backlog=1024,
        log_enabled=False,
    )
    server.serve(target_loader=lambda *_: application(read_tickets(tickets)), wrap_loader=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
