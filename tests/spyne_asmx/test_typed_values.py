"""Values of every type are read and written as ASP.NET ASMX does.

``calculator_exchanges.json`` has what the service of calculator.asmx answered under Mono's System.Web.Services:
``soap`` rows are operation, parameters, status, and the body's content or the fault's code; ``get`` rows are operation,
query, status and the whole answer. Of an error over GET the status alone is compared: the texts differ on purpose.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from spyne import Array, Boolean, ByteArray, ComplexModel, Date, Integer, Integer32, Service, Unicode, Uuid, rpc

from spyne_asmx import AsmxApplication, AsmxEndpoint, Request, Response, may_be_left_out
from spyne_asmx.http import HeaderMap
from spyne_asmx.typenames import is_nullable, is_value, nullable
from tests.spyne_asmx.calculator import NAMESPACE, application

RECORDED = json.loads(Path(__file__).with_name("calculator_exchanges.json").read_text("utf-8"))
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


class Thing(ComplexModel):
    Count = nullable(Integer32)
    Code = Unicode(max_len=3)
    Words = Unicode(max_occurs="unbounded")


class Things(Service):
    @rpc(Array(Unicode(max_len=3)), _returns=Array(Unicode(max_len=3)))
    def Codes(ctx: Any, codes: list[str]) -> list[str]:
        return codes

    @rpc(Array(Uuid), _returns=Array(Uuid))
    def Ids(ctx: Any, ids: list[Any]) -> list[Any]:
        return ids

    @rpc(Thing, _returns=Thing)
    def Same(ctx: Any, thing: Thing) -> Thing:
        return thing

    @rpc(_returns=Thing)
    def Holes(ctx: Any) -> Thing:
        return Thing(Words=["a", None, "b"])

    @rpc(may_be_left_out(Integer32), may_be_left_out(Boolean), may_be_left_out(Unicode), _returns=Unicode)
    def Optional(ctx: Any, n: int | None, b: bool | None, s: str | None) -> str:
        return repr((n, b, s))

    @rpc(ByteArray, _returns=ByteArray)
    def Bytes(ctx: Any, data: Any) -> Any:
        return data

    @rpc(Date, _returns=Integer)
    def Year(ctx: Any, day: Any) -> int:
        return int(day.year) * 10**30


@pytest.fixture(scope="module")
def calculator() -> AsmxEndpoint:
    return AsmxEndpoint(application(), "/srv.asmx")


@pytest.fixture(scope="module")
def things() -> AsmxEndpoint:
    return AsmxEndpoint(AsmxApplication([Things], NAMESPACE, "things"), "/srv.asmx")


def call(endpoint: AsmxEndpoint, operation: str, content: str) -> tuple[int, str]:
    """The status, and the content of the answer's body or the code of a fault."""
    body = (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
        f'{XSI}><soap:Body><{operation} xmlns="{NAMESPACE}">{content}</{operation}></soap:Body></soap:Envelope>'
    ).encode()
    headers = HeaderMap([("content-type", "text/xml; charset=utf-8")])
    answer = endpoint.handle(Request("POST", "/srv.asmx", "", headers, body))
    found = re.search("<soap:Body>(.*)</soap:Body>|<faultcode>(.*?)</faultcode>", answer.body.decode(), re.DOTALL)
    assert found
    fault = re.search("<faultcode>(.*?)</faultcode>", found[1])
    return answer.status, fault[1] if fault else found[1]


def get(endpoint: AsmxEndpoint, operation: str, query: str) -> Response:
    return endpoint.handle(Request("GET", f"/srv.asmx/{operation}", query, HeaderMap()))


@pytest.mark.parametrize(("operation", "content", "status", "expected"), RECORDED["soap"])
def test_soap_answers_are_those_of_asmx(
    calculator: AsmxEndpoint, operation: str, content: str, status: int, expected: str
) -> None:
    assert call(calculator, operation, content) == (status, expected)


@pytest.mark.parametrize(("operation", "query", "status", "expected"), RECORDED["get"])
def test_form_answers_are_those_of_asmx(
    calculator: AsmxEndpoint, operation: str, query: str, status: int, expected: str
) -> None:
    answer = get(calculator, operation, query)
    assert answer.status == status
    if status == 200:
        assert answer.body.decode() == expected


def test_a_missing_nullable_value_is_nil_in_an_answer_to_a_form(calculator: AsmxEndpoint) -> None:
    assert get(calculator, "Parse", "text=x").body.decode() == (
        '<?xml version="1.0" encoding="utf-8"?>\n<int xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
        f'{XSI} xsi:nil="true" xmlns="http://tempuri.org/" />'
    )


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-01-02T03:04", "2026-01-03T03:04:00"),
        ("2026-01-02T03:04Z", "2026-01-03T03:04:00Z"),
        ("2026-01-02T03:04:05%2B02:00", "2026-01-03T03:04:05+02:00"),
        ("2026-01-02T03:04:05Z", "2026-01-03T03:04:05Z"),
    ],
)
def test_times_keep_their_zone_and_may_come_without_seconds(calculator: AsmxEndpoint, day: str, expected: str) -> None:
    assert f">{expected}<" in get(calculator, "DayAfter", f"day={day}").body.decode()


def test_items_of_a_restricted_type_have_the_name_of_its_base(things: AsmxEndpoint) -> None:
    content = "<codes><string>a</string><string>b</string></codes>"
    assert "<CodesResult><string>a</string><string>b</string></CodesResult>" in call(things, "Codes", content)[1]


def test_guids_in_arrays_are_called_guid(things: AsmxEndpoint) -> None:
    guid = "00112233-4455-6677-8899-aabbccddeeff"
    answer = call(things, "Ids", f"<ids><guid>{guid}</guid></ids>")[1]
    assert f"<IdsResult><guid>{guid}</guid></IdsResult>" in answer


def test_only_nullable_members_are_nil_when_missing(things: AsmxEndpoint) -> None:
    assert '<SameResult><Count xsi:nil="true" /></SameResult>' in call(things, "Same", "<thing />")[1]


def test_missing_items_without_an_array_around_them_are_left_out(things: AsmxEndpoint) -> None:
    assert "<Words>a</Words><Words>b</Words>" in call(things, "Holes", "")[1]


@pytest.mark.parametrize(
    ("query", "given"),
    [("", "(None, None, None)"), ("n=&b=&s=", "(None, None, '')"), ("n=1&b=true&s=x", "(1, True, 'x')")],
)
def test_an_empty_field_is_no_value_where_it_may_be_left_out(things: AsmxEndpoint, query: str, given: str) -> None:
    assert f">{given}<" in get(things, "Optional", query).body.decode()


def test_binary_data_is_base64_over_every_binding(things: AsmxEndpoint) -> None:
    assert "<BytesResult>AAEC</BytesResult>" in call(things, "Bytes", "<data>AAEC</data>")[1]
    assert ">AAEC<" in get(things, "Bytes", "data=AAEC").body.decode()
    assert call(things, "Bytes", "<data>A</data>") == (500, "soap:Client")


def test_integers_without_a_size_have_all_their_digits(things: AsmxEndpoint) -> None:
    assert f">2026{'0' * 30}<" in get(things, "Year", "day=2026-01-02").body.decode()


def test_a_value_that_a_soap_call_leaves_out_is_its_types_zero(calculator: AsmxEndpoint) -> None:
    """As .NET passes it to the method. A reference type or a nullable one is None."""
    assert calculator.operations.by_name["Add"].arguments.from_elements([], 8192) == [0, 0]
    for operation in calculator.operations:
        for parameter in operation.parameters:
            never_none = is_value(parameter.codec.type) and not is_nullable(parameter.codec.type)
            assert (parameter.codec.missing is not None) is never_none, f"{operation.name}: {parameter.name}"
