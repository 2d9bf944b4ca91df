"""Who gets a ticket, and in which language, according to the settings (CONTRACT 1.2, 3)."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from asmx_tickets.errors import SettingsError
from asmx_tickets.networks import Network, lies_in
from asmx_tickets.users.user import account_key


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages a session can have, as codes (``en``, ``de-AT``), and the one that others fall back to.

    Raises:
        SettingsError: the default is not one of the supported languages.
    """

    supported: tuple[str, ...] = ("en", "de", "fr", "nl", "tr")
    default: str = "en"
    _by_key: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.default not in self.supported:
            raise SettingsError("The default language must be one of the supported ones.")
        object.__setattr__(self, "_by_key", {code.lower(): code for code in reversed(self.supported)})

    def choose(self, asked: str | None, preferred: str) -> str:
        """CONTRACT 1.2: unknown → the default; empty → the user's own preference; letter case is ignored."""
        wanted = (asked or "").strip() or preferred.strip()
        return self._by_key.get(wanted.lower(), self.default)


@dataclass(frozen=True, slots=True)
class TrustedPasswords:
    """The valid values of TrustedUserPwd, of which only digests are kept. Without any, nobody is trusted."""

    _digests: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def of(cls, passwords: Iterable[str]) -> "TrustedPasswords":
        """Make it from passwords; empty ones are left out."""
        return cls(tuple(_digest(password) for password in passwords if password))

    def __contains__(self, password: str) -> bool:
        """The time that this takes does not reveal how much of the password was right (SECURITY B6)."""
        given = _digest(password)
        matches = [hmac.compare_digest(given, known) for known in self._digests]
        return any(matches)


class Policy:
    """Who may have a ticket, and who may ask for one for somebody else.

    Args:
        languages: the languages of sessions.
        sysadmin_name: the login name of the account that never gets a ticket; empty names nobody.
        trusted_passwords: the values of TrustedUserPwd; with none, CreateTicketforUser is off.
        trusted_networks: where CreateTicketforUser may be called from; with none, anywhere.
    """

    def __init__(
        self,
        languages: Languages,
        *,
        sysadmin_name: str = "",
        trusted_passwords: Iterable[str] = (),
        trusted_networks: Iterable[Network] = (),
    ) -> None:
        self.languages = languages
        self._sysadmin_key = account_key(sysadmin_name)
        self._trusted_passwords = TrustedPasswords.of(trusted_passwords)
        self._trusted_networks = tuple(trusted_networks)

    def is_sysadmin(self, user_name: str) -> bool:
        """Whether this is the sysadmin's login name, in whatever letter case (SECURITY A7)."""
        return bool(self._sysadmin_key) and account_key(user_name) == self._sysadmin_key

    def trusts(self, password: str) -> bool:
        """Whether this is a TrustedUserPwd."""
        return password in self._trusted_passwords

    def trusts_network(self, address: str) -> bool:
        """Whether CreateTicketforUser may be called from there (SECURITY H8)."""
        return not self._trusted_networks or lies_in(address, self._trusted_networks)


def _digest(password: str) -> bytes:
    return sha256(password.encode("utf-8", "surrogatepass")).digest()
