"""A member that must be there (``min_occurs``, Mandatory) is in answers too: as in spyne, None is written as nil."""

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from spyne_asmx import AsmxEndpoint
from spyne_asmx.spyne import (
    AnyXml,
    Array,
    ByteArray,
    ComplexModel,
    Integer32,
    Mandatory,
    Service,
    Unicode,
    XmlAttribute,
    rpc,
)
from spyne_asmx.typenames import AnyType
from tests.spyne_asmx.reference import call, endpoint_of, inside
from tests.spyne_asmx.reference import get as form
from tests.support.schemas import validator


class Line(ComplexModel):
    Sku = Unicode(min_occurs=1)
    Id = XmlAttribute(Unicode)


class Order(ComplexModel):
    Number = Unicode(min_occurs=1)
    Lines = Array(Line, min_occurs=1)
    First = Line.customize(min_occurs=1)
    Scan = ByteArray(min_occurs=1)
    Xml = AnyXml(min_occurs=1)
    Any = AnyType.customize(min_occurs=1)
    Notes = Unicode(min_occurs=1, max_occurs="unbounded")
    Count = Integer32(min_occurs=1)
    Strict = Mandatory(Unicode)


MAY_BE_NIL = [name for name in Order._type_info if name not in {"Count", "Strict"}]


class Orders(Service):
    @rpc(_returns=Order)
    def Empty(ctx: Any) -> Any:
        return Order(Strict="x")

    @rpc(_returns=Order)
    def Gaps(ctx: Any) -> Any:
        return Order(Notes=["a", None], Strict="x")

    @rpc(_returns=Unicode(min_occurs=1))
    def Nothing(ctx: Any) -> Any:
        return None

    @rpc(_returns=AnyXml(min_occurs=1))
    def NoXml(ctx: Any) -> Any:
        return None

    @rpc(Mandatory(Line), Mandatory(Line), _returns=Mandatory(Line))
    def Twice(ctx: Any, one: Any, two: Any) -> Any:
        return one if two.Sku else None

    @rpc(Order, _returns=Unicode)
    def Place(ctx: Any, order: Any) -> str:
        return f"{order.Number} {order.Notes}"


@pytest.fixture(scope="module")
def orders() -> AsmxEndpoint:
    return endpoint_of("orders", Orders)


@pytest.mark.parametrize("operation", ["Empty", "Gaps", "Nothing", "NoXml"])
def test_an_answer_with_none_is_valid(orders: AsmxEndpoint, operation: str, tmp_path: Path) -> None:
    schema = validator(orders.documentation.answer("WSDL", "http://localhost/orders.asmx").body, tmp_path)
    answer = etree.fromstring(call(orders, operation).body).find("{*}Body")[0]
    assert schema.validate(etree.fromstring(etree.tostring(answer))), schema.error_log.last_error


def test_none_is_nil_in_a_member_that_must_be_there(orders: AsmxEndpoint) -> None:
    answer = inside(call(orders, "Empty"))
    for name in MAY_BE_NIL:
        assert f'<{name} xsi:nil="true" />' in answer
    assert '<Notes>a</Notes><Notes xsi:nil="true" />' in inside(call(orders, "Gaps"))
    assert '<NothingResult xsi:nil="true" />' in inside(call(orders, "Nothing"))


def test_a_request_may_say_nil(orders: AsmxEndpoint) -> None:
    given = "".join(f"<{name} xsi:nil='1'/>" for name in MAY_BE_NIL)
    order = f"<order>{given}<Count>1</Count><Strict>x</Strict></order>"
    assert "<PlaceResult>None [None]</PlaceResult>" in inside(call(orders, "Place", order))


def test_a_mandatory_object_has_no_type_of_its_own(orders: AsmxEndpoint) -> None:
    given = "<one><Sku>a</Sku></one><two><Sku>{}</Sku></two>"
    assert "<TwiceResult><Sku>a</Sku></TwiceResult>" in inside(call(orders, "Twice", given.format("b")))
    assert '<TwiceResult xsi:nil="true" />' in inside(call(orders, "Twice", given.format("")))
    wsdl = orders.documentation.answer("WSDL", "http://localhost/orders.asmx").body
    assert b"MandatoryLine" not in wsdl


def test_forms_say_nil_too(orders: AsmxEndpoint) -> None:
    assert b'xsi:nil="true"' in form(orders, "Nothing").body
