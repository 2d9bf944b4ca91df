"""Any value of any type survives a round trip, over every binding that can carry it."""

from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from spyne_asmx import AnyType, AsmxApplication, AsmxEndpoint, Request, flags, nullable, struct
from spyne_asmx.http import HeaderMap
from spyne_asmx.spyne import (
    Array,
    Boolean,
    Byte,
    ByteArray,
    ComplexModel,
    Date,
    DateTime,
    Decimal,
    Double,
    Duration,
    Enum,
    File,
    Float,
    Integer,
    Integer16,
    Integer32,
    Integer64,
    Service,
    Time,
    Unicode,
    UnsignedByte,
    UnsignedInteger16,
    UnsignedInteger32,
    UnsignedInteger64,
    Uuid,
    XmlAttribute,
    XmlData,
    rpc,
)
from tests.support.schemas import validator
from tests.support.strategies import XML_TEXT

NAMESPACE = "http://tempuri.org/"
XLINK = "http://www.w3.org/1999/xlink"
ENVELOPES = {
    "text/xml": "http://schemas.xmlsoap.org/soap/envelope/",
    "application/soap+xml": "http://www.w3.org/2003/05/soap-envelope",
}
Color = Enum("Red", "Green", "Blue", type_name="Color")
Days = flags(Enum("None", "Mon", "Tue", "Wed", type_name="Days"))


@struct
class Size(ComplexModel):
    W = Integer32
    H = nullable(Integer32)


class Item(ComplexModel):
    Id = Integer32
    Name = Unicode
    Link = XmlAttribute(Unicode, ns=XLINK)
    id = XmlAttribute(Unicode)
    href = XmlAttribute(Integer32, use="optional")


class Money(ComplexModel):
    Amount = XmlData(Decimal)
    Currency = XmlAttribute(Unicode)


class Order(Item):
    Flag = Boolean
    When = DateTime
    Box = Size
    Open = Days
    Price = Money
    Lines = Array(Item)
    Notes = Unicode(max_occurs="unbounded")
    Tags = Array(Unicode, member_name="Tag")
    Holes = Array(nullable(Integer32))
    Rows = Array(Array(Integer32))
    Seven = Integer32(default=7)
    Any = AnyType


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def whole(bits: int, *, signed: bool = True) -> st.SearchStrategy[int]:
    return st.integers(-(1 << bits - 1), (1 << bits - 1) - 1) if signed else st.integers(0, (1 << bits) - 1)


def made(kind: Any, **members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(members).map(lambda values: kind(**values))


_ZONES = st.none() | st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=_ZONES)  # noqa: DTZ001  # with a zone or none
AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=4)
FLAGS = st.sets(st.sampled_from(["Mon", "Tue", "Wed"])).map(tuple)
SIZES = made(Size, W=whole(32), H=maybe(whole(32)))
_ITEM = {"Id": whole(32), "Name": maybe(XML_TEXT), "Link": maybe(XML_TEXT), "id": maybe(XML_TEXT), "href": whole(32)}
ITEMS = made(Item, **_ITEM)
ANYTHING = st.one_of(
    st.booleans(), whole(32), whole(64), st.floats(allow_nan=False), AMOUNTS, XML_TEXT, st.dates(), MOMENTS, st.uuids()
)
ORDERS = made(
    Order,
    **_ITEM,
    Flag=st.booleans(),
    When=MOMENTS,
    Box=SIZES,
    Open=FLAGS,
    Price=maybe(made(Money, Amount=AMOUNTS, Currency=maybe(XML_TEXT))),
    Lines=maybe(st.lists(maybe(ITEMS), max_size=2)),
    Notes=maybe(st.lists(XML_TEXT, min_size=1, max_size=2)),
    Tags=maybe(st.lists(maybe(XML_TEXT), max_size=2)),
    Holes=maybe(st.lists(maybe(whole(32)), max_size=2)),
    Rows=maybe(st.lists(maybe(st.lists(whole(32), max_size=2)), max_size=2)),
    Seven=st.sampled_from([7, 0, 8]),
    Any=maybe(ANYTHING),
)

TYPES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "Boolean": (Boolean, st.booleans()),
    "Byte": (Byte, whole(8)),
    "UnsignedByte": (UnsignedByte, whole(8, signed=False)),
    "Integer16": (Integer16, whole(16)),
    "UnsignedInteger16": (UnsignedInteger16, whole(16, signed=False)),
    "Integer32": (Integer32, whole(32)),
    "UnsignedInteger32": (UnsignedInteger32, whole(32, signed=False)),
    "Integer64": (Integer64, whole(64)),
    "UnsignedInteger64": (UnsignedInteger64, whole(64, signed=False)),
    "Integer": (Integer, st.integers()),
    "Decimal": (Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    "Float": (Float, st.floats()),
    "Double": (Double, st.floats()),
    "Unicode": (Unicode, XML_TEXT),
    "Uuid": (Uuid, st.uuids()),
    "Date": (Date, st.dates()),
    "Time": (Time, st.times()),
    "DateTime": (DateTime, MOMENTS),
    "Duration": (Duration, st.timedeltas()),
    "ByteArray": (ByteArray, st.binary().map(lambda data: [data])),
    "hex ByteArray": (ByteArray(encoding="hex"), st.binary().map(lambda data: [data])),
    "File": (File, st.binary().map(lambda data: File.Value(data=[data]))),
    "Enum": (Color, st.sampled_from([Color.Red, Color.Green, Color.Blue])),
    "flags": (Days, FLAGS),
    "nullable Integer32": (nullable(Integer32), maybe(whole(32))),
    "nullable Guid": (nullable(Uuid), maybe(st.uuids())),
    "nullable struct": (nullable(Size), maybe(SIZES)),
    "Array": (Array(Integer32), st.lists(whole(32), max_size=3)),
    "Array of text": (Array(Unicode), st.lists(maybe(XML_TEXT), max_size=3)),
    "Array of objects": (Array(Item), st.lists(maybe(ITEMS), max_size=3)),
    "repeated": (Integer32(max_occurs="unbounded"), st.lists(whole(32), max_size=3)),
    "repeated objects": (Array(Item, wrapped=False), st.lists(ITEMS, max_size=3)),
    "struct": (Size, SIZES),
    "simple content": (Money, made(Money, Amount=AMOUNTS, Currency=maybe(XML_TEXT))),
    "object": (Order, ORDERS),
    "any type": (AnyType, ANYTHING),
}
NAMES = {kind: f"N{number}" for number, kind in enumerate(TYPES)}
HELD: dict[str, Any] = {}


def service() -> Any:
    """For each type, an operation that returns the value held, and one that holds the value it takes."""

    def give(ctx: Any) -> Any:
        return HELD["given"]

    def take(ctx: Any, x: Any) -> None:
        HELD["taken"] = x

    members: dict[str, Any] = {}
    for kind, (spyne_type, _) in TYPES.items():
        for prefix, function, declare in (
            ("Give", give, rpc(_returns=spyne_type)),
            ("Take", take, rpc(spyne_type)),
        ):
            name = f"{prefix}{NAMES[kind]}"
            copy = type(function)(function.__code__, function.__globals__, name)
            members[name] = declare(copy)
    return type("RoundTrips", (Service,), members)


ENDPOINT = AsmxEndpoint(AsmxApplication([service()], NAMESPACE, "trips"), "/t.asmx")


def answered(method: str, path: str = "", query: str = "", body: bytes = b"", media_type: str = "") -> bytes:
    headers = HeaderMap([("content-type", f"{media_type}; charset=utf-8")] if media_type else [])
    answer = ENDPOINT.handle(Request(method, f"/t.asmx{path}", query, headers, body))
    assert answer.status == 200, answer.body
    return answer.body


def call(media_type: str, operation: str, parameters: str = "") -> etree._Element:
    """The element of the operation in the answer's body."""
    envelope = f'<s:Envelope xmlns:s="{ENVELOPES[media_type]}"><s:Body><{operation} xmlns="{NAMESPACE}">{parameters}'
    body = f"{envelope}</{operation}></s:Body></s:Envelope>".encode()
    return etree.fromstring(answered("POST", body=body, media_type=media_type))[0][0]


def plain(value: Any) -> Any:
    """A value as something that can be compared."""
    if isinstance(value, ComplexModel):
        members = type(value).get_flat_type_info(type(value))
        return {name: plain(getattr(value, name)) for name in members}
    if isinstance(value, File.Value):
        return plain(value.data)
    if isinstance(value, list | tuple):
        items = [plain(item) for item in value]
        return b"".join(items) if items and all(isinstance(item, bytes) for item in items) else items
    if isinstance(value, float):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if type(value).__name__ == "EnumValue" else value


@pytest.mark.parametrize("media_type", ENVELOPES)
@pytest.mark.parametrize("kind", TYPES)
def test_any_value_survives_soap(kind: str, media_type: str) -> None:
    """One operation returns the value, and another one gets what the first one wrote."""

    @settings(max_examples=25, deadline=None)
    @given(TYPES[kind][1])
    def check(value: Any) -> None:
        HELD["given"] = value
        parameters = []
        for result in call(media_type, f"Give{NAMES[kind]}"):
            result.tag = f"{{{NAMESPACE}}}x"
            result.tail = None
            parameters.append(etree.tostring(result, encoding="unicode"))
        call(media_type, f"Take{NAMES[kind]}", "".join(parameters))
        assert plain(HELD["taken"]) == plain(sorted_flags(kind, value))

    check()


def sorted_flags(kind: str, value: Any) -> Any:
    """The value with its flags in the order of their declaration, in which they come back."""
    order = ["Mon", "Tue", "Wed"]
    if kind == "flags":
        return [flag for flag in order if flag in value]
    if isinstance(value, Order):
        value.Open = [flag for flag in order if flag in value.Open]
    return value


FORMS = [kind for kind in TYPES if ENDPOINT.operations.by_name[f"Take{NAMES[kind]}"].fits_forms]


def test_forms_are_offered_for_simple_values_and_arrays_of_them() -> None:
    """Not for C#'s structs: Guid, nullable values and its own."""
    simple = set(TYPES) - {"Uuid", "nullable Integer32", "nullable Guid", "nullable struct", "Array of objects"}
    assert set(FORMS) == simple - {"repeated objects", "struct", "simple content", "object", "any type"}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("kind", FORMS)
def test_any_value_survives_forms(kind: str, method: str) -> None:
    """Several items are a field each. A form can express neither an empty array nor a missing item."""

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
    @given(TYPES[kind][1].filter(lambda value: not isinstance(value, list) or (value and None not in value)))
    def check(value: Any) -> None:
        HELD["given"] = value
        root = etree.fromstring(answered("GET", f"/Give{NAMES[kind]}"))
        texts = [item.text or "" for item in (root if len(root) else [root])]
        form = "&".join(f"x={quote(text)}" for text in texts)
        if method == "GET":
            answered("GET", f"/Take{NAMES[kind]}", form)
        else:
            form_type = "application/x-www-form-urlencoded"
            answered("POST", f"/Take{NAMES[kind]}", body=form.encode(), media_type=form_type)
        assert plain(HELD["taken"]) == plain(sorted_flags(kind, value))

    check()


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> etree.XMLSchema:
    return validator(answered("GET", query="WSDL"), tmp_path_factory.mktemp("schemas"))


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind != "any type"])
def test_any_answer_is_valid_against_its_own_wsdl(kind: str, schemas: etree.XMLSchema) -> None:
    @settings(max_examples=15, deadline=None)
    @given(TYPES[kind][1])
    def check(value: Any) -> None:
        HELD["given"] = value
        answer = call("text/xml", f"Give{NAMES[kind]}")
        schemas.assertValid(etree.fromstring(etree.tostring(answer)))

    check()


@pytest.mark.parametrize("kind", TYPES)
def test_an_answer_without_a_value_is_valid_too(kind: str, schemas: etree.XMLSchema) -> None:
    """None is written as zero where .NET has a value type."""
    spyne_type = TYPES[kind][0]
    makes_objects = spyne_type in {Size, Item, Money, Order}
    for value in (None, spyne_type()) if makes_objects else (None,):
        HELD["given"] = value
        answer = call("text/xml", f"Give{NAMES[kind]}")
        schemas.assertValid(etree.fromstring(etree.tostring(answer)))
