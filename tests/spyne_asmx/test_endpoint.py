"""The endpoint serves any spyne service: here a calculator, which has nothing to do with tickets."""

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree
from spyne import AnyXml, Array, ComplexModel, Fault, Integer32, Service, Unicode, rpc

from spyne_asmx import (
    ALL_BINDINGS,
    AsmxApplication,
    AsmxEndpoint,
    Binding,
    Element,
    Request,
    Response,
    ServiceUnavailable,
)
from spyne_asmx.faults import ClientFault
from spyne_asmx.http import HeaderMap
from spyne_asmx.soap import SOAP11, SOAP12, SoapVersion

NAMESPACE = "urn:calculator"
SECRET = "Secret123!"
UNABLE = "Server was unable to process request."


class Point(ComplexModel):  # type: ignore[misc]
    """A value that no form can carry."""

    __namespace__ = NAMESPACE
    X = Integer32
    Y = Integer32


def calculator() -> type[Service]:
    """A new service class each time, because spyne keeps listeners in the class."""

    class Calculator(Service):  # type: ignore[misc]
        @rpc(Integer32, Integer32, _returns=Integer32)
        def Add(ctx: Any, a: int, b: int) -> int:
            return a + b

        @rpc(Unicode, _returns=AnyXml)
        def Describe(ctx: Any, text: str | None) -> Element | None:
            return None if text is None else Element("root", {"text": text}, [Element("child")])

        @rpc(Unicode, _returns=AnyXml)
        def DescribeWithLxml(ctx: Any, text: str) -> Any:
            return etree.fromstring(f"<root><child>{text}</child></root>")

        @rpc(Point, Integer32, _returns=Point)
        def Move(ctx: Any, point: Point, by: int) -> Point:
            return Point(X=point.X + by, Y=point.Y)

        @rpc(Array(Integer32), _returns=Array(Integer32))
        def Sort(ctx: Any, numbers: list[int]) -> list[int]:
            return sorted(numbers)

        @rpc()
        def Nothing(ctx: Any) -> None:
            pass

        @rpc(Unicode)
        def Bug(ctx: Any, password: str) -> None:
            raise LookupError(f"no account for {password}")

        @rpc(_returns=Integer32)
        def WrongResult(ctx: Any) -> str:
            return SECRET

        @rpc(Unicode)
        def Refuse(ctx: Any, code: str) -> None:
            raise Fault(code, "Not <today> & not here")

        @rpc()
        def Unavailable(ctx: Any) -> None:
            raise ServiceUnavailable

    return Calculator


def endpoint_with(*bindings: Binding) -> AsmxEndpoint:
    application = AsmxApplication([calculator()], NAMESPACE, "calculator")
    return AsmxEndpoint(application, "/calculator.asmx", frozenset(bindings) if bindings else ALL_BINDINGS)


@pytest.fixture(scope="module")
def endpoint() -> AsmxEndpoint:
    """One for all tests that add no listeners."""
    return endpoint_with()


@pytest.fixture
def own_endpoint() -> AsmxEndpoint:
    """One for a single test, which may add listeners."""
    return endpoint_with()


def envelope(inside: str, soap: SoapVersion = SOAP11) -> bytes:
    return f'<s:Envelope xmlns:s="{soap.namespace}"><s:Body>{inside}</s:Body></s:Envelope>'.encode()


def soap_request(operation: str, soap: SoapVersion = SOAP11, /, **parameters: object) -> Request:
    fields = "".join(f"<{name}>{value}</{name}>" for name, value in parameters.items())
    body = envelope(f'<{operation} xmlns="{NAMESPACE}">{fields}</{operation}>', soap)
    return Request("POST", "/calculator.asmx", "", HeaderMap([("content-type", soap.content_type)]), body, id="r-1")


def get_request(operation: str, query: str = "") -> Request:
    return Request("GET", f"/calculator.asmx/{operation}", query, HeaderMap(), id="r-1")


def post_request(operation: str, body: bytes = b"") -> Request:
    headers = HeaderMap([("content-type", "application/x-www-form-urlencoded")])
    return Request("POST", f"/calculator.asmx/{operation}", "", headers, body, id="r-1")


def text_of(response: Response) -> str:
    """The text of all elements."""
    assert response.status == 200, response.body
    return "".join(map(str, etree.fromstring(response.body).itertext())).strip()


def fault_of(response: Response) -> tuple[str, str]:
    """Code and text of a SOAP fault; of plain text, the content type and the text."""
    assert response.status == 500
    content_type = dict(response.headers)["content-type"]
    if content_type.startswith("text/plain"):
        return content_type, response.body.decode()
    root = etree.fromstring(response.body)
    code = root.findtext(".//faultcode") or root.findtext(f".//{{{SOAP12.namespace}}}Value")
    text = root.findtext(".//faultstring") or root.findtext(f".//{{{SOAP12.namespace}}}Text")
    return str(code), str(text)


PLAIN = "text/plain; charset=utf-8"


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        soap_request("Add", SOAP11, a=3, b=-5),
        soap_request("Add", SOAP12, a=3, b=-5),
        soap_request("Add", SOAP11, b=" -5 ", a="\n3"),
        get_request("Add", "a=3&b=-5"),
        get_request("Add", "B=+-5&A=%203"),
        post_request("Add", b"a=3&b=-5"),
    ],
)
def test_typed_parameters_arrive_as_values_over_every_binding(endpoint: AsmxEndpoint, request_: Request) -> None:
    """White space around a number does not count (XML Schema part 2, section 4.3.6)."""
    assert text_of(endpoint.handle(request_)) == "-2"


def test_a_typed_result_in_soap(endpoint: AsmxEndpoint) -> None:
    """ASMX names it after the operation."""
    assert endpoint.handle(soap_request("Add", a=1, b=2)) == Response(
        200,
        (
            ("content-type", "text/xml; charset=utf-8"),
            ("cache-control", "private, max-age=0, no-store"),
            ("pragma", "no-cache"),
        ),
        b'<?xml version="1.0" encoding="utf-8"?>'
        b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
        b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        b'<soap:Body><AddResponse xmlns="urn:calculator"><AddResult>3</AddResult></AddResponse></soap:Body>'
        b"</soap:Envelope>",
    )


def test_a_typed_result_over_get(endpoint: AsmxEndpoint) -> None:
    """ASMX names it after its type."""
    assert endpoint.handle(get_request("Add", "a=1&b=2")).body == (
        b'<?xml version="1.0" encoding="utf-8"?>\n<int xmlns="urn:calculator">3</int>'
    )


@pytest.mark.parametrize("value", ["x", "", "1.5", "0x1", "99999999999", "1_000", "٣"])
def test_a_value_that_its_type_does_not_have_is_the_clients_fault(endpoint: AsmxEndpoint, value: str) -> None:
    """The fault does not repeat the value."""
    text = "Cannot convert the parameter a to int."
    assert fault_of(endpoint.handle(soap_request("Add", a=value, b=2))) == ("soap:Client", text)
    assert fault_of(endpoint.handle(get_request("Add", f"a={value}&b=2"))) == (PLAIN, text)


def test_an_xml_result(endpoint: AsmxEndpoint) -> None:
    """In SOAP it is in no namespace; over GET it is the whole answer, indented."""
    over_soap = endpoint.handle(soap_request("Describe", text="é&lt;")).body.decode()
    assert '<DescribeResult><root text="é&lt;" xmlns=""><child /></root></DescribeResult>' in over_soap
    over_get = endpoint.handle(get_request("Describe", "text=%C3%A9%3C")).body.decode()
    assert over_get.endswith('?>\n<root text="é&lt;">\n  <child />\n</root>')


def test_an_xml_result_made_with_lxml(endpoint: AsmxEndpoint) -> None:
    """It is written like one of our own elements."""
    body = endpoint.handle(soap_request("DescribeWithLxml", text="x")).body
    assert b'<DescribeWithLxmlResult><root xmlns=""><child>x</child></root></DescribeWithLxmlResult>' in body
    assert endpoint.handle(get_request("DescribeWithLxml", "text=x")).body.endswith(
        b"\n<root>\n  <child>x</child>\n</root>"
    )


def test_no_result(endpoint: AsmxEndpoint) -> None:
    """An empty response element; over GET an empty body."""
    assert b'<DescribeResponse xmlns="urn:calculator" />' in endpoint.handle(soap_request("Describe")).body
    assert b'<NothingResponse xmlns="urn:calculator" />' in endpoint.handle(soap_request("Nothing")).body
    nothing = endpoint.handle(get_request("Nothing"))
    assert (nothing.status, nothing.body) == (200, b"")


def test_objects_and_arrays_go_over_soap(endpoint: AsmxEndpoint) -> None:
    """Members are recognized by their names, in any order."""
    moved = endpoint.handle(soap_request("Move", point="<Y>2</Y><X>1</X>", by=10)).body
    assert b"<MoveResult><X>11</X><Y>2</Y></MoveResult>" in moved
    sorted_ = endpoint.handle(soap_request("Sort", numbers="<int>4</int><int>2</int>")).body
    assert b"<SortResult><int>2</int><int>4</int></SortResult>" in sorted_


def test_objects_do_not_go_over_forms(endpoint: AsmxEndpoint) -> None:
    """ASMX does not offer such operations there."""
    expected = (PLAIN, "Move Web Service method name is not valid.")
    assert fault_of(endpoint.handle(get_request("Move"))) == expected
    assert fault_of(endpoint.handle(post_request("Move"))) == expected


def test_arrays_of_simple_values_go_over_forms_as_repeated_fields(endpoint: AsmxEndpoint) -> None:
    for request in (get_request("Sort", "numbers=4&Numbers=2"), post_request("Sort", b"numbers=4&Numbers=2")):
        assert endpoint.handle(request).body.decode().splitlines()[2:] == [
            "  <int>2</int>",
            "  <int>4</int>",
            "</ArrayOfInt>",
        ]
    refused = fault_of(endpoint.handle(get_request("Sort", "numbers=4&numbers=x")))
    assert refused == (PLAIN, "Cannot convert the parameter numbers to int.")
    assert fault_of(endpoint.handle(get_request("Sort", "n=4"))) == (PLAIN, "Missing parameter: numbers.")


# --- what a service raises --------------------------------------------------------------------------------------------

BUGS = {
    "SOAP 1.1": (soap_request("Bug", password=SECRET), ("soap:Server", UNABLE)),
    "SOAP 1.2": (soap_request("Bug", SOAP12, password=SECRET), ("soap:Receiver", UNABLE)),
    "GET": (get_request("Bug", f"password={SECRET}"), (PLAIN, UNABLE)),
    "POST": (post_request("Bug", f"password={SECRET}".encode()), (PLAIN, UNABLE)),
    "a result of another type": (soap_request("WrongResult"), ("soap:Server", UNABLE)),
    "a result of another type, GET": (get_request("WrongResult"), (PLAIN, UNABLE)),
}


@pytest.mark.parametrize(("request_", "fault"), BUGS.values(), ids=BUGS)
def test_a_bug_is_logged_once_and_hidden_from_the_client(
    endpoint: AsmxEndpoint, logged: list[logging.LogRecord], request_: Request, fault: tuple[str, str]
) -> None:
    """CONTRACT 2.4: the log has the request's id and the traceback, and the answer has neither."""
    response = endpoint.handle(request_)
    assert fault_of(response) == fault
    assert SECRET.encode() not in response.body
    assert b"r-1" not in response.body
    (record,) = logged
    assert record.levelno == logging.ERROR
    assert "r-1" in record.getMessage()
    assert record.exc_info is not None


@pytest.mark.parametrize(
    ("code", "soap11", "soap12"),
    [
        ("Client", "soap:Client", "soap:Sender"),
        ("Client.Authentication", "soap:Client.Authentication", "soap:Sender"),
        ("Sender", "soap:Client", "soap:Sender"),
        ("Server", "soap:Server", "soap:Receiver"),
        ("Server.Busy", "soap:Server.Busy", "soap:Receiver"),
    ],
)
def test_a_fault_of_spyne_is_answered_as_it_is(
    endpoint: AsmxEndpoint, logged: list[logging.LogRecord], code: str, soap11: str, soap12: str
) -> None:
    """The service raised it on purpose: the client gets its text, and the log gets nothing."""
    text = "Not <today> & not here"
    assert fault_of(endpoint.handle(soap_request("Refuse", code=code))) == (soap11, text)
    assert fault_of(endpoint.handle(soap_request("Refuse", SOAP12, code=code))) == (soap12, text)
    assert fault_of(endpoint.handle(get_request("Refuse", f"code={code}"))) == (PLAIN, text)
    assert not logged


def test_an_unavailable_service_says_so(endpoint: AsmxEndpoint) -> None:
    """CONTRACT 2.4: a fault in SOAP, 503 with Retry-After for forms."""
    sentence = "The service is temporarily unavailable."
    assert fault_of(endpoint.handle(soap_request("Unavailable"))) == ("soap:Server", f"{UNABLE} ---> {sentence}")
    response = endpoint.handle(get_request("Unavailable"))
    assert (response.status, response.body.decode()) == (503, sentence)
    assert int(dict(response.headers)["retry-after"]) > 0


# --- spyne's events ---------------------------------------------------------------------------------------------------

EVENTS = (
    "method_context_created",
    "method_call",
    "method_return_object",
    "method_exception_object",
    "method_return_document",
    "method_return_string",
    "method_context_closed",
)


class Observed:
    """An endpoint whose events are recorded."""

    def __init__(self, where: str) -> None:
        service = calculator()
        application = AsmxApplication([service], NAMESPACE, "calculator")
        self.endpoint = AsmxEndpoint(application, "/calculator.asmx")
        self.events: list[str] = []
        manager = application.event_manager if where == "application" else service.event_manager
        for event in EVENTS:
            manager.add_listener(event, self._listener(event))

    def _listener(self, event: str) -> Callable[[Any], None]:
        return lambda _ctx: self.events.append(event)


@pytest.mark.parametrize("binding", [soap_request, get_request, post_request])
@pytest.mark.parametrize("where", ["application", "service"])
def test_events_of_a_call(binding: Callable[[str], Request], where: str) -> None:
    """In spyne's order. Listeners of the application and of the service get all of them."""
    fired = Observed(where)
    fired.endpoint.handle(binding("Nothing"))
    expected = ["method_call", "method_return_object", "method_return_document", "method_return_string"]
    assert fired.events == ["method_context_created", *expected, "method_context_closed"]


@pytest.mark.parametrize("where", ["application", "service"])
@pytest.mark.parametrize(
    "request_", [soap_request("Bug"), soap_request("Refuse", code="Client"), soap_request("Unavailable")]
)
def test_events_of_a_call_that_fails(where: str, request_: Request) -> None:
    """The exception event replaces the return events."""
    fired = Observed(where)
    fired.endpoint.handle(request_)
    expected = ["method_context_created", "method_call", "method_exception_object", "method_context_closed"]
    assert fired.events == expected


@pytest.mark.parametrize(
    "request_",
    [
        soap_request("Nope"),
        soap_request("Add", a="x"),
        Request("POST", "/calculator.asmx", "", HeaderMap([("content-type", "text/xml")]), b"<"),
        Request("POST", "/calculator.asmx", "", HeaderMap([("content-type", "text/xml; charset=utf-7")]), b"<a/>"),
        get_request("Add"),
        get_request("Add", "a=%FF"),
    ],
)
def test_a_request_that_cannot_be_decoded_has_no_events(request_: Request) -> None:
    """There is no call that listeners could be told of."""
    fired = Observed("application")
    assert fired.endpoint.handle(request_).status >= 400
    assert fired.events == []


def test_a_listener_sees_the_call(own_endpoint: AsmxEndpoint) -> None:
    """Arguments, result, operation and HTTP request; the error of a call that failed."""
    seen: list[Any] = []
    manager = own_endpoint.app.event_manager
    manager.add_listener("method_call", lambda ctx: seen.append((list(ctx.in_object), ctx.descriptor.name)))
    manager.add_listener("method_return_object", lambda ctx: seen.append((list(ctx.out_object), ctx.request.id)))
    manager.add_listener("method_exception_object", lambda ctx: seen.append(str(ctx.out_error.faultstring)))
    own_endpoint.handle(soap_request("Add", a=1, b=2))
    own_endpoint.handle(soap_request("Refuse", code="Client"))
    assert seen == [([1, 2], "Add"), ([3], "r-1"), (["Client"], "Refuse"), "Not <today> & not here"]


def _fail(_ctx: Any) -> None:
    raise LookupError(SECRET)


@pytest.mark.parametrize("event", ["method_call", "method_return_object", "method_return_document"])
def test_a_listener_with_a_bug_is_a_bug(
    own_endpoint: AsmxEndpoint, logged: list[logging.LogRecord], event: str
) -> None:
    """It is logged once, under the request's id, and the answer tells nothing of it."""
    own_endpoint.app.event_manager.add_listener(event, _fail)
    assert fault_of(own_endpoint.handle(soap_request("Add", a=1, b=2))) == ("soap:Server", UNABLE)
    assert [record.getMessage() for record in logged] == ["request r-1: Add failed"]


def test_a_listener_that_fails_at_the_end_changes_nothing(
    own_endpoint: AsmxEndpoint, logged: list[logging.LogRecord]
) -> None:
    """The answer is complete by then; the bug is only logged."""
    own_endpoint.app.event_manager.add_listener("method_context_closed", _fail)
    assert text_of(own_endpoint.handle(soap_request("Add", a=1, b=2))) == "3"
    assert len(logged) == 1


def test_a_listener_may_refuse_a_call_with_a_fault_of_ours(own_endpoint: AsmxEndpoint) -> None:
    """test_spynes_context.py has the same with spyne's faults."""

    def refuse(_ctx: Any) -> None:
        raise ClientFault("Closed")

    own_endpoint.app.event_manager.add_listener("method_call", refuse)
    assert fault_of(own_endpoint.handle(soap_request("Add", a=1, b=2))) == ("soap:Client", "Closed")


# --- the endpoint -----------------------------------------------------------------------------------------------------


def test_begin_decodes_and_finish_runs(own_endpoint: AsmxEndpoint) -> None:
    """A server with an event loop may do the two on different threads."""
    calls: list[object] = []
    own_endpoint.app.event_manager.add_listener("method_call", calls.append)
    begun = own_endpoint.begin(soap_request("Add", a=1, b=2))
    assert not isinstance(begun, Response)
    assert (begun.operation.name, begun.in_object, calls) == ("Add", [1, 2], [])
    assert text_of(own_endpoint.finish(begun)) == "3"
    assert calls == [begun]


def test_a_decoded_call_may_be_answered_with_a_fault_instead(own_endpoint: AsmxEndpoint) -> None:
    """Nothing runs, and the call is closed."""
    events: list[str] = []
    own_endpoint.app.event_manager.add_listener("method_call", lambda _ctx: events.append("call"))
    own_endpoint.app.event_manager.add_listener("method_context_closed", lambda _ctx: events.append("closed"))
    begun = own_endpoint.begin(soap_request("Add", SOAP12, a=1, b=2))
    assert not isinstance(begun, Response)
    assert fault_of(own_endpoint.fault(begun, ServiceUnavailable()))[0] == "soap:Receiver"
    assert events == ["closed"]


@pytest.mark.parametrize("path", ["/calculator.asmx/Add", "/CALCULATOR.ASMX/Add", "/Calculator.Asmx/Add"])
def test_the_path_matches_in_any_letter_case(endpoint: AsmxEndpoint, path: str) -> None:
    """As on IIS."""
    assert text_of(endpoint.handle(Request("GET", path, "a=1&b=2", HeaderMap()))) == "3"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/other.asmx",
        "/calculator.asm",
        "/calculator.asmxx",
        "/x/calculator.asmx",
        "calculator.asmx",
        "//calculator.asmx",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "PUT"])
def test_other_paths_are_not_found(endpoint: AsmxEndpoint, path: str, method: str) -> None:
    """In plain text."""
    response = endpoint.handle(Request(method, path, "", HeaderMap()))
    assert (response.status, response.headers[0]) == (404, ("content-type", PLAIN))


BINDING_REQUESTS = {
    Binding.SOAP11: soap_request("Add", SOAP11, a=1, b=2),
    Binding.SOAP12: soap_request("Add", SOAP12, a=1, b=2),
    Binding.GET: get_request("Add", "a=1&b=2"),
    Binding.POST: post_request("Add", b"a=1&b=2"),
}


@pytest.mark.parametrize("on", BINDING_REQUESTS)
def test_only_bindings_that_are_on_are_served(on: Binding) -> None:
    """CONTRACT 2.4: 415 for SOAP, the 500 of ASMX for forms."""
    endpoint = endpoint_with(on)
    statuses = {binding: endpoint.handle(request).status for binding, request in BINDING_REQUESTS.items()}
    off = {Binding.SOAP11: 415, Binding.SOAP12: 415, Binding.GET: 500, Binding.POST: 500}
    assert statuses == off | {on: 200}


@pytest.mark.parametrize("namespace", ["urn:one", "urn:one/"])
def test_an_action_is_namespace_slash_operation(namespace: str) -> None:
    """There is one slash between them whether or not the namespace ends with one."""
    endpoint = AsmxEndpoint(AsmxApplication([calculator()], namespace, "one"), "/one.asmx")
    assert {operation.action for operation in endpoint.operations} >= {"urn:one/Add", "urn:one/Sort"}


@pytest.fixture(scope="module")
def imported() -> dict[str, Any]:
    """What a fresh interpreter shows after it has imported spyne's names from here."""
    program = """
import json, logging, sys
from spyne_asmx.spyne import Service
import spyne
logger = logging.getLogger("spyne")
print(json.dumps({
    "modules": [*sys.modules],
    "loggers": [logger.propagate, len(logger.handlers), logger.level, len(logging.getLogger().handlers)],
    "same Service": Service is spyne.Service,
}))
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    return dict(json.loads(done.stdout))


def test_spyne_asmx_does_not_know_tickets(imported: dict[str, Any]) -> None:
    """It could be published on its own: importing it imports nothing of the ticket service."""
    assert "spyne_asmx.endpoint" in imported["modules"]
    assert [name for name in imported["modules"] if name.partition(".")[0] == "asmx_tickets"] == []


def test_importing_changes_nothing_for_others(imported: dict[str, Any]) -> None:
    """Another spyne service in the process goes on logging as it did: spyne's loggers stay as they are."""
    assert imported["loggers"] == [True, 0, 0, 0]


def test_spynes_names_come_from_one_import(imported: dict[str, Any]) -> None:
    """spyne on its own cannot be imported on CPython 3.12, and import sorters may put it first."""
    assert imported["same Service"]
