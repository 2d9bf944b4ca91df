"""The arguments of an operation's calls, from SOAP bodies and from forms."""

from math import isfinite
from operator import itemgetter
from typing import Any

from spyne_asmx.faults import ClientFault, missing_parameter
from spyne_asmx.forms import Fields
from spyne_asmx.messages import Request
from spyne_asmx.soap import refused_attribute
from spyne_asmx.types import wrong_count
from spyne_asmx.xml import Element


class Arguments(list[Any]):
    """The arguments of a call in order, which are attributes too: a subclass for each operation has their names."""

    __slots__ = ()

    @classmethod
    def called(cls, names: list[str]) -> "type[Arguments]":
        """The class for arguments with these names."""
        return type("Arguments", (cls,), {"__slots__": ()} | {name: _item(i) for i, name in enumerate(names)})


def _item(index: int) -> property:
    def put(arguments: list[Any], value: Any) -> None:
        arguments[index] = value

    return property(itemgetter(index), put)


class ArgumentReader:
    """Reads the arguments of one operation. What can be looked up is prepared when the endpoint is built."""

    def __init__(self, request: Request, method_name: str) -> None:
        parameters = request.parts
        self._parameters = parameters
        self.named = Arguments.called([parameter.argument for parameter in parameters])
        """Makes of arguments what services and listeners find as ``ctx.in_object``."""
        named = {parameter.form_name: parameter for parameter in parameters}
        self.case_counts = len(named) < len(parameters)
        """Whether only letter case tells two form fields apart."""
        if self.case_counts:
            named = {parameter.argument: parameter for parameter in parameters}
        self.form_names = frozenset(named)
        self.repeated_form_names = frozenset(name for name, p in named.items() if p.takes_many)
        self._fields = [(name, p, p.required_in_forms, p.empty_is_missing) for name, p in named.items()]
        self._missing = [None if parameter.is_made_anew else parameter.missing for parameter in parameters]
        self._made_anew = [(i, p) for i, p in enumerate(parameters) if p.is_made_anew]
        self._counted = [(i, p) for i, p in enumerate(parameters) if p.least or (p.repeats and isfinite(p.most))]
        # A parameter's own name counts before another's in other case.
        self._index = {
            spelling: index for index, parameter in enumerate(parameters) for spelling in _spellings(parameter.name)
        } | {parameter.name: index for index, parameter in enumerate(parameters)}
        if request.is_bare and parameters:
            self._index[method_name] = 0  # what spyne calls the element

    def from_elements(self, elements: list[Element], longest: int) -> list[Any]:
        """The service function's arguments from a SOAP body entry's children.

        ``longest`` bounds a parameter's text, in characters. Raises ClientFault.
        """
        arguments = self.missing()
        seen: set[int] = set()
        for element in elements:
            index = self._index.get(element.local_name)
            if index is None:
                continue
            parameter = self._parameters[index]
            if len(element.text) > longest:
                raise ClientFault(f"The parameter {parameter.name} is longer than {longest} characters.")
            if element.attributes and (refused := refused_attribute(element, parameter.codec.attribute_names)):
                raise ClientFault(f"The parameter {parameter.name} must not have the attribute {refused}.")
            if parameter.repeats:
                arguments[index].append(parameter.codec.read(element))
            elif index in seen:
                raise ClientFault(f"The parameter {parameter.name} is given more than once.")
            else:
                arguments[index] = parameter.codec.read(element)
            seen.add(index)
        for index, parameter in self._counted:
            count = len(arguments[index]) if parameter.repeats else int(index in seen)
            if not parameter.least <= count <= parameter.most:
                raise wrong_count(count, parameter.least, parameter.most).within(parameter.name)
        return arguments

    def missing(self) -> list[Any]:
        """The arguments of a SOAP call that leaves out every parameter."""
        arguments = self._missing.copy()
        for index, parameter in self._made_anew:
            arguments[index] = parameter.missing
        return arguments

    def slots(self, elements: list[Element]) -> tuple[int | None, ...] | None:
        """Where the texts of a SOAP body entry's children go among the arguments, where they go there as they are.

        None stands for a child that is no parameter, or nil. The whole is None where a text has to be converted first.
        """
        slots: list[int | None] = []
        for element in elements:
            index = None if element.is_nil else self._index.get(element.local_name)
            if index is not None and (
                self._parameters[index].repeats or not self._parameters[index].codec.is_plain_text
            ):
                return None
            slots.append(index)
        return tuple(slots)

    def from_form(self, values: Fields) -> list[Any]:
        """The service function's arguments from form fields by name. Raises ClientFault."""
        arguments: list[Any] = []
        for name, parameter, is_required, empty_is_missing in self._fields:
            text = values.get(name)
            if text is None and is_required:
                raise missing_parameter(parameter.argument)
            if text is None or (not text and empty_is_missing):
                arguments.append([] if parameter.repeats else parameter.codec.default)
            else:
                arguments.append(parameter.of_fields(values.items_of.get(name) or [text]))
        return arguments


def _spellings(name: str) -> set[str]:
    """The case of a SOAP parameter's first letter is ignored: proxies of other platforms change it."""
    return {name, name[0].upper() + name[1:], name[0].lower() + name[1:]}
