"""The requests that are measured, as bytes. They are the same for every server."""

import re
from urllib.parse import quote

from tests.support.service import NAMESPACE, PASSWORD, TRUSTED_PASSWORD

PATH = "/srv.asmx"
TICKET = re.compile(rb' ticket="([0-9a-f-]{36})"')
"""Where an answer has its ticket."""


def soap_body(ticket: str) -> str:
    """isValidTicket in SOAP 1.1, as .NET Framework's proxies write it."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        f'<soap:Body><isValidTicket xmlns="{NAMESPACE}"><AuthenticationTicket>{ticket}</AuthenticationTicket>'
        "</isValidTicket></soap:Body></soap:Envelope>"
    )


def soap_request(ticket: str) -> bytes:
    """isValidTicket over SOAP 1.1."""
    return _posted(soap_body(ticket))


def shapeless_request(ticket: str) -> bytes:
    """The same with a comment, which no shape has, so that the full reader reads it each time."""
    return _posted(soap_body(ticket).replace("<soap:Body>", "<!-- --><soap:Body>"))


def _posted(body: str) -> bytes:
    return (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml; charset=utf-8\r\n"
        f'SOAPAction: "{NAMESPACE}isValidTicket"\r\nContent-Length: {len(body)}\r\n\r\n{body}'
    ).encode()


def get_request(ticket: str) -> bytes:
    """isValidTicket over GET."""
    return f"GET {PATH}/isValidTicket?AuthenticationTicket={ticket} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def form_request(operation: str, **fields: str) -> bytes:
    """An operation over a POST form."""
    body = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
    return (
        f"POST {PATH}/{operation} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def login_request() -> bytes:
    """AuthenticateUser with the demo's password."""
    return form_request("AuthenticateUser", UID="jsmith", PWD=PASSWORD)


def mint_request() -> bytes:
    """CreateTicketforUser with the demo's shared secret."""
    return form_request("CreateTicketforUser", TrustedUserPwd=TRUSTED_PASSWORD, UserName="jsmith")
