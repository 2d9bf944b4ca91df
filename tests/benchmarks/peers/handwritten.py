"""The same answer by hand: lxml and a formatted string behind the same server. ``handwritten.py PORT TICKETS``.

It is what a competent engineer would write for this one operation, with the same care: a hardened parser, a deadline
and a limit for the body, the SOAPAction compared with the body, expiry, escaping, and the same headers.
"""

import asyncio
import re
import secrets
import sys
import time
from html import escape
from itertools import count
from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.server.mp import MPServer
from lxml import etree

from tests.benchmarks.peers.store import USER, read_tickets

NAMESPACE = "http://tempuri.org/"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
MAX_BYTES = 65536
BODY_SECONDS = 10.0
GUID = re.compile(r"\s*[{(]?([0-9A-Fa-f]{8}(?:-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12})[})]?\s*")
HEADERS = (
    ("content-type", "text/xml; charset=utf-8"),
    ("cache-control", "private, max-age=0, no-store"),
    ("pragma", "no-cache"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("server", "asmx-tickets"),
)
BEFORE = (
    f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{SOAP}" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>'
)
AFTER = "</soap:Body></soap:Envelope>"


class Handler:
    """isValidTicket as an RSGI application."""

    def __init__(self, tickets: dict[bytes, float]) -> None:
        self._tickets = tickets
        self._users = {42: USER}
        self._run = secrets.token_hex(4)
        self._numbers = count(1)

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        headers = scope.headers
        if scope.method != "POST" or scope.path.lower() != "/srv.asmx":
            protocol.response_empty(404, [])
            return
        if int(headers.get("content-length") or MAX_BYTES + 1) > MAX_BYTES:
            protocol.response_empty(413, [])
            return
        async with asyncio.timeout(BODY_SECONDS):
            body = await protocol()
        status, answer = self.answer(body, headers.get("content-type"), headers.get("soapaction"))
        signed = [*HEADERS, ("x-request-id", f"{self._run}-{next(self._numbers):x}")]
        protocol.response_bytes(status, signed, answer)

    def answer(self, body: bytes, content_type: str | None, action: str | None) -> tuple[int, bytes]:
        """The status and the envelope for a request."""
        if (content_type or "").partition(";")[0].strip().lower() != "text/xml":
            return 415, b""
        try:
            name, parameters = decode(body)
        except (ValueError, etree.XMLSyntaxError):
            return 400, fault("Client", "Server was unable to read request.")
        if action and action.strip().strip('"') != NAMESPACE + name:
            return 500, fault("Client", "The SOAPAction header and the body name different operations.")
        if name != "isValidTicket":
            return 500, fault("Client", f"Server did not recognize the operation {name}.")
        root = self.is_valid_ticket(parameters.get("AuthenticationTicket", ""))
        return 200, (
            f'{BEFORE}<isValidTicketResponse xmlns="{NAMESPACE}"><isValidTicketResult>{root}</isValidTicketResult>'
            f"</isValidTicketResponse>{AFTER}"
        ).encode()

    def is_valid_ticket(self, text: str) -> str:
        """The root element for a ticket."""
        match = GUID.fullmatch(text)
        expires_at = self._tickets.get(bytes.fromhex(match[1].replace("-", ""))) if match else None
        if expires_at is None or expires_at <= time.time():
            return '<root success="false" error="[901] Session expired or Invalid ticket" xmlns="" />'
        user = self._users[42]
        expire_on = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires_at))
        return (
            f'<root success="true" userid="{escape(user["userid"])}" username="{escape(user["username"])}" '
            f'firstName="{escape(user["firstName"])}" lastName="{escape(user["lastName"])}" '
            f'fullname="{escape(user["fullname"])}" email="{escape(user["email"])}" '
            f'expireOn="{expire_on}" isAuthenticated="True" xmlns="" />'
        )


def decode(body: bytes) -> tuple[str, dict[str, str]]:
    """The operation and its parameters. Raises ValueError and XMLSyntaxError."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    envelope = etree.fromstring(body, parser)
    if envelope.getroottree().docinfo.doctype:
        raise ValueError("a DTD")
    soap_body = envelope[-1] if envelope.tag == f"{{{SOAP}}}Envelope" and len(envelope) else None
    if soap_body is None or soap_body.tag != f"{{{SOAP}}}Body" or len(soap_body) != 1:
        raise ValueError("no envelope with one body and one operation")
    operation = soap_body[0]
    namespace, _, name = operation.tag.rpartition("}")
    if namespace != "{" + NAMESPACE:
        raise ValueError("another namespace")
    return name, {child.tag.rpartition("}")[2]: child.text or "" for child in operation}


def fault(code: str, text: str) -> bytes:
    """The envelope of a fault."""
    return (
        f"{BEFORE}<soap:Fault><faultcode>soap:{code}</faultcode><faultstring>{escape(text)}</faultstring><detail />"
        f"</soap:Fault>{AFTER}"
    ).encode()


def main(port: str, tickets: str) -> None:
    """Serve with the settings of asmx_tickets.hosting.server."""
    server = MPServer(
        "handwritten",
        address="127.0.0.1",
        port=int(port),
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        loop=Loops.auto,
        backlog=1024,
        backpressure=16 * 1024,
        http1_settings=HTTP1Settings(header_read_timeout=5000, max_buffer_size=16 * 1024, pipeline_flush=False),
        log_enabled=False,
    )
    server.serve(target_loader=lambda *_: Handler(read_tickets(tickets)), wrap_loader=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
