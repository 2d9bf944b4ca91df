"""Converts text to moments, dates, times of day and durations and back, spelled as .NET spells them.

Formats that a type asks for (``dt_format`` and the like) do not count, as in spyne's Soap11: the WSDL says xs:dateTime.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

_DAY = r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
_CLOCK = r"(?P<minute>[0-9]{2}:[0-9]{2}):(?P<second>[0-9]{2}(?:\.[0-9]+)?)"
_ZONE = r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?"
_DATE = re.compile(_DAY + _ZONE)
_TIME = re.compile(_CLOCK + _ZONE)
_DATE_TIME = re.compile(rf"{_DAY}(?:T{_CLOCK})?{_ZONE}")
_FIELD = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})?(?:[T ]|(?<!.))([0-9]{2}:[0-9]{2})(:[0-9.]+)?(.*)", re.DOTALL)
_DURATION = re.compile(
    r"(?P<sign>-?)P(?=.)(?:(?P<years>[0-9]+)Y)?(?:(?P<months>[0-9]+)M)?(?:(?P<days>[0-9]+)D)?"
    r"(?:T(?=.)(?:(?P<hours>[0-9]+)H)?(?:(?P<minutes>[0-9]+)M)?(?:(?P<seconds>[0-9]+)(?P<fraction>\.[0-9]+)?S)?)?"
)
_WRITTEN = re.compile(r"(.*T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:(\.[0-9]*[1-9])0*|\.0*)?(Z|[+-][0-9]{2}:[0-9]{2})?")


def moment_reader(spyne_type: Any) -> Callable[[str], Any]:
    """A reader of moments. As in .NET a date alone is midnight."""
    as_timezone = spyne_type.Attributes.as_timezone

    def read(text: str) -> Any:
        match = _DATE_TIME.fullmatch(text.strip())
        if match is None:
            raise ValueError(text)
        moment = datetime.fromisoformat(
            f"{match['day']}T{match['minute'] or '00:00'}:{_seconds(match)}{match['zone'] or ''}"
        )
        if as_timezone is None:
            return moment
        return moment.astimezone(as_timezone) if moment.tzinfo else moment.replace(tzinfo=as_timezone)

    return read


def _seconds(match: re.Match[str]) -> str:
    """The seconds of a time with six decimals, as Python keeps no more; zero if there are none."""
    whole, _, fraction = (match["second"] or "00").partition(".")
    microseconds = min(999_999, round(float(f"0.{fraction or 0}") * 1_000_000))
    return f"{whole}.{microseconds:06}"


def moment_of_field(text: str) -> str:
    """A form's moment or time as XML has it: seconds may be missing, as in browsers' date fields, and the T."""
    match = _FIELD.fullmatch(text.strip())
    if match is None:
        return text
    day, minute, second, zone = match.groups()
    return f"{f'{day}T' if day else ''}{minute}{second or ':00'}{zone}"


def day_reader(_spyne_type: Any) -> Callable[[str], Any]:
    def read(text: str) -> date:
        match = _DATE.fullmatch(text.strip())
        if match is None:
            raise ValueError(text)
        return date.fromisoformat(match["day"])

    return read


def clock_reader(_spyne_type: Any) -> Callable[[str], Any]:
    """A reader of times of day. spyne's times have no zone, so a zone is ignored."""

    def read(text: str) -> time:
        match = _TIME.fullmatch(text.strip())
        if match is None:
            raise ValueError(text)
        return time.fromisoformat(f"{match['minute']}:{_seconds(match)}")

    return read


def duration_reader(_spyne_type: Any) -> Callable[[str], Any]:
    """A reader of durations. A year has 365 days and a month 30, as in spyne."""

    def read(text: str) -> timedelta:
        match = _DURATION.fullmatch(text.strip())
        if match is None:
            raise ValueError(text)
        part = {name: int(match[name] or 0) for name in ("years", "months", "days", "hours", "minutes", "seconds")}
        days = part["days"] + 30 * part["months"] + 365 * part["years"]
        microseconds = int(f"{(match['fraction'] or '.')[1:7]:0<6}")
        value = timedelta(days, part["seconds"], microseconds, 0, part["minutes"], part["hours"])
        return -value if match["sign"] else value

    return read


def moment_writer(spyne_type: Any) -> Callable[[Any], str]:
    as_timezone, keeps_timezone = spyne_type.Attributes.as_timezone, spyne_type.Attributes.timezone

    def write(value: Any) -> str:
        if not isinstance(value, datetime):
            value = datetime.combine(value, time())
        if as_timezone is not None and value.tzinfo is not None:
            value = value.astimezone(as_timezone)
        if not keeps_timezone:
            value = value.replace(tzinfo=None)
        if value.utcoffset() is not None and value.utcoffset().total_seconds() % 60:
            value = value.astimezone(UTC)  # XML's zones have no seconds
        return _short(value.isoformat())

    return write


def _short(moment: str) -> str:
    """The moment without trailing zeros in its fraction, and with UTC as ``Z``."""
    match = _WRITTEN.fullmatch(moment)
    if match is None:
        return moment
    clock, fraction, zone = match.groups()
    return f"{clock}{fraction or ''}{'Z' if zone == '+00:00' else zone or ''}"


def day_writer(_spyne_type: Any) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        if not isinstance(value, date):
            raise TypeError(f"a date must be a datetime.date, not {type(value).__name__}")
        return (value.date() if isinstance(value, datetime) else value).isoformat()

    return write


def clock_writer(_spyne_type: Any) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        if isinstance(value, datetime):
            value = value.timetz()
        if not isinstance(value, time):
            raise TypeError(f"a time must be a datetime.time, not {type(value).__name__}")
        return re.sub(r"(\.[0-9]*[1-9])0+(?![0-9])", r"\1", value.isoformat())

    return write


def duration_writer(_spyne_type: Any) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        if not isinstance(value, timedelta):
            raise TypeError(f"a duration must be a datetime.timedelta, not {type(value).__name__}")
        size = abs(value)
        hours, minutes, seconds = size.seconds // 3600, size.seconds // 60 % 60, size.seconds % 60
        fraction = f".{size.microseconds:06}".rstrip("0").rstrip(".")
        clock = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes)
        clock += f"{seconds}{fraction}S" * bool(seconds or fraction)
        days = f"{size.days}D" * bool(size.days)
        return f"{'-' if value < timedelta() else ''}P{days}{f'T{clock}' * bool(clock)}" if days or clock else "PT0S"

    return write
