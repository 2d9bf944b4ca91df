"""spyne's types on the wire: prepared once for each type, used for every request.

Text is turned into values and back by spyne's own protocol base, so every primitive it knows works; the shapes around
it (members, arrays, nil) are ASMX's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from spyne import AnyXml, Array, ByteArray, Unicode
from spyne.error import ValidationError
from spyne.model.binary import BINARY_ENCODING_BASE64
from spyne.model.complex import ComplexModelBase, XmlAttribute
from spyne.model.enum import EnumBase
from spyne.protocol import ProtocolBase

from spyne_asmx import lexical
from spyne_asmx.faults import ClientFault
from spyne_asmx.typenames import (
    derived_types,
    element_namespace_of,
    given_namespace,
    is_nullable,
    is_value,
    member_name,
    named_type,
    type_name,
)
from spyne_asmx.xml import XSI_NAMESPACE, Element
from spyne_asmx.xmlvalues import as_element, as_lxml

NIL = {f"{XSI_NAMESPACE}}}nil": "true"}
_XSI_TYPE = f"{XSI_NAMESPACE}}}type"

# What a plain string's attributes are when nobody customized it: then any text is a valid value as it stands.
_UNRESTRICTED = ("min_len", "max_len", "pattern", "values", "empty_is_none", "cast")

_converter = ProtocolBase()

# .NET's default(T), by wire name; of numbers it is 0.
_ZEROS = {
    "boolean": "false",
    "date": "0001-01-01",
    "time": "00:00:00",
    "dateTime": "0001-01-01T00:00:00",
    "guid": "00000000-0000-0000-0000-000000000000",
}


class Codec:
    """Reads and writes values of one spyne type.

    ``read`` takes a parameter's element, ``parse`` a form field's text; both raise ClientFault for what is no value of
    the type. ``write`` makes the element ``name`` (expanded) of a value that is not None. A type without a
    namespace of its own is in ``outer_namespace``, that of the message or type that holds it.
    """

    def __init__(self, spyne_type: Any, outer_namespace: str) -> None:
        self.type = spyne_type
        self._outer_namespace = outer_namespace
        self.is_xml = issubclass(spyne_type, AnyXml)
        self.is_simple = not self.is_xml and not issubclass(spyne_type, ComplexModelBase)
        self.is_plain_text = issubclass(spyne_type, Unicode) and _is_unrestricted(spyne_type)
        self.parse: Callable[[str], Any] = _keep if self.is_plain_text else self._parse
        self._members: dict[str, Member] | None = None
        self._derived: dict[str, Codec] | None = None

    @property
    def namespace(self) -> str:
        """The namespace of an object type, array type or enumeration."""
        return given_namespace(self.type) or self._outer_namespace

    @property
    def type_name(self) -> str:
        """What the type is called on the wire."""
        return type_name(self.type)

    @property
    def missing(self) -> Any:
        """What .NET hands to a method where a SOAP call leaves the parameter out: of value types, their zero."""
        if not is_value(self.type) or is_nullable(self.type):
            return None
        if issubclass(self.type, EnumBase):
            return self._converted(str(self.type.__values__[0]))[0]
        # Not checked against restrictions of the type: .NET knows none.
        return self._converted(_ZEROS.get(self.type_name, "0"))[0]

    def read(self, element: Element) -> Any:
        """The value of a parameter; None for ``xsi:nil``."""
        if self.is_simple and element.children:
            raise ClientFault(f"The parameter {element.local_name} must not have elements inside it.")
        if element.is_nil:
            return None
        if self.is_xml:
            return self._read_xml(element)
        if not self.is_simple:
            return self._read_members(element)
        return self.parse(element.text)

    @staticmethod
    def _read_xml(element: Element) -> Any:
        if element.children:
            return as_lxml(element.children[0])
        if element.text.strip():
            raise ClientFault(f"The parameter {element.local_name} must have an element inside it, and no text.")
        return None

    def write(self, name: str, value: Any) -> Element:
        if self.is_xml:
            return Element(name, children=[as_element(value)])
        if self.is_simple:
            return Element(name, text=self.text(value))
        return self._write_members(name, value)

    def text(self, value: Any) -> str:
        """A simple value as text (XML Schema part 2's lexical forms)."""
        if issubclass(self.type, ByteArray):
            return str(_converter.to_unicode(self.type, value, BINARY_ENCODING_BASE64))
        return lexical.written(self.type, value, str(_converter.to_unicode(self.type, value)))

    def _parse(self, text: str) -> Any:
        try:
            value, valid = self._converted(text if issubclass(self.type, Unicode) else text.strip())
        except (ValidationError, ValueError, ArithmeticError):
            valid = False
        if not valid:
            raise ClientFault(f"Cannot convert the value to {self.type_name}.")
        return value

    def _converted(self, text: str) -> tuple[Any, bool]:
        """The value, and whether it is one of the type."""
        if issubclass(self.type, ByteArray):
            return _converter.from_unicode(self.type, text, BINARY_ENCODING_BASE64), True
        if (number := lexical.not_finite(self.type, text)) is not None:
            return number, True
        text = lexical.normalized(self.type, text)
        if not self.type.validate_string(self.type, text):
            return None, False
        value = _converter.from_unicode(self.type, text)
        return value, self.type.validate_native(self.type, value)

    @property
    def members(self) -> "dict[str, Member]":
        """A complex type's members by local name."""
        if self._members is None:  # late, because a type may contain itself
            namespaces = self._member_namespaces()
            self._members = {
                member_name(self.type, name, kind): self._member(name, kind, namespaces.get(name, self.namespace))
                for name, kind in self.type.get_flat_type_info(self.type).items()
            }
        return self._members

    def _member_namespaces(self) -> dict[str, str]:
        """The namespace of each member: that of the type, among those it extends, which declares it."""
        base = self.type.__extends__
        inherited = {} if base is None else codec_of(base, self._outer_namespace)._member_namespaces()
        return inherited | dict.fromkeys(self.type._type_info, self.namespace)

    def _member(self, name: str, kind: Any, namespace: str) -> "Member":
        element_namespace = element_namespace_of(kind) or namespace
        return Member(
            name,
            f"{element_namespace}}}{member_name(self.type, name, kind)}",
            codec_of(kind, namespace),
            repeats(kind),
            _is_nil_if_none(kind),
        )

    @property
    def derived(self) -> "dict[str, Codec]":
        """The codecs of the types that extend an object type, by local name."""
        if self._derived is None:
            codecs = [codec_of(kind, self._outer_namespace) for kind in derived_types(self.type)]
            self._derived = {codec.type_name: codec for codec in codecs}
        return self._derived

    def _read_members(self, element: Element) -> Any:
        if issubclass(self.type, Array):
            item = next(iter(self.members.values()))
            return [item.codec.read(child) for child in element.children]
        if (actual := self._actual(element)) is not self:
            return actual._read_members(element)
        value = self.type()
        for child in element.children:
            member = self.members.get(child.local_name)
            if member is None:
                continue
            held = member.codec.read(child)
            if member.repeats:
                held = [*(getattr(value, member.python_name, None) or []), held]
            setattr(value, member.python_name, held)
        for name, member in self.members.items():
            if issubclass(member.codec.type, XmlAttribute) and name in element.attributes:
                codec = codec_of(member.codec.type.type, "")
                setattr(value, member.python_name, codec.parse(element.attributes[name]))
        return value

    def _actual(self, element: Element) -> "Codec":
        """The codec of the type that an object's ``xsi:type`` names. Raises ClientFault where it does not fit."""
        named = element.attributes.get(_XSI_TYPE)
        if named is None:
            return self
        local_name = named.strip().rpartition(":")[2]
        if local_name == self.type_name:
            return self
        if local_name not in self.derived:
            raise ClientFault(f"The type {local_name} of {element.local_name} was not recognized.")
        return self.derived[local_name]

    def _write_members(self, name: str, value: Any) -> Element:
        element = Element(name, {})
        if issubclass(self.type, Array):
            member = next(iter(self.members.values()))
            element.children = [_write_item(member.name, member.codec, item) for item in value]
            return element
        if type(value) is not self.type and isinstance(value, ComplexModelBase):
            kind = named_type(type(value))
            if kind is not named_type(self.type) and issubclass(kind, named_type(self.type)):
                return self._write_derived(name, codec_of(kind, self._outer_namespace), value)
        attributes: dict[str, str] = {}
        for local_name, member in self.members.items():
            held, codec = getattr(value, member.python_name, None), member.codec
            if held is not None and issubclass(codec.type, XmlAttribute):
                attributes[local_name] = codec_of(codec.type.type, "").text(held)
                continue
            for item in (held or ()) if member.repeats else (held,):
                if item is not None or member.is_nil_if_none:
                    element.children.append(_write_item(member.name, codec, item))
        element.attributes = attributes
        return element

    @staticmethod
    def _write_derived(name: str, actual: "Codec", value: Any) -> Element:
        """An object of a type that extends the declared one, with its ``xsi:type``."""
        element = actual._write_members(name, value)
        if actual.namespace == element.namespace:
            named = {_XSI_TYPE: actual.type_name}
        else:
            named = {"xmlns:q1": actual.namespace, _XSI_TYPE: f"q1:{actual.type_name}"}
        element.attributes = named | dict(element.attributes)
        return element


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object: its Python name, its element's expanded name, and how it is written."""

    python_name: str
    name: str
    codec: Codec
    repeats: bool
    is_nil_if_none: bool


_codecs: dict[tuple[int, str], Codec] = {}


def codec_of(spyne_type: Any, outer_namespace: str) -> Codec:
    """The codec of a spyne type within a namespace, made once. It keeps the type: identity is a safe key."""
    key = id(spyne_type), outer_namespace
    codec = _codecs.get(key)
    if codec is None:
        codec = _codecs[key] = Codec(spyne_type, outer_namespace)
    return codec


def takes_xml(spyne_type: Any, inside: frozenset[Any] = frozenset()) -> bool:
    """Whether XML can stand in a value of the type, so that requests must be read with their sources."""
    if issubclass(spyne_type, AnyXml):
        return True
    if not issubclass(spyne_type, ComplexModelBase) or spyne_type in inside:
        return False
    return any(takes_xml(kind, inside | {spyne_type}) for kind in spyne_type.get_flat_type_info(spyne_type).values())


def repeats(spyne_type: Any) -> bool:
    """Whether a member of this type may occur more than once without an array around it."""
    return bool(spyne_type.Attributes.max_occurs > 1)


def _is_nil_if_none(spyne_type: Any) -> bool:
    """A missing member is left out, as ASMX does; only ``int?`` is written with ``xsi:nil``."""
    return not issubclass(spyne_type, XmlAttribute) and is_nullable(spyne_type)


def _write_item(name: str, codec: Codec, item: Any) -> Element:
    return Element(name, NIL) if item is None else codec.write(name, item)


def _is_unrestricted(spyne_type: Any) -> bool:
    return all(getattr(spyne_type.Attributes, a, None) == getattr(Unicode.Attributes, a, None) for a in _UNRESTRICTED)


def _keep(text: str) -> str:
    return text
