"""The errors of the whole program.

::

    AsmxTicketsError
    ├── SettingsError   a setting is unknown, contradictory or has a bad value
    ├── Unavailable     a store does not answer
    │   └── Busy        too many callers wait for it already
    ├── Refused         a normal answer that says no, with its text on the wire: see access/refusals.py
    └── UserError       a user can't be added or changed as asked

Every message is one line that a person can act on. Any other exception is a bug: it is logged under the request's id
and answered as ``soap:Server`` (CONTRACT 2.4).
"""


class AsmxTicketsError(Exception):
    """Base of all errors that this program raises on purpose."""


class SettingsError(AsmxTicketsError):
    """A setting stops the start. The message names the key."""


class Unavailable(AsmxTicketsError):
    """The service can't answer now, though the request was right. The message is for the log, not for the client."""

    told = False
    """Whether the log says already that a store is gone, which is why."""


class Busy(Unavailable):
    """The store works, but too many callers wait for it already."""


class UserError(AsmxTicketsError):
    """A user can't be added or changed as asked. ``field`` is the attribute of the profile, or ``password``."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field
