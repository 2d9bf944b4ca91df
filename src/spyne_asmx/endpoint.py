"""An .asmx file. It decides which binding a request is for, or which document it asks for.

``begin`` decodes and never waits for anything; ``finish`` runs the operation, which may. A server with an event loop
calls ``begin`` on the loop and ``finish`` where the operation's ``waiting`` says; any other calls ``handle``.
"""

from spyne import Fault, Redirect
from spyne.protocol import ProtocolBase
from spyne.server import ServerBase

from spyne_asmx.application import AsmxApplication
from spyne_asmx.bindings import ALL_BINDINGS, Binding, DecodedCall, Decoder, Faulted, FormBinding, SoapBinding
from spyne_asmx.context import AsmxContext
from spyne_asmx.documentation import NO_PAGES, Documentation, Pages
from spyne_asmx.faults import AsmxFault, HttpError
from spyne_asmx.http import UNCACHED, Request, Response, text_response
from spyne_asmx.limits import DEFAULT_LIMITS, Limits
from spyne_asmx.operations import OperationTable
from spyne_asmx.servicefaults import raised_fault


class AsmxEndpoint(ServerBase):
    """Serves one application at one path, as IIS serves an .asmx file.

    ``path`` is matched without regard to letter case. ``bindings`` are the ones that are switched on. ``limits`` bound
    a request; the adapters hold the body to them as well. ``pages`` is what the help pages show besides the docstrings.
    """

    transport = "http://schemas.xmlsoap.org/soap/http"

    def __init__(
        self,
        application: AsmxApplication,
        path: str,
        bindings: frozenset[Binding] = ALL_BINDINGS,
        limits: Limits = DEFAULT_LIMITS,
        pages: Pages = NO_PAGES,
    ) -> None:
        super().__init__(application)
        self.path = path
        self.bindings = bindings
        self.limits = limits
        self.operations = OperationTable(application)
        self.documentation = Documentation(self.operations, str(application.name), bindings, pages)
        self._folded_path = path.lower()
        self._forms = FormBinding(self.operations, bindings, limits)
        self._soap = SoapBinding(self.operations, bindings, limits)

    def handle(self, request: Request) -> Response:
        """Answer a request from beginning to end."""
        begun = self.begin(request)
        return begun if isinstance(begun, Response) else self.finish(begun)

    def begin(self, request: Request, decoder: Decoder | None = None) -> AsmxContext | Response:
        """Decode a request: a call ready to be run, or already the answer. ``decoder`` is that of its head."""
        try:
            decode = decoder or self._decoder(request)
            if decode is None:
                return self._document(request)
            ctx = self._context(request, decode(request))
            if ctx.has_new_input:
                self._decode_anew(ctx)
        except Faulted as faulted:
            return faulted.form.fault(faulted.fault)
        except HttpError as error:
            return text_response(error.status, str(error), *error.headers)
        return ctx

    def _context(self, request: Request, call: DecodedCall) -> AsmxContext:
        """The context of a decoded call. Raises Faulted with what a listener of its creation raises."""
        try:
            return AsmxContext(self.app, request, call)
        except Exception as error:
            raise Faulted(raised_fault(error, request, self.operations.namespace), call.form) from None

    def decoder(self, request: Request) -> Decoder | None:
        """What decodes every request with the method, path and headers of this one; None if none is decoded."""
        try:
            return self._decoder(request)
        except (Faulted, HttpError):
            return None

    def _decoder(self, request: Request) -> Decoder | None:
        """The same; None for a document. Raises Faulted and HttpError."""
        path_info = self._path_info(request.path)
        if path_info:
            return self._forms.decoder(request, path_info[1:])
        return self._soap.decoder(request) if request.method == "POST" else None

    def _decode_anew(self, ctx: AsmxContext) -> None:
        """Read the request that a listener has put in place of the one that came. Raises Faulted and HttpError."""
        request = ctx.with_new_input()
        try:
            call = self._soap.decode(request) if ctx.form.is_soap else self._forms.decode(request, ctx.operation.name)
        except (Faulted, HttpError):
            self._close(ctx)
            raise
        ctx.take(request, call)

    def finish(self, ctx: AsmxContext) -> Response:
        """Run a call that ``begin`` decoded, with spyne's events, and write its answer."""
        try:
            try:
                answer = self._answer(ctx)
            except Exception as error:  # a fault or bug of the service, a result of the wrong type, a listener
                answer = self._fault_answer(ctx, error)
        finally:
            self._close(ctx)
        return answer

    def _answer(self, ctx: AsmxContext) -> Response:
        try:
            self.app.process_request(ctx)
        except Redirect as redirect:
            redirect.do_redirect()
            ctx.out_object = [None]
            ctx.fire_event("method_redirect")
        if ctx.has_own_protocol and not ctx.is_answered:
            ctx.out_protocol.serialize(ctx, ProtocolBase.RESPONSE)
            written = Response(200, (("content-type", str(ctx.out_protocol.mime_type)), *UNCACHED))
        elif ctx.is_touched and ctx.is_answered:
            written = Response(200, ctx.form.headers)
        else:
            written = ctx.form.answer(ctx.operation, ctx.out_object, ctx.out_header)
        ctx.written = written
        ctx.fire_event("method_return_document")
        if ctx.has_own_protocol:
            ctx.out_protocol.create_out_string(ctx)
        ctx.fire_event("method_return_string")
        return ctx.finished(written) if ctx.is_touched else written

    def fault(self, ctx: AsmxContext, fault: AsmxFault) -> Response:
        """Answer a decoded call with a fault instead of running it."""
        ctx.out_error = _as_spyne_has_it(fault)
        self._close(ctx)
        return ctx.form.fault(fault)

    def _fault_answer(self, ctx: AsmxContext, error: Exception) -> Response:
        """The answer to a call that raised an exception. Unexpected exceptions are logged, once."""
        fault = self._told(ctx, error)
        ctx.out_string = ctx.out_document = None
        ctx.has_own_protocol = False
        ctx.written = ctx.form.fault(fault)
        try:
            ctx.fire_event("method_exception_document")
            ctx.fire_event("method_exception_string")
            return ctx.finished(ctx.written, is_fault=True)
        except Exception:  # headers that can't be sent, or a listener's bug
            ctx.request.log_bug(ctx.operation.name)
            return ctx.written

    def _told(self, ctx: AsmxContext, error: Exception) -> AsmxFault:
        """The fault for an exception after listeners were told: they may change it, replace it, or raise another."""
        fault = None if isinstance(error, Fault) else self._fault(ctx, error)
        ctx.out_error = told = error if fault is None else ctx.out_error or _as_spyne_has_it(fault)
        before = dict(vars(told))
        try:
            ctx.fire_event("method_exception_object")
        except Exception as another:
            return self._fault(ctx, another)
        if fault is not None and ctx.out_error is told and vars(told) == before:
            return fault
        return self._fault(ctx, ctx.out_error)

    def _fault(self, ctx: AsmxContext, error: Exception) -> AsmxFault:
        return raised_fault(error, ctx.request, self.operations.namespace, ctx.operation.name)

    def _close(self, ctx: AsmxContext) -> None:
        """End a call after its answer was made. A listener's bug can no longer change the answer; it is only logged."""
        try:
            ctx.close()
        except Exception:
            ctx.request.log_bug("method_context_closed")

    def _path_info(self, path: str) -> str:
        """What follows the endpoint's path. Raises HttpError 404 for another path."""
        length = len(self._folded_path)
        if path[:length].lower() != self._folded_path or path[length : length + 1] not in {"", "/"}:
            raise HttpError(404, "Not found.")
        return path[length:]

    def _document(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            raise HttpError(405, "Method not allowed.", (("allow", "GET, HEAD, POST"),))
        if Binding.DOCUMENTATION not in self.bindings:
            raise HttpError(404, "Not found.")
        address = f"{request.scheme}://{request.host}{request.path_base}{self.path}"
        return self.documentation.answer(request.query, address)


def _as_spyne_has_it(fault: AsmxFault) -> Fault:
    return Fault("Server" if fault.is_servers else "Client", fault.text)
