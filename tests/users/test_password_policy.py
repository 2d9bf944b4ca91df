"""What a new password must be."""

from importlib.resources import files

import pytest

from asmx_tickets.users.password_policy import PasswordPolicy


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("correct horse battery", None),
        ("Secret123!", None),
        ("пароль-и-ещё", None),
        ("12345678", "one of the 10,000"),
        ("PassWord1", "one of the 10,000"),
        ("ｐａｓｓｗｏｒｄ", "one of the 10,000"),
        ("x", "shorter than 8"),
        ("seven77", "shorter than 8"),
        ("john.smith", "is the user name"),
        (" JOHN.Smith ", "is the user name"),
        ("", "is empty"),
        ("        ", "nothing but white space"),
    ],
)
def test_what_is_guessed_first_is_refused(password: str, said: str | None) -> None:
    """In any letter case and width."""
    complaint = PasswordPolicy().complaint(password, "John.Smith")
    if said is None:
        assert complaint is None
    else:
        assert complaint is not None
        assert said in complaint


def test_the_least_length_is_the_settings() -> None:
    assert PasswordPolicy(min_length=1).complaint("ü", "a") is None
    assert "shorter than 16" in (PasswordPolicy(min_length=16).complaint("fifteen chars..", "a") or "")


def test_the_list_has_ten_thousand_and_its_licence() -> None:
    lines = files("asmx_tickets.users").joinpath("common_passwords.txt").read_text("ascii").splitlines()
    said = [line for line in lines if line.startswith("#")]
    assert len(set(lines) - set(said)) == 10_000
    assert any("MIT License" in line for line in said)
