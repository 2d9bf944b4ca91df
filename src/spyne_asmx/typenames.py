"""ASMX's names for spyne's types, and which of them are value types in .NET.

A parameter, result or member of a value type (a number, boolean, date, GUID or enumeration) is always there:
``minOccurs="1"``. One of a reference type (text, binary data, objects, arrays, XML) may be missing: ``minOccurs="0"``.
A value that may be missing is C#'s ``int?``: mark it with ``nullable``. .NET holds numbers without a size (spyne's
Integer) as text, so they count as references; ``Integer32`` is C#'s ``int``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from inspect import isclass
from itertools import takewhile
from typing import Any

from spyne import AnyXml, Array, ModelBase
from spyne.const import MANDATORY_PREFIX
from spyne.model.complex import ComplexModelBase
from spyne.model.enum import EnumBase
from spyne.model.primitive import Any as _SpyneAny

from spyne_asmx.fields import item_of
from spyne_asmx.xml import XSD_NAMESPACE
from spyne_asmx.xmlnames import xml_name

MICROSOFT_TYPES = "http://microsoft.com/wsdl/types/"

AnyType = _SpyneAny
"""C#'s ``object``: spyne's Any, under a name that does not clash with ``typing.Any``."""

FLAGS_NONE = "None"
"""The name of no flag at all, in enumerations of flags that have such a name."""


@dataclass(frozen=True, slots=True)
class SimpleType:
    """A simple type on the wire: its name, whether it is a value type in .NET, and its namespace."""

    name: str
    is_value: bool
    namespace: str = XSD_NAMESPACE


_VALUES = (
    "boolean byte short int long unsignedByte unsignedShort unsignedInt unsignedLong decimal float double "
    "date time dateTime"
)
_REFERENCES = (
    "string anyURI normalizedString token Name NCName QName NMTOKEN ID language base64Binary hexBinary "
    "integer nonNegativeInteger positiveInteger duration"
)
_SIMPLE_TYPES = {
    **{name: SimpleType(name, is_value=True) for name in _VALUES.split()},
    **{name: SimpleType(name, is_value=False) for name in _REFERENCES.split()},
    "uuid": SimpleType("guid", is_value=True, namespace=MICROSOFT_TYPES),
}


def nullable(spyne_type: Any) -> Any:
    """Mark a value type that may be missing, as C#'s ``int?`` is: ``nullable(Integer32)``.

    Of other types None is written as nil instead of being left out, as ``[XmlElement(IsNullable = true)]`` has it.
    spyne's own ``nillable`` is on for every type, so it doesn't tell.
    """
    return spyne_type.customize(asmx_nullable=True)


def flags(enumeration: Any) -> Any:
    """Mark an enumeration as C#'s ``[Flags]``, whose value is a list of names: ``flags(Enum("None", "Read", …))``.

    If the enumeration has the name ``None``, it stands for no flag at all.
    """
    return _marked(enumeration, "asmx_flags")


def struct(object_type: Any) -> Any:
    """Mark an object type as a C# ``struct``, a value that is never missing. It works as a class decorator, too."""
    return _marked(object_type, "asmx_struct")


def _marked(spyne_type: Any, mark: str) -> Any:
    """The type with its own attributes and a mark in them: uncustomized types of spyne share their attributes."""
    shared = spyne_type.Attributes
    spyne_type.Attributes = type(shared)("Attributes", (shared,), {mark: True})
    return spyne_type


def is_flags(spyne_type: Any) -> bool:
    return bool(getattr(spyne_type.Attributes, "asmx_flags", False))


def repeats(spyne_type: Any) -> bool:
    """Whether a member of this type may occur more than once without an array around it."""
    return bool(spyne_type.Attributes.max_occurs > 1)


def is_nullable(spyne_type: Any) -> bool:
    """Whether None is written as nil: in what is marked, and in a reference that must be there but may be nil."""
    attributes = spyne_type.Attributes
    if getattr(attributes, "asmx_nullable", False):
        return True
    return bool(attributes.min_occurs > 0 and attributes.nillable) and not is_value(spyne_type)


def is_always_there(spyne_type: Any) -> bool:
    """Whether a member or parameter of the type is never left out."""
    return is_value(spyne_type) or is_nullable(spyne_type)


def is_nullable_value(spyne_type: Any) -> bool:
    """Whether the type is another than without the mark: C#'s ``int?``."""
    return is_value(spyne_type) and is_nullable(spyne_type)


def is_value(spyne_type: Any) -> bool:
    """Whether the type is a value type in .NET, which is never null."""
    if issubclass(spyne_type, EnumBase):
        return True
    if issubclass(spyne_type, ComplexModelBase):
        return bool(getattr(spyne_type.Attributes, "asmx_struct", False)) and not issubclass(spyne_type, Array)
    return not issubclass(spyne_type, AnyXml | AnyType) and simple_type(spyne_type).is_value


def can_be_nil(spyne_type: Any) -> bool:
    return not is_value(spyne_type) or is_nullable(spyne_type)


def simple_type(spyne_type: Any) -> SimpleType:
    """The wire type of a simple type other than an enumeration. A restricted type has that of its base."""
    for base in spyne_type.__mro__:
        name = base.__dict__.get("__type_name__")
        if isinstance(name, str) and name in _SIMPLE_TYPES:
            return _SIMPLE_TYPES[name]
    raise TypeError(f"{spyne_type.__name__} has no counterpart in ASMX; use one of spyne's XML Schema types")


def named_type(spyne_type: Any) -> Any:
    """The type that an object type or enumeration has its name from: customizing makes a new class of the same name."""
    return next(base for base in spyne_type.__mro__ if base.__dict__.get("__orig__") is None or has_chosen_name(base))


def has_chosen_name(spyne_type: Any) -> bool:
    """Whether the type was given a name (``type_name``).

    The one that spyne's Mandatory gives does not count: C# has the same type, and says of the member that it must be
    there.
    """
    if not spyne_type.Attributes._explicit_type_name:
        return False
    return bool(spyne_type.get_type_name() != f"{MANDATORY_PREFIX}{spyne_type.__mro__[1].get_type_name()}")


def given_namespace(spyne_type: Any) -> str:
    """The declared namespace of an object type or enumeration (``__namespace__``); empty if there is none.

    Types without one are in the namespace of what holds them, as in C#. spyne would use the name of the type's module.
    """
    if issubclass(spyne_type, Array):
        return element_namespace_of(item_of(spyne_type)[1])  # as XmlArrayItem(Namespace=…) has it in C#
    namespace = spyne_type.get_namespace()
    if not isinstance(namespace, str) or namespace in {_module_namespace(base) for base in spyne_type.__mro__}:
        return ""
    return namespace


def element_namespace_of(spyne_type: Any) -> str:
    """The namespace that a member declares for its element (``sub_ns``), as XmlElement(Namespace=…) does in C#."""
    namespace = getattr(spyne_type.Attributes, "sub_ns", None)
    return namespace if isinstance(namespace, str) else ""


def attribute_namespace_of(spyne_type: Any) -> str:
    """The declared namespace of an XmlAttribute; empty if there is none."""
    return str(spyne_type._ns or element_namespace_of(spyne_type.type))


def is_required_attribute(spyne_type: Any) -> bool:
    """Whether an XmlAttribute is always there: .NET can't leave out a value."""
    if spyne_type._use is not None:
        return bool(spyne_type._use == "required")
    return is_value(spyne_type.type) and not is_nullable(spyne_type.type) and spyne_type.Attributes.default is None


def _module_namespace(spyne_type: type) -> str:
    """spyne's default namespace of a type: its module up to the first private part."""
    return ".".join(takewhile(lambda part: not part.startswith("_"), spyne_type.__module__.split(".")))


def derived_types(spyne_type: Any) -> list[Any]:
    """The object types that extend this one, each before those that extend it."""
    own = named_type(spyne_type).Attributes._subclasses or ()
    return [found for derived in own for found in (derived, *derived_types(derived))]


def types_within(kinds: Iterable[Any]) -> set[Any]:
    """These types, all types in them, and all types that they extend or that extend them."""
    found: set[Any] = set()
    pending = list(kinds)
    while pending:
        kind = pending.pop()
        if kind in found or not _is_type(kind):
            continue
        found.add(kind)
        pending += getattr(kind, "_type_info", {}).values()
        pending += getattr(kind.Attributes, "_subclasses", None) or ()
        pending += kind.__extends__, kind.__orig__, getattr(kind, "type", None)
    return found


def _is_type(kind: Any) -> bool:
    return isclass(kind) and issubclass(kind, ModelBase)


def type_name(spyne_type: Any) -> str:
    """The type's name on the wire: ``int``, ``guid``, ``Point``, ``ArrayOfPoint``; ``XmlNode`` for XML."""
    if issubclass(spyne_type, AnyXml):
        return "XmlNode"
    if issubclass(spyne_type, AnyType):
        return "anyType"
    if issubclass(spyne_type, Array):
        return _array_name(spyne_type)
    if issubclass(spyne_type, EnumBase | ComplexModelBase):
        return xml_name(str(named_type(spyne_type).get_type_name()))
    return simple_type(spyne_type).name


def _array_name(spyne_type: Any) -> str:
    """The name of an array type before numbering (see ArrayNames)."""
    if has_chosen_name(spyne_type):
        return xml_name(str(spyne_type.get_type_name()))
    name = type_name(next(iter(spyne_type._type_info.values())))
    return f"ArrayOf{name[0].upper()}{name[1:]}"


def member_name(owner: Any, key: str, kind: Any) -> str:
    """The local name of a member of an object or array type, whose key in ``owner._type_info`` is ``key``."""
    if issubclass(owner, Array) and key in {"OhNoes", *_own_names(kind)}:
        return type_name(kind)  # nobody chose the name: it is spyne's default for the type
    return xml_name(str(kind.Attributes.sub_name or key))


def _own_names(spyne_type: Any) -> set[Any]:
    """spyne's default names for a type and for the types that it restricts."""
    names = {base.__dict__.get("__type_name__") for base in spyne_type.__mro__}
    return names | ({spyne_type.get_type_name()} if issubclass(spyne_type, AnyType) else set())
