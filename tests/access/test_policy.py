"""What the settings say about tickets."""

import pytest

from asmx_tickets.access.policy import Languages, Policy
from asmx_tickets.errors import SettingsError


@pytest.mark.parametrize(
    ("asked", "preferred", "chosen"),
    [
        ("DE", "", "de"),
        (" de ", "fr", "de"),
        ("", "FR", "fr"),
        (None, "fr", "fr"),
        ("xx", "fr", "en"),
        (None, "", "en"),
        (" ", " ", "en"),
        ("de-at", "", "de-AT"),
    ],
)
def test_the_language_of_a_session(asked: str | None, preferred: str, chosen: str) -> None:
    """CONTRACT 1.2."""
    assert Languages(("en", "de", "fr", "de-AT"), "en").choose(asked, preferred) == chosen


def test_the_default_language_is_a_supported_one() -> None:
    with pytest.raises(SettingsError, match="default language"):
        Languages(("en", "de"), "fr")


def test_each_trusted_password_counts_and_an_empty_one_never() -> None:
    """SECURITY B6, D7."""
    policy = Policy(Languages(), trusted_passwords=("one", "", "two"))
    assert policy.trusts("one")
    assert policy.trusts("two")
    for other in ("", "on", "onetwo", "\ud800", "One"):
        assert not policy.trusts(other)
    assert not Policy(Languages()).trusts("")


def test_a_policy_shows_no_secret() -> None:
    """SECURITY C1."""
    policy = Policy(Languages(), trusted_passwords=("canary",))
    assert "canary" not in repr(policy) + repr(vars(policy))


def test_the_sysadmin_is_found_in_any_letter_case_and_empty_names_nobody() -> None:
    policy = Policy(Languages(), sysadmin_name="Chief")
    assert policy.is_sysadmin("CHIEF")
    assert not policy.is_sysadmin("chief ")
    assert not Policy(Languages()).is_sysadmin("")
