"""How .NET spells simple values, where spyne would read more than XML Schema allows or write otherwise."""

import decimal
import math
import re
from typing import Any

from spyne import Boolean, Date, DateTime, Decimal, Double, Integer

# XML Schema part 2. Python's own conversions also take "1_000", "infinity", other scripts' digits and more.
_SPELLINGS = (
    (Double, re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|-?INF|NaN")),
    (Integer, re.compile(r"[+-]?[0-9]+")),
    (Decimal, re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")),
    (Boolean, re.compile(r"(?i:true|false)|[01]")),
)
_NOT_FINITE = {"INF": math.inf, "-INF": -math.inf, "NaN": math.nan}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WITHOUT_SECONDS = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2})(Z|[+-][0-9]{2}:[0-9]{2})?")
_WRITTEN_TIME = re.compile(r"(.*T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:(\.[0-9]*[1-9])0*|\.0*)?(Z|[+-][0-9]{2}:[0-9]{2})?")


def not_finite(spyne_type: Any, text: str) -> float | None:
    """Infinity or not-a-number, where the text is one of XML Schema's names for them."""
    return _NOT_FINITE.get(text) if issubclass(spyne_type, Double) else None


def normalized(spyne_type: Any, text: str) -> str:
    """A value's text as spyne wants it.

    A date without a time is midnight to .NET, and seconds may be missing, as in what browsers' date fields send.
    Raises ValueError for text that is no value of the type.
    """
    for base, spelling in _SPELLINGS:
        if issubclass(spyne_type, base):
            if not spelling.fullmatch(text):
                raise ValueError(text)
            return text
    if issubclass(spyne_type, DateTime) and not issubclass(spyne_type, Date):
        if _DATE.fullmatch(text):
            return f"{text}T00:00:00"
        return _WITHOUT_SECONDS.sub(r"\1:00\2", text) if _WITHOUT_SECONDS.fullmatch(text) else text
    return text


def written(spyne_type: Any, value: Any, text: str) -> str:
    """The text that spyne wrote for a value, as .NET writes it."""
    if issubclass(spyne_type, Double):
        return _written_double(float(value))
    if issubclass(spyne_type, Decimal) and "E" in text:
        return format(decimal.Decimal(text), "f")  # xs:decimal has no exponent
    if issubclass(spyne_type, DateTime):
        return _written_time(text)
    return text


def _written_double(value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "INF" if value > 0 else "-INF"
    return repr(value).removesuffix(".0").replace("e", "E")


def _written_time(text: str) -> str:
    """Fractions without zeros at their end, UTC as ``Z``."""
    match = _WRITTEN_TIME.fullmatch(text)
    if match is None:
        return text  # the service asked spyne for a format of its own
    moment, fraction, zone = match.groups()
    return f"{moment}{fraction or ''}{'Z' if zone == '+00:00' else zone or ''}"
