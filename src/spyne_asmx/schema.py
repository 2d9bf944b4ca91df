"""The XML Schema of a service's messages, as .NET's XmlSchemaExporter writes it."""

from collections.abc import Iterable
from typing import Any

from lxml import etree
from spyne import AnyXml, Array
from spyne.model.complex import XmlAttribute
from spyne.model.enum import EnumBase

from spyne_asmx.operations import Operation
from spyne_asmx.typenames import (
    can_be_nil,
    is_nullable,
    is_value,
    member_name,
    named_type,
    simple_type,
    type_name,
)
from spyne_asmx.types import repeats
from spyne_asmx.xml import XSD_NAMESPACE

MICROSOFT_TYPES = "http://microsoft.com/wsdl/types/"
_GUID_PATTERN = "-".join(f"[0-9a-fA-F]{{{length}}}" for length in (8, 4, 4, 4, 12))


class Maker:
    """Makes elements of one namespace."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    def __call__(self, local_name: str, *children: etree._Element, **attributes: str) -> etree._Element:
        element = etree.Element(f"{{{self._namespace}}}{local_name}", attributes)
        element.extend(children)
        return element


_S = Maker(XSD_NAMESPACE)


class Schema:
    """Collects elements and the types they need. A type stands behind the first element that needs it."""

    def __init__(self, namespace: str) -> None:
        self._schema = _S("schema", elementFormDefault="qualified", targetNamespace=namespace)
        self._types: dict[str, Any] = {}
        self._results: set[str] = set()
        self.has_guid = False

    def documents(self) -> list[etree._Element]:
        """The schemas: the service's, and that of GUIDs where there is one."""
        if not self.has_guid:
            return [self._schema]
        self._schema.insert(0, _S("import", namespace=MICROSOFT_TYPES))
        return [self._schema, _guid_schema()]

    def add_operation(self, operation: Operation) -> None:
        """The elements of a SOAP request and its answer."""
        self._add_wrapper(operation.name, [(p.name, p.codec.type) for p in operation.parameters])
        result = operation.result
        self._add_wrapper(operation.response_name, [] if result is None else [(operation.result_name, result.type)])

    def add_form_result(self, spyne_type: Any) -> None:
        """The root element of an answer to a GET or POST form."""
        name = type_name(spyne_type)
        if name in self._results:
            return
        self._results.add(name)
        element = _S("element", name=name)
        _set_nillable(element, can_be_nil(spyne_type))
        element.set("type", self._type(spyne_type))
        self._schema.append(element)

    def _add_wrapper(self, name: str, parts: list[tuple[str, Any]]) -> None:
        content = _S("complexType")
        self._schema.append(_S("element", content, name=name))
        if parts:
            content.append(self._sequence(parts))

    def _sequence(self, members: Iterable[tuple[str, Any]]) -> etree._Element:
        return _S("sequence", *[self._member(name, kind) for name, kind in members])

    def _member(self, name: str, spyne_type: Any) -> etree._Element:
        many = repeats(spyne_type)
        required = not many and (is_value(spyne_type) or spyne_type.Attributes.min_occurs > 0)
        element = _S("element", minOccurs="1" if required else "0", maxOccurs="unbounded" if many else "1", name=name)
        return self._typed(element, spyne_type, nillable=is_nullable(spyne_type))

    def _typed(self, element: etree._Element, spyne_type: Any, *, nillable: bool) -> etree._Element:
        _set_nillable(element, nillable)
        if issubclass(spyne_type, AnyXml):
            element.append(_S("complexType", _S("sequence", _S("any")), mixed="true"))
        else:
            element.set("type", self._type(spyne_type))
        return element

    def _type(self, spyne_type: Any) -> str:
        """The qualified name of a type, which is added to the schema the first time."""
        if issubclass(spyne_type, EnumBase):
            return self._declared(spyne_type, self._add_enumeration)
        if issubclass(spyne_type, Array):
            return self._declared(spyne_type, self._add_array)
        if hasattr(spyne_type, "_type_info"):
            return self._declared(spyne_type, self._add_object)
        simple = simple_type(spyne_type)
        self.has_guid |= simple.prefix == "s1"
        return f"{simple.prefix}:{simple.name}"

    def _declared(self, spyne_type: Any, add: Any) -> str:
        name = type_name(spyne_type)
        named = _array_signature(spyne_type) if issubclass(spyne_type, Array) else named_type(spyne_type)
        if name not in self._types:
            self._types[name] = named
            add(name, named_type(spyne_type) if not issubclass(spyne_type, Array) else spyne_type)
        elif self._types[name] != named:
            raise TypeError(f"two different types are named {name}; give one of them another __type_name__")
        return f"tns:{name}"

    def _add_enumeration(self, name: str, spyne_type: Any) -> None:
        values = [_S("enumeration", value=value) for value in spyne_type.__values__]
        self._schema.append(_S("simpleType", _S("restriction", *values, base="s:string"), name=name))

    def _add_array(self, name: str, spyne_type: Any) -> None:
        key, item = next(iter(spyne_type._type_info.items()))
        declared = _S("complexType", name=name)
        self._schema.append(declared)
        element = _S("element", minOccurs="0", maxOccurs="unbounded", name=member_name(spyne_type, key, item))
        declared.append(_S("sequence", self._typed(element, item, nillable=can_be_nil(item))))

    def _add_object(self, name: str, spyne_type: Any) -> None:
        declared = content = _S("complexType", name=name)
        self._schema.append(declared)
        if spyne_type.__extends__ is not None:
            content = _S("extension", base=self._type(spyne_type.__extends__))
            declared.append(_S("complexContent", content, mixed="false"))
        own = [(member_name(spyne_type, key, kind), kind) for key, kind in spyne_type._type_info.items()]
        elements = [(key, kind) for key, kind in own if not issubclass(kind, XmlAttribute)]
        if elements:
            content.append(self._sequence(elements))
        content.extend([self._attribute(key, kind) for key, kind in own if issubclass(kind, XmlAttribute)])

    def _attribute(self, name: str, spyne_type: Any) -> etree._Element:
        declared = _S("attribute", name=name, type=self._type(spyne_type.type))
        if spyne_type._use == "required" or (spyne_type._use is None and is_value(spyne_type.type)):
            declared.set("use", "required")
        return declared


def _set_nillable(element: etree._Element, nillable: bool) -> None:
    if nillable:
        element.set("nillable", "true")


def _array_signature(spyne_type: Any) -> tuple[str, str, bool]:
    """What makes two array types the same: spyne makes a new class at every mention."""
    key, item = next(iter(spyne_type._type_info.items()))
    return member_name(spyne_type, key, item), type_name(item), is_nullable(item)


def _guid_schema() -> etree._Element:
    guid = _S("simpleType", _S("restriction", _S("pattern", value=_GUID_PATTERN), base="s:string"), name="guid")
    return _S("schema", guid, elementFormDefault="qualified", targetNamespace=MICROSOFT_TYPES)
