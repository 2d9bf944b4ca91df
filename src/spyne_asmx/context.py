"""The context of one call: spyne's MethodContext without the parts that an ASMX request never uses.

spyne's own constructor builds four helper objects, checks every attribute that is set and fires its events through
three managers even when nobody listens: most of what a small call costs. Here the attributes that are seldom set are
class attributes, and an event costs a look-up where there is no listener.
"""

from dataclasses import replace
from functools import cached_property
from time import time
from typing import Any

from lxml import etree
from spyne.context import EventContext, MethodContext

from spyne_asmx.bindings import DecodedCall, document_of
from spyne_asmx.http import Request, Response, parse_media_type
from spyne_asmx.operations import Operation, Waiting
from spyne_asmx.transport import AsmxTransport
from spyne_asmx.xml import DECLARATION
from spyne_asmx.xmlvalues import parsed


class AsmxContext(MethodContext):
    """A call as spyne, its event listeners and a service function see it.

    Besides spyne's attributes it has ``request``, the HTTP request (spyne_asmx.Request), ``operation``, and ``form``,
    which writes the answer. ``transport`` and the strings and documents are made when they are first used.
    """

    # spyne declares these as checked properties; here they are plain attributes.
    descriptor: Any = None
    function: Any = None

    # A service or a listener may read these before anybody has set them.
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
    active = False
    out_stream: Any = None
    pusher_stack: Any = ()

    written: Response | None = None
    """The answer as it was written, while listeners run."""
    is_touched = False
    """Whether a service or a listener has used anything below, which is rare."""
    has_new_input = False
    """Whether a listener has put another request in place of this one."""
    has_own_protocol = False
    """Whether a service or a listener has chosen another protocol for the answer."""
    _transport: AsmxTransport | None = None
    _files: Any = None
    _protocol: Any = None
    _in_string: Any = None
    _in_document: Any = None
    _out_string: Any = None
    _out_document: Any = None
    _as_written = b""

    __setattr__ = object.__setattr__

    def __init__(self, app: Any, request: Any, call: DecodedCall) -> None:
        operation: Operation = call.operation
        self.call_start = time()
        self.app = app
        self.request = request
        self.operation = operation
        self.in_object = operation.arguments.named(call.arguments)
        self.form = call.form
        if call.header is not None:
            self.in_header = call.header
        self.descriptor = operation.descriptor
        self.function = operation.function
        self.method_request_string = operation.qualified_name
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

    @property
    def transport(self) -> AsmxTransport:
        """The HTTP request and the headers and status of its answer, as spyne's services know them."""
        if self._transport is None:
            self._transport = AsmxTransport(self, self.app, self.request)
            self.is_touched = True
        return self._transport

    @property
    def files(self) -> Any:
        """What is closed with the context."""
        if self._files is None:
            self._files = []
        return self._files

    @files.setter
    def files(self, value: Any) -> None:
        self._files = value

    def get_descriptor(self) -> Any:
        """The descriptor of the method that is called."""
        return self.descriptor

    @property
    def in_protocol(self) -> Any:
        """The application's protocol."""
        return self.app.in_protocol

    @property
    def out_protocol(self) -> Any:
        """The protocol that writes the answer. A service that sets another has its answer written by that one."""
        return self._protocol or self.app.out_protocol

    @out_protocol.setter
    def out_protocol(self, value: Any) -> None:
        if value.app is None:
            value.set_app(self.app)
        self._protocol = value
        self.has_own_protocol = self.is_touched = True

    @cached_property
    def event(self) -> Any:
        """What listeners keep for one another."""
        return EventContext(self)

    @cached_property
    def inprot_ctx(self) -> Any:
        """What belongs to the reading of the request."""
        return self.in_protocol.get_context(self, self.app)

    @cached_property
    def outprot_ctx(self) -> Any:
        """What belongs to the writing of the answer."""
        return self.out_protocol.get_context(self, self.app)

    @property
    def protocol(self) -> Any:
        """What belongs to the protocol at work: the request's until there is a result, then the answer's."""
        return self.inprot_ctx if self.out_object is None else self.outprot_ctx

    @property
    def in_string(self) -> Any:
        """The request as a sequence of bytes: its body, or a form's query."""
        if self._in_string is None:
            request = self.request
            is_get = request.method == "GET"
            self._in_string = [request.query.encode("utf-8", "surrogateescape") if is_get else request.body]
        return self._in_string

    @in_string.setter
    def in_string(self, value: Any) -> None:
        self._in_string = value
        self._in_document = None
        self.has_new_input = self.is_touched = True

    @property
    def in_document(self) -> Any:
        """The envelope of a SOAP request as an lxml element; None for a form."""
        if self._in_document is None and self.form.is_soap:
            self._in_document = document_of(self.request)
        return self._in_document

    @in_document.setter
    def in_document(self, value: Any) -> None:
        charset = parse_media_type(self.request.headers.get("content-type")).charset
        self.in_string = [etree.tostring(value, encoding=charset or "utf-8")]
        self._in_document = value

    def with_new_input(self) -> Request:
        """The request with the bytes that a listener of ``method_context_created`` put in place of its own."""
        given = _joined(self._in_string)
        if self.request.method == "GET":
            return replace(self.request, query=given.decode("utf-8", "surrogateescape"))
        return replace(self.request, body=given)

    def take(self, request: Request, call: DecodedCall) -> None:
        """Be the context of another call, without telling listeners again."""
        self.in_header = None
        self.__dict__.update(_Untold(self.app, request, call).__dict__)

    @property
    def in_header_doc(self) -> Any:
        """The header blocks of a SOAP request, as a list of lxml elements; None without a Header."""
        header = _envelope_part(self.in_document, "Header")
        return None if header is None else list(header)

    @property
    def in_body_doc(self) -> Any:
        """The element in the Body of a SOAP request."""
        body = _envelope_part(self.in_document, "Body")
        return None if body is None else next(iter(body), None)

    @property
    def out_header_doc(self) -> Any:
        """The Header of the answer, which may be changed; None without one."""
        return _envelope_part(self.out_document, "Header")

    @property
    def out_body_doc(self) -> Any:
        """The Body of the answer, which may be changed."""
        return _envelope_part(self.out_document, "Body")

    @property
    def out_document(self) -> Any:
        """The answer as an lxml element, which may be changed or replaced; None if it is not XML or not yet written."""
        written = self.written
        if self._out_document is None and written is not None and written.body.startswith(b"<?xml"):
            self._out_document = parsed(written.body, was_read=True)
            self._as_written = etree.tostring(self._out_document)
            self.is_touched = True
        return self._out_document

    @out_document.setter
    def out_document(self, value: Any) -> None:
        self._out_document = value
        self._as_written = b""
        self.is_touched = True

    @property
    def out_string(self) -> Any:
        """The answer as a sequence of bytes, which may be replaced; None before it is written."""
        if self.has_own_protocol:
            return self._out_string
        if self._out_string is None and (self.written is not None or self._out_document is not None):
            return [self._body()]
        return self._out_string

    @out_string.setter
    def out_string(self, value: Any) -> None:
        self._out_string = value
        self.is_touched = True

    @property
    def is_answered(self) -> bool:
        """Whether a service or a listener has already written the answer itself."""
        return self._out_string is not None or self._out_document is not None

    def finished(self, answer: Response, *, is_fault: bool = False) -> Response:
        """The answer with the changes of services and listeners. Raises ValueError for a header that can't be sent."""
        answer = answer._replace(body=self._body())
        return answer if self._transport is None else self._transport.applied(answer, is_fault=is_fault)

    def _body(self) -> bytes:
        if self._out_string is not None:
            return _joined(self._out_string)
        document = b"" if self._out_document is None else etree.tostring(self._out_document)
        if document == self._as_written:
            return b"" if self.written is None else self.written.body
        return f"{DECLARATION}{etree.tostring(self._out_document, encoding='unicode')}".encode()

    def fire_event(self, event: str, *args: Any, **kwargs: Any) -> None:
        """Call the listeners of the application, of the method and of its service. An exception ends the call."""
        for manager in self.managers:
            if manager.handlers:
                for listener in manager.handlers.get(event, ()):
                    listener(self, *args, **kwargs)

    def close(self) -> None:
        """End the call. Unlike spyne's method, this never runs the garbage collector, which would stall other calls."""
        self.call_end = time()
        self.is_closed = True
        self.fire_event("method_context_closed")
        for file in self._files or ():
            file.close()


class _Untold(AsmxContext):
    """A context that tells no listeners."""

    def fire_event(self, event: str, *args: Any, **kwargs: Any) -> None:
        pass


def _joined(strings: Any) -> bytes:
    """The bytes of what spyne takes for a string on the wire: several strings of bytes, or one."""
    parts = [strings] if isinstance(strings, str | bytes) else strings
    return b"".join(part.encode() if isinstance(part, str) else part for part in parts)


def _envelope_part(envelope: Any, name: str) -> Any:
    """The Header or Body of an envelope, or None."""
    return None if envelope is None else envelope.find(f"{{*}}{name}")
