from typing import Any

from spyne_asmx import AsmxApplication
from spyne_asmx.spyne import (
    Boolean,
    ByteArray,
    ComplexModel,
    Date,
    DateTime,
    Decimal,
    Double,
    Float,
    Integer8,
    Integer16,
    Integer64,
    Service,
    Time,
    UnsignedInteger8,
    UnsignedInteger64,
    Uuid,
    rpc,
)


class Dates(ComplexModel):
    Day = Date
    Hour = Time
    Moment = DateTime


class Blob(ComplexModel):
    Data = ByteArray


class Values(Service):
    @rpc(DateTime, _returns=DateTime)
    def Moment(ctx: Any, value: Any) -> Any:
        return value

    @rpc(Dates, _returns=Dates)
    def Days(ctx: Any, value: Any) -> Any:
        return value

    @rpc(Decimal, _returns=Decimal)
    def Money(ctx: Any, value: Any) -> Any:
        return value

    @rpc(Double, _returns=Double)
    def Real(ctx: Any, value: Any) -> Any:
        return value

    @rpc(Float, _returns=Float)
    def Single(ctx: Any, value: Any) -> Any:
        return value

    @rpc(Uuid, _returns=Uuid)
    def Id(ctx: Any, value: Any) -> Any:
        return value

    @rpc(Blob, _returns=Blob)
    def Bytes(ctx: Any, value: Any) -> Any:
        return value

    @rpc(Boolean, _returns=Boolean)
    def Truth(ctx: Any, value: Any) -> Any:
        return value

    @rpc(Integer64, _returns=Integer64)
    def Long(ctx: Any, value: Any) -> Any:
        return value

    @rpc(Integer16, _returns=Integer16)
    def Short(ctx: Any, value: Any) -> Any:
        return value

    @rpc(UnsignedInteger8, _returns=UnsignedInteger8)
    def Octet(ctx: Any, value: Any) -> Any:
        return value

    @rpc(Integer8, _returns=Integer8)
    def Signed(ctx: Any, value: Any) -> Any:
        return value

    @rpc(UnsignedInteger64, _returns=UnsignedInteger64)
    def Unsigned(ctx: Any, value: Any) -> Any:
        return value


application = AsmxApplication([Values], "http://example.com/values/", "Values")
