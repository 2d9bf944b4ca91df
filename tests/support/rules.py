"""The rules on real stores in memory, with an audit log that keeps its records."""

from dataclasses import dataclass, field

from asmx_tickets.access.authentication import Authentication
from asmx_tickets.access.logon import Logons
from asmx_tickets.access.policy import Languages, Policy
from asmx_tickets.audit import AuditLog, Caller, Record
from asmx_tickets.throttling import LOGINS, TRUSTED_PASSWORDS, MemoryThrottle
from asmx_tickets.tickets.memory import MemoryTicketCache
from asmx_tickets.tickets.ticket import Ticket
from asmx_tickets.users.profiles import ProfileCache
from asmx_tickets.users.sql import SqlUserDirectory
from asmx_tickets.users.verifier import StoredPasswords
from tests.support.service import HASHER, PASSWORD, Clock

CALLER = Caller("192.0.2.7", "HttpSoap", "request-1")
PASSWORD_HASH = HASHER.hash(PASSWORD)


@dataclass
class Notebook(AuditLog):
    """Keeps the records in order."""

    records: list[Record] = field(default_factory=list)

    def write(self, record: Record) -> None:
        self.records.append(record)

    def check(self) -> None:
        """Always ready."""

    def close(self) -> None:
        """Nothing to let go of."""


class WatchedTickets(MemoryTicketCache):
    """Counts the renewals. ``before_renewal`` runs once, before the next one."""

    renewals = 0
    before_renewal = staticmethod(lambda: None)

    def renew(self, guid: bytes, *, user_id: int | None = None, language: str | None = None) -> Ticket | None:
        interfere, self.before_renewal = self.before_renewal, lambda: None
        interfere()
        self.renewals += 1
        return super().renew(guid, user_id=user_id, language=language)


@dataclass
class Rules:
    """The rules and what they work on."""

    clock: Clock
    directory: SqlUserDirectory
    tickets: WatchedTickets
    notebook: Notebook

    def authentication(self, sysadmin: str = "sysadmin") -> Authentication:
        """The rules with another SysadminAccountName, on the same stores."""
        verifier = StoredPasswords(self.directory, HASHER, clock=self.clock)
        throttle = MemoryThrottle(LOGINS, clock=self.clock)
        return Authentication(
            directory=self.directory,
            profiles=ProfileCache(self.directory),
            tickets=self.tickets,
            logons=Logons(verifier=verifier, throttle=throttle, audit=self.notebook),
            trusted_throttle=MemoryThrottle(TRUSTED_PASSWORDS, clock=self.clock),
            policy=Policy(Languages(("en", "de"), "en"), sysadmin_name=sysadmin, trusted_passwords=("a long secret",)),
            audit=self.notebook,
        )

    def noted(self) -> list[tuple[str, str, str]]:
        """Event, user and reason of each record since the last call."""
        lines = [(str(record.event), record.user, record.reason) for record in self.notebook.records]
        self.notebook.records.clear()
        return lines
