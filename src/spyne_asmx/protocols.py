"""The bindings as spyne protocols. Each method hands over to the pure wire code; nothing is decided here."""

from functools import lru_cache
from typing import Any

from spyne import Application, Fault
from spyne.interface import InterfaceDocumentsBase
from spyne.protocol import ProtocolBase

from spyne_asmx import forms, soap
from spyne_asmx.context import AsmxContext, RaisedFault
from spyne_asmx.faults import AsmxFault, FaultCode, HttpError, ServerFault, ServiceFault, ServiceUnavailable
from spyne_asmx.http import UNCACHED, XML_TEXT, Response, parse_media_type, text_response
from spyne_asmx.operations import OperationTable
from spyne_asmx.soap import SOAP11, SoapFaulted, SoapVersion
from spyne_asmx.xml import DEFAULT_LIMITS, Limits, UnsupportedCharset


class AsmxProtocol(ProtocolBase):
    """What all bindings share: a context in, an HTTP answer out."""

    def __init__(self, operations: OperationTable, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__()
        self.operations = operations
        self.limits = limits

    def response(self, ctx: AsmxContext) -> Response:
        """The answer with what ``serialize`` made."""
        raise NotImplementedError

    def fault_response(self, fault: AsmxFault, version: SoapVersion) -> Response:
        """The answer that says a fault in this binding's way."""
        raise NotImplementedError

    def binding_of(self, ctx: AsmxContext) -> str:
        """What people call the binding of a call."""
        raise NotImplementedError

    def out_fault(self, ctx: AsmxContext) -> AsmxFault:
        """Our fault for what spyne holds as the call's error."""
        error = ctx.out_error
        if isinstance(error, RaisedFault):
            return error.fault
        if isinstance(error, Fault):
            client = error.faultcode.partition(".")[0] in {"Client", "Sender"}
            return ServiceFault(FaultCode.CLIENT if client else FaultCode.SERVER, error.faultstring)
        return ServerFault()


class SoapProtocol(AsmxProtocol):
    """SOAP 1.1 or 1.2, as the envelope says; ``version`` is the one whose content type the request came with."""

    def __init__(self, version: SoapVersion, operations: OperationTable, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(operations, limits)
        self.version = version
        self._headers = {v: (("content-type", v.content_type), *UNCACHED) for v in soap.VERSIONS}

    def create_in_document(self, ctx: AsmxContext, in_string_encoding: str | None = None) -> None:
        request, operations = ctx.request, self.operations
        media_type = ctx.media_type
        try:
            ctx.in_document = soap.decode(
                request.body,
                version=self.version,
                charset=media_type.charset or in_string_encoding,
                actions=_actions(request.headers.get("soapaction"), media_type.action),
                operations=operations.by_action,
                namespace=operations.namespace,
                limits=self.limits,
            )
        except UnsupportedCharset as charset:
            raise HttpError(415, f"The charset {str(charset)[:40]} is not supported.") from None

    def decompose_incoming_envelope(self, ctx: AsmxContext, message: object = None) -> None:
        call = ctx.in_document
        ctx.version = call.version
        ctx.operation = self.operations.by_name[call.operation]
        ctx.in_body_doc = call.parameters

    def deserialize(self, ctx: AsmxContext, message: object = None) -> None:
        try:
            ctx.in_object = ctx.operation.arguments_from_elements(ctx.in_body_doc)
        except AsmxFault as fault:
            raise SoapFaulted(fault, ctx.version) from None

    def serialize(self, ctx: AsmxContext, message: object = None) -> None:
        ctx.out_string = (ctx.operation.envelope(ctx.out_object[0] if ctx.out_object else None, ctx.version),)

    def binding_of(self, ctx: AsmxContext) -> str:
        return str(ctx.version.name)

    def response(self, ctx: AsmxContext) -> Response:
        return Response(200, self._headers[ctx.version], ctx.out_string[0])

    def fault_response(self, fault: AsmxFault, version: SoapVersion) -> Response:
        return Response(fault.status, self._headers[version], soap.encode_fault(fault, version))


class FormProtocol(AsmxProtocol):
    """GET with a query string, or POST with a form body."""

    version = SOAP11

    def create_in_document(self, ctx: AsmxContext, in_string_encoding: str | None = None) -> None:
        request = ctx.request
        if request.method == "POST":
            charset = parse_media_type(request.headers.get("content-type")).charset
            ctx.in_document = forms.decode(request.body, charset)
        else:
            ctx.in_document = forms.decode(request.query.encode("utf-8", "surrogateescape"))

    def decompose_incoming_envelope(self, ctx: AsmxContext, message: object = None) -> None:
        ctx.in_body_doc = ctx.in_document

    def deserialize(self, ctx: AsmxContext, message: object = None) -> None:
        ctx.in_object = ctx.operation.arguments_from_form(ctx.in_body_doc)

    def serialize(self, ctx: AsmxContext, message: object = None) -> None:
        ctx.out_document = ctx.operation.form_result(ctx.out_object[0] if ctx.out_object else None)
        ctx.out_string = (forms.encode(ctx.out_document),)

    def binding_of(self, ctx: AsmxContext) -> str:
        return f"HTTP {ctx.request.method}"

    def response(self, ctx: AsmxContext) -> Response:
        body = ctx.out_string[0]
        # An operation without a result answers with nothing, and nothing has no type.
        return Response(200, (XML_TEXT, *UNCACHED) if body else UNCACHED, body)

    def fault_response(self, fault: AsmxFault, version: SoapVersion) -> Response:
        if isinstance(fault, ServiceUnavailable):
            return text_response(fault.form_status, fault.form_text, ("retry-after", str(fault.retry_after)))
        return text_response(fault.form_status, fault.form_text)


@lru_cache(maxsize=256)
def _actions(header: str | None, parameter: str | None) -> tuple[str, ...]:
    """The actions a request names, without their quotes; an empty one counts as none (CONTRACT 2.1)."""
    unquoted = [action.strip().strip('"').strip() for action in (header, parameter) if action]
    return tuple([action for action in unquoted if action])


class NoDocuments(InterfaceDocumentsBase):
    """spyne's WSDL is not ASMX's: see wsdl.py."""

    def __init__(self, interface: Any) -> None:
        super().__init__(interface, wsdl11=None)


class AsmxApplication(Application):
    """A spyne application for AsmxEndpoint.

    ``services`` are spyne service classes, ``tns`` the namespace, ``name`` the service's name in the WSDL, ``config``
    whatever the service functions want to find at ``ctx.app.config``. Its own protocols are never asked: each call's
    context has the protocol of its binding.
    """

    def __init__(self, services: Any, tns: str, name: str, config: Any = None) -> None:
        super().__init__(
            services,
            tns,
            name,
            in_protocol=ProtocolBase(),
            out_protocol=ProtocolBase(),
            config=config,
            documents_container=NoDocuments,
        )

    def call_wrapper(self, ctx: AsmxContext) -> Any:
        """Run the service function. What it raises becomes a fault; what it did not mean to raise is logged, once."""
        try:
            return super().call_wrapper(ctx)
        except Exception as error:
            raise ctx.fault_of(error, ctx.operation.name) from None
