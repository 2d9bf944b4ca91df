"""Profiles validate themselves, and login names compare as CONTRACT 1 says."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from asmx_tickets.errors import UserError
from asmx_tickets.users.user import Credentials, Profile, User, account_key

# All of Unicode, with the characters that fold, compose and reorder in unusual ways well represented.
NAMES = st.text(
    st.one_of(st.characters(), st.sampled_from("jJßẞſKİıǰςΣᾼͅΐﬁ\u030c\u0323\u0307\u0345\u00b5")), max_size=12
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("jsmith", "JSmith"),
        ("MÜLLER", "müller"),
        ("m\u00fcller", "mu\u0308ller"),
        ("STRASSE", "straße"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("J\u0323\u030c", "j\u0323\u030c"),
    ],
)
def test_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    """Letter case and composition make no difference."""
    assert account_key(one) == account_key(other)


@pytest.mark.parametrize("other", ["jsmıth", "ｊsmith", "jsmith ", " jsmith", "jsmíth", "jsmith\0", "jsmith\u200b"])
def test_names_that_only_look_alike_have_different_keys(other: str) -> None:
    """SECURITY A7: width, accents, dotless letters and white space are never folded away."""
    assert account_key("jsmith") != account_key(other)


@settings(deadline=None)
@given(NAMES)
def test_a_key_is_its_own_key(name: str) -> None:
    """A stored key can be compared with a fresh one."""
    assert account_key(account_key(name)) == account_key(name)


@settings(deadline=None)
@given(NAMES)
def test_canonically_equal_names_have_one_key(name: str) -> None:
    """A client may send a name composed or decomposed."""
    assert account_key(unicodedata.normalize("NFD", name)) == account_key(name)


@settings(deadline=None)
@given(st.text("abcXYZéÉüÜ09._-@", max_size=20))
def test_letter_case_makes_no_difference(name: str) -> None:
    """CONTRACT 1: login names compare without regard to case."""
    assert account_key(name.swapcase()) == account_key(name)


def test_a_name_too_long_for_an_account_costs_nothing() -> None:
    """Normalising it would take time in the square of its length."""
    name = "a" + "\u0323\u030c" * 500_000
    assert account_key(name) is name


def test_a_profile_keeps_what_it_is_given() -> None:
    """Nothing is trimmed, folded or composed."""
    profile = Profile("Mu\u0308ller", " Jo\tn", "", "j@example.com", "MyLibrary", "de", read_only=True, enabled=False)
    assert profile.user_name == "Mu\u0308ller"
    assert profile.first_name == " Jo\tn"


@pytest.mark.parametrize(
    ("first", "last", "full"),
    [("John", "Smith", "John Smith"), ("John", "", "John"), ("", "Smith", "Smith"), ("", "", ""), (" J", "S ", "J S")],
)
def test_full_name_is_joined_by_one_space_and_trimmed(first: str, last: str, full: str) -> None:
    """CONTRACT 1."""
    assert Profile("jsmith", first, last).full_name == full


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"user_name": ""}, "user name"),
        ({"user_name": " "}, "user name"),
        ({"user_name": " jsmith"}, "user name"),
        ({"user_name": "jsmith\u00a0"}, "user name"),
        ({"user_name": "j\tsmith"}, "user name"),
        ({"user_name": "jsmith\0"}, "user name"),
        ({"user_name": "j\x85smith"}, "user name"),
        ({"user_name": "j\ud800"}, "user name"),
        ({"user_name": "j\uffff"}, "user name"),
        ({"user_name": "j" * 257}, "user name"),
        ({"user_name": "j", "first_name": "a\nb"}, "first name"),
        ({"user_name": "j", "last_name": "\x1b[31m"}, "last name"),
        ({"user_name": "j", "email": "a" * 321}, "e-mail address"),
        ({"user_name": "j", "domain": "\x7f"}, "domain"),
        ({"user_name": "j", "language": "\udfff"}, "language"),
    ],
)
def test_a_bad_value_is_refused_in_one_line_that_names_the_field(values: dict[str, str], named: str) -> None:
    """The message holds nothing of the value, which may be unprintable."""
    with pytest.raises(UserError) as caught:
        Profile(**values)
    assert f"The {named} " in str(caught.value)
    assert str(caught.value).isprintable()


def test_the_longest_values_are_taken() -> None:
    """Limits are in characters, and inclusive."""
    longest = Profile("j" * 256, "f" * 256, "l" * 256, "e" * 320, "d" * 256, "g" * 64)
    assert len(longest.email) == 320


@settings(deadline=None)
@given(st.text(max_size=20), st.text(max_size=20))
def test_whatever_a_profile_takes_survives_xml(user_name: str, first_name: str) -> None:
    """GetCurrentUser writes each value into an attribute (CONTRACT 1.3)."""
    try:
        profile = Profile(user_name, first_name)
    except UserError:
        return
    element = etree.Element("User", UserName=profile.user_name, FirstName=profile.first_name)
    read = etree.fromstring(etree.tostring(element))
    assert dict(read.attrib) == {"UserName": user_name, "FirstName": first_name}


def test_credentials_never_show_the_hash() -> None:
    """A hash in a log is a leak (SECURITY L1)."""
    user = User(42, Profile("jsmith"), 1, None, None)
    assert "argon2" not in repr(Credentials(user, "$argon2id$secret"))
