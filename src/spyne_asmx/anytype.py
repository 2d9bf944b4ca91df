"""C#'s ``object``: a value whose ``xsi:type`` names its type on the wire."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

import spyne
from lxml import etree
from spyne.model.complex import ComplexModelBase

from spyne_asmx.arraynames import ArrayNames
from spyne_asmx.codec import Codec, InvalidValue, codec_of, serves
from spyne_asmx.typenames import MICROSOFT_TYPES, AnyType, named_type, type_name
from spyne_asmx.xml import XSD_NAMESPACE, XSI_NAMESPACE, Element, SourceElement
from spyne_asmx.xmlvalues import as_element, as_lxml

_XSI_TYPE = f"{XSI_NAMESPACE}}}type"

# spyne's type for each name that xsi:type may give.
_NAMED = {
    type_name(kind): kind
    for kind in (
        *(spyne.Boolean, spyne.Integer8, spyne.Integer16, spyne.Integer32, spyne.Integer64),
        *(spyne.UnsignedInteger8, spyne.UnsignedInteger16, spyne.UnsignedInteger32, spyne.UnsignedInteger64),
        *(spyne.Decimal, spyne.Float, spyne.Double, spyne.Integer, spyne.Unicode, spyne.AnyUri, spyne.Uuid),
        *(spyne.Date, spyne.Time, spyne.DateTime, spyne.Duration, spyne.ByteArray),
    )
}

_INT, _LONG = 1 << 31, 1 << 63
_OBJECTS = spyne.Array(AnyType)

# spyne's type for a Python value; the first that fits counts.
_KINDS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (bool, lambda _: spyne.Boolean),
    (
        int,
        lambda n: spyne.Integer32 if -_INT <= n < _INT else spyne.Integer64 if -_LONG <= n < _LONG else spyne.Integer,
    ),
    (float, lambda _: spyne.Double),
    (Decimal, lambda _: spyne.Decimal),
    (str, lambda _: spyne.Unicode),
    (bytes, lambda _: spyne.ByteArray),
    (datetime, lambda _: spyne.DateTime),
    (date, lambda _: spyne.Date),
    (time, lambda _: spyne.Time),
    (timedelta, lambda _: spyne.Duration),
    (UUID, lambda _: spyne.Uuid),
    (list, lambda _: _OBJECTS),
    (tuple, lambda _: _OBJECTS),
    (ComplexModelBase, lambda value: named_type(type(value))),
)


KnownTypes = Mapping[tuple[str, str], Codec]
"""The array and object types that an application's values may name, by namespace and name."""

# Codecs belong to types, which several applications may share, so the request that is read says whose types count.
_known: ContextVar[KnownTypes] = ContextVar("known_types", default=MappingProxyType({}))


def known_types(names: ArrayNames, namespace: str) -> KnownTypes:
    """The types of the services in a namespace."""
    codecs = ((kind, codec_of(kind, namespace)) for kind in names.learnt)
    return {(codec.namespace, names.of(kind)): codec for kind, codec in codecs}


@contextmanager
def knowing(types: KnownTypes) -> Iterator[None]:
    """Read values that may name these types."""
    before = _known.set(types)
    try:
        yield
    finally:
        _known.reset(before)


@serves(AnyType)
class AnyTypeCodec(Codec):
    """A value of any simple type, or of a type that the application knows. Untyped values are given as XML."""

    def content_of(self, element: Element) -> Any:
        named = element.attributes.get(_XSI_TYPE)
        if named is None:
            return self._untyped(element)
        prefix, _, local_name = named.strip().rpartition(":")
        scope = element.scope if isinstance(element, SourceElement) else {}
        namespace = scope.get(prefix, "")
        codec = _known.get().get((namespace, local_name))
        if namespace == (MICROSOFT_TYPES if local_name == "guid" else XSD_NAMESPACE) and local_name in _NAMED:
            codec = codec_of(_NAMED[local_name], self.outer_namespace)
        if codec is None:
            raise InvalidValue(f"The type {local_name} of {{}} was not recognized.")
        return codec.content_of(element)

    def write(self, name: str, value: Any) -> Element:
        nodes = value if isinstance(value, list | tuple) else [value]
        if nodes and all(isinstance(node, Element | etree._Element) for node in nodes):
            return Element(name, children=[as_element(node) for node in nodes])
        kind = next((kind_of(value) for base, kind_of in _KINDS if isinstance(value, base)), None)
        if kind is None:
            raise TypeError(f"{type(value).__name__} has no type that xsi:type could name")
        codec = codec_of(kind, self.outer_namespace)
        element = codec.write(name, value)
        if _XSI_TYPE not in element.attributes:
            element.attributes = {**self._named(codec), **element.attributes}
        return element

    def _named(self, codec: Codec) -> dict[str, str]:
        """The attributes that name a value's type."""
        if not codec.is_simple and codec.namespace == self.outer_namespace:
            return {_XSI_TYPE: codec.type_name}
        if codec.type_name in _NAMED and codec.type_name != "guid":
            return {_XSI_TYPE: f"xsd:{codec.type_name}"}
        namespace = MICROSOFT_TYPES if codec.is_simple else codec.namespace
        return {"xmlns:q1": namespace, _XSI_TYPE: f"q1:{codec.type_name}"}

    @staticmethod
    def _untyped(element: Element) -> Any:
        """The element itself if it has child elements, otherwise its text."""
        return [as_lxml(child) for child in element.children] or element.text or None
