"""The context of one call: spyne's MethodContext without what an ASMX request never uses.

spyne's own constructor builds four helper objects, checks every attribute that is set and fires its events through
three managers even when nobody listens: most of what a small call costs. Here the attributes that are seldom set are
class attributes, and events cost a look-up where there is no listener.
"""

from contextlib import suppress
from time import time
from typing import Any

from spyne import Fault
from spyne.context import MethodContext

from spyne_asmx.faults import AsmxFault, ServerFault


class RaisedFault(Fault):
    """Carries one of our faults through spyne, which knows only its own."""

    def __init__(self, fault: AsmxFault) -> None:
        super().__init__("Server", fault.text)
        self.fault = fault


# Once the answer is made, a listener's bug can't change it any more; it is in the log.
_ANSWERED = suppress(Fault)


class AsmxContext(MethodContext):
    """What spyne, its event listeners and a service function see of a call.

    Beside spyne's attributes: ``request``, the HTTP request (asmx.http.Request), and ``operation``.
    """

    # spyne declares these two as checked properties; here they are plain attributes.
    descriptor: Any = None
    function: Any = None
    out_protocol: Any = None
    in_protocol: Any = None

    request: Any = None
    operation: Any = None
    managers: Any = ()
    media_type: Any = None
    version: Any = None
    transport: Any = None
    protocol: Any = None
    inprot_ctx: Any = None
    outprot_ctx: Any = None
    event: Any = None
    aux: Any = None
    udc: Any = None
    method_request_string: Any = None
    in_string: Any = None
    in_document: Any = None
    in_header_doc: Any = None
    in_body_doc: Any = None
    in_error: Any = None
    in_header: Any = None
    in_object: Any = None
    out_object: Any = None
    out_header: Any = None
    out_error: Any = None
    out_body_doc: Any = None
    out_header_doc: Any = None
    out_document: Any = None
    out_string: Any = None
    out_stream: Any = None
    locale: Any = None
    call_end: float | None = None
    is_closed = active = False
    files: Any = ()
    pusher_stack: Any = ()

    __setattr__ = object.__setattr__

    def __init__(self, server: Any, protocol: Any, request: Any) -> None:
        self.call_start = time()
        self.app = server.app
        self.managers = server.managers
        self.in_protocol = self.out_protocol = protocol
        self.request = request
        self.fire_event("method_context_created")

    @property
    def binding(self) -> str:
        """The binding's name for people: SOAP 1.1, SOAP 1.2, HTTP GET or HTTP POST."""
        return str(self.in_protocol.binding_of(self))

    def call(self, operation: Any) -> None:
        """Make this the context of a call of the operation, which is decoded already."""
        self.operation = operation
        self.descriptor = operation.descriptor
        self.function = operation.descriptor.function
        self.method_request_string = operation.action
        self.managers = operation.managers

    def fire_event(self, event: str, *args: Any, **kwargs: Any) -> None:
        """Call the listeners of the application, and of the method and its service. What one raises ends the call."""
        for manager in self.managers:
            if manager.handlers:
                self._tell(manager.handlers.get(event, ()), event, args, kwargs)

    def _tell(self, listeners: Any, event: str, args: Any, kwargs: Any) -> None:
        try:
            for listener in listeners:
                listener(self, *args, **kwargs)
        except Exception as error:
            raise self.fault_of(error, event) from None

    def fault_of(self, error: Exception, what: str) -> Fault:
        """The fault for what a service or a listener raised. What it did not mean to raise is logged, once."""
        if isinstance(error, Fault):
            return error
        if isinstance(error, AsmxFault):
            return RaisedFault(error)
        self.request.log_bug(what)
        return RaisedFault(ServerFault())

    def close(self) -> None:
        """End the call. Unlike spyne's, this never runs the garbage collector: that would stall every other call."""
        self.call_end = time()
        with _ANSWERED:
            self.fire_event("method_context_closed")
        for file in self.files:
            file.close()
        self.is_closed = True
