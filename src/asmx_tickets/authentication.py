"""The rules: who gets a ticket, what a ticket is good for, and when it ends (CONTRACT 1).

Nothing here knows of HTTP or XML. A method gives a plain value or raises: Refused with the exact text of CONTRACT 1.1,
Unavailable when a store does not answer.
"""

import hmac
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from asmx_tickets.errors import Refused, Unavailable
from asmx_tickets.tickets.cache import TicketCache
from asmx_tickets.tickets.ticket import Ticket, new_guid, parse_guid
from asmx_tickets.users.directory import Rehash, UserDirectory
from asmx_tickets.users.passwords import PasswordHasher
from asmx_tickets.users.profiles import ProfileCache
from asmx_tickets.users.user import User, account_key

AUTHENTICATION_FAILED = "[900] Authentication failed"
INVALID_TICKET = "[901] Session expired or Invalid ticket"
GENERATION_NOT_ALLOWED = "[902] Ticket generation are not allowed for this user."
INVALID_FORMAT = "invalid ticket format"

_log = logging.getLogger(__name__)


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
    CreateTicketforUser is off. An empty ``sysadmin_name`` names nobody.
    """

    languages: Languages
    sysadmin_name: str = ""
    trusted_passwords: Sequence[str] = ()

    def is_sysadmin(self, user_name: str) -> bool:
        return bool(self.sysadmin_name) and account_key(user_name) == account_key(self.sysadmin_name)

    def trusts(self, password: str) -> bool:
        """Whether this is a TrustedUserPwd; how long it takes does not tell how much of it was right (SECURITY B6)."""
        given = sha256(password.encode("utf-8", "surrogatepass")).digest()
        matches = [hmac.compare_digest(given, sha256(known.encode()).digest()) for known in self.trusted_passwords]
        return any(matches)


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
        passwords: PasswordHasher,
        policy: Policy,
        clock: Callable[[], float],
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._directory = directory
        self._profiles = profiles
        self._tickets = tickets
        self._passwords = passwords
        self._policy = policy
        self._clock = clock
        self._random_bytes = random_bytes

    def log_in(self, user_name: str, password: str, language: str | None = None) -> Session:
        """A new ticket for a name and a password, or the same ticket for a live ticket and no password.

        Raises Refused [900] or [902], and Unavailable.
        """
        guid = _ticket_for_name(user_name, password)
        if guid is not None:
            return self._continue(guid, language)
        return self._issue(self._logged_on(user_name, password), language)

    def renew(self, user_name: str, password: str, language: str | None, old_guid: bytes | None) -> Session:
        """Restart the old ticket's window if it is alive and the same user's; else as ``log_in``. The credentials are
        checked in either case.

        Raises Refused [900] or [902], and Unavailable.
        """
        guid = _ticket_for_name(user_name, password)
        if guid is not None:
            session = self._continue(guid, language)
            return (self._renewed(old_guid, session.user, language) if old_guid else None) or session
        user = self._logged_on(user_name, password)
        return (self._renewed(old_guid, user, language) if old_guid else None) or self._issue(user, language)

    def validate(self, guid: bytes | None) -> Session:
        """The session of a live ticket, whose window stays as it is. Raises Refused [901] and Unavailable."""
        ticket = self._tickets.look(guid) if guid is not None else None
        return self._session(guid, ticket, INVALID_TICKET)

    def use(self, guid: bytes | None) -> Session:
        """The session of a live ticket, whose window restarts. Raises Refused [901] and Unavailable."""
        ticket = self._tickets.renew(guid) if guid is not None else None
        return self._session(guid, ticket, INVALID_TICKET)

    def log_out(self, guid: bytes | None) -> Session:
        """End a live ticket and give the session that it was. Raises Refused [901] and Unavailable."""
        ticket = self._tickets.remove(guid) if guid is not None else None
        return self._session(guid, ticket, INVALID_TICKET)

    def create_for_user(self, trusted_password: str, user_name: str) -> Session:
        """A ticket for a user whom a trusted program vouches for. Raises Refused [900] or [902], and Unavailable."""
        if self._policy.is_sysadmin(user_name):
            raise Refused(GENERATION_NOT_ALLOWED)
        trusted = self._policy.trusts(trusted_password)
        credentials = self._directory.find(user_name)
        if not trusted or credentials is None or not credentials.user.profile.enabled:
            raise Refused(AUTHENTICATION_FAILED)
        self._refuse_sysadmin(credentials.user)
        return self._issue(credentials.user, None)

    def _logged_on(self, user_name: str, password: str) -> User:
        """The user whose password this is, as they were before this logon, which is written down.

        One text and one duration for every reason to say no (SECURITY A5, A6).
        """
        credentials = self._directory.find(user_name)
        stored_hash = credentials.password_hash if credentials else None
        verification = self._passwords.verify(stored_hash, password)
        if credentials is None or not verification.ok or not credentials.user.profile.enabled:
            raise Refused(AUTHENTICATION_FAILED)
        user = credentials.user
        self._refuse_sysadmin(user)
        try:
            rehash = None
            if verification.needs_rehash:
                rehash = Rehash(old=stored_hash or "", new=self._passwords.hash(password))
            self._directory.change(user.id, last_logon=self._clock(), rehash=rehash)
        except Unavailable as error:
            # Neither is worth a login that fails (SECURITY A2).
            _log.warning("the logon of user %d was not written: %s", user.id, error)
        return user

    def _refuse_sysadmin(self, user: User) -> None:
        # By the name of the row that was found, whatever spelling found it (SECURITY A7).
        if self._policy.is_sysadmin(user.profile.user_name):
            raise Refused(GENERATION_NOT_ALLOWED)

    def _continue(self, guid: bytes, language: str | None) -> Session:
        """CONTRACT 1.2: a live ticket and no password stand for the user, and answer with that same ticket."""
        session = self._session(guid, self._tickets.renew(guid), AUTHENTICATION_FAILED)
        self._refuse_sysadmin(session.user)
        if not (language or "").strip():
            return session
        return self._renewed(guid, session.user, language) or session

    def _renewed(self, guid: bytes, user: User, language: str | None) -> Session | None:
        chosen = self._policy.languages.choose(language, user.profile.language)
        ticket = self._tickets.renew(guid, user_id=user.id, language=chosen)
        if ticket is None:
            return None
        if ticket.security_stamp != user.security_stamp:
            self._tickets.remove(guid)
            return None
        return Session(guid, ticket, user)

    def _issue(self, user: User, language: str | None) -> Session:
        # The ticket comes last: whatever fails before it leaves no live ticket behind (SECURITY A8).
        guid = new_guid(self._random_bytes)
        ticket = self._tickets.add(
            guid,
            user_id=user.id,
            security_stamp=user.security_stamp,
            language=self._policy.languages.choose(language, user.profile.language),
            previous_logon=user.last_logon,
        )
        return Session(guid, ticket, user)

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


def _ticket_for_name(user_name: str, password: str) -> bytes | None:
    """The ticket that stands in a name's place, or None where it is a name. A password makes it a name."""
    return parse_guid(user_name) if not password else None
