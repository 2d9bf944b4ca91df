"""Objects and arrays on the wire: members, attributes, items, and what the service may give for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from spyne import Array
from spyne.model.complex import ComplexModelBase, XmlAttribute, XmlData

from spyne_asmx.codec import Codec, InvalidValue, codec_of, items_of, serves, wrong_count
from spyne_asmx.fields import fields_of, is_described, item_of, own_fields_of
from spyne_asmx.typenames import (
    attribute_namespace_of,
    derived_types,
    element_namespace_of,
    is_nullable,
    is_required_attribute,
    is_value,
    member_name,
    named_type,
    repeats,
)
from spyne_asmx.xml import XSI_NAMESPACE, Element, SourceElement

_XSI_TYPE = f"{XSI_NAMESPACE}}}type"


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object: its Python name, the expanded name of its element or attribute, and its codec.

    Its element must occur ``least`` times and may occur ``most`` times.
    """

    python_name: str
    name: str
    codec: Codec
    repeats: bool
    is_attribute: bool
    is_data: bool
    is_required: bool
    is_read_only: bool
    is_described: bool
    least: int
    most: float

    def put(self, owner: Any, value: Any) -> None:
        """Set the member of an object to what a request has for it, unless only services set it (``read_only``)."""
        if not self.is_read_only:
            setattr(owner, self.python_name, value)

    @property
    def local_name(self) -> str:
        return self.name.rpartition("}")[2]

    @property
    def spellings(self) -> tuple[str, str]:
        """The names that its element may have: its own, and the same in no namespace."""
        return self.name, self.local_name

    def is_default(self, value: Any) -> bool:
        """Whether a value is the schema's default, and so is left out, as C#'s DefaultValue is."""
        default = self.codec.default
        if default is None or self.least or self.repeats or not self.codec.is_simple:
            return False
        return bool(value == default) if value is not None else not is_nullable(self.codec.type)

    @property
    def missing(self) -> Any:
        """The value of a member that is left out."""
        if self.repeats or (self.is_attribute and not self.is_required):
            return self.codec.default
        return self.codec.missing


@serves(ComplexModelBase)
class ObjectCodec(Codec):
    """An object: a ComplexModel's members as elements, its XmlAttributes as attributes, its XmlData as text."""

    def __init__(self, spyne_type: Any, outer_namespace: str) -> None:
        super().__init__(spyne_type, outer_namespace)
        self._make = spyne_type.get_orig() if hasattr(spyne_type, "get_orig") else spyne_type

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """The members in order. They are found on first use, because a type may contain itself."""
        namespaces = self._member_namespaces()
        return tuple(
            _member(self.type, name, kind, namespaces.get(name, self.namespace))
            for name, kind in fields_of(self.type).items()
            if not kind.Attributes.exc
        )

    @property
    def attribute_names(self) -> frozenset[str]:
        codecs = (self, *self.derived)
        return frozenset(member.name for codec in codecs for member in codec._attributes)

    @cached_property
    def _attributes(self) -> tuple[Member, ...]:
        return tuple(member for member in self.members if member.is_attribute)

    @cached_property
    def _content(self) -> tuple[Member, ...]:
        """The members that are elements or text, in order."""
        return tuple(member for member in self.members if not member.is_attribute)

    @cached_property
    def _elements(self) -> dict[str, Member]:
        """The members that are elements, by local name."""
        elements = [member for member in self.members if not member.is_attribute and not member.is_data]
        return {member.local_name: member for member in elements}

    @cached_property
    def _spelled(self) -> dict[str, Member]:
        """The members that are elements, by each name that their elements may have."""
        return {name: member for member in self._elements.values() for name in member.spellings}

    @cached_property
    def _data(self) -> Member | None:
        """The member that holds the element's text."""
        return next((member for member in self.members if member.is_data), None)

    @cached_property
    def derived(self) -> list["ObjectCodec"]:
        """The codecs of the types that extend an object type."""
        codecs = [codec_of(kind, self.outer_namespace) for kind in derived_types(self.type)]
        return [codec for codec in codecs if isinstance(codec, ObjectCodec)]

    def _member_namespaces(self) -> dict[str, str]:
        """The namespace of each member: that of the type which declares it, this one or one it extends."""
        base = self.type.__extends__
        inherited: dict[str, str] = {}
        if base is not None:
            codec = codec_of(base, self.outer_namespace)
            inherited = codec._member_namespaces() if isinstance(codec, ObjectCodec) else {}
        return inherited | dict.fromkeys(own_fields_of(self.type), self.namespace)

    def zero(self) -> Any:
        """A C# struct's: an object whose members are zero too."""
        value = self._make()
        self._fill(value, set())
        return value

    def _nil(self) -> Any:
        return self.zero() if is_value(self.type) and not is_nullable(self.type) else super()._nil()

    def content_of(self, element: Element) -> Any:
        actual = self._actual(element)
        value = actual._make()
        given = actual._read_elements(element, value)
        for member in actual._attributes:
            if member.name in element.attributes:
                given.add(member.python_name)
                member.put(value, _read_attribute(member, element.attributes[member.name]))
            elif member.least:
                raise wrong_count(0, member.least, member.most).within(member.local_name)
        # White space between elements is no text.
        if actual._data is not None and (element.text.strip() if actual._elements else element.text):
            given.add(actual._data.python_name)
            actual._data.put(value, actual._data.codec.parse(element.text))
        actual._fill(value, given)
        return value

    def _read_elements(self, element: Element, value: Any) -> set[str]:
        """Set the members that are elements, and return the names of those found. Raises InvalidValue."""
        found: dict[str, list[Any]] = {}
        members = self._elements
        for child in element.children:
            member = self._spelled.get(child.name)
            if member is None:
                continue
            try:
                found.setdefault(child.local_name, []).append(member.codec.value_of(child))
            except InvalidValue as invalid:
                raise invalid.within(child.local_name) from None
        for name, member in members.items():
            values = found.get(name, [])
            if not member.least <= len(values) <= member.most:
                raise wrong_count(len(values), member.least, member.most).within(name)
            if values:
                member.put(value, values if member.repeats else values[0])
        return {members[name].python_name for name in found}

    def _fill(self, value: Any, given: set[str]) -> None:
        """Give missing members their default or zero."""
        for member in self.members:
            if member.python_name not in given and getattr(value, member.python_name, None) is None:
                member.put(value, member.missing)

    def _actual(self, element: Element) -> "ObjectCodec":
        """The codec of the type that an object's ``xsi:type`` names. Raises InvalidValue if that type does not fit."""
        named = element.attributes.get(_XSI_TYPE)
        if named is None:
            return self
        prefix, _, local_name = named.strip().rpartition(":")
        fitting = [codec for codec in (self, *self.derived) if codec.type_name == local_name]
        if len(fitting) > 1 and isinstance(element, SourceElement):
            fitting = [codec for codec in fitting if codec.namespace == element.scope.get(prefix, "")]
        if not fitting:
            raise InvalidValue(f"The type {local_name} of {{}} was not recognized.")
        return fitting[0]

    def write(self, name: str, value: Any) -> Element:
        if type(value) is not self.type and isinstance(value, ComplexModelBase):
            kind = named_type(type(value))
            if kind is not named_type(self.type) and issubclass(kind, named_type(self.type)):
                if named_type(self.type) not in kind.ancestors():  # spyne takes no class without members for a base
                    raise TypeError(f"{self.type_name} has no members, so {kind.__name__} must name it as __extends__")
                return self._write_derived(name, codec_of(kind, self.outer_namespace), value)
        return self._write(name, value)

    def _write(self, name: str, value: Any) -> Element:
        held = self._held(value)
        attributes = {}
        for member in self._attributes:
            attribute = held.get(member.python_name)
            if member.is_default(attribute):
                continue
            attribute = member.missing if attribute is None else attribute
            if attribute is not None:
                attributes[member.name] = member.codec.text(attribute)
        element = Element(name, attributes)
        for member in self._content:
            value = held.get(member.python_name)
            if member.is_data:
                _add_text(element, member.codec, value)
            elif not member.is_default(value):
                element.children += member.codec.elements(member.name, value, repeats=member.repeats)
        return element

    @staticmethod
    def _write_derived(name: str, actual: Codec, value: Any) -> Element:
        """An object of a type that extends the declared one, with its ``xsi:type``."""
        element = actual.write(name, value)
        if actual.namespace == element.namespace:
            named = {_XSI_TYPE: actual.type_name}
        else:
            named = {"xmlns:q1": actual.namespace, _XSI_TYPE: f"q1:{actual.type_name}"}
        element.attributes = named | dict(element.attributes)
        return element

    def _held(self, value: Any) -> Mapping[str, Any]:
        """The values of an object's members, from an instance, a dict, a sequence or any object with such attributes.

        Raises TypeError for anything else.
        """
        names = [member.python_name for member in self.members]
        if isinstance(value, Mapping):
            if value and value.keys().isdisjoint(names):
                raise TypeError(f"a dict without any member of {self.type_name} is none")
            return value
        if isinstance(value, list | tuple) and not set(getattr(value, "_fields", ())) & set(names):
            if len(value) > len(names):
                raise TypeError(f"{len(value)} values are given for the {len(names)} members of {self.type_name}")
            return dict(zip(names, value, strict=False))
        if isinstance(value, self._make) or not names:
            return {name: getattr(value, name, None) for name in names}
        held = {name: getattr(value, name) for name in names if hasattr(value, name)}
        if isinstance(value, str | bytes | int | float) or not held:
            raise TypeError(f"{self.type_name} can't be made of {type(value).__name__}")
        return held


@serves(Array)
class ArrayCodec(Codec):
    """An array: an element that contains one element for each item."""

    @cached_property
    def items(self) -> Member:
        key, kind = item_of(self.type)
        return _member(self.type, key, kind, self.namespace)

    @property
    def members(self) -> tuple[Member, ...]:
        """The items, as the only member."""
        return (self.items,)

    @property
    def fits_forms(self) -> bool:
        return self.items.codec.is_simple and self.items.codec.fits_forms

    def of_fields(self, texts: list[str]) -> Any:
        return [self.items.codec.of_fields([text]) for text in texts]

    def content_of(self, element: Element) -> Any:
        """The items. Elements with another name are ignored, as in ASMX."""
        item = self.items
        try:
            return [item.codec.value_of(child) for child in element.children if child.name in item.spellings]
        except InvalidValue as invalid:
            raise invalid.within(item.local_name) from None

    def write(self, name: str, value: Any) -> Element:
        item = self.items
        return Element(name, {}, [item.codec.item(item.name, one) for one in items_of(value)])


def _member(owner: Any, python_name: str, kind: Any, namespace: str) -> Member:
    local_name = member_name(owner, python_name, kind)
    is_attribute, is_data = issubclass(kind, XmlAttribute), issubclass(kind, XmlData)
    held = kind.type if is_attribute or is_data else kind
    name = f"{element_namespace_of(kind) or namespace}}}{local_name}"
    if is_attribute:
        own_namespace = attribute_namespace_of(kind)
        name = f"{own_namespace}}}{local_name}" if own_namespace else local_name
    many = repeats(kind) and not is_attribute
    return Member(
        python_name,
        name,
        codec_of(held, namespace),
        many,
        is_attribute,
        is_data,
        is_attribute and is_required_attribute(kind),
        bool(kind.Attributes.read_only),
        is_described(kind),
        int(kind.Attributes.min_occurs) if getattr(kind.Attributes, "validate_freq", True) else 0,
        float(kind.Attributes.max_occurs),
    )


def _add_text(element: Element, codec: Codec, value: Any) -> None:
    """Add a member that is text to an element, after the elements that are already in it."""
    value = codec.missing if value is None else value
    text = "" if value is None else codec.text(value)
    if element.children:
        element.children[-1].tail = text
    else:
        element.text = text


def _read_attribute(member: Member, text: str) -> Any:
    try:
        return member.codec.parse(text)
    except InvalidValue as invalid:
        raise invalid.within(member.local_name) from None
