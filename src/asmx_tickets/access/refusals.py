"""The refusals: normal answers that say no, each with its exact text on the wire (CONTRACT 1.1)."""

from typing import ClassVar

from asmx_tickets.errors import AsmxTicketsError


class Refused(AsmxTicketsError):
    """The service says no. ``text`` is the answer's ``error``."""

    text: ClassVar[str]

    def __init__(self) -> None:
        super().__init__(self.text)


class AuthenticationFailed(Refused):
    """The one answer to every login that fails, whatever the reason (SECURITY A5)."""

    text = "[900] Authentication failed"


class InvalidTicket(Refused):
    """The ticket is missing, no GUID, unknown, expired or ended, or its user is not to have one."""

    text = "[901] Session expired or Invalid ticket"


class GenerationNotAllowed(Refused):
    """The sysadmin never gets a ticket."""

    text = "[902] Ticket generation are not allowed for this user."


class InvalidTicketFormat(Refused):
    """RenewTicket's OldTicket is no GUID."""

    text = "invalid ticket format"
