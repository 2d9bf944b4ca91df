from datetime import datetime
from decimal import Decimal
from typing import Any

from spyne_asmx import AsmxApplication, nullable
from spyne_asmx.spyne import Array, ComplexModel, Integer32, Service, Unicode, rpc
from spyne_asmx.typenames import AnyType, struct


class Item(ComplexModel):
    N = Integer32


class Bag(ComplexModel):
    Any = AnyType
    Several = Array(AnyType)


@struct
class Size(ComplexModel):
    Width = Integer32
    Height = Integer32


class Room(ComplexModel):
    Size = Size
    Maybe = nullable(Size)


MADE = {
    "int": 7,
    "string": "text",
    "bool": True,
    "double": 1.5,
    "date": datetime(2026, 3, 20, 14, 35),  # noqa: DTZ001 -- without a zone, as the service has it
    "item": Item(N=3),
    "decimal": Decimal("2.50"),
}
KINDS = {"int": "Int32", "str": "String", "datetime": "DateTime", "bool": "Boolean", "Item": "Item", "NoneType": "null"}


class Objects(Service):
    @rpc(AnyType, _returns=AnyType)
    def Echo(ctx: Any, value: Any) -> Any:
        return value

    @rpc(AnyType, _returns=Unicode)
    def Kind(ctx: Any, value: Any) -> str:
        return KINDS[type(value).__name__]

    @rpc(Unicode, _returns=AnyType)
    def Make(ctx: Any, kind: str) -> Any:
        return MADE.get(kind)

    @rpc(Bag, _returns=Bag)
    def Same(ctx: Any, bag: Any) -> Any:
        return bag

    @rpc(Size, _returns=Size)
    def Turn(ctx: Any, size: Any) -> Any:
        return Size(Width=size.Height, Height=size.Width)

    @rpc(Room, _returns=Room)
    def Furnish(ctx: Any, room: Any) -> Any:
        return room


application = AsmxApplication([Objects], "http://example.com/objects/", "Objects", classes=[Item])
