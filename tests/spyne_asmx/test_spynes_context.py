"""What services and listeners do with a call's context under spyne works here too."""

from collections.abc import Callable
from typing import Any

import pytest
from spyne import Ignored
from spyne.protocol.http import HttpRpc
from spyne.protocol.json import JsonDocument

from spyne_asmx import AsmxApplication, AsmxEndpoint
from spyne_asmx.spyne import Boolean, ByteArray, Fault, Integer32, Service, Unicode, rpc
from tests.spyne_asmx.reference import call, get, inside

NAMESPACE = "urn:spynes"


class Held:
    """Something that must be closed."""

    def __init__(self) -> None:
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


def endpoint(run: Callable[[Any], Any], returns: Any = Unicode, /, **listeners: Callable[[Any], Any]) -> AsmxEndpoint:
    """An endpoint with these listeners and one operation, ``Run``, which has two parameters."""

    class Runs(Service):
        @rpc(Unicode, Integer32, _returns=returns)
        def Run(ctx: Any, text: str, count: int) -> Any:
            return run(ctx)

    for event, listener in listeners.items():
        Runs.event_manager.add_listener(event, listener)
    return AsmxEndpoint(AsmxApplication([Runs], NAMESPACE, "Runs"), "/runs.asmx")


def answer(run: Callable[[Any], Any], returns: Any = Unicode, /, **listeners: Callable[[Any], Any]) -> str:
    return inside(call(endpoint(run, returns, **listeners), "Run", "<text>a</text><count>2</count>"))


def result(value: str) -> str:
    wrapped = f'<RunResponse xmlns="{NAMESPACE}"><RunResult>{value}</RunResult></RunResponse>'
    return f"<soap:Body>{wrapped}</soap:Body>"


@pytest.mark.parametrize(
    ("run", "shown"),
    [
        (lambda ctx: ctx.method_request_string, f"{{{NAMESPACE}}}Run"),
        (lambda ctx: ctx.method_name, "Run"),
        (lambda ctx: ctx.get_descriptor().name, "Run"),
        (lambda ctx: ",".join(sorted(ctx.in_protocol.type)), "soap,xml"),
        (lambda ctx: ctx.out_protocol.mime_type, "text/xml"),
        (lambda ctx: str(ctx.protocol is ctx.inprot_ctx is not ctx.outprot_ctx), "True"),
        (lambda ctx: str(ctx.event.parent is ctx), "True"),
        (lambda ctx: f"{ctx.in_object.text} {ctx.in_object.count} {list(ctx.in_object)}", "a 2 ['a', 2]"),
    ],
)
def test_a_service_finds_what_spyne_gives_it(run: Callable[[Any], Any], shown: str) -> None:
    assert answer(run) == result(shown)


def test_a_listener_changes_an_argument_by_its_name() -> None:
    def change(ctx: Any) -> None:
        ctx.in_object.text = f"{ctx.in_object.text}!"

    assert answer(lambda ctx: ctx.in_object[0], method_call=change) == result("a!")


def test_files_that_a_service_has_opened_are_closed_with_its_context() -> None:
    held = Held()
    assert answer(lambda ctx: ctx.files.append(held)) == f'<soap:Body><RunResponse xmlns="{NAMESPACE}" /></soap:Body>'
    assert held.is_closed


def test_listeners_keep_things_for_one_another() -> None:
    def keep(ctx: Any) -> None:
        ctx.event.kept = "kept"

    assert answer(lambda ctx: ctx.event.kept, method_call=keep) == result("kept")


def test_a_result_for_direct_callers_is_none() -> None:
    assert answer(lambda _: Ignored("x")) == f'<soap:Body><RunResponse xmlns="{NAMESPACE}" /></soap:Body>'


def test_several_results_for_direct_callers_are_zero() -> None:
    class Several(Service):
        @rpc(_returns=(Boolean, Integer32), _out_variable_names=("RunResult", "code"))
        def Run(ctx: Any) -> Any:
            return Ignored()

    served = AsmxEndpoint(AsmxApplication([Several], NAMESPACE, "Several"), "/several.asmx")
    assert "<RunResult>false</RunResult><code>0</code>" in inside(call(served, "Run"))


@pytest.mark.parametrize("event", ["method_call", "method_return_object"])
def test_an_error_that_a_listener_sets_is_the_answer(event: str) -> None:
    def refuse(ctx: Any) -> None:
        ctx.out_error = Fault("Client.Auth", "Not you.")

    assert "<faultcode>soap:Client.Auth</faultcode><faultstring>Not you." in answer(lambda _: "x", **{event: refuse})


def test_an_error_that_a_service_sets_is_the_answer() -> None:
    def run(ctx: Any) -> None:
        ctx.out_error = Fault("Client.Auth", "Not you.")

    assert "<faultstring>Not you." in answer(run)


def test_an_error_of_the_request_keeps_the_operation_from_running() -> None:
    ran: list[bool] = []

    def refuse(ctx: Any) -> None:
        ctx.in_error = Fault("Client.Auth", "Not you.")

    assert "<faultstring>Not you." in answer(lambda _: ran.append(True), method_context_created=refuse)
    assert not ran


def test_another_protocol_writes_the_answer() -> None:
    def download(ctx: Any) -> list[bytes]:
        ctx.out_protocol = HttpRpc()
        ctx.transport.mime_type = "text/csv"
        return [b"a;", b"b"]

    got = get(endpoint(download, ByteArray), "Run", "text=&count=1")
    assert (got.status, dict(got.headers)["content-type"], got.body) == (200, "text/csv", b"a;b")


def test_another_protocol_brings_its_own_media_type() -> None:
    def write(ctx: Any) -> str:
        ctx.out_protocol = JsonDocument()
        return "a"

    got = call(endpoint(write), "Run")
    assert (dict(got.headers)["content-type"], got.body) == ("application/json", b'"a"')


def test_a_fault_is_in_the_clients_protocol_whatever_writes_the_result() -> None:
    def fail(ctx: Any) -> None:
        ctx.out_protocol = JsonDocument()
        ctx.transport.mime_type = "text/csv"
        raise Fault("Client", "No such file.")

    got = call(endpoint(fail), "Run")
    assert "<faultstring>No such file." in inside(got)
    assert dict(got.headers)["content-type"] == "text/xml; charset=utf-8"


def test_a_listener_may_change_what_a_fault_says() -> None:
    def hide(ctx: Any) -> None:
        ctx.out_error.faultstring = "It did not work."
        ctx.out_error.detail = {"id": "7"}

    def fail(_: Any) -> None:
        raise Fault("Client", "The password of the database is s3cret.", detail={"id": "1"})

    def break_down(_: Any) -> None:
        raise LookupError

    expected = "<faultstring>It did not work.</faultstring><detail><id>7</id></detail>"
    assert expected in answer(fail, method_exception_object=hide)
    assert expected in answer(break_down, method_exception_object=hide)


@pytest.mark.parametrize("event", ["method_context_created", "method_exception_object", "method_call"])
def test_a_fault_that_a_listener_raises_is_the_answer(event: str) -> None:
    def refuse(ctx: Any) -> None:
        raise Fault("Client.Auth", "Not you.")

    def fail(_: Any) -> None:
        raise Fault("Client", "m")

    assert "<faultcode>soap:Client.Auth</faultcode><faultstring>Not you." in answer(fail, **{event: refuse})
    served = endpoint(fail, **{event: refuse})
    assert (get(served, "Run", "text=&count=1").body) == b"Not you."


@pytest.mark.parametrize("event", ["method_context_created", "method_exception_object"])
def test_a_bug_of_a_listener_is_the_servers_fault(event: str, caplog: pytest.LogCaptureFixture) -> None:
    def break_down(_: Any) -> None:
        raise LookupError("a bug")

    def fail(_: Any) -> None:
        raise Fault("Client", "m")

    assert "<faultcode>soap:Server</faultcode>" in answer(fail, **{event: break_down})
    assert "a bug" in caplog.text


@pytest.mark.parametrize("event", ["method_exception_document", "method_exception_string"])
def test_a_bug_of_a_listener_does_not_change_a_fault_that_is_already_written(
    event: str, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(_: Any) -> None:
        raise LookupError("a bug")

    def fail(_: Any) -> None:
        raise Fault("Client", "m")

    assert "<faultcode>soap:Client</faultcode><faultstring>m<" in answer(fail, **{event: break_down})
    assert "a bug" in caplog.text
