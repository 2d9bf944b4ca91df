"""Values are checked against their types, as with spyne's ``validator="soft"``; the fault names the parameter."""

from datetime import date
from typing import Any

import pytest
from spyne.model.primitive import IpAddress

from spyne_asmx import AsmxEndpoint
from spyne_asmx.spyne import (
    Array,
    ComplexModel,
    Date,
    Decimal,
    Double,
    Fault,
    Integer,
    Integer32,
    Mandatory,
    Service,
    Unicode,
    XmlAttribute,
    rpc,
)
from tests.spyne_asmx.reference import call, endpoint_of, get, inside


class Sku(ComplexModel):
    Code = Unicode(pattern="[A-Z]{2}[0-9]+")
    Lot = XmlAttribute(Unicode(max_len=2))
    Site = XmlAttribute(Unicode(min_occurs=1))


class Order(ComplexModel):
    Number = Mandatory(Unicode)
    Skus = Array(Sku, min_occurs=1)
    Notes = Unicode(min_occurs=1, max_occurs=2)


class Strict(Service):  # type: ignore[misc]
    @rpc(Unicode(min_occurs=1, nillable=False, min_len=2, max_len=3), _returns=Unicode)
    def Text(ctx: Any, code: str) -> str:
        return "called"

    @rpc(Unicode(pattern="[a-z]+"), Unicode(values=["a", "b"]), _returns=Unicode)
    def Pattern(ctx: Any, word: str, letter: str) -> str:
        return "called"

    @rpc(Integer32(ge=3, lt=10), Double(le=1), Decimal(gt=0, total_digits=4), Integer(values=[1, 2]), _returns=Unicode)
    def Range(ctx: Any, n: int, d: float, m: Any, i: int) -> str:
        return "called"

    @rpc(Date(ge=date(2026, 1, 1)), _returns=Unicode)
    def Day(ctx: Any, day: date) -> str:
        return "called"

    @rpc(Mandatory(Integer32), Integer32(min_occurs=2, max_occurs=3), _returns=Unicode)
    def Count(ctx: Any, must: int, some: list[int]) -> str:
        return "called"

    @rpc(Order, _returns=Unicode)
    def Place(ctx: Any, order: Order) -> str:
        return "called"

    @rpc(Integer32(default=7), Unicode(default="x"), Integer32(default=1, nillable=False), _returns=Unicode)
    def Default(ctx: Any, n: int, s: str, m: int) -> str:
        return f"{n} {s} {m}"


@pytest.fixture(scope="module")
def strict() -> AsmxEndpoint:
    return endpoint_of("strict", Strict)


SOME = "<some>1</some><some>2</some>"
NOTE = "<Notes>n</Notes>"
SKUS = "<Skus><Sku Site='a'><Code>AB1</Code></Sku></Skus>"
CALLS = [
    ("Text", "<code>ab</code>", None),
    ("Text", "", "The parameter code is missing."),
    ("Text", "<code xsi:nil='1'/>", "The parameter code must not be nil."),
    ("Text", "<code>a</code>", "The parameter code must have at least 2 characters."),
    ("Text", "<code/>", "The parameter code must have at least 2 characters."),
    ("Text", "<code>abcd</code>", "The parameter code must have at most 3 characters."),
    ("Pattern", "<word>abc</word><letter>a</letter>", None),
    ("Pattern", "<word>abc1</word>", "The parameter word does not match the pattern [a-z]+."),
    ("Pattern", "<letter>c</letter>", "The parameter letter must be one of: a, b."),
    ("Pattern", "", None),
    ("Range", "<n>3</n><d>1</d><m>0.5</m><i>1</i>", None),
    ("Range", "<n>2</n>", "The parameter n is not one of the values that are allowed."),
    ("Range", "<n>10</n>", "The parameter n is not one of the values that are allowed."),
    ("Range", "<d>1.5</d>", "The parameter d is not one of the values that are allowed."),
    ("Range", "<m>0</m>", "The parameter m is not one of the values that are allowed."),
    ("Range", "<i>3</i>", "The parameter i must be one of: 1, 2."),
    ("Day", "<day>2026-01-01</day>", None),
    ("Day", "<day>2025-12-31</day>", "The parameter day is not one of the values that are allowed."),
    ("Count", f"<must>1</must>{SOME}", None),
    ("Count", SOME, "The parameter must is missing."),
    ("Count", f"<must xsi:nil='true'/>{SOME}", "The parameter must must not be nil."),
    ("Count", "<must>1</must>", "The parameter some is missing."),
    ("Count", "<must>1</must><some>1</some>", "The parameter some must be given at least 2 times."),
    ("Count", f"<must>1</must>{SOME}{SOME}", "The parameter some is given more than 3 times."),
    ("Place", f"<order><Number>1</Number>{SKUS}{NOTE}</order>", None),
    ("Place", f"<order>{SKUS}{NOTE}</order>", "The parameter order.Number is missing."),
    ("Place", f"<order><Number/>{SKUS}{NOTE}</order>", "The parameter order.Number must have at least 1 character."),
    ("Place", f"<order><Number>1</Number>{NOTE}</order>", "The parameter order.Skus is missing."),
    ("Place", f"<order><Number>1</Number>{SKUS}</order>", "The parameter order.Notes is missing."),
    (
        "Place",
        f"<order><Number>1</Number>{SKUS}{NOTE * 3}</order>",
        "The parameter order.Notes is given more than 2 times.",
    ),
    (
        "Place",
        f"<order><Number>1</Number><Skus><Sku Site=''><Code>x</Code></Sku></Skus>{NOTE}</order>",
        "The parameter order.Skus.Sku.Code does not match the pattern [A-Z]{2}[0-9]+.",
    ),
    (
        "Place",
        f"<order><Number>1</Number><Skus><Sku Lot='abc'/></Skus>{NOTE}</order>",
        "The parameter order.Skus.Sku.Lot must have at most 2 characters.",
    ),
    (
        "Place",
        f"<order><Number>1</Number><Skus><Sku/></Skus>{NOTE}</order>",
        "The parameter order.Skus.Sku.Site is missing.",
    ),
]


@pytest.mark.parametrize(("operation", "content", "text"), CALLS)
def test_values_are_checked_against_their_declaration(
    strict: AsmxEndpoint, operation: str, content: str, text: str | None
) -> None:
    answer = inside(call(strict, operation, content))
    if text is None:
        assert ">called<" in answer
    else:
        assert f"<faultcode>soap:Client</faultcode><faultstring>{text}</faultstring>" in answer


def test_a_request_of_a_known_shape_is_checked_too(strict: AsmxEndpoint) -> None:
    for number in range(3):
        assert "The parameter code is missing." in inside(call(strict, "Text", ""))
        assert "at most 3" in inside(call(strict, "Text", f"<code>abcd{number}</code>"))


def test_forms_are_checked_too(strict: AsmxEndpoint) -> None:
    assert get(strict, "Text", "code=abcd").body == b"The parameter code must have at most 3 characters."
    assert b">called<" in get(strict, "Pattern", "word=abc&letter=b").body


@pytest.mark.parametrize(
    ("content", "given"),
    [
        ("", "7 x 1"),
        ("<n xsi:nil='true'/><s xsi:nil='true'/>", "7 x 1"),
        ("<n>0</n><s/><m>2</m>", "0  2"),
    ],
)
def test_a_default_replaces_a_value_that_is_left_out_or_nil(strict: AsmxEndpoint, content: str, given: str) -> None:
    assert f"<DefaultResult>{given}</DefaultResult>" in inside(call(strict, "Default", content))


class Even(Integer32):
    """A number that checks the value itself."""

    @staticmethod
    def validate_native(kind: Any, value: Any) -> bool:
        return bool(Integer32.validate_native(kind, value) and (value is None or value % 2 == 0))


class Email(Unicode):
    """Text that checks the value itself, and refuses one of them with a fault."""

    @staticmethod
    def validate_string(kind: Any, value: Any) -> bool:
        if value == "nobody":
            raise Fault("Client.Unknown", "There is no such person.")
        return bool(Unicode.validate_string(kind, value) and "@" in value)


class Careful(ComplexModel):
    """An object whose setter raises for some values."""

    _type_info = (("Kind", Unicode),)

    @property
    def Kind(self) -> Any:
        return None

    @Kind.setter
    def Kind(self, value: Any) -> None:
        if value == "refused":
            raise Fault("Client.Kind", "Not that kind.")
        if value is not None:
            raise LookupError(value)


class Own(Service):  # type: ignore[misc]
    @rpc(Even, Email, IpAddress, _returns=Unicode)
    def Check(ctx: Any, even: int, email: str, address: str) -> str:
        return "called"

    @rpc(Careful, _returns=Unicode)
    def Take(ctx: Any, careful: Careful) -> str:
        return "called"


@pytest.fixture(scope="module")
def own() -> AsmxEndpoint:
    return endpoint_of("own", Own)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("<even>2</even><email>a@b</email><address>127.0.0.1</address>", "<CheckResult>called"),
        ("<even>3</even>", "The parameter even is not one of the values that are allowed."),
        ("<even>99999999999</even>", "Cannot convert the parameter even to int."),
        ("<email>a</email>", "The parameter email is not one of the values that are allowed."),
        ("<email>nobody</email>", "<faultcode>soap:Client.Unknown</faultcode><faultstring>There is no such person."),
        ("<address>300.1.1.1</address>", "The parameter address does not match the pattern"),
    ],
)
def test_a_types_own_checks_are_applied(own: AsmxEndpoint, given: str, said: str) -> None:
    assert said in inside(call(own, "Check", given))


def test_a_types_own_checks_are_applied_to_forms(own: AsmxEndpoint) -> None:
    answer = get(own, "Check", "even=2&email=nobody&address=::1")
    assert (answer.status, answer.body) == (500, b"There is no such person.")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("refused", "<faultcode>soap:Client.Kind</faultcode><faultstring>Not that kind."),
        ("other", "<faultcode>soap:Server</faultcode><faultstring>Server was unable to process request."),
    ],
)
def test_an_object_may_refuse_a_value(
    own: AsmxEndpoint, kind: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert said in inside(call(own, "Take", f"<careful><Kind>{kind}</Kind></careful>"))
    assert ("LookupError" in caplog.text) == (kind == "other")
