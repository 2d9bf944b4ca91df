"""A codec reads and writes the values of one spyne type. It is made once for each type and used for every request."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Self

from spyne.model.complex import ComplexModelBase

from spyne_asmx.faults import ClientFault
from spyne_asmx.typenames import can_be_nil, given_namespace, is_always_there, is_nullable, is_value, type_name
from spyne_asmx.xml import XSI_NAMESPACE, Element

NIL = {f"{XSI_NAMESPACE}}}nil": "true"}


class InvalidValue(ClientFault):
    """A value that does not fit its type. The ``{}`` in its sentence becomes the parameter's name."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self._sentence = sentence
        self._path: tuple[str, ...] = ()

    def within(self, name: str) -> Self:
        """The same error, for a value inside the parameter or member ``name``."""
        self._path = (name, *self._path)
        return self

    def __str__(self) -> str:
        what = f"the parameter {'.'.join(self._path)}" if self._path else "the value"
        said = self._sentence.replace("{}", what, 1)
        return said[0].upper() + said[1:]


def wrong_count(count: int, least: int, most: float) -> InvalidValue:
    """The error for a parameter or member that occurs too seldom or too often."""
    if count == 0:
        return InvalidValue("{} is missing.")
    if count < least:
        return InvalidValue(f"{{}} must be given at least {least} times.")
    return InvalidValue(f"{{}} is given more than {'once' if most == 1 else f'{most:g} times'}.")


class Codec:
    """Reads and writes values of one spyne type.

    ``read`` takes a parameter's element, ``parse`` a form field's text; both raise ClientFault if it is not a value of
    the type. ``write`` makes an element with the expanded name ``name`` from a value that is not None; it may raise any
    exception if the value is not of the type. A type without a namespace of its own is in ``outer_namespace``, the
    namespace of the message or type that holds it.
    """

    is_xml = False
    is_simple = False
    is_plain_text = False
    """Whether any text is a valid value, unchanged."""
    parse: Callable[[str], Any]
    """Converts text to a value. Only simple types have it."""
    text: Callable[[Any], str]
    """Converts a value to text, in XML Schema part 2's lexical forms. Only simple types have it."""

    def __init__(self, spyne_type: Any, outer_namespace: str) -> None:
        self.type = spyne_type
        self.outer_namespace = outer_namespace
        self.default = spyne_type.Attributes.default
        self._is_nillable = bool(spyne_type.Attributes.nillable)

    @property
    def namespace(self) -> str:
        """The namespace of an object type, array type or enumeration."""
        return given_namespace(self.type) or self.outer_namespace

    @cached_property
    def type_name(self) -> str:
        """The type's name on the wire."""
        return type_name(self.type)

    @property
    def attribute_names(self) -> frozenset[str]:
        """The expanded names of the attributes that the type or one that extends it declares."""
        return frozenset()

    @cached_property
    def _can_be_nil(self) -> bool:
        return can_be_nil(self.type)

    @cached_property
    def _is_always_there(self) -> bool:
        return is_always_there(self.type)

    @cached_property
    def _must_be_there(self) -> bool:
        return bool(self.type.Attributes.min_occurs > 0)

    @property
    def missing(self) -> Any:
        """What a service gets for a parameter or member that is left out, and what an answer has for None.

        That is the declared default, or, without one, .NET's zero for value types.
        """
        if self.default is not None or self._can_be_nil:
            return self.default
        return self.zero()

    def zero(self) -> Any:
        """.NET's ``default(T)`` for a value type."""
        raise NotImplementedError

    def read(self, element: Element) -> Any:
        """The value of a parameter."""
        try:
            return self.value_of(element)
        except InvalidValue as invalid:
            raise invalid.within(element.local_name) from None

    def value_of(self, element: Element) -> Any:
        """The value of an element. Raises InvalidValue, which does not yet name the element."""
        return self._nil() if element.is_nil else self.content_of(element)

    def content_of(self, element: Element) -> Any:
        """The value of an element that is not nil. Raises InvalidValue."""
        raise NotImplementedError

    @property
    def fits_forms(self) -> bool:
        """Whether ASMX offers forms for a parameter of the type: it does for simple values, except C#'s structs."""
        return False

    def of_fields(self, texts: list[str]) -> Any:
        """The value of all form fields with one name. Raises InvalidValue."""
        raise NotImplementedError

    def write(self, name: str, value: Any) -> Element:
        raise NotImplementedError

    def elements(self, name: str, value: Any, *, repeats: bool) -> list[Element]:
        """The elements of a value in a message or object.

        None has none, unless .NET can't leave the value out, or it must be there (``min_occurs``).
        """
        if repeats and (value is not None or not self._must_be_there):
            gaps = is_nullable(self.type)
            return [self.item(name, item) for item in items_of(value) if gaps or item is not None]
        is_there = self._is_always_there or self._must_be_there
        if value is None and not is_there:
            value = self.default
        return [] if value is None and not is_there else [self.item(name, value)]

    def item(self, name: str, value: Any) -> Element:
        """An element that is there whatever the value is."""
        if value is None:
            value = self.missing
        return Element(name, NIL) if value is None else self.write(name, value)

    def _nil(self) -> Any:
        """What ``xsi:nil`` stands for. Raises InvalidValue."""
        if self.default is not None:
            return self.default
        if not self._is_nillable or (is_value(self.type) and not self._can_be_nil):
            raise InvalidValue("{} must not be nil.")
        return None


def items_of(value: Any) -> Iterable[Any]:
    """The items of what a service gives for an array. Raises TypeError if it is not an iterable."""
    if isinstance(value, str | bytes | Mapping | ComplexModelBase):
        raise TypeError(f"an array must be a list or another iterable, not {type(value).__name__}")
    return () if value is None else value


_makers: dict[type, Callable[[Any, str], Codec]] = {}
_codecs: dict[tuple[int, str], Codec] = {}


def serves(*spyne_types: type) -> Callable[[type[Codec]], type[Codec]]:
    """Register a codec class for spyne types. Of several that fit a type, the nearest in its ancestry counts."""

    def register(made: type[Codec]) -> type[Codec]:
        _makers.update(dict.fromkeys(spyne_types, made))
        return made

    return register


def codec_of(spyne_type: Any, outer_namespace: str) -> Codec:
    """The codec of a spyne type within a namespace, made once. The cache keeps the type, so identity is a safe key."""
    key = id(spyne_type), outer_namespace
    codec = _codecs.get(key)
    if codec is None:
        make = next(_makers[base] for base in spyne_type.__mro__ if base in _makers)
        codec = _codecs[key] = make(spyne_type, outer_namespace)
    return codec
