"""How many failures are too many, and how long the wait is then (SECURITY B1, B4, B6). Durations in seconds."""

import ipaddress
import math
from dataclasses import dataclass
from functools import lru_cache

from asmx_tickets.errors import SettingsError
from asmx_tickets.networks import parse_address

_MAX_ADDRESS = 64  # Characters of a text that is no address; the longest address with a zone is about as long.
# Back-ends count whole milliseconds, in numbers that are exact up to 2^53; and what is bounded is bounded by these.
_SHORTEST, _LONGEST = 0.001, 366 * 86_400.0
_MOST = 100_000
_DAY = 86_400.0


def _check_number(what: str, number: int, most: int = _MOST) -> None:
    if not 1 <= number <= most:
        raise SettingsError(f"The number of {what} must be from 1 to {most}, not {number}.")


def _check_seconds(what: str, seconds: float) -> None:
    if not _SHORTEST <= seconds <= _LONGEST:  # So that NaN is out of range too.
        raise SettingsError(f"{what} must be from a millisecond to a year, not {seconds:g} seconds.")


@dataclass(frozen=True, slots=True)
class AccountRule:
    """What consecutive failures cost an account.

    The first ``free`` cost nothing but the last of them: after it, and after each one more, the account waits, at
    first ``first_wait`` and then twice as long each time, up to ``longest_wait``. ``forget_after`` without a failure
    the next ``free`` are free again. The count of all since the last success stays; once it is ``disable_at``
    (0: never), no password is right until an operator acts.

    A network from which the account has logged on within ``known_for`` has a count of its own. All others have one
    together, and beyond ``many`` failures in a row there each costs ``many_wait`` (SECURITY D19).

    Raises:
        SettingsError: a number is out of range, or ``forget_after`` is not above ``longest_wait``, so that waiting
            would be enough to be free again.
    """

    free: int = 5
    first_wait: float = 1.0
    longest_wait: float = 900.0
    forget_after: float = 43_200.0
    disable_at: int = 0
    many: int = 100
    many_wait: float = 3600.0
    known_for: float = 30 * _DAY

    def __post_init__(self) -> None:
        _check_number("free failures", self.free)
        for name, seconds in (("first", self.first_wait), ("longest", self.longest_wait)):
            _check_seconds(f"The {name} wait after failed logins", seconds)
        _check_seconds("The time after which failed logins are forgotten", self.forget_after)
        _check_number("failures that are many", self.many)
        _check_seconds("The wait after many failed logins", self.many_wait)
        _check_seconds("The time for which a network is known", self.known_for)
        if self.longest_wait < self.first_wait:
            raise SettingsError("The longest wait after failed logins is shorter than the first.")
        if self.forget_after <= self.longest_wait:
            raise SettingsError("Failed logins must be remembered for longer than the longest wait after one.")
        if self.disable_at:
            _check_number("failures that disable a password", self.disable_at)
            if self.disable_at < self.free:
                raise SettingsError("A password can't be disabled by fewer failures than are free; 0 for never.")

    def wait_after(self, streak: int) -> float:
        """How long an account waits after the last of so many failures, seconds."""
        if streak < self.free:
            return 0.0
        return min(math.ldexp(self.first_wait, min(streak - self.free, 64)), self.longest_wait)


@dataclass(frozen=True, slots=True)
class AddressRule:
    """How many failures an address has: ``burst`` at once, and one more each ``seconds``.

    One from which a secret was right within ``known_for`` is never too early with one that is right.

    Raises:
        SettingsError: a number is out of range.
    """

    burst: int = 30
    seconds: float = 3.0
    known_for: float = 30 * _DAY

    def __post_init__(self) -> None:
        _check_number("failures of one address", self.burst)
        _check_seconds("The time for one more failure of an address", self.seconds)
        _check_seconds("The time for which an address is known", self.known_for)
        _check_seconds("The time until an address is free again", self.burst * self.seconds)


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """An alarm for ``failures`` within any ``seconds``, whoever failed; at most one in that time. It stops nobody.

    Raises:
        SettingsError: a number is out of range, or more than 1000 failures would have to be remembered.
    """

    failures: int = 50
    seconds: float = 3600.0

    def __post_init__(self) -> None:
        _check_number("failures for an alarm", self.failures, most=1000)
        _check_seconds("The time in which failures raise an alarm", self.seconds)

    def __str__(self) -> str:
        return f"{self.failures} failures within {self.seconds:g} seconds"


@dataclass(frozen=True, slots=True)
class ThrottleRules:
    """The rules that one throttle keeps; where one is None, nothing is throttled by that."""

    account: AccountRule | None
    address: AddressRule | None
    alarm: AlarmRule | None = None


LOGINS = ThrottleRules(AccountRule(), AddressRule())
"""For logins (SECURITY B1, B4)."""

TRUSTED_PASSWORDS = ThrottleRules(account=None, address=AddressRule(burst=5, seconds=180.0), alarm=AlarmRule())
"""For TrustedUserPwd (SECURITY B6): 5 failures in 15 minutes per address, an alarm for 50 in an hour."""


def network_of(address: str) -> str:
    """What failures of this address are counted for: an IPv4 address itself, also where it is mapped into IPv6, and
    the /64 of an IPv6 one, since that is what one customer gets.

    Text that is no address counts for itself, as far as its first 64 characters.
    """
    return _network_of(address[:_MAX_ADDRESS])


@lru_cache(maxsize=4096)
def _network_of(address: str) -> str:
    parsed = parse_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(parsed), 64), strict=False))
    return address if parsed is None else str(parsed)
