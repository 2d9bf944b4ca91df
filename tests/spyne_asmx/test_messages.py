"""Messages that are not one wrapped result: several results, bare and renamed ones; the twins of reference/*.asmx."""

from typing import Any

import pytest

from spyne_asmx import AsmxApplication, AsmxEndpoint, Element, nullable, out_parameter
from spyne_asmx.soap import SOAP11, SOAP12, SoapVersion
from spyne_asmx.spyne import AnyXml, Array, Boolean, ComplexModel, Integer32, Service, Unicode, rpc
from tests.spyne_asmx.reference import call, endpoint_of, get, inside, namespace_of, recorded_wsdl, send, wsdl_of


class Pt(ComplexModel):
    X = Integer32


class Results(Service):
    @rpc(Unicode, _returns=(Boolean, Integer32), _out_variable_names=("TryGetResult", "code"))
    def TryGet(ctx: Any, key: str | None) -> tuple[bool, int]:
        return key is not None, 7

    @rpc(Integer32, Integer32, _returns=(Integer32, Integer32), _out_variable_names=("a", "b"))
    def Swap(ctx: Any, a: int, b: int) -> tuple[int, int]:
        return b, a

    @rpc(Unicode, _returns=(Unicode, Unicode), _out_variable_names=("first", "rest"))
    def Split(ctx: Any, s: str) -> tuple[str, None]:
        return s, None

    @rpc(
        Integer32,
        Pt,
        _returns=(Pt, Pt, Array(Integer32), nullable(Integer32), AnyXml),
        _out_variable_names=("BothResult", "p", "list", "maybe", "x"),
    )
    def Both(ctx: Any, n: int, p: Pt) -> tuple[Any, ...]:
        return p, p, [1, 2], None, None

    @rpc(
        Unicode,
        Unicode,
        _returns=(Unicode, Unicode, Unicode, Integer32),
        _out_variable_names=("ThirdResult", "a", "c", "d"),
    )
    def Third(ctx: Any, b: str, c: str) -> tuple[None, str, str, None]:
        return None, b, f"{c}!", None

    @rpc(Integer32, _returns=Integer32, _out_variable_name="Answer")
    def Named(ctx: Any, n: int) -> int:
        return n

    @rpc(Integer32, Integer32, Integer32, _returns=Integer32, _in_message_name="AddMany")
    def Add(ctx: Any, a: int, b: int, c: int) -> int:
        return a + b + c

    @rpc(Integer32, Integer32, _returns=Integer32, _operation_name="Add")
    def add_two(ctx: Any, a: int, b: int) -> int:
        return a + b

    @rpc(
        Integer32,
        _returns=Integer32,
        _in_message_name="{urn:req}Elsewhere",
        _out_message_name="{urn:resp}ElsewhereResponse",
    )
    def Elsewhere(ctx: Any, n: int) -> int:
        return n


class Order(ComplexModel):
    Id = Integer32
    Name = Unicode


class Receipt(ComplexModel):
    Text = Unicode


class Bare(Service):
    @rpc(Order, _returns=Receipt, _body_style="bare")
    def Submit(ctx: Any, order: Order | None) -> Receipt:
        return Receipt(Text="null" if order is None else f"{order.Id}{order.Name}")

    @rpc(Integer32, _returns=Integer32, _body_style="bare")
    def Double(ctx: Any, n: int) -> int:
        return 2 * n

    @rpc(_returns=Unicode, _body_style="bare")
    def Now(ctx: Any) -> str:
        return "now"

    @rpc(Unicode, _body_style="bare")
    def Forget(ctx: Any, what: str) -> None:
        pass

    @rpc(Unicode, _returns=nullable(Integer32), _body_style="bare")
    def Maybe(ctx: Any, maybe: str | None) -> int | None:
        return None if maybe is None else int(maybe)

    @rpc(Unicode, _returns=Receipt, _body_style="bare")
    def Nil(ctx: Any, nil: str) -> None:
        return None

    @rpc(Order, _returns=Receipt, _body_style="bare", _in_message_name="Purchase", _out_message_name="Invoice")
    def Renamed(ctx: Any, order: Order) -> Receipt:
        return Receipt(Text=order.Name)

    @rpc(AnyXml, _returns=AnyXml, _body_style="bare")
    def Xml(ctx: Any, xml: Any) -> Any:
        return xml

    @rpc(Integer32, _returns=Integer32)
    def Wrapped(ctx: Any, n: int) -> int:
        return n


class Lists(Service):
    @rpc(Array(Integer32), _returns=Array(Integer32), _body_style="bare")
    def Sort(ctx: Any, numbers: list[int]) -> list[int]:
        return sorted(numbers)


class Halves(Service):
    """What ASMX cannot declare: a wrapped request with a bare answer, and a void method's only out parameter."""

    @rpc(Integer32, Integer32, _returns=Pt, _body_style="out_bare")
    def Place(ctx: Any, a: int, b: int) -> Pt:
        return Pt(X=a + b)

    @rpc(Integer32, _returns=out_parameter(Integer32), _out_variable_name="code")
    def Code(ctx: Any, n: int) -> int:
        return n

    @rpc(_returns=(Integer32, Integer32))
    def Pair(ctx: Any) -> tuple[int, int]:
        return 1, 2

    @rpc(_returns=(Integer32, Integer32))
    def Three(ctx: Any) -> tuple[int, int, int]:
        return 1, 2, 3

    @rpc(Unicode(sub_name="Given"), _returns=Unicode(max_occurs=9))
    def Twice(ctx: Any, text: str) -> list[str]:
        return [text, text]


SERVICES = {"results": Results, "bare": Bare}


@pytest.fixture(scope="module")
def results() -> AsmxEndpoint:
    return endpoint_of("results", Results)


@pytest.fixture(scope="module")
def bare() -> AsmxEndpoint:
    return endpoint_of("bare", Bare)


@pytest.fixture(scope="module")
def halves() -> AsmxEndpoint:
    return endpoint_of("halves", Halves)


@pytest.mark.parametrize("name", SERVICES)
def test_the_wsdl_is_what_asmx_generates(name: str) -> None:
    assert wsdl_of(endpoint_of(name, SERVICES[name]), name) == recorded_wsdl(name)


RESULTS = [
    ("TryGet", "<key>k</key>", "<TryGetResult>true</TryGetResult><code>7</code>"),
    ("Swap", "<a>1</a><b>2</b>", "<a>2</a><b>1</b>"),
    ("Split", "<s>q</s>", "<first>q</first>"),
    (
        "Both",
        "<n>1</n><p><X>4</X></p>",
        '<BothResult><X>4</X></BothResult><p><X>4</X></p><list><int>1</int><int>2</int></list><maybe xsi:nil="true" />',
    ),
    ("Third", "<b>B</b><c>C</c>", "<a>B</a><c>C!</c><d>0</d>"),
    ("Named", "<n>1</n>", "<Answer>1</Answer>"),
    ("AddMany", "<a>1</a><b>2</b><c>3</c>", "<AddManyResult>6</AddManyResult>"),
    ("Add", "<a>1</a><b>2</b>", "<AddResult>3</AddResult>"),
]


@pytest.mark.parametrize("soap", [SOAP11, SOAP12], ids=["1.1", "1.2"])
@pytest.mark.parametrize(("operation", "parameters", "answer"), RESULTS)
def test_results_are_written_as_asmx_writes_them(
    results: AsmxEndpoint, soap: SoapVersion, operation: str, parameters: str, answer: str
) -> None:
    namespace = namespace_of("results")
    expected = f'<soap:Body><{operation}Response xmlns="{namespace}">{answer}</{operation}Response></soap:Body>'
    assert inside(call(results, operation, parameters, soap=soap)) == expected


def test_a_message_may_have_a_namespace_of_its_own(results: AsmxEndpoint) -> None:
    body = '<Elsewhere xmlns="urn:req"><n>1</n></Elsewhere>'
    for action in ("Elsewhere", None):
        assert inside(send(results, body, action)) == (
            '<soap:Body><ElsewhereResponse xmlns="urn:resp"><ElsewhereResult>1</ElsewhereResult></ElsewhereResponse>'
            "</soap:Body>"
        )
    refused = inside(send(results, body.replace("urn:req", namespace_of("results")), "Elsewhere"))
    assert "the body's element is Elsewhere of the namespace http://example.com/results" in refused


@pytest.mark.parametrize("operation", ["TryGet", "Swap", "Split", "Third"])
def test_forms_are_not_offered_for_several_results(results: AsmxEndpoint, operation: str) -> None:
    assert get(results, operation).body.decode() == f"{operation} Web Service method name is not valid."


def test_forms_call_a_message_by_its_own_name(results: AsmxEndpoint) -> None:
    assert get(results, "AddMany", "a=1&b=2&c=3").body.endswith(b">6</int>")
    assert get(results, "Add", "a=1&b=2").body.endswith(b">3</int>")
    assert get(results, "Named", "n=4").body.endswith(b">4</int>")


B = f'xmlns="{namespace_of("bare")}"'
BARE = [
    ("Submit", f"<order {B}><Id>3</Id><Name>x</Name></order>", f"<SubmitResult {B}><Text>3x</Text></SubmitResult>"),
    ("Submit", "<order><Id>3</Id><Name>x</Name></order>", f"<SubmitResult {B}><Text>3x</Text></SubmitResult>"),
    ("Submit", f"<Submit {B}><Id>3</Id><Name>x</Name></Submit>", f"<SubmitResult {B}><Text>3x</Text></SubmitResult>"),
    ("Double", f"<n {B}>4</n>", f"<DoubleResult {B}>8</DoubleResult>"),
    ("Now", f"<Now {B}/>", f"<NowResult {B}>now</NowResult>"),
    ("Forget", f"<what {B}>x</what>", ""),
    ("Maybe", f'<maybe {B} xsi:nil="true"/>', f'<MaybeResult xsi:nil="true" {B} />'),
    ("Maybe", f"<maybe {B}>3</maybe>", f"<MaybeResult {B}>3</MaybeResult>"),
    ("Nil", f"<nil {B}>3</nil>", ""),
    ("Renamed", f"<Purchase {B}><Name>x</Name></Purchase>", f"<Invoice {B}><Text>x</Text></Invoice>"),
    ("Xml", f'<xml {B}><a xmlns=""><b/></a></xml>', f'<XmlResult {B}><a xmlns=""><b /></a></XmlResult>'),
]


@pytest.mark.parametrize("soap", [SOAP11, SOAP12], ids=["1.1", "1.2"])
@pytest.mark.parametrize("with_action", [True, False])
@pytest.mark.parametrize(("operation", "body", "answer"), BARE)
def test_bare_messages_have_no_element_around_them(
    bare: AsmxEndpoint, soap: SoapVersion, with_action: bool, operation: str, body: str, answer: str
) -> None:
    expected = f"<soap:Body>{answer}</soap:Body>"
    for _ in range(2):  # the second may be known by its shape
        assert inside(send(bare, body, operation if with_action else None, soap=soap)) == expected


def test_a_bare_array_is_one_element_with_its_items() -> None:
    lists = endpoint_of("lists", Lists)
    namespace = namespace_of("lists")
    body = f'<numbers xmlns="{namespace}"><int>2</int><int>1</int></numbers>'
    expected = f'<soap:Body><SortResult xmlns="{namespace}"><int>1</int><int>2</int></SortResult></soap:Body>'
    assert inside(send(lists, body)) == expected


@pytest.mark.parametrize(("operation", "answer"), [("Submit", "null"), ("Double", "0"), ("Now", "now")])
def test_an_empty_body_leaves_a_bare_parameter_out(bare: AsmxEndpoint, operation: str, answer: str) -> None:
    assert f">{answer}<" in inside(send(bare, "", operation))


def test_a_body_of_another_operation_is_refused(bare: AsmxEndpoint) -> None:
    assert "the body's element is order." in inside(send(bare, f"<order {B}/>", "Double"))


def test_an_element_of_two_bare_operations_needs_an_action() -> None:
    class Twins(Service):
        @rpc(Integer32, _returns=Integer32, _body_style="bare")
        def Up(ctx: Any, n: int) -> int:
            return n + 1

        @rpc(Integer32, _returns=Integer32, _body_style="bare")
        def Down(ctx: Any, n: int) -> int:
            return n - 1

    twins = endpoint_of("twins", Twins)
    body = f'<n xmlns="{namespace_of("twins")}">4</n>'
    assert ">5<" in inside(send(twins, body, "Up"))
    assert ">3<" in inside(send(twins, body, "Down"))
    assert "The element n is that of several operations" in inside(send(twins, body))
    assert ">5<" in inside(send(twins, body.replace("<n", "<Up").replace("/n>", "/Up>")))


def test_bare_parameters_of_one_name_and_different_types_are_named_as_spyne_names_them() -> None:
    """ASMX would refuse two elements of one name."""

    class Clash(Service):
        @rpc(Integer32, _returns=Integer32, _body_style="bare")
        def One(ctx: Any, n: int) -> int:
            return n

        @rpc(Unicode, _returns=Unicode, _body_style="bare")
        def Two(ctx: Any, n: str) -> str:
            return n

        @rpc(Integer32, _returns=Integer32, _body_style="bare")
        def Three(ctx: Any, plain: int) -> int:
            return plain

        @rpc(Integer32, _returns=Integer32)
        def plain(ctx: Any, n: int) -> int:
            return n

    clash = endpoint_of("clash", Clash)
    xmlns = f'xmlns="{namespace_of("clash")}"'
    for operation in ("One", "Two", "Three"):
        answer = f"<soap:Body><{operation}Result {xmlns}>3</{operation}Result></soap:Body>"
        assert inside(send(clash, f"<{operation} {xmlns}>3</{operation}>")) == answer
    assert b'<s:element name="One" type="s:int"' in wsdl_of(clash, "clash")
    assert b"<plainResult>3<" in call(clash, "plain", "<n>3</n>").body


def test_two_elements_of_one_name_are_refused() -> None:
    class Clash(Service):
        @rpc(Integer32)
        def One(ctx: Any, n: int) -> None:
            """Only declared."""

        @rpc(Integer32, _returns=Integer32, _body_style="out_bare", _out_message_name="One")
        def Two(ctx: Any, n: int) -> int:
            return n

    with pytest.raises(TypeError, match=r"^Two: two elements One of the namespace \S+ are of different types"):
        endpoint_of("clash", Clash)


def test_forms_call_bare_operations_too(bare: AsmxEndpoint) -> None:
    assert get(bare, "Double", "n=4").body.endswith(b">8</int>")
    assert get(bare, "Forget", "what=4").body == b""


def test_a_bare_answer_to_a_wrapped_request_is_named_as_spyne_names_it(halves: AsmxEndpoint) -> None:
    namespace = namespace_of("halves")
    expected = f'<soap:Body><PlaceResponse xmlns="{namespace}"><X>3</X></PlaceResponse></soap:Body>'
    assert inside(call(halves, "Place", "<a>1</a><b>2</b>")) == expected


def test_a_result_may_be_marked_as_an_out_parameter(halves: AsmxEndpoint) -> None:
    assert "<code>3</code>" in inside(call(halves, "Code", "<n>3</n>"))
    assert get(halves, "Code", "n=3").status == 500


def test_several_results_without_names_have_spynes(halves: AsmxEndpoint) -> None:
    assert "<PairResult0>1</PairResult0><PairResult1>2</PairResult1>" in inside(call(halves, "Pair"))


def test_more_results_than_declared_are_the_servers_fault(
    halves: AsmxEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    assert "soap:Server" in inside(call(halves, "Three"))
    assert "3 results are given where 2 are declared" in caplog.text


def test_elements_have_the_names_they_were_given_and_results_may_repeat(halves: AsmxEndpoint) -> None:
    assert "<TwiceResult>x</TwiceResult><TwiceResult>x</TwiceResult>" in inside(
        call(halves, "Twice", "<Given>x</Given>")
    )


def test_two_operations_of_one_name_are_refused() -> None:
    class Other(Service):
        @rpc(Integer32)
        def Renamed(ctx: Any, n: int) -> None:
            """Only declared."""

    with pytest.raises(TypeError, match=r"^Renamed: two operations have the name; give one an _operation_name$"):
        AsmxEndpoint(AsmxApplication([Bare, Other], "urn:x", "both"), "/both.asmx")


def test_a_bare_xml_result_is_wrapped_in_its_element() -> None:
    class Free(Service):
        @rpc(_returns=AnyXml, _body_style="bare")
        def Give(ctx: Any) -> Element:
            return Element("root", {"a": "1"})

    assert '><root a="1" xmlns="" /></GiveResult>' in inside(send(endpoint_of("free", Free), "", "Give"))


def test_the_name_of_the_wsdls_message_part_can_be_chosen() -> None:
    class Parts(Service):
        @rpc(Integer32, _returns=Integer32, _wsdl_part_name="body")
        def Take(ctx: Any, n: int) -> int:
            return n

    wsdl = wsdl_of(endpoint_of("parts", Parts), "parts")
    assert wsdl.count(b'name="body"') == 2
    assert b'name="parameters"' not in wsdl
