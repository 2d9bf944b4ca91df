"""Objects and arrays: what services may return for them, what is left out, and in which order members stand.

The bodies in RECORDED are what reference/things.asmx, the same service in C#, answered under Mono's ASMX.
"""

import dataclasses
from collections import namedtuple
from typing import Any

import pytest

from spyne_asmx import AsmxApplication, AsmxEndpoint, flags, nullable, struct
from spyne_asmx.spyne import (
    Array,
    Boolean,
    ComplexModel,
    DateTime,
    Decimal,
    Enum,
    Integer32,
    Iterable,
    Service,
    Unicode,
    Uuid,
    XmlAttribute,
    XmlData,
    rpc,
)
from tests.spyne_asmx.reference import call, endpoint_of, get, inside, recorded_wsdl, wsdl_of

XLINK = "http://www.w3.org/1999/xlink"
Color = Enum("Red", "Green", "Blue", type_name="Color")
Days = flags(Enum("None", "Mon", "Tue", "Wed", type_name="Days"))
Access = flags(Enum("Read", "Write", type_name="Access"))


@struct
class Size(ComplexModel):
    W = Integer32
    H = Integer32


class Item(ComplexModel):
    Id = Integer32
    Name = Unicode


class Money(ComplexModel):
    Amount = XmlData(Decimal)
    Currency = XmlAttribute(Unicode)


class Linked(ComplexModel):
    xlink = XmlAttribute(Unicode(sub_name="href"), ns=XLINK)
    id = XmlAttribute(Unicode)
    href = XmlAttribute(Unicode)
    Name = Unicode


class Verse(ComplexModel):
    Language = XmlAttribute(Unicode(sub_name="lang"), ns="http://www.w3.org/XML/1998/namespace")
    Text = XmlData(Unicode)
    Secret = Unicode(exc=True)


class Everything(ComplexModel):
    Tiny = Integer32
    Flag = Boolean
    When = DateTime
    Key = Uuid
    Paint = Color
    Maybe = nullable(Integer32)
    Text = Unicode
    Box = Size
    Open = Days
    Seven = Integer32(default=7)
    Marks = Integer32(max_occurs="unbounded", sub_name="Mark")
    Notes = Unicode(max_occurs="unbounded")
    Piece = Array(Item, wrapped=False)
    Tags = Array(Unicode, member_name="Tag")
    Holes = Array(nullable(Integer32))
    Version = XmlAttribute(Integer32)
    Title = XmlAttribute(Unicode)


Row = namedtuple("Row", ["Name", "Id"])  # a row of a database driver's is one


@dataclasses.dataclass
class Record:
    Id: int
    Name: str


class Slotted:
    __slots__ = ("Id",)

    def __init__(self) -> None:
        self.Id = 5


GIVEN: dict[str, Any] = {}


# The twin of things.asmx. A docstring would be in the WSDL.
class Things(Service):  # type: ignore[misc]
    @rpc(Everything, _returns=Everything)
    def Back(ctx: Any, e: Any) -> Any:
        return e

    @rpc(_returns=Everything)
    def Full(ctx: Any) -> Everything:
        return Everything(
            Box=Size(W=3),
            Open=["Mon", "Wed"],
            Seven=8,
            Marks=[1, 2],
            Notes=["a", None, ""],
            Piece=[Item(Id=1), None],
            Tags=["t", None],
            Holes=[1, None],
            Maybe=0,
            Text="",
        )

    @rpc(Money, _returns=Money)
    def Cash(ctx: Any, m: Any) -> Any:
        return m

    @rpc(Linked, _returns=Linked)
    def Link(ctx: Any, l: Any) -> Any:  # noqa: E741  # as the client's message has it
        return l

    @rpc(Days, _returns=Days)
    def Open(ctx: Any, d: Any) -> Any:
        return d

    @rpc(Access, _returns=Access)
    def Grant(ctx: Any, a: Any) -> Any:
        return a

    @rpc(Size, _returns=Size)
    def Box(ctx: Any, s: Any) -> Any:
        return s

    @rpc(nullable(Size), _returns=nullable(Size))
    def MaybeBox(ctx: Any, s: Any) -> Any:
        return s

    @rpc(Integer32(max_occurs="unbounded"), Unicode, _returns=Unicode)
    def Repeat(ctx: Any, n: list[int], after: str | None) -> str:
        return ",".join(map(str, n)) + "|" + (after or "")

    @rpc(_returns=Array(Item, wrapped=False), _out_variable_name="Piece")
    def Pieces(ctx: Any) -> Any:
        return [Item(Id=1), None, Item(Id=2)]

    @rpc(_returns=Integer32(max_occurs="unbounded"), _out_variable_name="Number")
    def Numbers(ctx: Any) -> Any:
        return (number for number in (1, 2))

    @rpc(Array(Integer32, member_name="In"), _returns=Array(Integer32, member_name="Number"))
    def NamedItems(ctx: Any, a: Any) -> Any:
        return a

    @rpc(Array(nullable(Integer32)), _returns=Array(nullable(Integer32)))
    def Holes(ctx: Any, a: Any) -> Any:
        return a

    @rpc(Array(Integer32), _returns=Array(Integer32))
    def Ints(ctx: Any, a: Any) -> Any:
        return a


class Giving(Service):  # type: ignore[misc]
    """Returns what a test has put into GIVEN."""

    @rpc(_returns=Item)
    def One(ctx: Any) -> Any:
        return GIVEN["value"]

    @rpc(_returns=Array(Item))
    def Many(ctx: Any) -> Any:
        return GIVEN["value"]

    @rpc(_returns=Iterable(Integer32))
    def Stream(ctx: Any) -> Any:
        return GIVEN["value"]

    @rpc(_returns=Integer32)
    def Number(ctx: Any) -> Any:
        return GIVEN["value"]

    @rpc(Verse, _returns=Verse)
    def Recite(ctx: Any, v: Any) -> Any:
        v.Secret = "s"
        return v


@pytest.fixture(scope="module")
def things() -> AsmxEndpoint:
    return endpoint_of("things", Things)


@pytest.fixture(scope="module")
def giving() -> AsmxEndpoint:
    return endpoint_of("things", Giving)


def answer(endpoint: AsmxEndpoint, operation: str, content: str = "") -> str:
    """What is inside the operation's element in the answer, or the text of the fault."""
    text = inside(call(endpoint, operation, content))
    if "<faultstring>" in text:
        return text.partition("<faultstring>")[2].partition("</faultstring>")[0]
    start = f'<soap:Body><{operation}Response xmlns="http://example.com/things"'
    assert text.startswith(start), text
    content = text.removeprefix(start)
    return "" if content.startswith(" />") else content.removeprefix(">").partition(f"</{operation}Response>")[0]


_ZEROS = (
    "<Tiny>0</Tiny><Flag>false</Flag><When>0001-01-01T00:00:00</When><Key>00000000-0000-0000-0000-000000000000</Key>"
    '<Paint>Red</Paint><Maybe xsi:nil="true" /><Box><W>0</W><H>0</H></Box><Open>None</Open>'
)
RECORDED = [
    (
        "Back",
        "<e/>",
        f'<BackResult Version="0">{_ZEROS}</BackResult>',
    ),
    (
        "Back",
        "<e Title='t'><Seven>7</Seven><Foreign>1</Foreign><Tags><Foreign>x</Foreign><Tag>a</Tag></Tags></e>",
        f'<BackResult Version="0" Title="t">{_ZEROS}<Tags><Tag>a</Tag></Tags></BackResult>',
    ),
    (
        "Full",
        "",
        f'<FullResult Version="0">{_ZEROS.partition("<Maybe")[0]}<Maybe>0</Maybe><Text />'
        "<Box><W>3</W><H>0</H></Box><Open>Mon Wed</Open>"
        "<Seven>8</Seven><Mark>1</Mark><Mark>2</Mark><Notes>a</Notes><Notes /><Piece><Id>1</Id></Piece>"
        '<Tags><Tag>t</Tag><Tag xsi:nil="true" /></Tags><Holes><int>1</int><int xsi:nil="true" /></Holes></FullResult>',
    ),
    ("Cash", "<m Currency='EUR'>1.50</m>", '<CashResult Currency="EUR">1.50</CashResult>'),
    ("Cash", "<m/>", "<CashResult>0</CashResult>"),
    ("Cash", "<m Currency='EUR'><x/>1.50</m>", '<CashResult Currency="EUR">1.50</CashResult>'),
    (
        "Link",
        f"<l href='p' xmlns:x='{XLINK}' x:href='xl' id='1'><Name>n</Name></l>",
        f'<LinkResult d4p1:href="xl" id="1" href="p" xmlns:d4p1="{XLINK}"><Name>n</Name></LinkResult>',
    ),
    ("Open", "<d>Mon Wed</d>", "<OpenResult>Mon Wed</OpenResult>"),
    ("Open", "<d>None</d>", "<OpenResult>None</OpenResult>"),
    ("Open", "<d/>", "<OpenResult>None</OpenResult>"),
    ("Open", "", "<OpenResult>None</OpenResult>"),
    ("Box", "<s><W>1</W></s>", "<BoxResult><W>1</W><H>0</H></BoxResult>"),
    ("Box", "", "<BoxResult><W>0</W><H>0</H></BoxResult>"),
    ("Box", "<s xsi:nil='true'/>", "<BoxResult><W>0</W><H>0</H></BoxResult>"),
    ("MaybeBox", "", '<MaybeBoxResult xsi:nil="true" />'),
    (
        "Holes",
        "<a><int>1</int><int i:null='1' xmlns:i='http://www.w3.org/1999/XMLSchema-instance'/></a>",
        '<HolesResult><int>1</int><int xsi:nil="true" /></HolesResult>',
    ),
    ("MaybeBox", "<s><W>1</W></s>", "<MaybeBoxResult><W>1</W><H>0</H></MaybeBoxResult>"),
    ("Repeat", "<n>1</n><n>2</n><after>x</after>", "<RepeatResult>1,2|x</RepeatResult>"),
    ("Repeat", "<n>1</n><after>x</after><n>2</n>", "<RepeatResult>1,2|x</RepeatResult>"),
    ("Repeat", "", "<RepeatResult>|</RepeatResult>"),
    ("Pieces", "", "<Piece><Id>1</Id></Piece><Piece><Id>2</Id></Piece>"),
    ("Numbers", "", "<Number>1</Number><Number>2</Number>"),
    (
        "NamedItems",
        "<a><In>1</In><int>2</int><Foreign/></a>",
        "<NamedItemsResult><Number>1</Number></NamedItemsResult>",
    ),
    (
        "Holes",
        "<a><int>1</int><int xsi:nil='true'/></a>",
        '<HolesResult><int>1</int><int xsi:nil="true" /></HolesResult>',
    ),
    ("Ints", "<a><foreign>x</foreign><int>2</int></a>", "<IntsResult><int>2</int></IntsResult>"),
    ("Ints", "<a><int xmlns='urn:x'>1</int><int>2</int></a>", "<IntsResult><int>2</int></IntsResult>"),
    ("Ints", "<a>text<int>2</int></a>", "<IntsResult><int>2</int></IntsResult>"),
]


def test_the_wsdl_is_the_one_that_asmx_writes(things: AsmxEndpoint) -> None:
    assert wsdl_of(things, "things") == recorded_wsdl("things")


@pytest.mark.parametrize(("operation", "content", "expected"), RECORDED)
def test_answers_are_those_of_asmx(things: AsmxEndpoint, operation: str, content: str, expected: str) -> None:
    assert answer(things, operation, content) == expected


def test_attributes_of_xmls_own_namespace_and_members_that_are_excluded(giving: AsmxEndpoint) -> None:
    sent = '<v xml:lang="de"><Secret>x</Secret>Zeile</v>'
    assert answer(giving, "Recite", sent) == '<ReciteResult xml:lang="de">Zeile</ReciteResult>'


REFUSED = [
    ("Ints", "<a><int>1</int><int xsi:nil='true'/></a>", "The parameter a.int must not be nil."),
    ("Ints", "<a><int/></a>", "Cannot convert the parameter a.int to int."),
    ("Open", "<d>Mon Foo</d>", "Cannot convert the parameter d to Days."),
    ("Open", "<d>3</d>", "Cannot convert the parameter d to Days."),
    ("Open", "<d>Mon,Wed</d>", "Cannot convert the parameter d to Days."),
    ("Cash", "<m>x</m>", "Cannot convert the parameter m to decimal."),
    ("Back", "<e Version='x'/>", "Cannot convert the parameter e.Version to int."),
    ("Back", "<e><Box><W>x</W></Box></e>", "Cannot convert the parameter e.Box.W to int."),
    ("Back", "<e><Tiny>1</Tiny><Tiny>2</Tiny></e>", "The parameter e.Tiny is given more than once."),
]


@pytest.mark.parametrize(("operation", "content", "text"), REFUSED)
def test_a_refusal_names_the_path_of_the_value(things: AsmxEndpoint, operation: str, content: str, text: str) -> None:
    """ASMX refuses the same, with a stack trace, except for a member given twice, which it ignores."""
    assert answer(things, operation, content) == text


def test_a_service_gets_flags_as_a_list_of_values(things: AsmxEndpoint) -> None:
    (operation,) = (o for o in things.operations if o.name == "Open")
    assert [str(day) for day in operation.parameters[0].codec.parse("Wed Mon")] == ["Wed", "Mon"]
    assert operation.parameters[0].missing == ()


def test_no_flag_is_empty_where_the_enumeration_has_no_name_for_it(things: AsmxEndpoint) -> None:
    assert answer(things, "Grant") == "<GrantResult />"
    assert answer(things, "Grant", "<a>Write Read</a>") == "<GrantResult>Read Write</GrantResult>"


def test_forms_separate_flags_with_commas(things: AsmxEndpoint) -> None:
    assert b">Mon Wed<" in get(things, "Open", "d=Mon,%20Wed").body


ONE = "<OneResult><Id>5</Id><Name>n</Name></OneResult>"
OBJECTS = {
    "an object": (Item(Id=5, Name="n"), ONE),
    "a dict": ({"Id": 5, "Name": "n"}, ONE),
    "a dict with more": ({"Id": 5, "Name": "n", "Other": 1}, ONE),
    "a dict with less": ({"Name": "n"}, "<OneResult><Id>0</Id><Name>n</Name></OneResult>"),
    "a tuple": ((5, "n"), ONE),
    "a list": ([5, "n"], ONE),
    "a short tuple": ((5,), "<OneResult><Id>5</Id></OneResult>"),
    "a named tuple": (Row("n", 5), ONE),
    "a dataclass": (Record(5, "n"), ONE),
    "whatever has a member": (Slotted(), "<OneResult><Id>5</Id></OneResult>"),
    "an empty dict": ({}, "<OneResult><Id>0</Id></OneResult>"),
    "nothing": (None, ""),
}


@pytest.mark.parametrize(("value", "expected"), OBJECTS.values(), ids=OBJECTS)
def test_a_service_may_return_an_object_in_many_ways(giving: AsmxEndpoint, value: Any, expected: str) -> None:
    """As in spyne; None is no object."""
    GIVEN["value"] = value
    assert answer(giving, "One") == expected


@pytest.mark.parametrize(
    "value", [5, "text", b"bytes", 1.5, object(), (1, "a", 3), {"id": 5}, {"Id": "x"}, Item(Id=2**40), Item(Id="5x")]
)
def test_what_cannot_be_an_object_is_a_fault_and_a_line_in_the_log(
    giving: AsmxEndpoint, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """An empty result would let the client go on."""
    GIVEN["value"] = value
    assert answer(giving, "One") == "Server was unable to process request."
    assert [record.getMessage() for record in caplog.records] == ["request -: One failed"]


@pytest.mark.parametrize("value", ["text", b"bytes", {"Id": 1}, Item(), 5, [5]])
def test_what_cannot_be_an_array_is_a_fault(giving: AsmxEndpoint, value: Any) -> None:
    GIVEN["value"] = value
    assert answer(giving, "Many") == "Server was unable to process request."


@pytest.mark.parametrize("value", [[1, 2], (1, 2), range(1, 3), iter([1, 2])])
def test_an_array_may_be_any_iterable(giving: AsmxEndpoint, value: Any) -> None:
    GIVEN["value"] = value
    assert answer(giving, "Stream") == "<StreamResult><int>1</int><int>2</int></StreamResult>"


@pytest.mark.parametrize("value", ["5", 1.5, [5], 2**31, Item()])
def test_what_cannot_be_a_number_is_a_fault(giving: AsmxEndpoint, value: Any) -> None:
    GIVEN["value"] = value
    assert answer(giving, "Number") == "Server was unable to process request."


def test_none_for_a_number_is_zero(giving: AsmxEndpoint) -> None:
    GIVEN["value"] = None
    assert answer(giving, "Number") == "<NumberResult>0</NumberResult>"


def test_each_call_has_objects_and_lists_of_its_own() -> None:
    class Keeping(Service):  # type: ignore[misc]
        @rpc(Size, Integer32(max_occurs="unbounded"), _returns=Integer32)
        def Grow(ctx: Any, size: Size, numbers: list[int]) -> int:
            size.W += 1
            numbers.append(1)
            return int(size.W) + len(numbers)

    endpoint = AsmxEndpoint(AsmxApplication([Keeping], "http://example.com/things", "keeping"), "/k.asmx")
    assert {answer(endpoint, "Grow") for _ in range(3)} == {"<GrowResult>2</GrowResult>"}
