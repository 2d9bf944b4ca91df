"""The rules: who gets a ticket, what a ticket is good for, and when it ends (CONTRACT 1).

Nothing here knows of HTTP or XML. A method gives a plain value or raises: Refused with the exact text of CONTRACT 1.1,
Unavailable when a store does not answer.
"""

import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from asmx_tickets.access.logon import AUTHENTICATION_FAILED, Logons, as_typed, write_if_possible
from asmx_tickets.audit import AuditLog, Caller, Event, Record
from asmx_tickets.errors import Refused
from asmx_tickets.networks import Network, lies_in
from asmx_tickets.throttling import Admission, Attempt, Throttle, Throttled, guarding, network_of
from asmx_tickets.tickets.cache import TicketCache
from asmx_tickets.tickets.ticket import Ticket, digest, new_guid, parse_guid, short_hash
from asmx_tickets.users.directory import UserDirectory
from asmx_tickets.users.profiles import ProfileCache
from asmx_tickets.users.user import User, account_key

INVALID_TICKET = "[901] Session expired or Invalid ticket"
GENERATION_NOT_ALLOWED = "[902] Ticket generation are not allowed for this user."
INVALID_FORMAT = "invalid ticket format"
NOBODY = Caller()


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages a session can have, as codes (``en``, ``de-AT``), and the one that others fall back to."""

    supported: tuple[str, ...]
    default: str

    def choose(self, asked: str | None, preferred: str) -> str:
        """CONTRACT 1.2: unknown → the default; empty → the user's own preference; letter case is ignored."""
        wanted = (asked or "").strip() or preferred.strip()
        return next((code for code in self.supported if code.lower() == wanted.lower()), self.default)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings say about logging in.

    ``trusted_passwords`` are the values of TrustedUserPwd that count, none of them empty; with none,
    CreateTicketforUser is off. ``trusted_networks`` are those it may be called from, with none from anywhere. An empty
    ``sysadmin_name`` names nobody.
    """

    languages: Languages
    sysadmin_name: str = ""
    trusted_passwords: Sequence[str] = ()
    trusted_networks: Sequence[Network] = ()

    def is_sysadmin(self, user_name: str) -> bool:
        return bool(self.sysadmin_name) and account_key(user_name) == account_key(self.sysadmin_name)

    def trusts(self, password: str) -> bool:
        """Whether this is a TrustedUserPwd; how long it takes does not tell how much of it was right (SECURITY B6)."""
        given = sha256(password.encode("utf-8", "surrogatepass")).digest()
        matches = [hmac.compare_digest(given, sha256(known.encode()).digest()) for known in self.trusted_passwords]
        return any(matches)

    def trusts_network(self, address: str) -> bool:
        """Whether CreateTicketforUser may be called from there (SECURITY H8)."""
        return not self.trusted_networks or lies_in(address, self.trusted_networks)


class Session(NamedTuple):
    """A live ticket and the user it stands for."""

    guid: bytes
    ticket: Ticket
    user: User


class Authentication:
    """The operations of CONTRACT 1 on plain values. Thread-safe as far as its stores are."""

    def __init__(
        self,
        *,
        directory: UserDirectory,
        profiles: ProfileCache,
        tickets: TicketCache,
        logons: Logons,
        trusted_throttle: Throttle,
        policy: Policy,
        audit: AuditLog,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._directory = directory
        self._profiles = profiles
        self._tickets = tickets
        self._logons = logons
        self._trusted_throttle = trusted_throttle
        self._policy = policy
        self._audit = audit
        self._random_bytes = random_bytes

    def log_in(self, user_name: str, password: str, language: str | None = None, caller: Caller = NOBODY) -> Session:
        """A new ticket for a name and a password, or the same ticket for a live ticket and no password.

        Raises Refused [900] or [902], and Unavailable.
        """
        guid = _ticket_for_name(user_name, password)
        if guid is not None:
            return self._continue(guid, language, caller)
        return self._issue(self._logged_on(user_name, password, caller), language, Event.LOGIN, caller)

    def renew(
        self, user_name: str, password: str, language: str | None, old_guid: bytes | None, caller: Caller = NOBODY
    ) -> Session:
        """Restart the old ticket's window if it is alive and the same user's; else as ``log_in``. The credentials are
        checked in either case.

        Raises Refused [900] or [902], and Unavailable.
        """
        guid = _ticket_for_name(user_name, password)
        if guid is not None:
            session = self._continue(guid, language, caller)
            return self._renewed(old_guid, session.user, language, caller) or session
        user = self._logged_on(user_name, password, caller)
        return self._renewed(old_guid, user, language, caller) or self._issue(user, language, Event.LOGIN, caller)

    def validate(self, guid: bytes | None) -> Session:
        """The session of a live ticket, whose window stays as it is. Raises Refused [901] and Unavailable."""
        ticket = self._tickets.look(guid) if guid is not None else None
        return self._session(guid, ticket, INVALID_TICKET)

    def use(self, guid: bytes | None) -> Session:
        """The session of a live ticket, whose window restarts. Raises Refused [901] and Unavailable."""
        ticket = self._tickets.renew(guid) if guid is not None else None
        return self._session(guid, ticket, INVALID_TICKET)

    def log_out(self, guid: bytes | None, caller: Caller = NOBODY) -> Session:
        """End a live ticket and give the session that it was. Raises Refused [901] and Unavailable."""
        ticket = self._tickets.remove(guid) if guid is not None else None
        session = self._session(guid, ticket, INVALID_TICKET)
        write_if_possible(self._audit, _record(Event.LOGOUT, caller, session.user, session.guid))
        return session

    def create_for_user(self, trusted_password: str, user_name: str, caller: Caller = NOBODY) -> Session:
        """A ticket for a user whom a trusted program vouches for. Raises Refused [900] or [902], and Unavailable."""
        if self._policy.is_sysadmin(user_name):
            self._note_refusal(user_name, caller, "the sysadmin")
            raise Refused(GENERATION_NOT_ALLOWED)
        complaint = self._complaint_of_trusted(trusted_password, caller)
        # Who is not trusted must not even learn by the time whether there is such a user.
        credentials = self._directory.find(user_name if complaint is None else "")
        if credentials is None or not credentials.user.profile.enabled:
            complaint = complaint or "unknown or disabled user"
        if credentials is None or complaint is not None:
            self._note_refusal(user_name, caller, complaint or "")
            raise Refused(AUTHENTICATION_FAILED)
        self._refuse_sysadmin(credentials.user)
        return self._issue(credentials.user, None, Event.IMPERSONATION, caller)

    def _complaint_of_trusted(self, password: str, caller: Caller) -> str | None:
        """Why a program is not to be trusted, None if it is. Its failures count by address (SECURITY B6)."""
        right = self._policy.trusts(password)
        if not self._policy.trusts_network(caller.address):
            return "network"
        attempt = Attempt("", known=False, address=network_of(caller.address))
        if right:
            admission = self._trusted_throttle.admit(attempt)
            if admission is Admission.ADMITTED:
                self._trusted_throttle.succeeded(attempt)
            # What is right need not wait for others to be decided.
            return None if admission in {Admission.ADMITTED, Admission.BUSY} else f"throttled: {admission}"
        try:
            with guarding(self._trusted_throttle, attempt) as outcome:
                outcome.failed()
        except Throttled as throttled:
            return f"throttled: {throttled.reason}"
        return "wrong TrustedUserPwd"

    def _logged_on(self, user_name: str, password: str, caller: Caller) -> User:
        user = self._logons.check(user_name, password, caller)
        try:
            self._refuse_sysadmin(user)
        except Refused:
            write_if_possible(self._audit, _record(Event.LOGIN_REFUSED, caller, user, None, "the sysadmin"))
            raise
        return user

    def _refuse_sysadmin(self, user: User) -> None:
        # By the name of the row that was found, whatever spelling found it (SECURITY A7).
        if self._policy.is_sysadmin(user.profile.user_name):
            raise Refused(GENERATION_NOT_ALLOWED)

    def _continue(self, guid: bytes, language: str | None, caller: Caller) -> Session:
        """CONTRACT 1.2: a live ticket and no password stand for the user, and answer with that same ticket."""
        session = self._session(guid, self._tickets.renew(guid), AUTHENTICATION_FAILED)
        self._refuse_sysadmin(session.user)
        if not (language or "").strip():
            self._audit.write(_record(Event.RENEWAL, caller, session.user, guid))
            return session
        return self._renewed(guid, session.user, language, caller) or session

    def _renewed(self, guid: bytes | None, user: User, language: str | None, caller: Caller) -> Session | None:
        if guid is None:
            return None
        chosen = self._policy.languages.choose(language, user.profile.language)
        ticket = self._tickets.renew(guid, user_id=user.id, language=chosen)
        if ticket is None:
            return None
        if ticket.security_stamp != user.security_stamp:
            self._tickets.remove(guid)
            return None
        self._audit.write(_record(Event.RENEWAL, caller, user, guid))
        return Session(guid, ticket, user)

    def _issue(self, user: User, language: str | None, event: Event, caller: Caller) -> Session:
        # The ticket comes last: whatever fails before it leaves no live ticket behind (SECURITY A8, R4).
        guid = new_guid(self._random_bytes)
        self._audit.write(_record(event, caller, user, guid))
        ticket = self._tickets.add(
            guid,
            user_id=user.id,
            security_stamp=user.security_stamp,
            language=self._policy.languages.choose(language, user.profile.language),
            previous_logon=user.last_logon,
        )
        return Session(guid, ticket, user)

    def _note_refusal(self, user_name: str, caller: Caller, reason: str) -> None:
        write_if_possible(self._audit, Record(Event.IMPERSONATION_REFUSED, caller, as_typed(user_name), reason=reason))

    def _session(self, guid: bytes | None, ticket: Ticket | None, refusal: str) -> Session:
        """The session of a ticket that the cache held. A user disabled, deleted or with a new password ends it."""
        if guid is None or ticket is None:
            raise Refused(refusal)
        user = self._profiles.get(ticket.user_id)
        if user is not None and _stands_for(ticket, user):
            return Session(guid, ticket, user)
        # The profile may be older than the ticket; what is ended here must be dead for sure.
        user = self._directory.get(ticket.user_id)
        if user is not None and _stands_for(ticket, user):
            return Session(guid, ticket, user)
        self._tickets.remove(guid)
        raise Refused(refusal)


def _stands_for(ticket: Ticket, user: User) -> bool:
    return user.profile.enabled and user.security_stamp == ticket.security_stamp


def _record(event: Event, caller: Caller, user: User, guid: bytes | None, reason: str = "") -> Record:
    ticket = "" if guid is None else short_hash(digest(guid))
    return Record(event, caller, user.profile.user_name, user.id, ticket, reason)


def _ticket_for_name(user_name: str, password: str) -> bytes | None:
    """The ticket that stands in a name's place, or None where it is a name. A password makes it a name."""
    return parse_guid(user_name) if not password else None
