from datetime import datetime, timedelta
from decimal import Decimal as Number
from typing import Any
from uuid import UUID

from lxml import etree

from spyne_asmx import AsmxApplication, nullable
from spyne_asmx.spyne import (
    Array,
    Boolean,
    ByteArray,
    ComplexModel,
    DateTime,
    Decimal,
    Enum,
    Fault,
    Integer32,
    Service,
    Unicode,
    Uuid,
    XmlAttribute,
    rpc,
)

NAMESPACE = "http://shop.example.com/orders"

OrderStatus = Enum("New", "Shipped", "Cancelled", type_name="OrderStatus")


class Credentials(ComplexModel):
    Customer = Unicode
    Key = Unicode


class OrderLine(ComplexModel):
    No = XmlAttribute(Integer32)
    Sku = Unicode
    Quantity = Integer32
    Price = Decimal


class Address(ComplexModel):
    Street = Unicode
    City = Unicode
    Country = Unicode


class Order(ComplexModel):
    Reference = XmlAttribute(Unicode)
    Placed = DateTime
    Status = OrderStatus
    ShipTo = Address
    Lines = Array(OrderLine)
    Comment = Unicode(max_occurs="unbounded")
    Id = nullable(Uuid)
    Attachment = ByteArray


class Confirmation(ComplexModel):
    Id = Uuid
    Total = Decimal
    Lines = Integer32
    Delivery = nullable(DateTime)


def check(login: Credentials | None) -> None:
    if login is None or login.Key != "s3cret":
        detail = etree.Element("detail")
        etree.SubElement(detail, f"{{{NAMESPACE}}}Reason", nsmap={None: NAMESPACE}).text = "key"
        raise Fault("Client", "Access denied.", faultactor=NAMESPACE, detail=detail)


class Orders(Service):
    @rpc(Order, _in_header=(Credentials,), _returns=Confirmation)
    def Place(ctx: Any, order: Order) -> Confirmation:
        """Places an order."""
        check(ctx.in_header)
        return Confirmation(
            Id=order.Id or UUID(int=0),
            Total=sum((line.Quantity * line.Price for line in order.Lines), Number(0)),
            Lines=len(order.Lines),
            Delivery=None if order.ShipTo is None else order.Placed + timedelta(days=3),
        )

    @rpc(
        Unicode,
        _in_header=(Credentials,),
        _returns=(Boolean, OrderStatus),
        _out_variable_names=("CancelResult", "status"),
    )
    def Cancel(ctx: Any, reference: str) -> tuple[bool, Any]:
        check(ctx.in_header)
        return reference == "R1", OrderStatus.Cancelled if reference == "R1" else OrderStatus.Shipped

    @rpc(Unicode, _returns=Order)
    def Find(ctx: Any, reference: str) -> Order | None:
        if reference != "R1":
            return None
        return Order(
            Reference="R1",
            Placed=datetime(2026, 3, 20, 14, 35),  # noqa: DTZ001 -- without a zone, as the service has it
            Status=OrderStatus.Shipped,
            Lines=[OrderLine(No=1, Sku="A-1", Quantity=2, Price=Number("9.95"))],
            Comment=["gift", "fragile"],
            Attachment=[b"\1\2\3"],
        )

    @rpc(OrderStatus, DateTime, _returns=Integer32)
    def CountByStatus(ctx: Any, status: Any, since: datetime) -> int:
        return since.day if status == OrderStatus.New else 0


application = AsmxApplication([Orders], NAMESPACE, "Orders")
