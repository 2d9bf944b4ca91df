"""The operations of a spyne application as the bindings need them, derived once from spyne's interface.

Routing, decoding, WSDL, help pages and samples all use this table.
"""

from enum import StrEnum
from functools import cached_property
from inspect import cleandoc
from typing import Any

from spyne import Application

from spyne_asmx.answers import AnswerWriter
from spyne_asmx.anytype import known_types
from spyne_asmx.arguments import ArgumentReader
from spyne_asmx.arraynames import ArrayNames, form_answer_type
from spyne_asmx.docstrings import read_docstring
from spyne_asmx.headers import SoapHeaders
from spyne_asmx.messages import Part, answer_of, clashing_arguments, declared_parts, operation_name, request_of
from spyne_asmx.soap import Route, Routes
from spyne_asmx.types import codec_of, needs_sources
from spyne_asmx.unsupported import naming, refuse_methods_of_objects, refuse_unsupported
from spyne_asmx.xml import XSD_NAMESPACE, XSI_NAMESPACE, Element
from spyne_asmx.xmlvalues import as_element

# ASMX declares both at the root of a form's answer unless it is a single simple value.
_DECLARED = {"xmlns:xsd": XSD_NAMESPACE, "xmlns:xsi": XSI_NAMESPACE}


class Waiting(StrEnum):
    """How a call may wait. An operation declares it with ``@rpc(…, _udd={"waiting": Waiting.NEVER})``."""

    NEVER = "never"
    """It never waits, so a server may run it on its event loop."""
    COOPERATIVE = "cooperative"
    """It waits only in ways that the server knows, and other calls run meanwhile."""
    BLOCKING = "blocking"
    """It may block its thread. The default."""


class Operation:
    """One operation: its names, its parameters, its results, and what is written around them.

    ``name`` is its name on the wire, ``method_name`` that of the method: they differ where a message has a name of its
    own (C#'s MessageName).
    """

    def __init__(
        self,
        descriptor: Any,
        namespace: str,
        managers: tuple[Any, ...],
        names: ArrayNames,
        clashing: frozenset[str] = frozenset(),
    ) -> None:
        self.descriptor = descriptor
        self.managers = managers
        self.namespace = namespace
        self.name = operation_name(descriptor)
        self.method_name = str(descriptor.operation_name)
        self.action = f"{namespace}{self.name}" if namespace.endswith("/") else f"{namespace}/{self.name}"
        self.qualified_name = f"{{{namespace}}}{self.name}"
        """The name by which spyne's contexts and listeners know it."""
        self.notes = read_docstring(descriptor.doc)
        self.function = descriptor.function
        self.waiting = Waiting(descriptor.udd.get("waiting") or Waiting.BLOCKING)
        self.request = request_of(descriptor, namespace, clashing)
        self.answer = answer_of(descriptor, namespace)
        self.in_headers = SoapHeaders(declared_parts(descriptor.in_header, namespace))
        self.out_headers = SoapHeaders(declared_parts(descriptor.out_header, namespace))
        self.faults = declared_parts(descriptor.faults, namespace)
        """The classes of faults that it declares (``_throws``)."""
        self.parameters = self.request.parts
        self.results = self.answer.parts
        self._names = names
        for part in (*self.parameters, *self.results, *self.in_headers.parts, *self.out_headers.parts, *self.faults):
            names.learn(part.type)
        self.form_answer = codec_of(form_answer_type(self.results[0].type), namespace) if self.results else None
        self.arguments = ArgumentReader(self.request, self.method_name)
        self.envelope = AnswerWriter(self.answer, self.out_headers).envelope

    @property
    def result(self) -> Part | None:
        """The only result of an operation that forms are offered for."""
        return self.results[0] if self.results else None

    @cached_property
    def form_answer_name(self) -> str:
        """The local name of the root of a form's answer, which is its type's. An XML answer has none."""
        return "" if self.form_answer is None else self._names.of(self.form_answer.type)

    @cached_property
    def fits_forms(self) -> bool:
        """Whether ASMX offers the operation over GET and POST: only if every parameter is a simple value.

        Operations with out parameters or required headers have no forms either, because forms have no place for these.
        """
        if len(self.results) > 1 or self.in_headers.are_required:
            return False
        if any(getattr(part.type.Attributes, "out_parameter", False) for part in self.results):
            return False
        return all(parameter.fits_forms for parameter in self.parameters)

    @cached_property
    def needs_sources(self) -> bool:
        """Whether requests must be read with their sources (see SourceElement)."""
        return any(needs_sources(part.type) for part in (*self.parameters, *self.in_headers.parts))

    @property
    def elements(self) -> list[str]:
        """The expanded names that the body's element may have."""
        if not self.request.is_bare:
            return [f"{self.request.namespace}}}{self.request.name}"]
        return [parameter.element for parameter in self.parameters] or [self.method_element]

    @property
    def method_element(self) -> str:
        """spyne's name for the element of a bare request."""
        return f"{self.namespace}}}{self.method_name}"

    def call_values(self, entry: Element | None) -> list[Element]:
        """The parameters' elements in a body whose element is ``entry``."""
        if entry is None or not self.parameters:
            return []
        return [entry] if self.request.is_bare else entry.children

    def form_result(self, value: Any) -> Element | None:
        """The root of the answer to a form: a bare XML value, or an element named after its type."""
        codec = self.form_answer
        if codec is None:
            return None
        if codec.is_xml:
            return None if value is None else as_element(value)
        name = f"{self.namespace}}}{self.form_answer_name}"
        element = codec.item(name, value)
        if not codec.is_simple or element.is_nil:
            element.attributes = {**_DECLARED, **element.attributes}
        return element


class OperationTable:
    """All operations of an application, in the order in which they are declared."""

    def __init__(self, application: Application) -> None:
        self.namespace = str(application.tns)
        self.documentation = "\n\n".join(
            cleandoc(service.__doc__) for service in application.services if service.__doc__
        )
        """The descriptions of the services, from their docstrings."""
        self.array_names = ArrayNames()
        self.by_name: dict[str, Operation] = {}
        refuse_methods_of_objects(application)
        descriptors = [one for service in application.services for one in service.public_methods.values()]
        clashing = clashing_arguments(descriptors, self.namespace)
        for service in application.services:
            for descriptor in service.public_methods.values():
                with naming(str(descriptor.operation_name)):
                    refuse_unsupported(descriptor, service)
                    managers = application.event_manager, *descriptor.event_managers
                    operation = Operation(descriptor, self.namespace, managers, self.array_names, clashing)
                    if operation.name in self.by_name:
                        raise TypeError("two operations have the name; give one an _operation_name")
                self.by_name[operation.name] = operation
        self.routes = _routes(list(self.by_name.values()))
        for operation in self.by_name.values():
            if operation.form_answer is not None and operation.fits_forms:
                self.array_names.learn(operation.form_answer.type)
        self.classes: tuple[Any, ...] = tuple(application.classes)
        """The extra types that the application names, which no operation uses."""
        for kind in self.classes:
            self.array_names.learn(kind)
        self.known_types = known_types(self.array_names, self.namespace)
        self.needs_sources = any(operation.needs_sources for operation in self.by_name.values())
        self._by_folded_name = {name.lower(): name for name in self.by_name}

    def __iter__(self) -> Any:
        return iter(self.by_name.values())

    def in_other_case(self, name: str) -> str | None:
        """The operation that a name in the wrong letter case means, or None."""
        return self._by_folded_name.get(name.lower())


def _routes(operations: list[Operation]) -> Routes:
    """The routes of envelopes, by action and by the body's element."""
    owners: dict[str, list[str]] = {}
    for operation in operations:
        for element in operation.elements:
            owners.setdefault(element, []).append(operation.name)
    by_action: dict[str, Route] = {}
    by_element: dict[str, Route | None] = {}
    for operation in operations:
        elements = operation.elements
        if operation.request.is_bare and operation.method_element not in owners:
            elements = [*elements, operation.method_element]
        spellings = [spelling for element in elements for spelling in (element, element.rpartition("}")[2])]
        route = Route(operation.name, frozenset(spellings), operation.in_headers.names)
        by_action[operation.action] = route
        for element in spellings:
            by_element[element] = None if element in by_element else route
    return Routes(by_action, by_element, frozenset().union(*(operation.in_headers.names for operation in operations)))
