"""Simple types on the wire: everything that is written as text."""

from collections.abc import Callable
from math import isfinite
from typing import Any
from uuid import UUID

from spyne import Decimal, ModelBase, Unicode, Uuid
from spyne.error import ValidationError
from spyne.model.enum import EnumBase

from spyne_asmx.codec import Codec, InvalidValue, serves
from spyne_asmx.lexical import is_sized, of_field, reader_of, writer_of
from spyne_asmx.typenames import FLAGS_NONE, is_flags, is_nullable_value
from spyne_asmx.xml import Element

# The attributes of a string that nobody customized: any text is a valid value, unchanged.
_UNRESTRICTED = ("min_len", "max_len", "pattern", "values", "empty_is_none", "cast")

# .NET's default(T), by wire name; for numbers it is 0.
_ZEROS = {
    "boolean": "false",
    "date": "0001-01-01",
    "time": "00:00:00",
    "dateTime": "0001-01-01T00:00:00",
}


@serves(ModelBase)
class SimpleCodec(Codec):
    """A value that is text: a number, a string, a date, binary data, an enumeration."""

    is_simple = True

    def __init__(self, spyne_type: Any, outer_namespace: str) -> None:
        super().__init__(spyne_type, outer_namespace)
        self.is_plain_text = issubclass(spyne_type, Unicode) and _is_unrestricted(spyne_type)
        self._from_text = _flags_reader(spyne_type) if is_flags(spyne_type) else reader_of(spyne_type)
        self.text: Callable[[Any], str] = _flags_writer(spyne_type) if is_flags(spyne_type) else writer_of(spyne_type)
        self.parse: Callable[[str], Any] = _keep if self.is_plain_text else self._parse
        self._is_valid = _validation(spyne_type)
        self._empty_is_none = bool(getattr(spyne_type.Attributes, "empty_is_none", False))

    @property
    def fits_forms(self) -> bool:
        return self.type_name != "guid" and not is_nullable_value(self.type)

    def zero(self) -> Any:
        if is_flags(self.type):
            return ()
        if issubclass(self.type, EnumBase):
            return self._from_text(str(self.type.__values__[0]))
        if issubclass(self.type, Uuid):
            return UUID(int=0)
        # The zero is not checked against the type's restrictions: .NET has none.
        return self._from_text(_ZEROS.get(self.type_name, "0"))

    def value_of(self, element: Element) -> Any:
        if element.children:
            raise InvalidValue("{} must not have elements inside it.")
        return super().value_of(element)

    def content_of(self, element: Element) -> Any:
        return self.parse(element.text)

    def of_fields(self, texts: list[str]) -> Any:
        return texts[0] if self.is_plain_text else self.parse(of_field(self.type, texts[0]))

    def write(self, name: str, value: Any) -> Element:
        return Element(name, text=self.text(value))

    def _parse(self, text: str) -> Any:
        if not text and self._empty_is_none:
            return None
        try:
            value = self._from_text(text)
        except (ValidationError, ValueError, ArithmeticError):
            raise InvalidValue(f"Cannot convert {{}} to {self.type_name}.") from None
        self._check(text, value)
        return value

    def _check(self, text: str, value: Any) -> None:
        """Check a value against its type's restrictions, as spyne's soft validation does. Raises InvalidValue."""
        kind = self.type
        if issubclass(kind, EnumBase) or (isinstance(value, float) and not isfinite(value)):
            return
        if (values := kind.Attributes.values) and value not in values:
            raise InvalidValue(f"{{}} must be one of: {', '.join(map(str, values))}.")
        if issubclass(kind, Unicode):
            least, most = kind.Attributes.min_len, kind.Attributes.max_len
            if len(text) < least:
                raise InvalidValue(f"{{}} must have at least {least} character{'' if least == 1 else 's'}.")
            if len(text) > most:
                raise InvalidValue(f"{{}} must have at most {most} character{'' if most == 1 else 's'}.")
        if not self._is_valid(kind, text, value):
            pattern = getattr(kind.Attributes, "pattern", None)
            raise InvalidValue(
                f"{{}} does not match the pattern {pattern}."
                if pattern
                else "{} is not one of the values that are allowed."
            )


def _validation(spyne_type: Any) -> Callable[[Any, str, Any], bool]:
    """The type's own checks of text and value, which a class may override."""
    of_text, of_value = spyne_type.validate_string, spyne_type.validate_native
    # .NET's spellings of numbers and GUIDs are wider than spyne's, and spyne's bounds of C#'s numbers are wrong.
    if is_sized(spyne_type) or issubclass(spyne_type, Uuid):
        of_text = _anything if _is_spynes(of_text) else of_text
    if is_sized(spyne_type) and _is_spynes(of_value):
        of_value = Decimal.validate_native
    is_text = issubclass(spyne_type, Unicode)
    return lambda kind, text, value: of_text(kind, text if is_text else text.strip()) and of_value(kind, value)


def _anything(_kind: Any, _text: str) -> bool:
    return True


def _is_spynes(validate: Any) -> bool:
    return str(validate.__module__).startswith("spyne.")


def _is_unrestricted(spyne_type: Any) -> bool:
    """Whether nobody customized the type, and no class overrides spyne's checks."""
    checks = spyne_type.validate_string, spyne_type.validate_native
    if checks != (Unicode.validate_string, Unicode.validate_native):
        return False
    return all(getattr(spyne_type.Attributes, a, None) == getattr(Unicode.Attributes, a, None) for a in _UNRESTRICTED)


def _keep(text: str) -> str:
    return text


def _flags_reader(spyne_type: Any) -> Callable[[str], Any]:
    """A reader of flags: the names of those that are set."""
    read = reader_of(spyne_type)
    return lambda text: tuple(read(flag) for flag in text.split() if flag != FLAGS_NONE)


def _flags_writer(spyne_type: Any) -> Callable[[Any], str]:
    write = writer_of(spyne_type)
    none = FLAGS_NONE if FLAGS_NONE in spyne_type.__values__ else ""

    def text(value: Any) -> str:
        given = {write(flag) for flag in (value if isinstance(value, list | tuple | set | frozenset) else [value])}
        return " ".join(flag for flag in spyne_type.__values__ if flag in given) or none

    return text
