"""An .asmx file as a spyne server transport: which binding a request is for, or which document it wants.

``begin`` decodes and never waits for anything; ``finish`` runs the operation, which may. A server with an event loop
calls ``begin`` on the loop and ``finish`` wherever the operation's lane says; any other calls ``handle``.
"""

from spyne.server import ServerBase

from spyne_asmx.bindings import ALL_BINDINGS, Binding
from spyne_asmx.context import AsmxContext
from spyne_asmx.documentation import Documentation
from spyne_asmx.faults import AsmxFault, HttpError, binding_off, invalid_form, unknown_operation, wrong_case
from spyne_asmx.forms import FORM_MEDIA_TYPE
from spyne_asmx.http import Request, Response, parse_media_type, text_response
from spyne_asmx.operations import Operation, OperationTable
from spyne_asmx.protocols import AsmxApplication, AsmxProtocol, FormProtocol, SoapProtocol
from spyne_asmx.soap import SOAP11, SOAP12, SoapFaulted, SoapVersion
from spyne_asmx.xml import DEFAULT_LIMITS, Limits

_SOAP_BINDINGS = {SOAP11: Binding.SOAP11, SOAP12: Binding.SOAP12}


class AsmxEndpoint(ServerBase):
    """Serves one application at one path, as IIS serves an .asmx file.

    ``path`` is matched without regard to letter case. ``bindings`` are the ones switched on.
    """

    transport = "http://schemas.xmlsoap.org/soap/http"

    def __init__(
        self,
        application: AsmxApplication,
        path: str,
        bindings: frozenset[Binding] = ALL_BINDINGS,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        super().__init__(application)
        self.path = path
        self.bindings = bindings
        self.operations = OperationTable(application)
        self.managers = (application.event_manager,)
        self.documentation = Documentation(self.operations, str(application.name), bindings)
        self._folded_path = path.lower()
        self._forms = FormProtocol(self.operations, limits)
        self._soap = {v.media_type: SoapProtocol(v, self.operations, limits) for v in (SOAP11, SOAP12)}

    def handle(self, request: Request) -> Response:
        """Answer a request from beginning to end."""
        begun = self.begin(request)
        return begun if isinstance(begun, Response) else self.finish(begun)

    def begin(self, request: Request) -> AsmxContext | Response:
        """Decode a request: a call ready to be run, or already the answer."""
        try:
            path_info = self._path_info(request.path)
            if path_info:
                return self._begin_form(request, path_info[1:])
            if request.method == "POST":
                return self._begin_soap(request)
            return self._document(request)
        except HttpError as error:
            return text_response(error.status, str(error), *error.headers)

    def finish(self, ctx: AsmxContext) -> Response:
        """Run a call that ``begin`` decoded, with spyne's events, and write its answer."""
        protocol: AsmxProtocol = ctx.out_protocol
        try:
            self.app.process_request(ctx)
            if ctx.out_error is None:
                protocol.serialize(ctx)
                ctx.fire_event("method_return_document")
                ctx.fire_event("method_return_string")
        except Exception as error:  # a result that is none of its type, or a listener
            ctx.out_error = ctx.fault_of(error, ctx.operation.name)
        finally:
            ctx.close()
        if ctx.out_error is not None:
            return protocol.fault_response(protocol.out_fault(ctx), ctx.version)
        return protocol.response(ctx)

    def fault(self, ctx: AsmxContext, fault: AsmxFault) -> Response:
        """Answer a decoded call with a fault instead of running it."""
        protocol: AsmxProtocol = ctx.out_protocol
        ctx.close()
        return protocol.fault_response(fault, ctx.version)

    def _path_info(self, path: str) -> str:
        """What follows the endpoint's path. Raises HttpError 404 for another path."""
        length = len(self._folded_path)
        if path[:length].lower() != self._folded_path or path[length : length + 1] not in {"", "/"}:
            raise HttpError(404, "Not found.")
        return path[length:]

    def _begin_soap(self, request: Request) -> AsmxContext | Response:
        media_type = parse_media_type(request.headers.get("content-type"))
        protocol = self._soap.get(media_type.name)
        if protocol is None:
            raise HttpError(415, "The content type is not supported.")
        self._require(protocol.version)
        _refuse_encoded_body(request)
        try:
            ctx = AsmxContext(self, protocol, request)
            ctx.media_type = media_type
            return self._decoded(ctx)
        except SoapFaulted as faulted:
            return protocol.fault_response(faulted.fault, faulted.version)

    def _begin_form(self, request: Request, name: str) -> AsmxContext | Response:
        protocol = self._forms
        try:
            operation = self._form_operation(request, name)
            ctx = AsmxContext(self, protocol, request)
            ctx.operation, ctx.version = operation, SOAP11
            return self._decoded(ctx)
        except AsmxFault as fault:
            return protocol.fault_response(fault, SOAP11)

    def _decoded(self, ctx: AsmxContext) -> AsmxContext:
        """The call, ready to be run. A request that can't be decoded ends it, so that spyne's events come in pairs."""
        protocol: AsmxProtocol = ctx.in_protocol
        try:
            protocol.create_in_document(ctx)
            protocol.decompose_incoming_envelope(ctx)
            if protocol is not self._forms:
                self._require(ctx.version)
            protocol.deserialize(ctx)
        except Exception:
            ctx.close()
            raise
        ctx.call(ctx.operation)
        return ctx

    def _require(self, version: SoapVersion) -> None:
        """Raises HttpError 415 unless the SOAP version is on: the content type's, and then the envelope's."""
        if _SOAP_BINDINGS[version] not in self.bindings:
            raise HttpError(415, f"{version.name} is switched off.")

    def _form_operation(self, request: Request, name: str) -> Operation:
        """The operation a form is for, if it may be called so (CONTRACT 2.4)."""
        allowed = [b.name for b in (Binding.GET, Binding.POST) if b in self.bindings]
        if request.method not in {"GET", "POST"}:
            raise HttpError(405, "Method not allowed.", (("allow", ", ".join(allowed)),))
        if request.method not in allowed or not name:
            raise binding_off(f"/{name}")
        operation = self.operations.by_name.get(name)
        if operation is None or not operation.fits_forms:
            meant = self.operations.in_other_case(name)
            raise unknown_operation(name) if meant in {None, name} else wrong_case(name, str(meant))
        if request.method == "POST":
            content_type = request.headers.get("content-type") or ""
            if parse_media_type(content_type).name != FORM_MEDIA_TYPE:
                raise invalid_form(content_type)
            _refuse_encoded_body(request)
        return operation

    def _document(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            raise HttpError(405, "Method not allowed.", (("allow", "GET, HEAD, POST"),))
        if Binding.DOCUMENTATION not in self.bindings:
            raise HttpError(404, "Not found.")
        address = f"{request.scheme}://{request.host}{request.path_base}{self.path}"
        response = self.documentation.answer(request.query, address)
        return response if request.method == "GET" else Response(response.status, response.headers)


def _refuse_encoded_body(request: Request) -> None:
    encoding = request.headers.get("content-encoding")
    if encoding is not None and encoding.strip().lower() not in {"", "identity"}:
        raise HttpError(415, "Compressed request bodies are not supported.")
