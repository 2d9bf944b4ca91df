"""What services and listeners find in a call's context, as in spyne: the transport, strings and documents."""

import logging
from typing import Any

import pytest
from lxml import etree
from spyne import MethodContext
from spyne.server.http import HttpRedirect

from spyne_asmx import AsmxApplication, AsmxEndpoint, Binding, Request, Response
from spyne_asmx.http import HeaderMap
from spyne_asmx.soap import SOAP11, SOAP12
from spyne_asmx.spyne import Fault, Integer32, Service, Unicode, rpc
from tests.spyne_asmx.reference import call, get, inside

NAMESPACE = "urn:context"


def service() -> type[Service]:
    """A new class each time, because spyne keeps listeners in the class."""

    class Contexts(Service):
        """Shows what a call knows.

        It has nothing to hide.
        """

        @rpc(Unicode, _returns=Unicode)
        def Show(ctx: Any, what: str) -> str:
            """Shows one thing."""
            transport = ctx.transport
            shown = {
                "header": lambda: transport.req_env["HTTP_X_IN"],
                "headers": lambda: transport.headers["x_in"][0],
                "type": transport.get_request_content_type,
                "cookie": lambda: transport.get_cookie("session"),
                "no cookie": lambda: transport.get_cookie("none"),
                "method": lambda: f"{transport.get_request_method()} {transport.req_method}",
                "path": transport.get_path,
                "url": transport.get_url,
                "peer": lambda: f"{transport.remote_addr} {transport.get_peer().host}",
                "in string": lambda: str(len(b"".join(ctx.in_string))),
                "in document": lambda: ctx.in_document[-1][0][0].text,
                "transport": lambda: transport.type,
            }[what]()
            return str(shown)

        @rpc(Unicode, Unicode, _returns=Unicode)
        def Say(ctx: Any, name: str, value: str) -> str:
            ctx.transport.add_header(name, value)
            return "said"

        @rpc(_returns=Unicode)
        def LogIn(ctx: Any) -> str:
            ctx.transport.set_cookie("session", "a b", httponly=True)
            ctx.transport.set_cookie("seen", "1")
            ctx.transport.resp_headers["X-One"] = "1"
            ctx.transport.add_header("Content-Disposition", "attachment", filename="a.txt")
            return "in"

        @rpc(Unicode)
        def Status(ctx: Any, code: str) -> None:
            ctx.transport.resp_code = code

        @rpc()
        def Refuse(ctx: Any) -> None:
            ctx.transport.resp_code = "403 Forbidden"
            ctx.transport.set_cookie("tried", "1")
            raise Fault("Client.Auth", "no")

        @rpc()
        def Elsewhere(ctx: Any) -> None:
            raise HttpRedirect(ctx, "https://example.com/")

        @rpc(_returns=Unicode)
        def Raw(ctx: Any) -> str:
            ctx.out_string = [b"raw ", "text"]
            ctx.transport.mime_type = "text/plain"
            return "not written"

        @rpc(Integer32, _returns=Integer32)
        def Add(ctx: Any, n: int) -> int:
            return n + 1

    return Contexts


@pytest.fixture(scope="module")
def endpoint() -> AsmxEndpoint:
    return AsmxEndpoint(AsmxApplication([service()], NAMESPACE, "context"), "/c.asmx")


def show(endpoint: AsmxEndpoint, what: str) -> Response:
    body = (
        f'<s:Envelope xmlns:s="{SOAP11.namespace}"><s:Body><Show xmlns="{NAMESPACE}"><what>{what}</what></Show>'
        "</s:Body></s:Envelope>"
    )
    headers = [
        ("Content-Type", "text/xml; charset=utf-8"),
        ("X-In", "7"),
        ("Cookie", "session=abc; other=1"),
    ]
    request = Request("POST", "/c.asmx", "", HeaderMap(headers), body.encode(), host="h:1", remote_address="192.0.2.7")
    return endpoint.handle(request)


@pytest.mark.parametrize(
    ("what", "shown"),
    [
        ("header", "7"),
        ("headers", "7"),
        ("type", "text/xml; charset=utf-8"),
        ("cookie", "abc"),
        ("no cookie", "None"),
        ("method", "POST POST"),
        ("path", "/c.asmx"),
        ("url", "http://h:1/c.asmx"),
        ("peer", "192.0.2.7 192.0.2.7"),
        ("in document", "in document"),
        ("transport", "http"),
    ],
)
def test_a_service_knows_the_request(endpoint: AsmxEndpoint, what: str, shown: str) -> None:
    for _ in range(2):  # the second is known by its shape
        assert f"<ShowResult>{shown}</ShowResult>" in inside(show(endpoint, what))


def test_a_service_knows_a_forms_request(endpoint: AsmxEndpoint) -> None:
    assert get(endpoint, "Show", "what=path").body.endswith(b">/c.asmx/Show</string>")
    assert get(endpoint, "Show", "what=in+string").body.endswith(b">14</string>")


@pytest.mark.parametrize("soap", [SOAP11, SOAP12], ids=["1.1", "1.2"])
def test_a_service_sets_headers_and_cookies(endpoint: AsmxEndpoint, soap: Any) -> None:
    response = call(endpoint, "LogIn", soap=soap)
    assert response.status == 200
    assert [value for name, value in response.headers if name == "set-cookie"] == [
        'session="a b"; HttpOnly; Path=/',
        "seen=1; Path=/",
    ]
    headers = dict(response.headers)
    assert (headers["x-one"], headers["content-disposition"]) == ("1", 'attachment; filename="a.txt"')
    assert headers["content-type"] == soap.content_type


def test_a_header_replaces_the_answers_own(endpoint: AsmxEndpoint) -> None:
    response = get(endpoint, "Say", "name=Cache-Control&value=max-age%3D60")
    assert [value for name, value in response.headers if name == "cache-control"] == ["max-age=60"]
    assert "content-length" not in dict(get(endpoint, "Say", "name=Content-Length&value=1").headers)


@pytest.mark.parametrize(
    "query", ["name=X&value=a%0D%0AY:+b", "name=X%3A&value=a", "name=&value=a", "name=X&value=%E2%82%AC"]
)
def test_a_header_that_cannot_be_sent_is_the_servers_fault(
    endpoint: AsmxEndpoint, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        response = get(endpoint, "Say", query)
    assert (response.status, response.body) == (500, b"Server was unable to process request.")
    assert "can't be sent" in caplog.text


def test_a_service_sets_the_status_of_a_result_but_not_of_a_fault(endpoint: AsmxEndpoint) -> None:
    """A fault is 500 whatever status the service set, as in ASMX; the headers it set are sent."""
    assert call(endpoint, "Status", "<code>202 Accepted</code>").status == 202
    assert call(endpoint, "Status", "<code>999</code>").status == 500
    refused = call(endpoint, "Refuse")
    assert (refused.status, dict(refused.headers)["set-cookie"]) == (500, "tried=1; Path=/")


def test_spynes_redirects_are_redirects(endpoint: AsmxEndpoint) -> None:
    response = get(endpoint, "Elsewhere")
    assert (response.status, dict(response.headers)["location"]) == (302, "https://example.com/")
    assert dict(response.headers)["content-type"] == "text/html"


def test_a_service_may_write_its_answer_itself(endpoint: AsmxEndpoint) -> None:
    response = call(endpoint, "Raw")
    assert (response.status, response.body) == (200, b"raw text")
    assert dict(response.headers)["content-type"] == "text/plain"


def test_a_listener_changes_the_document() -> None:
    own = service()

    def mark(ctx: Any) -> None:
        ctx.out_document[-1][0].set("marked", "1")

    own.event_manager.add_listener("method_return_document", mark)
    own.event_manager.add_listener("method_exception_document", mark)
    endpoint = AsmxEndpoint(AsmxApplication([own], NAMESPACE, "context"), "/c.asmx")
    assert etree.fromstring(call(endpoint, "Add", "<n>1</n>").body)[-1][0].get("marked") == "1"
    assert etree.fromstring(call(endpoint, "Refuse").body)[-1][0].get("marked") == "1"


def test_a_listener_replaces_the_answer_or_its_object() -> None:
    own = service()
    own.event_manager.add_listener("method_return_object", lambda ctx: ctx.out_object.__setitem__(0, 41))
    own.event_manager.add_listener(
        "method_return_string", lambda ctx: setattr(ctx, "out_string", b"".join(ctx.out_string).replace(b"41", b"42"))
    )
    endpoint = AsmxEndpoint(AsmxApplication([own], NAMESPACE, "context"), "/c.asmx")
    assert "<AddResult>42</AddResult>" in inside(call(endpoint, "Add", "<n>1</n>"))
    assert get(endpoint, "Add", "n=1").body.endswith(b">42</int>")


def _with_listener(listener: Any) -> AsmxEndpoint:
    own = service()
    own.event_manager.add_listener("method_context_created", listener)
    return AsmxEndpoint(AsmxApplication([own], NAMESPACE, "context"), "/c.asmx")


def test_a_listener_replaces_the_request_before_it_is_read() -> None:
    created: list[str] = []

    def replace_string(ctx: Any) -> None:
        created.append(ctx.operation.name)
        ctx.in_string = [b"".join(ctx.in_string).replace(b"41", b"1")]

    def replace_document(ctx: Any) -> None:
        document = ctx.in_document
        document[-1][0][0].text = "5"
        ctx.in_document = document

    endpoint = _with_listener(replace_string)
    for _ in range(2):  # the second is known by its shape
        assert "<AddResult>2</AddResult>" in inside(call(endpoint, "Add", "<n>41</n>"))
    assert get(endpoint, "Add", "n=41").body.endswith(b">2</int>")
    assert created == ["Add"] * 3
    assert "<AddResult>6</AddResult>" in inside(call(_with_listener(replace_document), "Add", "<n>41</n>"))


def test_a_request_that_a_listener_breaks_is_a_fault() -> None:
    broken = _with_listener(lambda ctx: setattr(ctx, "in_string", b"<broken"))
    assert "There is an error in XML document" in inside(call(broken, "Add", "<n>1</n>"))
    other = _with_listener(lambda ctx: setattr(ctx, "in_string", b"".join(ctx.in_string).replace(b"Add", b"Sub")))
    assert "soap:Client" in inside(call(other, "Add", "<n>1</n>"))


def test_every_attribute_of_spynes_context_can_be_read() -> None:
    own = service()
    seen: dict[str, Any] = {}

    def look(ctx: Any) -> None:
        names = [name for name in vars(MethodContext(endpoint, MethodContext.SERVER)) if not name.startswith("_")]
        seen.update({name: getattr(ctx, name) for name in [*names, "service_class", "descriptor"] if name != "frozen"})

    own.event_manager.add_listener("method_return_string", look)
    endpoint = AsmxEndpoint(AsmxApplication([own], NAMESPACE, "context"), "/c.asmx")
    call(endpoint, "Add", "<n>1</n>", "<x/>")
    assert seen["service_class"] is own
    assert [block.tag for block in seen["in_header_doc"]] == ["x"]
    assert seen["in_body_doc"].tag == f"{{{NAMESPACE}}}Add"
    assert seen["out_body_doc"][0].tag == f"{{{NAMESPACE}}}AddResponse"
    assert seen["out_header_doc"] is None


def test_looking_at_the_answer_changes_nothing() -> None:
    own = service()
    seen: list[Any] = []
    own.event_manager.add_listener(
        "method_return_string", lambda ctx: seen.append((ctx.out_document.tag, b"".join(ctx.out_string)))
    )
    looked_at, plain = (
        AsmxEndpoint(AsmxApplication([one], NAMESPACE, "context"), "/c.asmx") for one in (own, service())
    )
    answer = call(looked_at, "Status", "<code>200</code>")
    assert answer.body == call(plain, "Status", "<code>200</code>").body
    assert seen == [(f"{{{SOAP11.namespace}}}Envelope", answer.body)]


def test_a_listener_replaces_a_fault() -> None:
    own = service()
    own.event_manager.add_listener(
        "method_exception_object", lambda ctx: setattr(ctx, "out_error", Fault("Server.Other", "said otherwise"))
    )
    endpoint = AsmxEndpoint(AsmxApplication([own], NAMESPACE, "context"), "/c.asmx")
    assert "<faultcode>soap:Server.Other</faultcode><faultstring>said otherwise" in inside(call(endpoint, "Refuse"))


def test_services_describe_themselves() -> None:
    class Other(Service):
        """Another one."""

        @rpc(_returns=Unicode)
        def Name(ctx: Any) -> str:
            return "other"

    several = AsmxEndpoint(AsmxApplication([service(), Other], NAMESPACE, "context"), "/c.asmx")
    wsdl = etree.fromstring(several.handle(Request("GET", "/c.asmx", "wsdl", HeaderMap())).body)
    text = "Shows what a call knows.\n\nIt has nothing to hide.\n\nAnother one."
    documentation = "{http://schemas.xmlsoap.org/wsdl/}documentation"
    assert [wsdl.findtext(documentation), wsdl[-1].findtext(documentation)] == [text, text]
    page = several.handle(Request("GET", "/c.asmx", "", HeaderMap())).body.decode()
    assert '<p class="description">It has nothing to hide.</p>' in page
    assert "other" in inside(call(several, "Name"))
    assert "<AddResult>2</AddResult>" in inside(call(several, "Add", "<n>1</n>"))


def test_several_endpoints_live_in_one_process() -> None:
    class Shared(Service):
        @rpc(Integer32, _returns=Integer32)
        def Twice(ctx: Any, n: int) -> int:
            return 2 * n

    applications = [AsmxApplication([Shared], f"urn:{name}", name) for name in ("first", "second")]
    first, second = (AsmxEndpoint(one, f"/{one.name}.asmx") for one in applications)
    third = AsmxEndpoint(applications[0], "/third.asmx", frozenset({Binding.SOAP12}))
    for endpoint, namespace in ((first, "urn:first"), (second, "urn:second")):
        assert f'<TwiceResponse xmlns="{namespace}">' in inside(call(endpoint, "Twice", "<n>1</n>"))
    assert "<TwiceResult>2</TwiceResult>" in inside(call(third, "Twice", "<n>1</n>", soap=SOAP12))
    assert get(third, "Twice", "n=1").status == 500
