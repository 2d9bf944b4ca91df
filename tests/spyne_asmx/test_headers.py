"""SOAP headers that a service declares, as ASMX reads and writes them: the twin of reference/headers.asmx."""

import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
import zeep
from hypothesis import given
from lxml import etree

from spyne_asmx import ALL_BINDINGS, AsmxEndpoint, Request
from spyne_asmx.http import HeaderMap
from spyne_asmx.samples import PLACEHOLDER_END, PLACEHOLDER_START, samples
from spyne_asmx.soap import SOAP11, SOAP12, SoapVersion
from spyne_asmx.spyne import ComplexModel, Fault, Integer32, Service, Unicode, rpc
from spyne_asmx.xmlwriter import escape_text
from tests.spyne_asmx.reference import call, endpoint_of, get, inside, namespace_of, recorded_wsdl, wsdl_of
from tests.support.strategies import XML_TEXT
from tests.support.zeep import EndpointTransport

NAMESPACE = namespace_of("headers")


class AuthHeader(ComplexModel):
    Token = Unicode
    Level = Integer32


class TraceHeader(ComplexModel):
    __namespace__ = "urn:trace"
    Id = Unicode


Trace = TraceHeader.customize(sub_name="Trace")


class Headers(Service):
    """Headers in & out."""

    @rpc(_in_header=(AuthHeader,), _returns=Unicode)
    def WhoAmI(ctx: Any) -> str:
        return "nobody" if ctx.in_header is None else f"{ctx.in_header.Token}{ctx.in_header.Level}"

    @rpc(Integer32, _in_header=(AuthHeader,), _out_header=(AuthHeader, Trace), _returns=Integer32)
    def Renew(ctx: Any, n: int) -> int:
        if ctx.in_header is not None:
            ctx.in_header.Token += "!"
        ctx.out_header = (ctx.in_header, TraceHeader(Id=f"t{n}") if n > 0 else None)
        return n

    @rpc(Unicode, _in_header=(Trace,), _returns=Unicode)
    def Trace(ctx: Any, text: str) -> str:
        return f"{text}{ctx.in_header.Id if ctx.in_header else '-'}"

    @rpc(_out_header=(AuthHeader,))
    def Issue(ctx: Any) -> None:
        ctx.out_header = AuthHeader(Token="x", Level=2)

    @rpc(_in_header=(AuthHeader,), _returns=Unicode)
    def Ignore(ctx: Any) -> str:
        return "ok"

    @rpc(_in_header=(AuthHeader,), _out_header=(AuthHeader,), _returns=Unicode)
    def Fail(ctx: Any) -> str:
        ctx.out_header = AuthHeader(Token="f")
        raise Fault("Client", "no")

    @rpc(Unicode, _returns=Unicode)
    def Plain(ctx: Any, s: str) -> str:
        return s


class Strict(Service):
    """Every operation requires a session, and takes a trace."""

    __in_header__ = (AuthHeader.customize(min_occurs=1), Trace)
    barrier = threading.Barrier(8)

    @rpc(_returns=Unicode)
    def Show(ctx: Any) -> str:
        session, trace = ctx.in_header
        return f"{session.Token} {trace.Id if trace else '-'}"

    @rpc(_returns=Unicode)
    def Meet(ctx: Any) -> str:
        Strict.barrier.wait(5)
        return str(ctx.in_header[0].Token)


@pytest.fixture(scope="module")
def headers() -> AsmxEndpoint:
    return endpoint_of("headers", Headers)


@pytest.fixture(scope="module")
def strict() -> AsmxEndpoint:
    return endpoint_of("headers", Strict)


def auth(attributes: str = "", token: str = "t") -> str:
    return f'<AuthHeader xmlns="{NAMESPACE}" {attributes}><Token>{token}</Token><Level>3</Level></AuthHeader>'


MUST = 'soap:mustUnderstand="1"'
TRACE = f'<Trace xmlns="urn:trace" {MUST}><Id>9</Id></Trace>'


def test_the_wsdl_is_what_asmx_generates(headers: AsmxEndpoint) -> None:
    assert wsdl_of(headers, "headers") == recorded_wsdl("headers")


@pytest.mark.parametrize(
    ("operation", "parameters", "header", "answer"),
    [
        ("WhoAmI", "", None, "nobody"),
        ("WhoAmI", "", auth(), "t3"),
        ("WhoAmI", "", auth(MUST), "t3"),
        ("WhoAmI", "", auth('soap:actor="urn:else"'), "t3"),
        ("WhoAmI", "", f"{auth()}<other xmlns='urn:other'/>", "t3"),
        ("WhoAmI", "", auth().replace(NAMESPACE, "urn:other"), "nobody"),
        ("Trace", "<text>x</text>", TRACE, "x9"),
        ("Plain", "<s>x</s>", auth(), "x"),
    ],
)
@pytest.mark.parametrize("soap", [SOAP11, SOAP12], ids=["1.1", "1.2"])
def test_a_header_is_in_the_context(
    headers: AsmxEndpoint, soap: SoapVersion, operation: str, parameters: str, header: str | None, answer: str
) -> None:
    response = call(headers, operation, parameters, header, soap)
    assert f"<{operation}Result>{answer}</{operation}Result>" in inside(response)


@pytest.mark.parametrize(
    ("operation", "header", "fault"),
    [
        ("WhoAmI", auth(MUST) + f'<x xmlns="urn:x" {MUST}/>', "SOAP header x was not understood."),
        ("WhoAmI", auth(MUST).replace(NAMESPACE, "urn:other"), "SOAP header AuthHeader was not understood."),
        ("WhoAmI", TRACE, "SOAP header Trace was not understood."),
        ("Issue", auth(MUST), "SOAP header AuthHeader was not understood."),
        ("Plain", auth(MUST), "SOAP header AuthHeader was not understood."),
        ("WhoAmI", auth() + auth(), "The header AuthHeader is given more than once."),
        ("WhoAmI", auth().replace("3", "three"), "Cannot convert the parameter AuthHeader.Level to int."),
        ("Fail", auth(), "no"),
    ],
)
def test_what_is_not_understood_or_read_is_a_fault(
    headers: AsmxEndpoint, operation: str, header: str, fault: str
) -> None:
    response = call(headers, operation, "", header)
    assert f"<faultstring>{fault}</faultstring>" in inside(response)
    assert "soap:Header" not in inside(response)


@pytest.mark.parametrize(
    ("number", "header", "expected"),
    [
        (
            1,
            auth(MUST),
            f'<soap:Header><AuthHeader xmlns="{NAMESPACE}"><Token>t!</Token><Level>3</Level></AuthHeader>'
            '<Trace xmlns="urn:trace"><Id>t1</Id></Trace></soap:Header>',
        ),
        (1, None, '<soap:Header><Trace xmlns="urn:trace"><Id>t1</Id></Trace></soap:Header>'),
        (0, None, ""),
    ],
)
def test_out_headers_stand_before_the_body(
    headers: AsmxEndpoint, number: int, header: str | None, expected: str
) -> None:
    answer = f'<RenewResponse xmlns="{NAMESPACE}"><RenewResult>{number}</RenewResult></RenewResponse>'
    response = call(headers, "Renew", f"<n>{number}</n>", header)
    assert inside(response) == f"{expected}<soap:Body>{answer}</soap:Body>"


def test_forms_have_no_headers(headers: AsmxEndpoint) -> None:
    assert get(headers, "WhoAmI").body.endswith(b">nobody</string>")
    assert (get(headers, "Issue").status, get(headers, "Issue").body) == (200, b"")


def test_several_headers_come_in_the_order_of_their_declaration(strict: AsmxEndpoint) -> None:
    assert b">t 9<" in call(strict, "Show", "", TRACE + auth()).body
    assert b">t -<" in call(strict, "Show", "", auth()).body


@pytest.mark.parametrize("header", [None, "", TRACE, f'<AuthHeader xmlns="{NAMESPACE}" xsi:nil="true"/>'])
def test_a_header_that_is_required_must_be_there(strict: AsmxEndpoint, header: str | None) -> None:
    """A form can't carry it, so the operation has no form."""
    assert b"<faultstring>The header AuthHeader is missing.</faultstring>" in call(strict, "Show", "", header).body
    assert get(strict, "Show").body == b"Show Web Service method name is not valid."


@given(token=XML_TEXT)
def test_any_text_survives_in_a_header(headers: AsmxEndpoint, token: str) -> None:
    answer = etree.fromstring(call(headers, "Renew", "<n>1</n>", auth(token=escape_text(token))).body)
    assert answer.findtext(f".//{{{NAMESPACE}}}Token") == f"{token}!"


def test_the_wsdl_says_which_header_must_be_there(strict: AsmxEndpoint) -> None:
    wsdl = etree.fromstring(wsdl_of(strict, "headers"))
    namespaces = {"soap": "http://schemas.xmlsoap.org/wsdl/soap/"}
    assert [
        (header.get("part"), header.get("{http://schemas.xmlsoap.org/wsdl/}required"))
        for header in wsdl.iterfind(".//soap:header", namespaces)
    ] == [("AuthHeader", "true"), ("Trace", None)] * 2


def test_a_body_of_a_known_shape_still_needs_its_header(strict: AsmxEndpoint) -> None:
    """The full reader is skipped for bodies of a shape that was seen before."""
    for _ in range(3):
        assert call(strict, "Show", "", auth()).status == 200
        assert call(strict, "Show", "", None).status == 500


def test_calls_at_the_same_time_have_headers_of_their_own(strict: AsmxEndpoint) -> None:
    def ask(number: int) -> bytes:
        return call(strict, "Meet", "", auth(token=f"token-{number}")).body

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert [f">token-{number}<".encode() in answer for number, answer in enumerate(answers)] == [True] * 8


def test_samples_show_the_headers(headers: AsmxEndpoint, strict: AsmxEndpoint) -> None:
    made = samples(headers.operations.by_name["Renew"], "http://h/headers.asmx", ALL_BINDINGS)[0]
    marks = dict.fromkeys(map(ord, PLACEHOLDER_START + PLACEHOLDER_END))
    request, response = made.request.translate(marks), made.response.translate(marks)
    section = (
        "  <soap:Header>\n"
        f'    <AuthHeader xmlns="{NAMESPACE}">\n'
        "      <Token>string</Token>\n"
        "      <Level>int</Level>\n"
        "    </AuthHeader>\n"
        "  </soap:Header>\n"
        "  <soap:Body>\n"
    )
    assert section in request
    assert '    </AuthHeader>\n    <Trace xmlns="urn:trace">\n      <Id>string</Id>' in response
    titles = [made.title for made in samples(strict.operations.by_name["Show"], "http://h/h.asmx", ALL_BINDINGS)]
    assert titles == ["SOAP 1.1", "SOAP 1.2"]


def test_a_client_made_from_the_wsdl_sends_and_reads_headers(headers: AsmxEndpoint) -> None:
    document = headers.handle(Request("GET", headers.path, "wsdl", HeaderMap())).body
    client = zeep.Client(BytesIO(document), transport=EndpointTransport(headers))
    element = client.get_element(f"{{{NAMESPACE}}}AuthHeader")
    answer = client.service.Renew(n=2, _soapheaders=[element(Token="z", Level=1)])
    assert (answer.header.AuthHeader.Token, answer.header.Trace.Id, answer.body.RenewResult) == ("z!", "t2", 2)
