"""The English names of languages."""

import re

import pytest
from babel import Locale, UnknownLocaleError, localedata

from asmx_tickets.language_names import english_name

_CODE = re.compile(r"([a-z]{2,3})(?:_[A-Z][a-z]{3})?(_(?:[A-Z]{2}|[0-9]{3}))?")


def _codes() -> list[str]:
    """The languages of CLDR, alone and with the territories where it has them."""
    found = (_CODE.fullmatch(name) for name in localedata.locale_identifiers())
    return sorted({(each[1] + (each[2] or "")).replace("_", "-") for each in found if each})


def test_the_table_is_cldrs() -> None:
    """Whatever name Babel has for a language, it has the same."""
    wrong = {}
    for code in _codes():
        try:
            name = Locale.parse(code, sep="-").get_display_name("en")
        except (ValueError, UnknownLocaleError):
            continue
        if name and english_name(code) != name:
            wrong[code] = (name, english_name(code))
    assert not wrong
    assert len(_codes()) > 800


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("en", "English"),
        ("EN", "English"),
        ("de-at", "German (Austria)"),
        ("es-419", "Spanish (Latin America)"),
        ("zh-TW", "Chinese (Traditional, Taiwan)"),
        ("iw", "Hebrew"),
        ("xx", "xx"),
        ("de-XX", "de-XX"),
        ("", ""),
    ],
)
def test_a_code_without_a_name_names_itself(code: str, name: str) -> None:
    assert english_name(code) == name
