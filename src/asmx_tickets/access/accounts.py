"""The rules for what operators store in accounts. They refuse what would never work or could be guessed at once."""

import re

from asmx_tickets.access.policy import Languages
from asmx_tickets.errors import UserError
from asmx_tickets.users.password_policy import PasswordPolicy
from asmx_tickets.users.user import Profile, account_key

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


class AccountRules:
    """The rules for accounts that are added or changed. Existing accounts are not checked."""

    def __init__(self, passwords: PasswordPolicy, languages: Languages, *, sysadmin_name: str = "") -> None:
        self._passwords = passwords
        self._languages = languages
        self._sysadmin_name = sysadmin_name

    def check_password(self, password: str, user_name: str) -> None:
        """Raises UserError, in a line that has no part of the password."""
        complaint = self._passwords.complaint(password, user_name)
        if complaint is not None:
            raise UserError(complaint, "password")

    def check_profile(self, profile: Profile) -> None:
        """Raise UserError for a language that no session can have, or an invalid e-mail address."""
        if profile.email and not _ADDRESS.fullmatch(profile.email):
            complaint = "The e-mail address must have one @ between a name and a host, and no white space."
            raise UserError(complaint, "email")
        supported = self._languages.supported
        if profile.language and profile.language.lower() not in {code.lower() for code in supported}:
            complaint = f"The language must be one of Languages:Supported ({', '.join(supported)})."
            raise UserError(complaint, "language")

    def warnings(self, profile: Profile) -> tuple[str, ...]:
        """What may surprise an operator about this account, one line each."""
        if self._sysadmin_name and account_key(profile.user_name) == account_key(self._sysadmin_name):
            return (f"{profile.user_name} is SysadminAccountName, the account that never gets a ticket.",)
        return ()
