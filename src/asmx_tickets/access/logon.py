"""One logon with a name and a password. Its result is the user, or the same refusal for every reason.

All operations and bindings that take a password use this, so they share one count of failures (SECURITY B3).
"""

import logging
import math
import unicodedata

from asmx_tickets.access.refusals import AuthenticationFailed
from asmx_tickets.audit import AuditLog, Caller, Event, Record
from asmx_tickets.errors import Unavailable
from asmx_tickets.recurring import Recurring
from asmx_tickets.throttling import Admission, Attempt, Throttle, Throttled, network_of
from asmx_tickets.throttling.guarding import guarding
from asmx_tickets.tickets.ticket import digest, parse_guid, short_hash
from asmx_tickets.users.user import User
from asmx_tickets.users.verifier import Claim, Verifier

_LONGEST_NAME = 1024
_WORTH_A_WARNING = 60.0  # Seconds (SECURITY D19).

_log = logging.getLogger(__name__)


class Logons:
    """Checks names and passwords. Thread-safe as far as its stores are."""

    def __init__(
        self, *, verifier: Verifier, throttle: Throttle, audit: AuditLog, recurring: Recurring | None = None
    ) -> None:
        """``recurring`` logs logons that can't be written down."""
        self._verifier = verifier
        self._throttle = throttle
        self._audit = audit
        self._recurring = recurring or Recurring()

    def check(self, user_name: str, password: str, caller: Caller) -> User:
        """Check a password, note the logon, and return the enabled user as they were before it.

        Every refusal has the same text and takes the same time (SECURITY A5, A6).

        Raises AuthenticationFailed and Unavailable.
        """
        claim = self._verifier.claim(user_name)
        network = network_of(caller.address)
        try:
            with guarding(self._throttle, _attempt(user_name, claim.user, network)) as outcome:
                verified = claim.verify(password, owner=network)
                if isinstance(verified, User):
                    outcome.succeeded()
                else:
                    wait = outcome.failed()
        except Throttled as throttled:
            self._refuse_early(throttled, claim, password, network)
            self._note(Event.LOGIN_REFUSED, user_name, claim.user, caller, f"throttled: {throttled.reason}")
            raise AuthenticationFailed from None
        if isinstance(verified, User):
            try:
                claim.note_logon(password)
            except Unavailable as error:
                self._recurring.note("logons are not written down", error, f"of user {verified.id}")
            return verified
        self._note(Event.LOGIN_REFUSED, user_name, claim.user, caller, verified)
        if wait:
            until = "an operator acts" if math.isinf(wait) else f"{wait:g} s have passed"
            self._note(Event.LOCK, user_name, claim.user, caller, f"until {until}")
            if wait >= _WORTH_A_WARNING and claim.user is not None:
                name = claim.user.profile.user_name
                _log.warning("passwords of user %r are refused until %s; the last wrong one: %s", name, until, network)
        raise AuthenticationFailed

    @staticmethod
    def _refuse_early(throttled: Throttled, claim: Claim, password: str, network: str) -> None:
        """The refusal of an address depends on nothing secret, and a flood costs no hash (SECURITY D20)."""
        if throttled.reason is not Admission.ADDRESS:
            claim.pretend(password, owner=network)

    def _note(self, event: Event, user_name: str, user: User | None, caller: Caller, reason: str) -> None:
        name, user_id = (as_typed(user_name), None) if user is None else (user.profile.user_name, user.id)
        write_if_possible(self._audit, Record(event, caller, name, user_id, reason=reason))


def write_if_possible(audit: AuditLog, record: Record) -> None:
    """Note what has already happened. If that fails, only the log tells of it."""
    try:
        audit.write(record)
    except Unavailable as error:
        _log.error("%s Lost: %s of user %s", error, record.event, record.user_id)


def as_typed(user_name: str) -> str:
    """A name without an account, for the audit log. A ticket given as the name becomes its short hash."""
    guid = parse_guid(user_name)
    return user_name if guid is None else f"ticket {short_hash(digest(guid))}"


def account_of(user_id: int) -> str:
    """The key under which a throttle counts the failures of an account."""
    return str(user_id)


def _attempt(user_name: str, user: User | None, network: str) -> Attempt:
    """The attempt to count. It counts for the account if there is one, not for the spelling used (SECURITY B2).

    The security stamp rises with a new password and when an account is disabled, so either lets the user in again.
    """
    if user is not None:
        return Attempt(account_of(user.id), True, network, user.security_stamp)
    name = unicodedata.normalize("NFKC", user_name[:_LONGEST_NAME]).strip().casefold()
    return Attempt(name, False, network)
