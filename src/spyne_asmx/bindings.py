"""The ways to call an ASMX service. Each binding reads a request into a call, and writes a result or a fault."""

from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any, NamedTuple, Protocol

from spyne_asmx import forms, soap
from spyne_asmx.anytype import knowing
from spyne_asmx.charsets import UnsupportedCharset
from spyne_asmx.faults import (
    AsmxFault,
    HttpError,
    ServiceUnavailable,
    binding_off,
    invalid_form,
    unknown_operation,
    wrong_case,
)
from spyne_asmx.http import UNCACHED, XML_TEXT, MediaType, Request, Response, parse_media_type, text_response
from spyne_asmx.limits import DEFAULT_LIMITS, Limits
from spyne_asmx.operations import Operation, OperationTable
from spyne_asmx.servicefaults import raised_fault
from spyne_asmx.shapes import Key, Shapes
from spyne_asmx.soap import SOAP11, SOAP12, SoapVersion
from spyne_asmx.xml import as_utf8, is_utf8
from spyne_asmx.xmlvalues import parsed


class Binding(StrEnum):
    """A binding that can be switched on and off, named as web.config's ``webServices/protocols`` names it."""

    SOAP11 = "HttpSoap"
    SOAP12 = "HttpSoap12"
    GET = "HttpGet"
    POST = "HttpPost"
    DOCUMENTATION = "Documentation"


ALL_BINDINGS = frozenset(Binding)
# The content codings of IANA's registry that change a body's bytes.
_COMPRESSIONS = frozenset(
    [
        "aes128gcm",
        "br",
        "compress",
        "dcb",
        "dcz",
        "deflate",
        "exi",
        "gzip",
        "pack200-gzip",
        "x-compress",
        "x-gzip",
        "zstd",
    ]
)
_SOAP_BINDINGS = {SOAP11: Binding.SOAP11, SOAP12: Binding.SOAP12}


class WireForm(Protocol):
    """How the answer to one request is written."""

    name: str
    """Its name for people: SOAP 1.1, SOAP 1.2, HTTP GET or HTTP POST."""
    is_soap: bool
    headers: tuple[tuple[str, str], ...]
    """The headers of an XML answer."""

    def answer(self, operation: Operation, results: list[Any], header: Any) -> Response:
        """The answer with a call's results, and with SOAP headers if the form has a place for them."""

    def fault(self, fault: AsmxFault) -> Response:
        """The answer that carries a fault."""


class Faulted(Exception):
    """A request that is answered with a fault, and the form to write it in."""

    def __init__(self, fault: AsmxFault, form: WireForm) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.form = form


class DecodedCall(NamedTuple):
    """A decoded request: the operation, its arguments in order, and the form of the answer."""

    operation: Operation
    arguments: list[Any]
    form: WireForm
    header: Any = None
    """What the service finds in its context as ``in_header``."""


Decoder = Callable[[Request], DecodedCall]
"""Reads requests that have one method, path and header block. Raises Faulted and HttpError."""


class ShapedCall(NamedTuple):
    """The call that all bodies of one shape make. ``slots`` are the places of their texts among the arguments."""

    operation: Operation
    form: WireForm
    slots: tuple[int | None, ...]

    def decoded(self, texts: list[str]) -> DecodedCall:
        """The call of a body with these texts in its slots."""
        arguments = self.operation.arguments.missing()
        for place, text in zip(self.slots, texts, strict=True):
            if place is not None:
                arguments[place] = text
        return DecodedCall(self.operation, arguments, self.form)


class SoapForm(WireForm):
    """An answer in an envelope of one SOAP version."""

    def __init__(self, version: SoapVersion) -> None:
        self.name = version.name
        self.is_soap = True
        self.headers = (("content-type", version.content_type), *UNCACHED)
        self._version = version

    def answer(self, operation: Operation, results: list[Any], header: Any) -> Response:
        return Response(200, self.headers, operation.envelope(results, self._version, header))

    def fault(self, fault: AsmxFault) -> Response:
        return Response(fault.status, self.headers, soap.encode_fault(fault, self._version))


class HttpForm(WireForm):
    """An answer as a bare document, or a fault as a line of text."""

    def __init__(self, method: str) -> None:
        self.name = f"HTTP {method}"
        self.is_soap = False
        self.headers = (XML_TEXT, *UNCACHED)

    def answer(self, operation: Operation, results: list[Any], header: Any) -> Response:
        body = forms.encode(operation.form_result(results[0] if results else None))
        # An operation without a result has an empty answer, which has no content type.
        return Response(200, self.headers if body else UNCACHED, body)

    def fault(self, fault: AsmxFault) -> Response:
        if isinstance(fault, ServiceUnavailable):
            return text_response(fault.form_status, fault.form_text, ("retry-after", str(fault.retry_after)))
        return text_response(fault.form_status, fault.form_text)


_SOAP_FORMS = {version: SoapForm(version) for version in soap.VERSIONS}
_HTTP_FORMS = {"GET": HttpForm("GET"), "POST": HttpForm("POST")}


class SoapBinding:
    """SOAP 1.1 and 1.2. The content type must be one of SOAP's; the envelope decides the version."""

    def __init__(
        self, operations: OperationTable, bindings: frozenset[Binding] = ALL_BINDINGS, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self._operations = operations
        self._limits = limits
        self._on = frozenset(version for version, binding in _SOAP_BINDINGS.items() if binding in bindings)
        self._shapes = Shapes(limits.value_length)
        self._by_media_type = {version.media_type: version for version in soap.VERSIONS}

    def decode(self, request: Request) -> DecodedCall:
        """Read an envelope. Raises Faulted, and HttpError 415 for a content type that is not one of SOAP's."""
        return self.decoder(request)(request)

    def decoder(self, request: Request) -> Decoder:
        """What reads requests with these headers. Raises HttpError 415."""
        headers = request.headers
        if headers.get("content-encoding") is not None:
            refuse_encoded_body(request)
        return partial(self._decode, (headers.get("content-type"), headers.get("soapaction")))

    def _decode(self, key: Key, request: Request) -> DecodedCall:
        match = self._shapes.find(key, request.body)
        if match is not None:
            shaped: ShapedCall = match.learnt
            return shaped.decoded(match.texts)
        return self._decode_in_full(request, key)

    def _decode_in_full(self, request: Request, key: Key) -> DecodedCall:
        """Read with the full reader, and learn the body's shape."""
        media_type = parse_media_type(request.headers.get("content-type"))
        version = self._by_media_type.get(media_type.name)
        if version is None:
            raise HttpError(415, "The content type is not supported.")
        self._require(version)
        try:
            call = self._read(request, media_type, version)
            self._require(call.version)
            version = call.version
            operation = self._operations.by_name[call.operation]
            parameters = operation.call_values(call.entry)
            longest = self._limits.value_length
            with knowing(self._operations.known_types):
                arguments = operation.arguments.from_elements(parameters, longest)
                header = operation.in_headers.read(call.headers, longest) if operation.in_headers else None
            decoded = DecodedCall(operation, arguments, _SOAP_FORMS[version], header)
        except soap.SoapFaulted as faulted:
            raise Faulted(faulted.fault, _SOAP_FORMS[faulted.version]) from None
        except HttpError:
            raise
        except Exception as error:
            fault = raised_fault(error, request, self._operations.namespace)
            raise Faulted(fault, _SOAP_FORMS[version]) from None
        # A shape knows nothing of headers, nor of bodies whose element is the parameter itself.
        is_shapely = header is None and not operation.request.is_bare
        if is_shapely and is_utf8(request.body, media_type.charset) and self._shapes.wants(key):
            slots = operation.arguments.slots(parameters)
            if slots is not None:
                texts = [parameter.text for parameter in parameters]
                self._shapes.learn(key, request.body, texts, ShapedCall(operation, decoded.form, slots))
        return decoded

    def _read(self, request: Request, media_type: MediaType, version: SoapVersion) -> soap.DecodedEnvelope:
        try:
            return soap.decode(
                request.body,
                version=version,
                charset=media_type.charset,
                header_action=_unquoted(request.headers.get("soapaction")),
                action=_unquoted(media_type.action),
                routes=self._operations.routes,
                limits=self._limits,
                sources=self._operations.needs_sources,
            )
        except UnsupportedCharset as charset:
            raise HttpError(415, f"The charset {str(charset)[:40]} is not supported.") from None

    def _require(self, version: SoapVersion) -> None:
        """Raises HttpError 415 unless the SOAP version is switched on."""
        if version not in self._on:
            raise HttpError(415, f"{version.name} is switched off.")


class FormBinding:
    """GET with a query string, and POST with a form for a body."""

    def __init__(
        self, operations: OperationTable, bindings: frozenset[Binding] = ALL_BINDINGS, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self._operations = operations
        self._limits = limits
        self._on = tuple(binding.name for binding in (Binding.GET, Binding.POST) if binding in bindings)

    def decode(self, request: Request, name: str) -> DecodedCall:
        """Read a form that calls the operation ``name``. Raises Faulted and HttpError."""
        return self.decoder(request, name)(request)

    def decoder(self, request: Request, name: str) -> Decoder:
        """What reads forms with this method and these headers. Raises Faulted and HttpError."""
        if request.method not in _HTTP_FORMS:
            raise HttpError(405, "Method not allowed.", (("allow", ", ".join(self._on)),))
        form = _HTTP_FORMS[request.method]
        try:
            operation = self._operation(request, name)
        except AsmxFault as fault:
            raise Faulted(fault, form) from None
        charset = None
        if request.method == "POST" and operation.parameters:
            charset = parse_media_type(request.headers.get("content-type")).charset
        return partial(self._decode, operation, form, charset)

    def _decode(self, operation: Operation, form: HttpForm, charset: str | None, request: Request) -> DecodedCall:
        if not operation.parameters:
            return DecodedCall(operation, [], form)
        encoded = request.query.encode("utf-8", "surrogateescape") if request.method == "GET" else request.body
        reader = operation.arguments
        fields = forms.decode(
            encoded,
            charset,
            reader.form_names,
            self._limits,
            repeated=reader.repeated_form_names,
            case_counts=reader.case_counts,
        )
        try:
            return DecodedCall(operation, reader.from_form(fields), form)
        except Exception as error:
            raise Faulted(raised_fault(error, request, self._operations.namespace), form) from None

    def _operation(self, request: Request, name: str) -> Operation:
        """The operation that a form calls, if forms may call it."""
        if request.method not in self._on or not name:
            raise binding_off(f"/{name}")
        operation = self._operations.by_name.get(name)
        if operation is None or not operation.fits_forms:
            meant = self._operations.in_other_case(name)
            raise unknown_operation(name) if meant in {None, name} else wrong_case(name, str(meant))
        # Without parameters there is nothing to read, so any content type will do, and so will none.
        if request.method == "POST" and operation.parameters:
            content_type = request.headers.get("content-type") or ""
            if parse_media_type(content_type).name != forms.FORM_MEDIA_TYPE:
                raise invalid_form(content_type)
            refuse_encoded_body(request)
        return operation


def document_of(request: Request) -> Any:
    """The envelope of a decoded SOAP request, as an lxml element."""
    text = as_utf8(request.body, parse_media_type(request.headers.get("content-type")).charset).decode()
    return parsed(text, was_read=True)


@lru_cache(maxsize=256)
def _unquoted(action: str | None) -> str:
    """An action without its quotes; empty if there is none."""
    return (action or "").strip().strip("\"'").strip()


def refuse_encoded_body(request: Request) -> None:
    """Raise HttpError 415 for a compressed body. Other values are ignored: some clients put a charset there."""
    codings = ",".join(request.headers.get_all("content-encoding")).lower().split(",")
    if not _COMPRESSIONS.isdisjoint(coding.strip() for coding in codings):
        raise HttpError(415, "Compressed request bodies are not supported.")
