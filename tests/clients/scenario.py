"""The scenario that every client runs, and what it must be answered.

Programs in other languages print it as lines of tab-separated fields: a step's name, then ``attribute=value`` for each
attribute that the client could read. ``client`` is what the program says of itself, ``fault`` the SOAP fault it caught.
"""

from collections.abc import Callable
from typing import Any

from tests.support.service import GUID, PASSWORD, SOAP11, SOAP12, TRUSTED_PASSWORD

Report = dict[str, dict[str, str]]
ENVELOPES = {"1.1": SOAP11, "1.2": SOAP12}
PROFILE = {
    "success": "true",
    "userid": "42",
    "username": "jsmith",
    "firstName": "John",
    "lastName": "Smith",
    "fullname": "John Smith",
    "email": "jsmith@example.com",
    "isAuthenticated": "True",
}
OPERATIONS = (
    "AuthenticateUser",
    "AuthenticateUser1",
    "RenewTicket",
    "isValidTicket",
    "CreateTicketforUser",
    "GetCurrentUser",
    "LogOut",
    "ServerInfo",
)
NOT_UNDERSTOOD = ("MustUnderstand", "SOAP header Unknown was not understood.")
UNKNOWN_ELEMENT = "Server did not recognize the request element Nope in the namespace http://tempuri.org/."
UNKNOWN_ACTION = ("Client", "Server did not recognize the value of HTTP Header SOAPAction: http://tempuri.org/Nope.")
SOAP12_CODES = {"Client": "Sender"}


def read(output: str) -> Report:
    """The report that a program printed."""
    lines = (line.split("\t") for line in output.splitlines())
    return {step: dict(field.split("=", 1) for field in fields) for step, *fields in lines}


def run(call: Callable[..., Any]) -> Report:
    """Run the scenario with ``call(operation, **parameters)``, which gives the answer's root element."""
    report: Report = {}

    def step(operation: str, name: str = "", **parameters: str) -> Any:
        root = call(operation, **parameters)
        report[name or operation] = dict(root.attrib)
        return root

    login = {"UID": "jsmith", "PWD": PASSWORD}
    ticket = step("AuthenticateUser", **login).get("ticket")
    step("AuthenticateUser1", **login)
    step("isValidTicket", AuthenticationTicket=ticket)
    step("RenewTicket", **login, OldTicket=ticket)
    step("CreateTicketforUser", TrustedUserPwd=TRUSTED_PASSWORD, UserName="jsmith")
    user = step("GetCurrentUser", authenticationTicket=ticket).find("User")
    report["User"] = dict(user.attrib)
    report["Preferences"] = dict(user.find("Preferences").attrib)
    step("LogOut", AuthenticationTicket=ticket)
    step("isValidTicket", "dead ticket", AuthenticationTicket=ticket)
    step("AuthenticateUser", "wrong password", UID="jsmith", PWD="wrong")
    step("ServerInfo")
    return report


def check(report: Report) -> None:
    """Every step was answered as CONTRACT 1 says."""
    session = report["AuthenticateUser"]
    ticket, expiry = session["ticket"], session["expireOn"]
    assert GUID.fullmatch(ticket)
    assert session == PROFILE | {"ticket": ticket, "expireOn": expiry}
    assert report["AuthenticateUser1"].keys() == session.keys()
    assert report["AuthenticateUser1"]["success"] == "true"
    assert report["isValidTicket"] == PROFILE | {"expireOn": expiry}
    renewed = report["RenewTicket"]
    assert renewed == session | {"expireOn": renewed["expireOn"]}
    assert renewed["expireOn"] >= expiry
    created = report["CreateTicketforUser"]
    assert created == {"success": "true", "ticket": created["ticket"]}
    assert len({ticket, created["ticket"], report["AuthenticateUser1"]["ticket"]}) == 3
    assert report["GetCurrentUser"] == {"success": "true"}
    assert (report["User"]["UserName"], report["User"]["Enabled"]) == ("jsmith", "TRUE")
    assert (report["Preferences"]["Language"], report["Preferences"]["DefaultPortal"]) == ("English", "")
    assert report["LogOut"] == {"success": "true"}
    assert report["dead ticket"] == {"success": "false", "error": "[901] Session expired or Invalid ticket"}
    assert report["wrong password"] == {"success": "false", "error": "[900] Authentication failed"}
    assert report["ServerInfo"]["success"] == "true"
    assert report["ServerInfo"]["LicenseCount"] == "0"


def check_fault(fault: dict[str, str], type_name: str, expected: tuple[str, str], version: str) -> None:
    """The client raised its own exception for a SOAP fault, with the code and text that the server sent, in the SOAP
    version that was asked for."""
    code, text = expected
    if version == "1.2":
        code = SOAP12_CODES.get(code, code)
        text = UNKNOWN_ELEMENT if expected is UNKNOWN_ACTION else text  # SOAP 1.2 goes by the body
    assert {**fault, "code": fault["code"].rpartition(":")[2]} == {
        "type": type_name,
        "code": code,
        "text": text,
        "envelope": ENVELOPES[version],
    }
