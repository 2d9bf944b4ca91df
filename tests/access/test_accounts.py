"""What an operator may give an account."""

import pytest

from asmx_tickets.access.accounts import AccountRules
from asmx_tickets.access.policy import Languages
from asmx_tickets.errors import UserError
from asmx_tickets.users.password_policy import PasswordPolicy
from asmx_tickets.users.user import Profile

RULES = AccountRules(PasswordPolicy(), Languages(), sysadmin_name="Sysadmin")


@pytest.mark.parametrize("email", ["", "a@b", "john.smith@example.com", "o'neil+x@mail.example"])
@pytest.mark.parametrize("language", ["", "en", "DE"])
def test_what_works_is_taken(email: str, language: str) -> None:
    RULES.check_profile(Profile("a", email=email, language=language))


@pytest.mark.parametrize("email", ["canary", "@", "canary@", "@canary", "a@canary@c", "a canary@c", " canary@b"])
def test_what_is_no_address_is_refused(email: str) -> None:
    """And not repeated: it may be a password in the wrong column."""
    with pytest.raises(UserError, match=r"^The e-mail address .*\.$") as caught:
        RULES.check_profile(Profile("a", email=email))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("language", ["xx", "english", "de-AT"])
def test_a_language_that_no_session_has_is_refused(language: str) -> None:
    with pytest.raises(UserError, match=r"Languages:Supported \(en, de, fr, nl, tr\)"):
        RULES.check_profile(Profile("a", language=language))


def test_an_account_that_is_the_sysadmins_is_warned_about() -> None:
    assert RULES.warnings(Profile("SYSADMIN")) == (
        "SYSADMIN is SysadminAccountName, the account that never gets a ticket.",
    )
    assert RULES.warnings(Profile("admin")) == ()
