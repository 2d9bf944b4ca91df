"""The XML Schema of a service's messages, as .NET's XmlSchemaExporter writes it."""

from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any

from lxml import etree
from spyne import AnyXml, Array
from spyne.model.complex import ComplexModelBase, XmlAttribute, XmlData
from spyne.model.enum import EnumBase

from spyne_asmx.arraynames import ArrayNames
from spyne_asmx.fields import fields_of, is_described, item_of, own_fields_of
from spyne_asmx.messages import Message
from spyne_asmx.operations import Operation
from spyne_asmx.typenames import (
    MICROSOFT_TYPES,
    AnyType,
    attribute_namespace_of,
    can_be_nil,
    derived_types,
    element_namespace_of,
    given_namespace,
    is_always_there,
    is_flags,
    is_nullable,
    is_required_attribute,
    member_name,
    named_type,
    simple_type,
    type_name,
)
from spyne_asmx.types import codec_of, repeats
from spyne_asmx.xml import XML_NAMESPACE, XSD_NAMESPACE

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
# Marks the element of a request or an answer, whose name no other element may have.
_WRAPPER = b"wrapper"


class Schemas:
    """Collects elements and the types they need in one schema for each namespace.

    A type follows the first element that needs it, and the types that extend it follow it.
    """

    def __init__(self, namespace: str, names: ArrayNames, headers: Iterable[Any] = ()) -> None:
        """``headers`` are the types used as headers, which may have any attribute."""
        self._namespace = namespace
        self._names = names
        self._schemas: dict[str, etree._Element] = {}
        self._imports: dict[str, list[str]] = {}
        self._types: dict[tuple[str, str], Any] = {}
        self._elements: dict[tuple[str, str], bytes] = {}
        self._headers = {named_type(kind) for kind in headers if hasattr(kind, "_type_info")}
        self.prefixes = {namespace: "tns"}
        """The prefix of each namespace in use, except XML Schema's own."""
        self._schema(namespace)

    def documents(self) -> list[etree._Element]:
        """The service's schema, followed by those of other namespaces in the order of their first use."""
        for namespace, imported in self._imports.items():
            for index, name in enumerate(imported):
                self._schemas[namespace].insert(index, _S("import", namespace=name))
            imported.clear()
        return [_guid_schema() if name == MICROSOFT_TYPES else schema for name, schema in self._schemas.items()]

    def add_operation(self, operation: Operation) -> None:
        """The elements of a SOAP request, its answer, their headers, and faults."""
        for message in (operation.request, operation.answer):
            if message.is_bare:
                for part in message.parts:
                    self._add_element(part.name, part.type, part.namespace)
            else:
                self._add_wrapper(message)
        for part in (*operation.in_headers.parts, *operation.out_headers.parts, *operation.faults):
            self._add_element(part.name, part.type, part.namespace)

    def add_form_result(self, spyne_type: Any) -> None:
        """The root element of an answer to a GET or POST form."""
        name = self._names.of(spyne_type)
        if (self._namespace, name) in self._elements:
            return
        element = _S("element", name=name)
        self._schema(self._namespace).append(element)
        self._typed(element, spyne_type, self._namespace, nillable=can_be_nil(spyne_type))
        self._elements[self._namespace, name] = etree.tostring(element)

    def add_type(self, spyne_type: Any) -> None:
        """A type that no element names."""
        self._type(spyne_type, self._namespace)

    @property
    def string_array(self) -> str:
        """The qualified name of the type of a form's repeated field."""
        return self.prefixed(f"{self._namespace.removesuffix('/')}/AbstractTypes", "StringArray")

    def add_string_array(self) -> None:
        """The schema with the type of a form's repeated field, exactly as .NET writes it."""
        namespace = f"{self._namespace.removesuffix('/')}/AbstractTypes"
        item = _S("element", minOccurs="0", maxOccurs="unbounded", name="String", type="s:string")
        array = _S("restriction", _S("sequence", item), base="soapenc:Array")
        declared = _S("complexType", _S("complexContent", array, mixed="false"), name="StringArray")
        imported = _S("import", namespace="http://schemas.xmlsoap.org/soap/encoding/")
        self._schema(namespace)
        self._schemas[namespace] = _S("schema", imported, declared, targetNamespace=namespace)

    def _schema(self, namespace: str) -> etree._Element:
        if namespace not in self._schemas:
            self._schemas[namespace] = _S("schema", elementFormDefault="qualified", targetNamespace=namespace)
            self._imports[namespace] = []
            self.prefixes.setdefault(namespace, f"s{len(self.prefixes)}")
        return self._schemas[namespace]

    def prefixed(self, namespace: str, local_name: str) -> str:
        """The qualified name of an element, for use outside the schemas."""
        return f"{self.prefixes[namespace]}:{local_name}"

    def _name(self, namespace: str, local_name: str, within: str) -> str:
        """The qualified name of a component in the schema of ``namespace``, for use in that of ``within``."""
        self._schema(namespace)
        if namespace != within and namespace not in self._imports[within]:
            self._imports[within].append(namespace)
        return f"{self.prefixes[namespace]}:{local_name}"

    def _add_wrapper(self, message: Message) -> None:
        content = _S("complexType")
        if self._elements.setdefault((message.namespace, message.name), _WRAPPER) is not _WRAPPER:
            raise TypeError(f"two elements are named {message.name}; rename one")
        self._schema(message.namespace).append(_S("element", content, name=message.name))
        if message.parts:
            content.append(self._sequence([(part.name, part.type) for part in message.parts], message.namespace))

    def _sequence(self, members: Iterable[tuple[str, Any]], namespace: str) -> etree._Element:
        described = [(name, kind) for name, kind in members if is_described(kind)]
        return _S("sequence", *[self._member(name, kind, namespace) for name, kind in described])

    def _member(self, name: str, spyne_type: Any, namespace: str) -> etree._Element:
        many = repeats(spyne_type)
        default = _default(spyne_type)
        declared, most = spyne_type.Attributes.min_occurs, spyne_type.Attributes.max_occurs
        least = declared or int(is_always_there(spyne_type) and not many and not default)
        occurs = {"minOccurs": f"{least:.0f}", "maxOccurs": f"{most:.0f}" if isfinite(most) else "unbounded"}
        own_namespace = element_namespace_of(spyne_type)
        if own_namespace and own_namespace != namespace:
            self._add_element(name, spyne_type, own_namespace)
            return _S("element", **occurs, ref=self._name(own_namespace, name, namespace))
        element = _S("element", **occurs, **default, name=name)
        return self._typed(element, spyne_type, namespace, nillable=is_nullable(spyne_type))

    def _add_element(self, name: str, spyne_type: Any, namespace: str) -> None:
        """Add an element at the top of a schema. Raises TypeError if one of another type has its name."""
        element = _S("element", name=name)
        schema = self._schema(namespace)
        place = len(schema)
        described = etree.tostring(self._typed(element, spyne_type, namespace, nillable=is_nullable(spyne_type)))
        known = self._elements.setdefault((namespace, name), described)
        if known is described:
            schema.insert(place, element)
        elif known != described:
            raise TypeError(f"two elements {name} of the namespace {namespace} are of different types; rename one")

    def _typed(self, element: etree._Element, spyne_type: Any, namespace: str, *, nillable: bool) -> etree._Element:
        """Add the type to an element in the schema of ``namespace``."""
        _set_nillable(element, nillable)
        if issubclass(spyne_type, AnyXml):
            element.append(_S("complexType", _S("sequence", _S("any")), mixed="true"))
        elif not issubclass(spyne_type, AnyType):
            element.set("type", self._type(spyne_type, namespace))
        return element

    def _type(self, spyne_type: Any, namespace: str) -> str:
        """The qualified name of a type for use in the schema of ``namespace``. The first use adds the type."""
        if issubclass(spyne_type, EnumBase):
            return self._declared(spyne_type, namespace, self._add_enumeration)
        if issubclass(spyne_type, Array):
            return self._declared(spyne_type, namespace, self._add_array)
        if hasattr(spyne_type, "_type_info"):
            return self._declared(spyne_type, namespace, self._add_object)
        simple = simple_type(spyne_type)
        if simple.namespace == XSD_NAMESPACE:
            return f"s:{simple.name}"
        return self._name(simple.namespace, simple.name, namespace)

    def _declared(self, spyne_type: Any, within: str, add: Callable[[str, Any, str], None]) -> str:
        is_array = issubclass(spyne_type, Array)
        name, namespace = self._names.of(spyne_type), given_namespace(spyne_type) or within
        qualified = self._name(namespace, name, within)
        kind = spyne_type if is_array else named_type(spyne_type)
        named = self._names.signature(spyne_type) if is_array else kind
        if (namespace, name) not in self._types:
            self._types[namespace, name] = named
            add(name, kind, namespace)
        elif self._types[namespace, name] != named:
            raise TypeError(f"two different types are named {name}; give one of them another __type_name__")
        return qualified

    def _add_enumeration(self, name: str, spyne_type: Any, namespace: str) -> None:
        values = [_S("enumeration", value=value) for value in spyne_type.__values__]
        content = _S("restriction", *values, base="s:string")
        if is_flags(spyne_type):
            content = _S("list", _S("simpleType", content))
        self._schema(namespace).append(_S("simpleType", content, name=name))

    def _add_array(self, name: str, spyne_type: Any, namespace: str) -> None:
        key, item = item_of(spyne_type)
        declared = _S("complexType", name=name)
        self._schema(namespace).append(declared)
        element = _S("element", minOccurs="0", maxOccurs="unbounded", name=member_name(spyne_type, key, item))
        declared.append(_S("sequence", self._typed(element, item, namespace, nillable=can_be_nil(item))))

    def _add_object(self, name: str, spyne_type: Any, namespace: str) -> None:
        declared = _S("complexType", name=name)
        self._schema(namespace).append(declared)
        own = [
            (member_name(spyne_type, key, kind), kind)
            for key, kind in own_fields_of(spyne_type).items()
            if not kind.Attributes.exc and is_described(kind)
        ]
        texts = [kind.type for _, kind in own if issubclass(kind, XmlData)]
        elements = [(key, kind) for key, kind in own if not issubclass(kind, XmlAttribute | XmlData)]
        if texts and not elements and spyne_type.__extends__ is None:
            content = _S("extension", base=self._type(texts[0], namespace))
            declared.append(_S("simpleContent", content))
        else:
            if texts:  # text among elements, or in a type that extends another
                declared.set("mixed", "true")
            content = self._extended(declared, spyne_type, namespace, is_wider=bool(texts or elements))
        if elements:
            content.append(self._sequence(elements, namespace))
        content.extend([self._attribute(key, kind, namespace) for key, kind in own if issubclass(kind, XmlAttribute)])
        if spyne_type in self._headers:
            content.append(_S("anyAttribute"))
        for derived in derived_types(spyne_type):
            # The schema of a type needs no import of those that extend it.
            self._type(derived, given_namespace(derived) or namespace)

    def _extended(self, declared: etree._Element, spyne_type: Any, namespace: str, *, is_wider: bool) -> etree._Element:
        """Where the content of an object type stands: in an extension, if it extends another.

        ``is_wider`` says that it has more than attributes of its own. Raises TypeError if the other can't have that.
        """
        base = spyne_type.__extends__
        if base is None:
            return declared
        extension = _S("extension", base=self._type(base, namespace))
        if _is_text_alone(base):
            if is_wider:
                raise TypeError(
                    f"{type_name(spyne_type)} extends a type that is text alone, and may add attributes only"
                )
            declared.append(_S("simpleContent", extension))
        else:
            has_text = any(issubclass(kind, XmlData) for kind in fields_of(base).values())
            declared.append(_S("complexContent", extension, mixed="true" if has_text else "false"))
        return extension

    def _attribute(self, name: str, spyne_type: Any, namespace: str) -> etree._Element:
        own_namespace = attribute_namespace_of(spyne_type)
        if own_namespace and own_namespace != XML_NAMESPACE:
            self._add_attribute(name, spyne_type, own_namespace)
        if own_namespace == XML_NAMESPACE:
            if own_namespace not in self._imports[namespace]:
                self._imports[namespace].append(own_namespace)
            declared = _S("attribute", ref=f"xml:{name}")
        elif own_namespace:
            declared = _S("attribute", ref=self._name(own_namespace, name, namespace))
        else:
            default = _default(spyne_type.type)
            declared = _S("attribute", name=name, type=self._type(spyne_type.type, namespace), **default)
        if is_required_attribute(spyne_type):
            declared.set("use", "required")
        return declared

    def _add_attribute(self, name: str, spyne_type: Any, namespace: str) -> None:
        """An attribute at the top of a schema, once."""
        schema = self._schema(namespace)
        if not any(known.get("name") == name for known in schema.iterchildren(f"{{{XSD_NAMESPACE}}}attribute")):
            schema.append(_S("attribute", name=name, type=self._type(spyne_type.type, namespace)))


def _is_text_alone(spyne_type: Any) -> bool:
    """Whether an object type has text and attributes, and no elements: XML Schema's simple content."""
    if spyne_type.__extends__ is not None:
        return _is_text_alone(spyne_type.__extends__)
    content = [kind for kind in own_fields_of(spyne_type).values() if not issubclass(kind, XmlAttribute)]
    return bool(content) and all(issubclass(kind, XmlData) for kind in content)


def _default(spyne_type: Any) -> dict[str, str]:
    """The schema's attribute for the default of a member that is text on the wire."""
    default = spyne_type.Attributes.default
    if default is None or issubclass(spyne_type, ComplexModelBase | AnyXml | AnyType):
        return {}
    return {"default": codec_of(spyne_type, "").text(default)}


def _set_nillable(element: etree._Element, nillable: bool) -> None:
    if nillable:
        element.set("nillable", "true")


def _guid_schema() -> etree._Element:
    guid = _S("simpleType", _S("restriction", _S("pattern", value=_GUID_PATTERN), base="s:string"), name="guid")
    return _S("schema", guid, elementFormDefault="qualified", targetNamespace=MICROSOFT_TYPES)
