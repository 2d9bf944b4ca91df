from decimal import Decimal as Number
from typing import Any

from spyne_asmx import AsmxApplication
from spyne_asmx.spyne import Array, ComplexModel, Decimal, Integer32, Service, Unicode, rpc


class Order(ComplexModel):
    Number = Integer32
    Buyer = Unicode


class Receipt(ComplexModel):
    Number = Integer32
    Total = Decimal


class Bare(Service):
    @rpc(Order, _body_style="bare", _returns=Receipt)
    def Submit(ctx: Any, order: Order | None) -> Receipt | None:
        return None if order is None else Receipt(Number=order.Number, Total=Number("9.50"))

    @rpc(Unicode, _body_style="bare", _returns=Unicode)
    def Echo(ctx: Any, text: str | None) -> str | None:
        return text

    @rpc(Array(Integer32), _body_style="bare", _returns=Integer32)
    def Length(ctx: Any, numbers: list[int] | None) -> int:
        return -1 if numbers is None else len(numbers)

    @rpc(Integer32, _body_style="bare", _returns=Array(Integer32))
    def Count(ctx: Any, upTo: int) -> list[int]:
        return list(range(upTo))

    @rpc(_body_style="bare", _returns=Unicode)
    def Ping(ctx: Any) -> str:
        return "pong"

    @rpc(Unicode, _body_style="bare")
    def Forget(ctx: Any, what: str | None) -> None:
        pass


application = AsmxApplication([Bare], "http://example.com/bare/", "Bare")
