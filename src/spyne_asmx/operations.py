"""The operations of a spyne application as the bindings need them: derived once from spyne's interface.

Nothing about an operation is written down twice: routing, decoding, WSDL, help pages and samples all come from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from spyne import Application, Unicode

from spyne_asmx.faults import ClientFault, missing_parameter
from spyne_asmx.soap import CLOSING, VERSIONS, SoapVersion, refused_attribute
from spyne_asmx.typenames import is_nullable
from spyne_asmx.types import NIL, Codec, codec_of, repeats, takes_xml
from spyne_asmx.unsupported import refuse_unsupported
from spyne_asmx.xml import XSD_NAMESPACE, XSI_NAMESPACE, Element
from spyne_asmx.xmlvalues import as_element
from spyne_asmx.xmlwriter import write

# ASMX declares both at the root of a form's answer that is more than one value.
_DECLARED = {"xmlns:xsd": XSD_NAMESPACE, "xmlns:xsi": XSI_NAMESPACE}
# Envelope, Body, operation, result.
_RESULT_DEPTH = 4


class Waiting(StrEnum):
    """How a call may wait. An operation says it with ``@rpc(…, _udd={"waiting": Waiting.NEVER})``."""

    NEVER = "never"
    """It never waits, so a server may run it on its event loop."""
    COOPERATIVE = "cooperative"
    """It waits only through means that the server knows, which let other calls run meanwhile."""
    BLOCKING = "blocking"
    """It may block its thread. The default."""


def may_be_left_out(spyne_type: Any) -> Any:
    """Mark a parameter that GET and POST forms may leave out; ASMX itself wants every parameter there."""
    return spyne_type.customize(left_out=True)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation, by its name on the wire."""

    name: str
    codec: Codec
    repeats: bool
    required_in_forms: bool

    @property
    def form_name(self) -> str:
        return self.name.lower()

    @property
    def empty_is_missing(self) -> bool:
        """Browsers send a form's empty fields too; what may be left out and is no text can only mean nothing."""
        return not self.required_in_forms and not issubclass(self.codec.type, Unicode)


class Operation:
    """One operation: its names, its parameters, its result, and what is written around a result."""

    def __init__(self, descriptor: Any, namespace: str, managers: tuple[Any, ...]) -> None:
        refuse_unsupported(descriptor)
        self.descriptor = descriptor
        self.managers = managers
        self.namespace = namespace
        self.name = str(descriptor.name)
        self.action = f"{namespace}{self.name}" if namespace.endswith("/") else f"{namespace}/{self.name}"
        self.documentation = (descriptor.doc or "").strip()
        self.function = descriptor.function
        self.waiting = Waiting(descriptor.udd.get("waiting") or Waiting.BLOCKING)
        self.parameters = tuple(
            Parameter(name, codec_of(kind, namespace), repeats(kind), not getattr(kind.Attributes, "left_out", False))
            for name, kind in descriptor.in_message.get_flat_type_info(descriptor.in_message).items()
        )
        self.form_names = frozenset(parameter.form_name for parameter in self.parameters)
        self._missing = [None if parameter.repeats else parameter.codec.missing for parameter in self.parameters]
        results = list(descriptor.out_message.get_flat_type_info(descriptor.out_message).values())
        if len(results) > 1:
            raise TypeError(f"{self.name}: ASMX operations have one result; put several in a complex type")
        self.result = codec_of(results[0], namespace) if results else None
        self.response_name = f"{self.name}Response"
        self.result_name = f"{self.name}Result"
        self._index = {
            spelling: index
            for index, parameter in enumerate(self.parameters)
            for spelling in _spellings(parameter.name)
        }
        self._frames = {version: self._frame(version) for version in VERSIONS}

    @property
    def fits_forms(self) -> bool:
        """ASMX offers an operation over GET and POST only when every parameter is a simple value."""
        return all(parameter.codec.is_simple and not parameter.repeats for parameter in self.parameters)

    def arguments_from_elements(self, elements: list[Element], longest: int) -> list[Any]:
        """The service function's arguments from a SOAP body entry's children.

        ``longest`` bounds a parameter's text, in characters. Raises ClientFault.
        """
        arguments = self._missing.copy()
        seen: set[int] = set()
        for element in elements:
            index = self._index.get(element.local_name)
            if index is None:
                continue
            parameter = self.parameters[index]
            if len(element.text) > longest:
                raise ClientFault(f"The parameter {parameter.name} is longer than {longest} characters.")
            if element.attributes and (refused := refused_attribute(element)):
                raise ClientFault(f"The parameter {parameter.name} must not have the attribute {refused}.")
            if parameter.repeats:
                arguments[index] = [*(arguments[index] or []), parameter.codec.read(element)]
            elif index in seen:
                raise ClientFault(f"The parameter {parameter.name} is given more than once.")
            else:
                arguments[index] = parameter.codec.read(element)
            seen.add(index)
        return arguments

    def missing_arguments(self) -> list[Any]:
        """The arguments of a SOAP call that leaves out every parameter."""
        return self._missing.copy()

    def slots(self, elements: list[Element]) -> tuple[int | None, ...] | None:
        """Where the texts of a SOAP body entry's children go among the arguments, where they go there as they are.

        None stands for a child that is no parameter, or nil. The whole is None where a text has to be converted first.
        """
        slots: list[int | None] = []
        for element in elements:
            index = None if element.is_nil else self._index.get(element.local_name)
            if index is not None and (self.parameters[index].repeats or not self.parameters[index].codec.is_plain_text):
                return None
            slots.append(index)
        return tuple(slots)

    def arguments_from_form(self, values: Mapping[str, str]) -> list[Any]:
        """The service function's arguments from form fields by lower-case name. Raises ClientFault."""
        arguments: list[Any] = []
        for parameter in self.parameters:
            text = values.get(parameter.form_name)
            if text is None and parameter.required_in_forms:
                raise missing_parameter(parameter.name)
            if text is None or (not text and parameter.empty_is_missing):
                arguments.append(None)
            else:
                arguments.append(parameter.codec.parse(text))
        return arguments

    def envelope(self, value: Any, version: SoapVersion) -> bytes:
        """The answer's envelope."""
        before, after, empty = self._frames[version]
        if value is None or self.result is None:
            return empty
        if self.result.is_xml:
            return f"{before}{write(as_element(value), self.namespace, depth=_RESULT_DEPTH + 1)}{after}".encode()
        element = self.result.write(f"{self.namespace}}}{self.result_name}", value)
        return (
            f"{version.opening}{self._wrapped(write(element, self.namespace, depth=_RESULT_DEPTH))}{CLOSING}".encode()
        )

    def form_result(self, value: Any) -> Element | None:
        """The root of the answer to a form: a bare XML value, or a typed element named after its type."""
        if self.result is None:
            return None
        if self.result.is_xml:
            return None if value is None else as_element(value)
        name = f"{self.namespace}}}{self.result.type_name}"
        if value is None:
            return Element(name, _DECLARED | NIL)
        element = self.result.write(name, value)
        if not self.result.is_simple:
            element.attributes = {**_DECLARED, **element.attributes}
        return element

    def _frame(self, version: SoapVersion) -> tuple[str, str, bytes]:
        empty = f'{version.opening}<{self.response_name} xmlns="{self.namespace}" />{CLOSING}'
        if self.result is not None and is_nullable(self.result.type):
            nil = f'<{self.result_name} xsi:nil="true" />'
            empty = f"{version.opening}{self._wrapped(nil)}{CLOSING}"
        before, after = self._wrapped(f"<{self.result_name}>\0</{self.result_name}>").split("\0")
        return version.opening + before, after + CLOSING, empty.encode()

    def _wrapped(self, content: str) -> str:
        return f'<{self.response_name} xmlns="{self.namespace}">{content}</{self.response_name}>'


def _spellings(name: str) -> set[str]:
    """The case of a SOAP parameter's first letter is ignored: proxies of other platforms change it."""
    return {name, name[0].upper() + name[1:], name[0].lower() + name[1:]}


class OperationTable:
    """All operations of an application, in the order they were declared."""

    def __init__(self, application: Application) -> None:
        self.namespace = str(application.tns)
        self.by_name: dict[str, Operation] = {
            str(descriptor.name): Operation(
                descriptor, self.namespace, (application.event_manager, *descriptor.event_managers)
            )
            for service in application.services
            for descriptor in service.public_methods.values()
        }
        self.takes_xml = any(takes_xml(operation.descriptor.in_message) for operation in self.by_name.values())
        self.by_action = {operation.action: name for name, operation in self.by_name.items()}
        self._by_folded_name = {name.lower(): name for name in self.by_name}

    def __iter__(self) -> Any:
        return iter(self.by_name.values())

    def in_other_case(self, name: str) -> str | None:
        """The operation that a name in the wrong letter case means, or None."""
        return self._by_folded_name.get(name.lower())
