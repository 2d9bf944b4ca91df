"""The whole life of a ticket against a real server process: log in, validate, renew, impersonate, who am I, log out."""

import subprocess
from typing import Any

import zeep
from lxml import etree

from tests.support.server import Server
from tests.support.service import GUID, PASSWORD, TRUSTED_PASSWORD


def test_zeep(shared_demo: Server) -> None:
    """A client generated from the WSDL that the server serves."""
    client = zeep.Client(f"{shared_demo.address}?WSDL")
    call = client.service

    session = _root(call.AuthenticateUser(UID="jsmith", PWD=PASSWORD))
    ticket = session["ticket"]
    assert GUID.fullmatch(ticket)
    assert session["fullname"] == "John Smith"
    assert _root(call.isValidTicket(AuthenticationTicket=ticket))["userid"] == "42"
    assert _root(call.RenewTicket(UID="jsmith", PWD=PASSWORD, OldTicket=ticket))["ticket"] == ticket
    impersonated = _root(call.CreateTicketforUser(TrustedUserPwd=TRUSTED_PASSWORD, UserName="jsmith"))["ticket"]
    assert impersonated != ticket
    user = call.GetCurrentUser(authenticationTicket=impersonated)
    assert _element(user).find("User").get("UserName") == "jsmith"
    assert _root(call.LogOut(AuthenticationTicket=ticket)) == {"success": "true"}
    assert _root(call.isValidTicket(AuthenticationTicket=ticket))["success"] == "false"
    assert _root(call.AuthenticateUser(UID="jsmith", PWD="wrong"))["error"] == "[900] Authentication failed"
    assert "VersionNumber" in _root(call.ServerInfo())


def _element(result: Any) -> Any:
    """zeep gives an XML-valued result as an element, or as an object that holds it."""
    value = getattr(result, "_value_1", result)
    return value[0] if isinstance(value, list) else value


def _root(result: Any) -> dict[str, str]:
    return dict(_element(result).attrib)


def test_curl(shared_demo: Server) -> None:
    """A shell script over the POST and GET bindings."""

    def curl(*arguments: str) -> dict[str, str]:
        done = subprocess.run(["curl", "-s", "-S", *arguments], capture_output=True, check=True, timeout=20)
        return dict(etree.fromstring(done.stdout).attrib)

    form = ["--data-urlencode", "UID=jsmith", "--data-urlencode", f"PWD={PASSWORD}"]
    ticket = curl(f"{shared_demo.address}/AuthenticateUser", *form)["ticket"]
    assert curl(f"{shared_demo.address}/isValidTicket?AuthenticationTicket={ticket}")["success"] == "true"
    assert curl("-H", f"Authorization: SOTicket {ticket}", f"{shared_demo.address}/GetCurrentUser")["success"] == "true"
    assert curl("--cookie", f"ticket={ticket}", f"{shared_demo.address}/isValidTicket")["userid"] == "42"
    assert curl(f"{shared_demo.address}/RenewTicket", *form, "-d", f"OldTicket={ticket}")["ticket"] == ticket
    trusted = ["-d", f"TrustedUserPwd={TRUSTED_PASSWORD}", "-d", "UserName=jsmith"]
    other = curl(f"{shared_demo.address}/CreateTicketforUser", *trusted)["ticket"]
    assert curl(f"{shared_demo.address}/LogOut", "-d", f"AuthenticationTicket={ticket}") == {"success": "true"}
    assert curl(f"{shared_demo.address}/isValidTicket?AuthenticationTicket={ticket}")["success"] == "false"
    assert curl(f"{shared_demo.address}/isValidTicket?AuthenticationTicket={other}")["success"] == "true"
