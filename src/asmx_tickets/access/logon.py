"""One logon with a name and a password: who it is, or the one refusal for every reason to say no.

All operations and bindings that take a password come through here, so they share one count of failures (SECURITY B3).
"""

import logging
import math
import unicodedata
from collections.abc import Callable
from functools import partial

from asmx_tickets.audit import AuditLog, Caller, Event, Record
from asmx_tickets.errors import Refused, Unavailable
from asmx_tickets.throttling import Admission, Attempt, Throttle, Throttled, guarding, network_of
from asmx_tickets.tickets.ticket import digest, parse_guid, short_hash
from asmx_tickets.users.directory import Rehash, UserDirectory
from asmx_tickets.users.passwords import PasswordHasher, Verification
from asmx_tickets.users.user import Credentials, User
from asmx_tickets.waiting import Lane, in_thread

AUTHENTICATION_FAILED = "[900] Authentication failed"

_LONGEST_NAME = 1024

_log = logging.getLogger(__name__)


class Logons:
    """Checks names and passwords. Thread-safe as far as its stores are."""

    def __init__(
        self,
        *,
        directory: UserDirectory,
        passwords: PasswordHasher,
        throttle: Throttle,
        audit: AuditLog,
        clock: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._passwords = passwords
        self._throttle = throttle
        self._audit = audit
        self._clock = clock

    def check(self, user_name: str, password: str, caller: Caller) -> User:
        """The enabled user whose password this is, as they were before this logon, which is written down.

        One text and one duration for every reason to say no (SECURITY A5, A6): where a password must not be looked
        at, it is compared with nobody's.

        Raises Refused [900], and Unavailable.
        """
        credentials = self._directory.find(user_name)
        try:
            with guarding(self._throttle, _attempt(user_name, credentials, caller)) as outcome:
                verification = self._verify(credentials.password_hash if credentials else None, password, caller)
                reason = _complaint(credentials, verification)
                if reason is None:
                    outcome.succeeded()
                else:
                    wait = outcome.failed()
        except Throttled as throttled:
            reason, wait = f"throttled: {throttled.reason}", 0.0
            # The refusal of an address depends on nothing secret, and a flood costs no hash (SECURITY D20).
            if throttled.reason is not Admission.ADDRESS:
                self._verify(None, password, caller)
        if credentials is None or reason is not None:
            who = _account(user_name, credentials)
            write_if_possible(self._audit, Record(Event.LOGIN_REFUSED, caller, *who, reason=reason or ""))
            if wait:
                until = "an operator acts" if math.isinf(wait) else f"{wait:g} s have passed"
                write_if_possible(self._audit, Record(Event.LOCK, caller, *who, reason=f"until {until}"))
            raise Refused(AUTHENTICATION_FAILED)
        self._write_down(credentials, verification, password)
        return credentials.user

    def _verify(self, stored_hash: str | None, password: str, caller: Caller) -> Verification:
        """Compare, which takes a core for some 30 ms. Nobody's logins fill the queue for it."""
        owner = network_of(caller.address)
        return in_thread(Lane.HASH, partial(self._passwords.verify, stored_hash, password), owner=owner)

    def _write_down(self, credentials: Credentials, verification: Verification, password: str) -> None:
        """Note when it was and, where the hash parameters have changed, the password's new hash.

        Neither is worth a logon that fails (SECURITY A2).
        """
        user_id = credentials.user.id
        try:
            rehash = None
            if verification.needs_rehash:
                new_hash = partial(self._passwords.hash, password)
                rehash = Rehash(old=credentials.password_hash or "", new=in_thread(Lane.HASH, new_hash))
            self._directory.change(user_id, last_logon=self._clock(), rehash=rehash)
        except Unavailable as error:
            _log.warning("the logon of user %d was not written: %s", user_id, error)


def write_if_possible(audit: AuditLog, record: Record) -> None:
    """Note what has happened already. A log that fails then is an operator's business, and nobody else's."""
    try:
        audit.write(record)
    except Unavailable as error:
        _log.error("%s Lost: %s of user %s", error, record.event, record.user_id)


def _attempt(user_name: str, credentials: Credentials | None, caller: Caller) -> Attempt:
    """What the attempt counts for: the account, not the spelling that found it (SECURITY B2).

    The security stamp rises with a new password and when an account is disabled, so either lets the user in again.
    """
    if credentials is not None:
        account = f"{credentials.user.id}:{credentials.user.security_stamp}"
    else:
        account = unicodedata.normalize("NFKC", user_name[:_LONGEST_NAME]).strip().casefold()
    return Attempt(account, credentials is not None, network_of(caller.address))


def _complaint(credentials: Credentials | None, verification: Verification) -> str | None:
    """Why these are no good, for the audit log; None if they are good."""
    if credentials is None:
        return "unknown user"
    if not verification.ok:
        return "wrong password"
    return None if credentials.user.profile.enabled else "disabled user"


def as_typed(user_name: str) -> str:
    """A name without an account, for the audit log; the short hash where a ticket stands in its place."""
    guid = parse_guid(user_name)
    return user_name if guid is None else f"ticket {short_hash(digest(guid))}"


def _account(user_name: str, credentials: Credentials | None) -> tuple[str, int | None]:
    return (
        (as_typed(user_name), None)
        if credentials is None
        else (credentials.user.profile.user_name, credentials.user.id)
    )
