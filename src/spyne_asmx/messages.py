"""The elements, names and types of an operation's request and answer, from spyne's descriptor."""

from dataclasses import dataclass
from typing import Any

from spyne import Unicode
from spyne.descriptor import BODY_STYLE_BARE, BODY_STYLE_EMPTY, BODY_STYLE_EMPTY_OUT_BARE, BODY_STYLE_OUT_BARE

from spyne_asmx.fields import fields_of
from spyne_asmx.typenames import element_namespace_of, given_namespace, is_nullable, type_name
from spyne_asmx.types import ArrayCodec, Codec, InvalidValue, codec_of, repeats
from spyne_asmx.xml import Element
from spyne_asmx.xmlnames import xml_name

_BARE_REQUESTS = (BODY_STYLE_BARE, BODY_STYLE_EMPTY, BODY_STYLE_EMPTY_OUT_BARE)
_BARE_ANSWERS = (*_BARE_REQUESTS, BODY_STYLE_OUT_BARE)


def may_be_left_out(spyne_type: Any) -> Any:
    """Mark a parameter that GET and POST forms may leave out. ASMX itself requires every parameter there."""
    return spyne_type.customize(left_out=True)


def out_parameter(spyne_type: Any) -> Any:
    """Mark a single result as a C# ``out`` parameter, so that forms are not offered. Several results need no mark."""
    return spyne_type.customize(out_parameter=True)


@dataclass(frozen=True, slots=True)
class Part:
    """One value of a message: its element and its type."""

    namespace: str
    name: str
    codec: Codec

    @property
    def element(self) -> str:
        """The element's expanded name."""
        return f"{self.namespace}}}{self.name}"

    @property
    def type(self) -> Any:
        return self.codec.type

    @property
    def repeats(self) -> bool:
        return repeats(self.codec.type)

    def written(self, value: Any) -> list[Element]:
        """The elements of a value. None has no elements, unless .NET can't leave the value out."""
        return self.codec.elements(self.element, value, repeats=self.repeats)


@dataclass(frozen=True, slots=True)
class Parameter(Part):
    """One parameter of an operation. ``argument`` is its name in forms."""

    argument: str
    required_in_forms: bool

    @property
    def missing(self) -> Any:
        """The argument of a SOAP call that leaves the parameter out."""
        if (make := self.type.Attributes.default_factory) is not None:
            return make()
        return [] if self.repeats else self.codec.missing

    @property
    def is_made_anew(self) -> bool:
        """Whether each call that leaves the parameter out needs an argument of its own."""
        return self.repeats or not self.codec.is_simple or self.type.Attributes.default_factory is not None

    @property
    def least(self) -> int:
        """How often the parameter must occur (``min_occurs``)."""
        return int(self.type.Attributes.min_occurs)

    @property
    def most(self) -> float:
        """How often it may occur (``max_occurs``)."""
        return float(self.type.Attributes.max_occurs)

    @property
    def form_name(self) -> str:
        return self.argument.lower()

    @property
    def fits_forms(self) -> bool:
        """Whether ASMX offers forms for such a parameter."""
        return self.codec.fits_forms and (self.codec.is_simple or not self.repeats)

    @property
    def takes_many(self) -> bool:
        """Whether a form may repeat the field, with one item in each."""
        return self.repeats or not self.codec.is_simple

    @property
    def field_type(self) -> Any:
        """The type of a form's field: for an array, that of its items."""
        return self.codec.items.codec.type if isinstance(self.codec, ArrayCodec) else self.type

    def of_fields(self, texts: list[str]) -> Any:
        """The value of all form fields with this name. Raises ClientFault."""
        try:
            return [self.codec.of_fields([text]) for text in texts] if self.repeats else self.codec.of_fields(texts)
        except InvalidValue as invalid:
            raise invalid.within(self.argument) from None

    @property
    def empty_is_missing(self) -> bool:
        """Whether an empty field counts as missing. Browsers send empty fields, too; only text can be empty."""
        return not self.required_in_forms and not issubclass(self.codec.type, Unicode)


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer. Its parts are inside one element, or directly in the body (``is_bare``)."""

    namespace: str
    name: str
    parts: tuple[Part, ...]
    is_bare: bool
    part_name: str = ""
    """The name of its part in the WSDL (``_wsdl_part_name``), if somebody has chosen it."""


@dataclass(frozen=True, slots=True)
class Request(Message):
    """The request of an operation."""

    parts: tuple[Parameter, ...]


def operation_name(descriptor: Any) -> str:
    """The operation's name on the wire: C#'s MessageName, or the method's name."""
    bare = descriptor.body_style in _BARE_REQUESTS
    return str(descriptor.operation_name if bare else descriptor.in_message.get_type_name())


def clashing_arguments(descriptors: list[Any], service_namespace: str) -> frozenset[str]:
    """The arguments of bare operations whose elements would have several types, or clash with other operations.

    ASMX refuses them. spyne names its elements after the methods, so these are named after the methods, too.
    """
    types: dict[str, set[Any]] = {}
    for descriptor in descriptors:
        if descriptor.body_style is BODY_STYLE_BARE:
            kind = descriptor.in_message
            codec = codec_of(kind, service_namespace)
            (argument,) = _arguments(descriptor)
            types.setdefault(argument, set()).add((codec.namespace, codec.type_name, is_nullable(kind)))
    names = {name for each in map(operation_name, descriptors) for name in (each, f"{each}Response", f"{each}Result")}
    return frozenset(argument for argument, kinds in types.items() if len(kinds) > 1 or argument in names)


def request_of(descriptor: Any, service_namespace: str, clashing: frozenset[str] = frozenset()) -> Request:
    """The request of an operation. ``clashing`` are arguments that can't name elements."""
    message = descriptor.in_message
    namespace = given_namespace(message) or service_namespace
    if descriptor.body_style is BODY_STYLE_BARE:
        (argument,) = _arguments(descriptor)
        usual = operation_name(descriptor) if argument in clashing else argument
        name = _chosen(message.Attributes.sub_name, _usual_names(descriptor)) or usual
        parameter = _parameter(message, service_namespace, name, argument)
        return Request(
            service_namespace, operation_name(descriptor), (parameter,), is_bare=True, part_name=_part_name(message)
        )
    parameters = tuple(
        _parameter(kind, namespace, str(kind.Attributes.sub_name or name), name)
        for name, kind in fields_of(message).items()
    )
    is_bare = descriptor.body_style in _BARE_REQUESTS
    return Request(namespace, xml_name(operation_name(descriptor)), parameters, is_bare, _part_name(message))


def answer_of(descriptor: Any, service_namespace: str) -> Message:
    """The answer of an operation."""
    message, name = descriptor.out_message, operation_name(descriptor)
    usual = _usual_names(descriptor)
    response_names = {f"{one}Response" for one in usual}
    if descriptor.body_style in _BARE_ANSWERS and not _is_empty_wrapper(message):
        # ASMX has no bare answer to a wrapped request, so the element is named as in spyne.
        kind = "Response" if descriptor.body_style is BODY_STYLE_OUT_BARE else "Result"
        chosen = _chosen(message.Attributes.sub_name, response_names) or f"{name}{kind}"
        part = _part(message, service_namespace, chosen)
        return Message(service_namespace, name, (part,), is_bare=True, part_name=_part_name(message))
    namespace = given_namespace(message) or service_namespace
    results = fields_of(message).items()
    result_names = {f"{one}Result" for one in usual} if len(results) == 1 else set()
    parts = tuple(
        _part(kind, namespace, str(kind.Attributes.sub_name or _chosen(key, result_names) or f"{name}Result"))
        for key, kind in results
    )
    chosen = _chosen(message.get_type_name(), response_names) or f"{name}Response"
    return Message(namespace, xml_name(chosen), parts, descriptor.body_style in _BARE_ANSWERS, _part_name(message))


def declared_parts(kinds: Any, service_namespace: str) -> tuple[Part, ...]:
    """The headers or faults that an operation declares, as parts of separate messages."""
    return tuple(
        Part(
            given_namespace(kind) or service_namespace,
            xml_name(str(kind.Attributes.sub_name or type_name(kind))),
            codec_of(kind, service_namespace),
        )
        for kind in kinds or ()
    )


def _part_name(message: Any) -> str:
    return str(message.Attributes.wsdl_part_name or "")


def _is_empty_wrapper(message: Any) -> bool:
    """Whether the message is the empty one that spyne makes if there is no result."""
    return not getattr(message, "_type_info", True) and bool(getattr(message.Attributes, "_wrapper", False))


def _part(kind: Any, namespace: str, name: str) -> Part:
    return Part(element_namespace_of(kind) or namespace, xml_name(name), codec_of(kind, namespace))


def _parameter(kind: Any, namespace: str, name: str, argument: str) -> Parameter:
    left_out = bool(getattr(kind.Attributes, "left_out", False))
    return Parameter(
        element_namespace_of(kind) or namespace,
        xml_name(name),
        codec_of(kind, namespace),
        argument,
        required_in_forms=not left_out,
    )


def _usual_names(descriptor: Any) -> set[str]:
    """The names that spyne derives its default names from: the function's name, or _operation_name."""
    return {str(descriptor.operation_name), str(descriptor.class_key or descriptor.function.__name__)}


def _chosen(name: Any, usual: set[str]) -> str:
    """A name that somebody has chosen; empty if it is spyne's default."""
    return "" if name is None or name in usual else str(name)


def _arguments(descriptor: Any) -> list[str]:
    """The names of a function's arguments after the context."""
    if descriptor.args is not None:
        return list(descriptor.args)
    code = descriptor.function.__code__
    return list(code.co_varnames[0 if descriptor.no_ctx else 1 : code.co_argcount])
