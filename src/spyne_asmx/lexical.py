"""Converts text to simple values and back, spelled as .NET spells them, for each of spyne's simple types.

spyne's own conversions do the work where they are as strict as XML Schema.
"""

import decimal
import math
import re
from collections.abc import Callable
from operator import index
from typing import Any
from uuid import UUID

from spyne import (
    Boolean,
    ByteArray,
    Date,
    DateTime,
    Decimal,
    Double,
    Duration,
    File,
    Integer,
    Time,
    Unicode,
    UnsignedInteger,
    Uuid,
)
from spyne.model.enum import EnumBase
from spyne.protocol import ProtocolBase

from spyne_asmx.binaries import bytes_reader, bytes_writer, file_reader, file_writer
from spyne_asmx.moments import (
    clock_reader,
    clock_writer,
    day_reader,
    day_writer,
    duration_reader,
    duration_writer,
    moment_of_field,
    moment_reader,
    moment_writer,
)
from spyne_asmx.typenames import is_flags, type_name

_converter = ProtocolBase()

# XML Schema part 2. Python's own conversions also take "1_000", "infinity", other scripts' digits and more.
_DOUBLE = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|-?INF|NaN")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_BOOLEAN = re.compile(r"true|false|[01]")
_GUID = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{32}"
_SPELLED_GUID = re.compile(rf"{_GUID}|\{{(?:{_GUID})\}}|\((?:{_GUID})\)")
_NOT_FINITE = {"INF": math.inf, "-INF": -math.inf, "NaN": math.nan}
_WRITE_FORMATS = ("format", "str_format", "interp_format", "string_format", "serialize_as")

# C#'s numbers by wire name: how many bits, and whether there is a sign.
_SIZES = {
    f"{sign}{name}": (bits, not sign)
    for sign, names in (("", ("byte", "short", "int", "long")), ("unsigned", ("Byte", "Short", "Int", "Long")))
    for name, bits in zip(names, (8, 16, 32, 64), strict=True)
}


def reader_of(spyne_type: Any) -> Callable[[str], Any]:
    """The function that converts text to a value. It raises ValueError, ArithmeticError or spyne's ValidationError."""
    make = next(make for kind, make in _READERS if issubclass(spyne_type, kind))
    return make(spyne_type)


def writer_of(spyne_type: Any) -> Callable[[Any], str]:
    """The function that converts a value to text. It raises TypeError or ValueError for a value of another type."""
    make = next(make for kind, make in _WRITERS if issubclass(spyne_type, kind))
    return make(spyne_type)


def _spelled(pattern: re.Pattern[str]) -> Callable[[Any], Callable[[str], Any]]:
    """Makes a reader that checks the spelling and leaves the conversion to spyne."""

    def make(spyne_type: Any) -> Callable[[str], Any]:
        def read(text: str) -> Any:
            text = text.strip()
            if not pattern.fullmatch(text):
                raise ValueError(text)
            return _NOT_FINITE[text] if text in _NOT_FINITE else _converter.from_unicode(spyne_type, text)

        return read

    return make


def _text_reader(spyne_type: Any) -> Callable[[str], Any]:
    return lambda text: _converter.from_unicode(spyne_type, text)


def _enumeration_reader(spyne_type: Any) -> Callable[[str], Any]:
    values = {value: getattr(spyne_type, value) for value in spyne_type.__values__}

    def read(text: str) -> Any:
        if text.strip() not in values:
            raise ValueError(text)
        return values[text.strip()]

    return read


def _guid_reader(spyne_type: Any) -> Callable[[str], Any]:
    if spyne_type.Attributes.serialize_as is not None:
        return _text_reader(spyne_type)

    def read(text: str) -> UUID:
        if not _SPELLED_GUID.fullmatch(text.strip()):
            raise ValueError(text)
        return UUID(text.strip(" \t\r\n{}()"))

    return read


def _formatted(spyne_type: Any) -> Callable[[Any], str] | None:
    """spyne's own writer, if the service asked for a format."""
    if all(getattr(spyne_type.Attributes, name, None) is None for name in _WRITE_FORMATS):
        return None
    return lambda value: str(_converter.to_unicode(spyne_type, value))


def _text_writer(spyne_type: Any) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        text = value if isinstance(value, str) else _converter.to_unicode(spyne_type, value)
        if not isinstance(text, str):
            raise TypeError(f"text must be a str, not {type(value).__name__}")
        return text

    return _formatted(spyne_type) or write


def _enumeration_writer(spyne_type: Any) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        if str(value) not in spyne_type.__values__:
            raise ValueError(f"{value} is no value of {type_name(spyne_type)}")
        return str(value)

    return write


def of_field(spyne_type: Any, text: str) -> str:
    """A form field's text as XML has it: for forms .NET takes booleans in any letter case, and flags with commas."""
    if issubclass(spyne_type, Boolean):
        return text.lower()
    if issubclass(spyne_type, DateTime | Time) and not issubclass(spyne_type, Date):
        return moment_of_field(text)
    return text.replace(",", " ") if is_flags(spyne_type) else text


def _boolean_writer(_spyne_type: Any) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        if value not in {True, False}:
            raise ValueError(f"{value} is neither true nor false")
        return "true" if value else "false"

    return write


def _double_writer(spyne_type: Any) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        if isinstance(value, str):
            raise TypeError("a number must not be given as text")
        number = float(value)
        if not math.isfinite(number):
            return "NaN" if math.isnan(number) else "INF" if number > 0 else "-INF"
        return repr(number).removesuffix(".0").replace("e", "E")

    return _formatted(spyne_type) or write


def is_sized(spyne_type: Any) -> bool:
    """Whether a number has one of C#'s sizes. spyne's own bounds for these are off by one, and by the sign."""
    return issubclass(spyne_type, Integer) and type_name(spyne_type) in _SIZES


def _fits(spyne_type: Any, number: int) -> bool:
    bits, signed = _SIZES.get(type_name(spyne_type), (0, True))
    if not bits:
        return number >= 0 or not issubclass(spyne_type, UnsignedInteger)
    return -(1 << bits >> 1) <= number < 1 << bits >> 1 if signed else 0 <= number < 1 << bits


def _integer_reader(spyne_type: Any) -> Callable[[str], Any]:
    def read(text: str) -> int:
        if not _INTEGER.fullmatch(text.strip()) or not _fits(spyne_type, int(text)):
            raise ValueError(text)
        return int(text)

    return read


def _integer_writer(spyne_type: Any) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        number = int(value) if isinstance(value, float | decimal.Decimal) and value == int(value) else index(value)
        if not _fits(spyne_type, number):
            raise ValueError(f"{number} does not fit in {type_name(spyne_type)}")
        return str(number)

    return _formatted(spyne_type) or write


def _decimal_writer(spyne_type: Any) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        number = decimal.Decimal(repr(value) if isinstance(value, float) else value)
        if not number.is_finite():
            raise ValueError(f"{number} is no decimal number")
        return format(number if number else abs(number), "f")  # no exponent, and no sign before zero

    return _formatted(spyne_type) or write


def _guid_writer(spyne_type: Any) -> Callable[[Any], str]:
    if spyne_type.Attributes.serialize_as is not None:
        return lambda value: str(_converter.to_unicode(spyne_type, value))
    return lambda value: str(value if isinstance(value, UUID) else UUID(value))


_READERS: tuple[tuple[type, Callable[[Any], Callable[[str], Any]]], ...] = (
    (EnumBase, _enumeration_reader),
    (ByteArray, bytes_reader),
    (File, file_reader),
    (Boolean, _spelled(_BOOLEAN)),
    (Double, _spelled(_DOUBLE)),
    (Integer, _integer_reader),
    (Decimal, _spelled(_DECIMAL)),
    (Date, day_reader),
    (DateTime, moment_reader),
    (Time, clock_reader),
    (Duration, duration_reader),
    (Uuid, _guid_reader),
    (Unicode, _text_reader),
    (object, _text_reader),
)
_WRITERS: tuple[tuple[type, Callable[[Any], Callable[[Any], str]]], ...] = (
    (EnumBase, _enumeration_writer),
    (ByteArray, bytes_writer),
    (File, file_writer),
    (Boolean, _boolean_writer),
    (Double, _double_writer),
    (Integer, _integer_writer),
    (Decimal, _decimal_writer),
    (Date, day_writer),
    (DateTime, moment_writer),
    (Time, clock_writer),
    (Duration, duration_writer),
    (Uuid, _guid_writer),
    (Unicode, _text_writer),
    (object, _text_writer),
)
