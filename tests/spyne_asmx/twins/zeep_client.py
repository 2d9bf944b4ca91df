"""Calls every operation of a service with zeep, with made-up arguments, and says what came back."""

import datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import zeep
from lxml import etree
from zeep.helpers import serialize_object
from zeep.transports import Transport
from zeep.wsdl.bindings.soap import SoapBinding
from zeep.xsd import AnyAttribute, AnyObject, AnyType, ComplexType
from zeep.xsd.elements import Any as AnyElement
from zeep.xsd.types.collection import ListType

from tests.spyne_asmx.twins.comparing import is_run_times_text

_DEEPEST = 3
_FLAGS = "flags"
_MOMENT = datetime.datetime(2026, 3, 20, 14, 35)  # noqa: DTZ001 -- without a zone, as ASMX's clients send it
_VALUES: dict[type, Any] = {
    str: "a <b> & c",
    bool: True,
    int: 3,
    float: 1.5,
    Decimal: Decimal("2.50"),
    datetime.datetime: _MOMENT,
    datetime.date: _MOMENT.date(),
    datetime.time: _MOMENT.time(),
    datetime.timedelta: datetime.timedelta(hours=1),
}
_BY_NAME = {"guid": "1ef0a6f2-7c39-b1a4-6f0e-0c2b8a5d9e73", "base64Binary": b"\1\2\3"}


_XSD = "http://www.w3.org/2001/XMLSchema"


def conversation(wsdl: bytes, transport: Transport) -> dict[str, str]:
    """What each operation of each SOAP port answered, by port and operation."""
    client = zeep.Client(BytesIO(wsdl), transport=transport)
    samples = _Samples(client, _enumerations(wsdl))
    return {
        f"{port.name} {name}": _said(samples, client.bind(service.name, port.name), operation)
        for service in client.wsdl.services.values()
        for port in service.ports.values()
        if isinstance(port.binding, SoapBinding)
        for name, operation in sorted(port.binding._operations.items())
    }


def _said(samples: "_Samples", proxy: Any, operation: Any) -> str:
    try:
        return _plain(proxy[operation.name](*samples.arguments(operation), _soapheaders=samples.headers(operation)))
    except zeep.exceptions.Fault as fault:
        text = "the run-time's text" if is_run_times_text(fault.message) else fault.message
        return f"fault {fault.code}: {text}"


def _enumerations(wsdl: bytes) -> dict[str, str]:
    """The first value of each enumeration, by name: zeep does not know them, nor the names of those of flags."""
    root = etree.fromstring(wsdl)
    return {
        _FLAGS if kind.find("{*}list") is not None else kind.get("name"): values[0]
        for kind in root.iter(f"{{{_XSD}}}simpleType")
        if (values := kind.xpath(".//*[local-name() = 'enumeration']/@value"))
    }


class _Samples:
    """Made-up values for what a WSDL declares."""

    def __init__(self, client: zeep.Client, enumerations: dict[str, str]) -> None:
        self._int = client.get_type(f"{{{_XSD}}}int")
        self._enumerations = enumerations

    def arguments(self, operation: Any) -> list[Any]:
        body = operation.input.body
        if body is None:
            return []
        if not isinstance(body.type, ComplexType):
            return [self._element(body, 0)]
        return [self._element(element, 0) for _, element in body.type.elements]

    def headers(self, operation: Any) -> list[Any] | None:
        header = operation.input.header
        elements = [element for _, element in header.type.elements] if header is not None else []
        return [element(**self._members(element.type, 0)) for element in elements] or None

    def _element(self, element: Any, depth: int) -> Any:
        if isinstance(element, AnyElement):
            return etree.fromstring("<a>b</a>")
        if element.accepts_multiple:
            return [self._value(element.type, depth) for _ in range(2)]
        return self._value(element.type, depth)

    def _value(self, kind: Any, depth: int) -> Any:
        if isinstance(kind, ComplexType):
            return kind(**self._members(kind, depth)) if depth < _DEEPEST else None
        if isinstance(kind, ListType):
            return [self._enumerations[_FLAGS]]
        if type(kind) is AnyType:
            return AnyObject(self._int, 7)
        if kind.name in _BY_NAME:
            return _BY_NAME[kind.name]
        if kind.name in self._enumerations:
            return self._enumerations[kind.name]
        return _VALUES[next(one for one in kind.accepted_types if one in _VALUES)]

    def _members(self, kind: Any, depth: int) -> dict[str, Any]:
        members = {name: self._element(element, depth + 1) for name, element in kind.elements}
        attributes = {
            name: self._value(attribute.type, depth + 1)
            for name, attribute in kind.attributes
            if not isinstance(attribute, AnyAttribute)
        }
        return members | attributes


def _plain(result: Any) -> str:
    return repr(_with_text(serialize_object(result, dict)))


def _with_text(value: Any) -> Any:
    if isinstance(value, etree._Element):
        return etree.tostring(value, method="c14n", exclusive=True).decode()
    if isinstance(value, dict):
        return {name: _with_text(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_text(inner) for inner in value]
    return value
