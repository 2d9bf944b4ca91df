"""Who may try a password now: the interface that every back-end has.

An attempt is admitted *before* its password is looked at, and has then one outcome:

>>> admission = throttle.admit(attempt)    # Admission.ADMITTED
>>> throttle.succeeded(attempt)            # or failed(attempt), or abandoned(attempt)

Between the two it is undecided and counts as a failure, so that of many guesses at the same instant no more are looked
at than of many in a row. But where nothing stands in the way except attempts that are undecided, the answer is BUSY
and not a refusal: they may all be right. ``guarding`` asks again then, and sees to it that there is an outcome.
One that has none within ``DECIDED_WITHIN`` seconds, since its process died, has failed.

A refused attempt changes nothing, neither a count nor a wait. (SECURITY B1 to B4, D8, D14.)

The failures of an account that exists count by network: nobody can lock out its owner where the owner has logged on
from lately, by failing elsewhere (SECURITY D19).
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from asmx_tickets.errors import AsmxTicketsError
from asmx_tickets.throttling.rules import ThrottleRules, network_of

DECIDED_WITHIN = 10.0
KEPT = 400 * 86_400.0
"""Seconds after which an account that had no attempt admitted is forgotten altogether, its count too."""
MAX_UNKNOWN = 100_000
MAX_ADDRESSES = 100_000
MAX_NETWORKS = 256
"""How many networks of an account are remembered: those with the latest logons."""
SWEEP = 2
"""Outdated records that keeping one drops at most."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one password.

    Attributes:
        account: what the failures of all tries at one account have in common. Of an account that exists, its id; else
            the login name in the form in which names compare: any text, kept as a hash only.
        known: whether the account exists. Known accounts are all remembered, of unknown ones a bounded number; the
            same text means different accounts.
        address: where the try comes from; see ``network_of``.
        stamp: something that an operator changes by setting a new password or disabling the account, so that its
            failures are forgotten then. The networks that it knows stay.
        id: names this try; no other has the same.
    """

    account: str
    known: bool
    address: str
    stamp: int = 0
    id: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def network(self) -> str:
        """What its address counts as."""
        return network_of(self.address)


@dataclass(frozen=True, slots=True)
class Failures:
    """The failures of an account that count together: those from one network, or all from networks it does not know.

    Attributes:
        network: which; empty for all the others.
        number: how many since the last success.
        wait: how long the account has to wait there, seconds.
        disabled: whether no password is right there until an operator acts.
        last_from: the network of the last one.
        ago: when that was, in seconds before now.
    """

    network: str
    number: int
    wait: float
    disabled: bool
    last_from: str
    ago: float


class Admission(StrEnum):
    """Whether a password may be looked at; the words are for the audit log. A later one outweighs an earlier one: an
    address that must wait hears so whatever the account, since that refusal costs no hash (SECURITY D20)."""

    ADMITTED = "admitted"
    BUSY = "busy"
    """Not before others are decided, which may be in a moment."""
    ACCOUNT = "account"
    """No: the account has to wait after its last failure."""
    DISABLED = "disabled"
    """No, until an operator acts: too many failures of that account."""
    ADDRESS = "address"
    """No: too many failures from that address."""


class Throttled(AsmxTicketsError):
    """A password must not be looked at now. ``reason`` is ADDRESS, ACCOUNT or DISABLED."""

    def __init__(self, reason: Admission) -> None:
        super().__init__(_REFUSALS[reason])
        self.reason = reason


_REFUSALS = {
    Admission.ADDRESS: "Too many failed logins from this address: wait.",
    Admission.ACCOUNT: "Too many failed logins of this account: wait.",
    Admission.DISABLED: "Too many failed logins of this account: unlock it.",
}


class Throttle(Protocol):
    """Counts failures. Each call is atomic, also for other processes that share what is counted.

    A store that can't be reached raises ``Unavailable``: nobody is admitted then.
    """

    def admit(self, attempt: Attempt) -> Admission:
        """Whether the attempt's password may be looked at. If ADMITTED, it must get an outcome.

        Asked again with an attempt that is undecided, as after an answer that was lost, it counts once.
        """
        ...

    def succeeded(self, attempt: Attempt) -> None:
        """The password was right: forgets the account's failures from here and from networks it does not know.

        From now on it knows this one. Failures of the address stay, as if without this.
        """
        ...

    def failed(self, attempt: Attempt) -> float:
        """The password was wrong: counts that, unless it was counted already since it took too long.

        How long the account has to wait now, here, seconds: 0.0 if it need not, ``inf`` once it is disabled.
        """
        ...

    def abandoned(self, attempt: Attempt) -> None:
        """The password was never looked at: all is as before, unless that took too long (SECURITY R3)."""
        ...

    def recognize(self, attempt: Attempt) -> bool:
        """Whether a secret that is known to be right may count; if so, this is a success of its address.

        Only the rule for addresses applies, and not where the address has had a success lately: a program that has the
        secret goes on, whoever else fails there (SECURITY D19).
        """
        ...

    def failures(self, account: str) -> tuple[Failures, ...]:
        """The failures of a known account, from wherever there are some."""
        ...

    def locked(self) -> Iterator[str]:
        """The known accounts that have to wait now, from some networks at least, or are disabled there."""
        ...

    def unlock(self, account: str) -> bool:
        """Forget the failures of a known account, and keep the networks that it knows. Whether there were any."""
        ...

    def keep(self, rules: ThrottleRules) -> None:
        """Keep these rules from now on, with what is counted already. They throttle by the same as those before."""
        ...
