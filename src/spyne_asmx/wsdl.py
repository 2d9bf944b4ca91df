"""``?WSDL`` and ``?disco``: what .NET's ServiceDescriptionReflector writes, for the bindings that are on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lxml import etree

from spyne_asmx.bindings import Binding
from spyne_asmx.forms import FORM_MEDIA_TYPE
from spyne_asmx.headers import SoapHeaders
from spyne_asmx.messages import Message, Part
from spyne_asmx.operations import Operation, OperationTable
from spyne_asmx.schema import Maker, Schemas
from spyne_asmx.unsupported import naming
from spyne_asmx.xml import DECLARATION, XSD_NAMESPACE, XSI_NAMESPACE
from spyne_asmx.xmlnames import xml_name
from spyne_asmx.xmlwriter import escape_attribute

_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_EXTENSIONS = {name: f"{_WSDL}{name}/" for name in ("soap", "soap12", "http", "mime")}
_SOAP_OVER_HTTP = "http://schemas.xmlsoap.org/soap/http"
_DISCO = "http://schemas.xmlsoap.org/disco/"

_W = Maker(_WSDL)
_MIME = Maker(_EXTENSIONS["mime"])
_HTTP = Maker(_EXTENSIONS["http"])


@dataclass(frozen=True, slots=True)
class _Port:
    """One port: the suffix of its names, the namespace of its extensions, and the HTTP verb of a form binding."""

    binding: Binding
    suffix: str
    extension: str
    verb: str = ""

    @property
    def is_soap(self) -> bool:
        return not self.verb


_PORTS = (
    _Port(Binding.SOAP11, "Soap", "soap"),
    _Port(Binding.SOAP12, "Soap12", "soap12"),
    _Port(Binding.GET, "HttpGet", "http", "GET"),
    _Port(Binding.POST, "HttpPost", "http", "POST"),
)


def build_wsdl(operations: OperationTable, name: str, address: str, bindings: frozenset[Binding]) -> bytes:
    """The WSDL of the service ``name`` at ``address``. Operations whose parameters are no simple values have SOAP only.

    Raises TypeError for types that have no counterpart in ASMX, or that share a name.
    """
    name = xml_name(name)
    ports = [port for port in _PORTS if port.binding in bindings]
    schemas = _schemas(operations, ports)
    root = etree.Element(f"{{{_WSDL}}}definitions", nsmap=_namespaces(schemas))
    root.set("targetNamespace", operations.namespace)
    root.extend(_documentation(operations.documentation))
    root.append(_W("types", *schemas.documents()))
    for port in _with_messages(ports):
        for operation in _offered(operations, port):
            root.extend(
                _soap_messages(operation, port, schemas) if port.is_soap else _form_messages(operation, port, schemas)
            )
    for port in _with_messages(ports):
        described = [_abstract_operation(operation, port) for operation in _offered(operations, port)]
        root.append(_W("portType", *described, name=f"{name}{port.suffix}"))
    soap_port_type = next((f"{name}{port.suffix}" for port in ports if port.is_soap), "")
    for port in ports:
        root.append(_binding(operations, name, port, soap_port_type if port.is_soap else f"{name}{port.suffix}"))
    described = _documentation(operations.documentation)
    root.append(_W("service", *described, *[_port(name, port, address) for port in ports], name=name))
    return _document(root)


def build_disco(operations: OperationTable, name: str, address: str, bindings: frozenset[Binding]) -> bytes:
    """The discovery document, which says where the WSDL and the SOAP ports are."""
    name = xml_name(name)
    place, namespace = escape_attribute(address), escape_attribute(operations.namespace)
    soap_ports = [port for port in _PORTS if port.is_soap and port.binding in bindings]
    lines = [
        DECLARATION,
        f'<discovery xmlns:xsd="{XSD_NAMESPACE}" xmlns:xsi="{XSI_NAMESPACE}" xmlns="{_DISCO}">',
        f'  <contractRef ref="{place}?wsdl" docRef="{place}" xmlns="{_DISCO}scl/" />',
        *[
            f'  <soap address="{place}" xmlns:q{number}="{namespace}" binding="q{number}:{name}{port.suffix}" '
            f'xmlns="{_DISCO}soap/" />'
            for number, port in enumerate(soap_ports, 1)
        ],
        "</discovery>",
    ]
    return "\n".join(lines).encode()


def _namespaces(schemas: Schemas) -> dict[str, str]:
    """The prefixes at the root, including unused ones, as .NET writes them."""
    (namespace, tns), *others = schemas.prefixes.items()
    return {
        "wsdl": _WSDL,
        tns: namespace,
        "s": XSD_NAMESPACE,
        **{prefix: other for other, prefix in others},
        **_EXTENSIONS,
        "soapenc": "http://schemas.xmlsoap.org/soap/encoding/",
        "tm": "http://microsoft.com/wsdl/mime/textMatching/",
    }


def _document(root: etree._Element) -> bytes:
    etree.indent(root, "  ")
    return f"{DECLARATION}\n{etree.tostring(root, encoding='unicode')}".encode()


def _schemas(operations: OperationTable, ports: list[_Port]) -> Schemas:
    headers = [part.type for operation in operations for part in _headers(operation)]
    schemas = Schemas(operations.namespace, operations.array_names, headers)
    for operation in operations:
        with naming(operation.name):
            schemas.add_operation(operation)
    for kind in operations.classes:
        schemas.add_type(kind)
    offered = [operation for port in ports if port.verb for operation in _offered(operations, port)]
    for operation in offered:
        if operation.form_answer is not None and not operation.form_answer.is_xml:
            schemas.add_form_result(operation.form_answer.type)
    if any(parameter.takes_many for operation in offered for parameter in operation.parameters):
        schemas.add_string_array()
    return schemas


def _offered(operations: OperationTable, port: _Port) -> Iterable[Operation]:
    return [operation for operation in operations if port.is_soap or operation.fits_forms]


def _with_messages(ports: list[_Port]) -> list[_Port]:
    """The ports that have their own messages and port type. If both are on, SOAP 1.2 shares SOAP 1.1's."""
    return [port for index, port in enumerate(ports) if not (port.is_soap and index)]


def _headers(operation: Operation) -> list[Part]:
    """The headers of both directions, each once."""
    parts = {part.element: part for part in (*operation.in_headers.parts, *operation.out_headers.parts)}
    return list(parts.values())


def _soap_messages(operation: Operation, port: _Port, schemas: Schemas) -> list[etree._Element]:
    request = [(xml_name(parameter.argument), parameter) for parameter in operation.parameters]
    answer = [(f"{_message_prefix(operation)}Result", part) for part in operation.results]
    described = [
        (f"{port.suffix}In", _soap_parts(operation.request, request, schemas)),
        (f"{port.suffix}Out", _soap_parts(operation.answer, answer, schemas)),
        *[(part.name, [_soap_part(part.name, part, schemas)]) for part in (*_headers(operation), *operation.faults)],
    ]
    return [_W("message", *parts, name=f"{_message_prefix(operation)}{suffix}") for suffix, parts in described]


def _soap_parts(message: Message, parts: Sequence[tuple[str, Part]], schemas: Schemas) -> list[etree._Element]:
    if message.is_bare:
        return [_soap_part(message.part_name or name, part, schemas) for name, part in parts]
    return [
        _W("part", name=message.part_name or "parameters", element=schemas.prefixed(message.namespace, message.name))
    ]


def _soap_part(name: str, part: Part, schemas: Schemas) -> etree._Element:
    return _W("part", name=name, element=schemas.prefixed(part.namespace, part.name))


def _form_messages(operation: Operation, port: _Port, schemas: Schemas) -> list[etree._Element]:
    parameters = [
        _W("part", name=xml_name(parameter.argument), type=schemas.string_array if parameter.takes_many else "s:string")
        for parameter in operation.parameters
    ]
    result = []
    if operation.form_answer is not None:
        element = {} if operation.form_answer.is_xml else {"element": f"tns:{operation.form_answer_name}"}
        result = [_W("part", name="Body", **element)]
    return [
        _W("message", *parameters, name=f"{_message_prefix(operation)}{port.suffix}In"),
        _W("message", *result, name=f"{_message_prefix(operation)}{port.suffix}Out"),
    ]


def _abstract_operation(operation: Operation, port: _Port) -> etree._Element:
    message = f"tns:{_message_prefix(operation)}{port.suffix}"
    described = _W("operation", name=xml_name(operation.method_name))
    described.extend(_documentation(operation.notes.description))
    described.append(_W("input", **_message_name(operation), message=f"{message}In"))
    described.append(_W("output", **_message_name(operation), message=f"{message}Out"))
    faults = operation.faults if port.is_soap else ()
    described.extend(
        _W("fault", name=part.name, message=f"tns:{_message_prefix(operation)}{part.name}") for part in faults
    )
    return described


def _documentation(text: str) -> list[etree._Element]:
    documentation = _W("documentation")
    documentation.text = text
    return [documentation] if text else []


def _message_name(operation: Operation) -> dict[str, str]:
    """The name of an operation's messages, if it is not the method's."""
    return {} if operation.name == operation.method_name else {"name": _message_prefix(operation)}


def _message_prefix(operation: Operation) -> str:
    """What the names of an operation's messages begin with."""
    return xml_name(operation.name)


def _binding(operations: OperationTable, name: str, port: _Port, port_type: str) -> etree._Element:
    extension = Maker(_EXTENSIONS[port.extension])
    bind = _bound_to_soap if port.is_soap else _bound_to_form
    details = {"transport": _SOAP_OVER_HTTP} if port.is_soap else {"verb": port.verb}
    bound = [bind(operation, port) for operation in _offered(operations, port)]
    return _W("binding", extension("binding", **details), *bound, name=f"{name}{port.suffix}", type=f"tns:{port_type}")


def _bound_to_soap(operation: Operation, port: _Port) -> etree._Element:
    soap = Maker(_EXTENSIONS[port.extension])

    def header(part: Part, *, is_required: bool) -> etree._Element:
        element = soap("header", message=f"tns:{_message_prefix(operation)}{part.name}", part=part.name, use="literal")
        if is_required:
            element.set(f"{{{_WSDL}}}required", "true")  # WSDL 1.1, section 2.1.3, as ASP.NET 1.1 wrote it
        return element

    def content(headers: SoapHeaders) -> list[etree._Element]:
        return [
            soap("body", use="literal"),
            *[header(part, is_required=headers.requires(part)) for part in headers.parts],
        ]

    return _W(
        "operation",
        soap("operation", soapAction=operation.action, style="document"),
        _W("input", *content(operation.in_headers), **_message_name(operation)),
        _W("output", *content(operation.out_headers), **_message_name(operation)),
        *[_W("fault", soap("fault", name=part.name, use="literal"), name=part.name) for part in operation.faults],
        name=xml_name(operation.method_name),
    )


def _bound_to_form(operation: Operation, port: _Port) -> etree._Element:
    given = _HTTP("urlEncoded") if port.verb == "GET" else _MIME("content", type=FORM_MEDIA_TYPE)
    answer = []
    if operation.result is not None:
        is_xml = operation.result.codec.is_xml
        answer = [_MIME("content", part="Body", type="text/xml") if is_xml else _MIME("mimeXml", part="Body")]
    return _W(
        "operation",
        _HTTP("operation", location=f"/{operation.name}"),
        _W("input", given, **_message_name(operation)),
        _W("output", *answer, **_message_name(operation)),
        name=xml_name(operation.method_name),
    )


def _port(name: str, port: _Port, address: str) -> etree._Element:
    extension = Maker(_EXTENSIONS[port.extension])
    full_name = f"{name}{port.suffix}"
    return _W("port", extension("address", location=address), name=full_name, binding=f"tns:{full_name}")
