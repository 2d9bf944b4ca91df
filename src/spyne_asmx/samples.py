"""Sample messages for the help pages, as in ASMX, with example values or placeholders."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from textwrap import indent
from typing import Any
from urllib.parse import quote_plus, urlsplit

from spyne.model.enum import EnumBase

from spyne_asmx.bindings import Binding
from spyne_asmx.forms import FORM_MEDIA_TYPE
from spyne_asmx.headers import SoapHeaders
from spyne_asmx.http import XML_TEXT
from spyne_asmx.messages import Message
from spyne_asmx.operations import Operation
from spyne_asmx.soap import SOAP11, SOAP12, SoapVersion
from spyne_asmx.typenames import type_name
from spyne_asmx.types import ArrayCodec, Codec, ObjectCodec
from spyne_asmx.xml import DECLARATION, XSD_NAMESPACE, XSI_NAMESPACE, Element
from spyne_asmx.xmlwriter import write

TITLES = {
    Binding.SOAP11: "SOAP 1.1",
    Binding.SOAP12: "SOAP 1.2",
    Binding.GET: "HTTP GET",
    Binding.POST: "HTTP POST",
}

# These surround a placeholder. No document contains them, so a page can find and mark placeholders.
PLACEHOLDER_START, PLACEHOLDER_END = "\ue000", "\ue001"


@dataclass(frozen=True, slots=True)
class Example:
    """A call that a page shows: the parameters' values as text, by name, and the function's result."""

    values: Mapping[str, str] = field(default_factory=dict)
    answer: Any = None


NO_EXAMPLE = Example()


@dataclass(frozen=True, slots=True)
class Sample:
    """A request and its answer over one binding, as HTTP messages."""

    title: str
    request: str
    response: str


def samples(
    operation: Operation, address: str, bindings: frozenset[Binding], example: Example = NO_EXAMPLE
) -> list[Sample]:
    """The operation's samples at an absolute address, one for each binding that is on and can call it."""
    parts = urlsplit(address)
    return [
        make(operation, example, parts.path, parts.netloc)
        for binding, make in _MAKERS.items()
        if binding in bindings and (operation.fits_forms or binding in {Binding.SOAP11, Binding.SOAP12})
    ]


def answer_document(operation: Operation, example: Example) -> str:
    """The example's answer as forms get it; empty if there is none, or if a form's answer can't hold it."""
    if example.answer is None or len(operation.results) > 1:
        return ""
    element = operation.form_result(example.answer)
    return "" if element is None else write(element, indent="  ")


def placeholder(spyne_type: Any) -> str:
    """The placeholder for a simple value: the name of its type, or an enumeration's values."""
    if issubclass(spyne_type, EnumBase):
        return " or ".join(spyne_type.__values__)
    return type_name(spyne_type)


def _soap11(operation: Operation, example: Example, path: str, host: str) -> Sample:
    return _soap(operation, example, path, host, SOAP11)


def _soap12(operation: Operation, example: Example, path: str, host: str) -> Sample:
    return _soap(operation, example, path, host, SOAP12)


def _soap(operation: Operation, example: Example, path: str, host: str, version: SoapVersion) -> Sample:
    headers = (("SOAPAction", f'"{operation.action}"'),) if version is SOAP11 else ()
    request = request_envelope(operation, example, version)
    response = _envelope(operation.out_headers, _content(operation.answer, _results(operation, example)), version)
    return Sample(
        TITLES[Binding.SOAP11 if version is SOAP11 else Binding.SOAP12],
        _message(f"POST {path} HTTP/1.1", host, version.content_type, headers, request),
        _message("HTTP/1.1 200 OK", "", version.content_type, (), response),
    )


def request_envelope(operation: Operation, example: Example, version: SoapVersion) -> str:
    """The envelope that calls the operation."""
    given = {
        part.name: [Element(part.element, text=example.values[part.argument])]
        for part in operation.parameters
        if part.argument in example.values
    }
    return _envelope(operation.in_headers, _content(operation.request, given), version)


def _results(operation: Operation, example: Example) -> dict[str, list[Element]]:
    """The elements of the example's results, by name."""
    if example.answer is None:
        return {}
    values = [example.answer] if len(operation.results) == 1 else example.answer
    return {part.name: part.written(value) for part, value in zip(operation.results, values, strict=True)}


def _get(operation: Operation, example: Example, path: str, host: str) -> Sample:
    query = f"?{_form(operation, example)}" if operation.parameters else ""
    request = _message(f"GET {path}/{operation.name}{query} HTTP/1.1", host)
    return Sample(TITLES[Binding.GET], request, _form_response(operation, example))


def _post(operation: Operation, example: Example, path: str, host: str) -> Sample:
    request = _message(f"POST {path}/{operation.name} HTTP/1.1", host, FORM_MEDIA_TYPE, (), _form(operation, example))
    return Sample(TITLES[Binding.POST], request, _form_response(operation, example))


_MAKERS: dict[Binding, Callable[[Operation, Example, str, str], Sample]] = {
    Binding.SOAP11: _soap11,
    Binding.SOAP12: _soap12,
    Binding.GET: _get,
    Binding.POST: _post,
}


def _message(
    first_line: str,
    host: str,
    content_type: str = "",
    headers: tuple[tuple[str, str], ...] = (),
    body: str = "",
) -> str:
    """An HTTP message. An empty ``host`` or ``content_type`` is left out."""
    length = (("Content-Length", _marked("length")),) if content_type else ()
    fields = (("Host", host), ("Content-Type", content_type), *length, *headers)
    return "\n".join([first_line, *[f"{name}: {value}" for name, value in fields if value]]) + (
        f"\n\n{body}" if body else ""
    )


def _envelope(headers: SoapHeaders, content: list[Element], version: SoapVersion) -> str:
    header = _section("Header", [_element(part.element, part.codec, frozenset()) for part in headers.parts])
    return f"""{DECLARATION}
<soap:Envelope
    xmlns:xsi="{XSI_NAMESPACE}"
    xmlns:xsd="{XSD_NAMESPACE}"
    xmlns:soap="{version.namespace}">
{header if headers else ""}{_section("Body", content)}</soap:Envelope>"""


def _section(name: str, elements: list[Element]) -> str:
    """The envelope's Header or Body."""
    if not elements:
        return f"  <soap:{name} />\n"
    content = "\n".join(indent(write(element, indent="  "), "    ") for element in elements)
    return f"  <soap:{name}>\n{content}\n  </soap:{name}>\n"


def form_values(operation: Operation, example: Example) -> list[tuple[str, str | None, str]]:
    """Each field's name, its value if the example has one, and its placeholder."""
    return [
        (parameter.argument, example.values.get(parameter.argument), _marked(placeholder(parameter.field_type)))
        for parameter in operation.parameters
        for _ in range(2 if parameter.takes_many and parameter.argument not in example.values else 1)
    ]


def _form(operation: Operation, example: Example) -> str:
    return "&".join(
        f"{name}={stand_in if value is None else quote_plus(value)}"
        for name, value, stand_in in form_values(operation, example)
    )


def _form_response(operation: Operation, example: Example) -> str:
    codec = operation.form_answer
    if codec is None:
        return _message("HTTP/1.1 200 OK", "")
    if example.answer is not None:
        content = answer_document(operation, example)
    elif codec.is_xml:
        content = _marked("xml")
    else:
        content = write(
            _element(f"{operation.namespace}}}{operation.form_answer_name}", codec, frozenset()), indent="  "
        )
    return _message("HTTP/1.1 200 OK", "", XML_TEXT[1], (), f"{DECLARATION}\n{content}")


def _content(message: Message, given: Mapping[str, list[Element]]) -> list[Element]:
    """The elements in an envelope's Body: the given ones, by name, and placeholders for the others."""
    parts: list[Element] = []
    for part in message.parts:
        stand_ins = [_element(part.element, part.codec, frozenset())] * (2 if part.repeats else 1)
        parts += given.get(part.name, stand_ins)
    return parts if message.is_bare else [Element(f"{message.namespace}}}{message.name}", children=parts)]


def _element(name: str, codec: Codec, inside: frozenset[Any]) -> Element:
    """An element with placeholders. ``inside`` are the object types around it, which are not written out again."""
    element = Element(name, {})
    if codec.is_xml:
        element.text = _marked("xml")
    elif codec.is_simple or not isinstance(codec, ObjectCodec | ArrayCodec):
        element.text = _marked(placeholder(codec.type))
    elif (kind := (codec.namespace, codec.type_name)) not in inside:
        attributes = {}
        for member in codec.members:
            if not member.is_described:
                continue
            if member.is_attribute:
                attributes[member.name] = _marked(placeholder(member.codec.type))
            elif member.is_data:
                element.text = _marked(placeholder(member.codec.type))
            else:
                content = _element(member.name, member.codec, inside | {kind})
                element.children += [content] * (2 if member.repeats else 1)
        element.attributes = attributes
    return element


def _marked(text: str) -> str:
    return f"{PLACEHOLDER_START}{text}{PLACEHOLDER_END}"
