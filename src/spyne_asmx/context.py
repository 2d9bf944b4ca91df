"""The context of one call: spyne's MethodContext without what an ASMX request never uses.

spyne's own constructor builds four helper objects, checks every attribute that is set and fires its events through
three managers even when nobody listens: most of what a small call costs. Here the attributes that are seldom set are
class attributes, and an event costs a look-up where there is no listener.
"""

from time import time
from typing import Any

from spyne.context import MethodContext

from spyne_asmx.bindings import DecodedCall
from spyne_asmx.operations import Operation, Waiting


class AsmxContext(MethodContext):
    """What spyne, its event listeners and a service function see of a call.

    Beside spyne's attributes: ``request``, the HTTP request (spyne_asmx.Request); ``operation``; and ``form``, which
    writes the answer.
    """

    # spyne declares these as checked properties; here they are plain attributes.
    descriptor: Any = None
    function: Any = None
    out_protocol: Any = None
    in_protocol: Any = None

    # What a service or a listener may look at before anybody has set it.
    transport: Any = None
    protocol: Any = None
    event: Any = None
    aux: Any = None
    udc: Any = None
    in_header: Any = None
    in_error: Any = None
    out_object: Any = None
    out_header: Any = None
    out_error: Any = None
    locale: Any = None
    call_end: float | None = None
    is_closed = False
    files: Any = ()

    __setattr__ = object.__setattr__

    def __init__(self, app: Any, request: Any, call: DecodedCall) -> None:
        operation: Operation = call.operation
        self.call_start = time()
        self.app = app
        self.request = request
        self.operation = operation
        self.in_object = call.arguments
        self.form = call.form
        if call.header is not None:
            self.in_header = call.header
        self.descriptor = operation.descriptor
        self.function = operation.function
        self.method_request_string = operation.action
        self.managers = operation.managers
        self.fire_event("method_context_created")

    @property
    def binding(self) -> str:
        """The binding's name for people: SOAP 1.1, SOAP 1.2, HTTP GET or HTTP POST."""
        return str(self.form.name)

    @property
    def waiting(self) -> Waiting:
        """How the call may wait."""
        return self.operation.waiting

    def fire_event(self, event: str, *args: Any, **kwargs: Any) -> None:
        """Call the listeners of the application, and of the method and its service. What one raises ends the call."""
        for manager in self.managers:
            if manager.handlers:
                for listener in manager.handlers.get(event, ()):
                    listener(self, *args, **kwargs)

    def close(self) -> None:
        """End the call. Unlike spyne's, this never runs the garbage collector: that would stall every other call."""
        self.call_end = time()
        self.is_closed = True
        self.fire_event("method_context_closed")
        for file in self.files:
            file.close()
