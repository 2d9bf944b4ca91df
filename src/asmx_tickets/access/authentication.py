"""The rules: who gets a ticket, what a ticket is good for, and when it ends (CONTRACT 1).

Nothing here knows about HTTP or XML. A method returns a plain value, or raises a refusal of refusals.py, or
Unavailable if a store does not answer.
"""

from typing import NamedTuple

from asmx_tickets.access.logon import Logons, as_typed, write_if_possible
from asmx_tickets.access.policy import Policy
from asmx_tickets.access.refusals import AuthenticationFailed, GenerationNotAllowed, InvalidTicket
from asmx_tickets.audit import AuditLog, Caller, Event, Record
from asmx_tickets.throttling import Admission, Attempt, Throttle, Throttled, network_of
from asmx_tickets.throttling.guarding import guarding
from asmx_tickets.tickets.cache import TicketCache
from asmx_tickets.tickets.ticket import Origin, Ticket, digest, format_guid, new_guid, parse_guid, short_hash
from asmx_tickets.users.directory import UserDirectory
from asmx_tickets.users.profiles import ProfileCache
from asmx_tickets.users.user import User

NOBODY = Caller()


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
    ) -> None:
        self._directory = directory
        self._profiles = profiles
        self._tickets = tickets
        self._logons = logons
        self._trusted_throttle = trusted_throttle
        self._policy = policy
        self._audit = audit

    def log_in(self, user_name: str, password: str, language: str | None = None, caller: Caller = NOBODY) -> Session:
        """A new ticket for a name and a password, or the same ticket for a live ticket and no password.

        Raises AuthenticationFailed, GenerationNotAllowed and Unavailable.
        """
        guid = _ticket_for_name(user_name, password)
        if guid is not None:
            return self._continue(self._identified(guid, caller), language, caller)
        return self._issue(self._logged_on(user_name, password, caller), language, Event.LOGIN, caller)

    def renew(
        self, user_name: str, password: str, language: str | None, old_guid: bytes | None, caller: Caller = NOBODY
    ) -> Session:
        """Restart the old ticket's window if it is alive and the same user's; else as ``log_in``. The credentials are
        checked in either case.

        Raises AuthenticationFailed, GenerationNotAllowed and Unavailable.
        """
        guid = _ticket_for_name(user_name, password)
        if guid is not None:
            identified = self._identified(guid, caller)
            renewed = self._renewed(old_guid, identified.user, language, caller)
            return renewed or self._continue(identified, language, caller)
        user = self._logged_on(user_name, password, caller)
        return self._renewed(old_guid, user, language, caller) or self._issue(user, language, Event.LOGIN, caller)

    def validate(self, guid: bytes | None) -> Session:
        """The session of a live ticket, whose window stays as it is. Raises InvalidTicket and Unavailable."""
        return self._permitted(guid, self._tickets.look(guid) if guid is not None else None)

    def use(self, guid: bytes | None) -> Session:
        """The session of a live ticket, whose window restarts. Raises InvalidTicket and Unavailable."""
        return self._permitted(guid, self._tickets.renew(guid) if guid is not None else None)

    def log_out(self, guid: bytes | None, caller: Caller = NOBODY) -> Session:
        """End a live ticket and return its session. Raises InvalidTicket and Unavailable."""
        session = self._permitted(guid, self._tickets.remove(guid) if guid is not None else None)
        write_if_possible(self._audit, _record(Event.LOGOUT, caller, session.user, session.guid))
        return session

    def create_for_user(self, trusted_password: str, user_name: str, caller: Caller = NOBODY) -> Session:
        """A ticket for a user whom a trusted program vouches for. Raises AuthenticationFailed,
        GenerationNotAllowed and Unavailable.
        """
        if self._policy.is_sysadmin(user_name):
            self._note_refusal(user_name, caller, "the sysadmin")
            raise GenerationNotAllowed
        complaint = self._complaint_of_trusted(trusted_password, caller)
        # A program that is not trusted must not learn, even from the time taken, whether the user exists.
        credentials = self._directory.find(user_name if complaint is None else "")
        if credentials is None or not credentials.user.profile.enabled:
            complaint = complaint or "unknown or disabled user"
        if credentials is None or complaint is not None:
            self._note_refusal(user_name, caller, complaint or "")
            raise AuthenticationFailed
        self._refuse_sysadmin(credentials.user, Event.IMPERSONATION_REFUSED, caller)
        return self._issue(credentials.user, None, Event.IMPERSONATION, caller)

    def _complaint_of_trusted(self, password: str, caller: Caller) -> str | None:
        """Why a program is not trusted; None if it is. Its failures count by address (SECURITY B6)."""
        right = self._policy.trusts(password)
        if not self._policy.trusts_network(caller.address):
            return "network"
        attempt = Attempt("", known=False, address=network_of(caller.address))
        if right:
            return None if self._trusted_throttle.recognize(attempt) else f"throttled: {Admission.ADDRESS}"
        try:
            with guarding(self._trusted_throttle, attempt) as outcome:
                outcome.failed()
        except Throttled as throttled:
            return f"throttled: {throttled.reason}"
        return "wrong TrustedUserPwd"

    def _logged_on(self, user_name: str, password: str, caller: Caller) -> User:
        user = self._logons.check(user_name, password, caller)
        self._refuse_sysadmin(user, Event.LOGIN_REFUSED, caller)
        return user

    def _refuse_sysadmin(self, user: User, event: Event, caller: Caller) -> None:
        # Compare the name in the row that was found, whatever spelling found it (SECURITY A7).
        if self._policy.is_sysadmin(user.profile.user_name):
            write_if_possible(self._audit, _record(event, caller, user, None, "the sysadmin"))
            raise GenerationNotAllowed

    def _identified(self, guid: bytes, caller: Caller) -> Session:
        """CONTRACT 1.2: a live ticket without a password stands for the user. Nothing is renewed yet."""
        session = self._session(guid, self._tickets.look(guid))
        if session is None:
            raise self._dead_identity(guid, caller)
        self._refuse_sysadmin(session.user, Event.LOGIN_REFUSED, caller)
        return session

    def _continue(self, identified: Session, language: str | None, caller: Caller) -> Session:
        """CONTRACT 1.2: the answer is the same ticket. Its language stays unless another is asked for."""
        guid, _, user = identified
        asked = (language or "").strip()
        chosen = self._policy.languages.choose(asked, user.profile.language) if asked else None
        ticket = self._tickets.renew(guid, user_id=user.id, language=chosen)
        if ticket is None:
            # The ticket has ended in the meantime.
            raise self._dead_identity(guid, caller)
        self._audit.write(_record(Event.RENEWAL, caller, user, guid))
        return Session(guid, ticket, user)

    def _dead_identity(self, guid: bytes, caller: Caller) -> AuthenticationFailed:
        typed = as_typed(format_guid(guid))
        write_if_possible(self._audit, Record(Event.LOGIN_REFUSED, caller, typed, reason="dead ticket"))
        return AuthenticationFailed()

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
        guid = new_guid()
        self._audit.write(_record(event, caller, user, guid))
        ticket = self._tickets.add(
            guid,
            user_id=user.id,
            security_stamp=user.security_stamp,
            language=self._policy.languages.choose(language, user.profile.language),
            previous_logon=user.last_logon,
            origin=Origin(caller.address, caller.binding, event is Event.IMPERSONATION),
        )
        return Session(guid, ticket, user)

    def _note_refusal(self, user_name: str, caller: Caller, reason: str) -> None:
        write_if_possible(self._audit, Record(Event.IMPERSONATION_REFUSED, caller, as_typed(user_name), reason=reason))

    def _permitted(self, guid: bytes | None, ticket: Ticket | None) -> Session:
        """The session of a ticket that the cache held. The sysadmin has none, whenever the ticket was made."""
        session = self._session(guid, ticket)
        if session is None or self._policy.is_sysadmin(session.user.profile.user_name):
            raise InvalidTicket
        return session

    def _session(self, guid: bytes | None, ticket: Ticket | None) -> Session | None:
        """The session of a ticket that the cache held. A user disabled, deleted or with a new password ends it."""
        if guid is None or ticket is None:
            return None
        user = self._profiles.get(ticket.user_id)
        if user is not None and _stands_for(ticket, user):
            return Session(guid, ticket, user)
        # The cached profile may be older than the ticket, so make sure that the ticket must end.
        user = self._directory.get(ticket.user_id)
        if user is not None and _stands_for(ticket, user):
            return Session(guid, ticket, user)
        self._tickets.remove(guid)
        return None


def _stands_for(ticket: Ticket, user: User) -> bool:
    return user.profile.enabled and user.security_stamp == ticket.security_stamp


def _record(event: Event, caller: Caller, user: User, guid: bytes | None, reason: str = "") -> Record:
    ticket = "" if guid is None else short_hash(digest(guid))
    return Record(event, caller, user.profile.user_name, user.id, ticket, reason)


def _ticket_for_name(user_name: str, password: str) -> bytes | None:
    """The ticket given in place of a name, or None for a name. With a password it is always a name."""
    return parse_guid(user_name) if not password else None
