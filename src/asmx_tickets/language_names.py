"""The English names of languages, from a small table of Unicode's CLDR."""

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def english_name(code: str) -> str:
    """A language's English name, as .NET's CultureInfo.EnglishName has it (``de-AT`` is German (Austria)).

    The code itself where it has none; letter case is ignored.
    """
    language, separator, territory = code.partition("-")
    language, territory = language.lower(), territory.upper()
    table = _table()
    name: str | None = table["languages"].get(language)
    if name is None or not separator:
        return name or code
    place = table["territories"].get(territory)
    # Where a language is written in several scripts, the name tells which one it is there.
    written: str | None = table["cultures"].get(f"{language}-{territory}")
    return written or (f"{name} ({place})" if place else code)


@cache
def _table() -> dict[str, Any]:
    text = files("asmx_tickets").joinpath("language_names.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table
