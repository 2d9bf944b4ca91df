from datetime import timedelta
from typing import Any

from spyne_asmx import AsmxApplication, nullable
from spyne_asmx.spyne import (
    Boolean,
    ByteArray,
    ComplexModel,
    DateTime,
    Decimal,
    Double,
    Enum,
    Integer32,
    Integer64,
    Service,
    Unicode,
    Uuid,
    XmlAttribute,
    rpc,
)

Size = Enum("Small", "Large", type_name="Size")


class Inner(ComplexModel):
    N = Integer32


class Record(ComplexModel):
    Int = Integer32
    Long = Integer64
    Bool = Boolean
    Double = Double
    Decimal = Decimal
    Moment = DateTime
    Id = Uuid
    Size = Size
    Text = Unicode
    Bytes = ByteArray
    Inner = Inner
    MaybeInt = nullable(Integer32)
    MaybeBool = nullable(Boolean)
    MaybeMoment = nullable(DateTime)
    MaybeId = nullable(Uuid)
    MaybeDouble = nullable(Double)
    Nil = nullable(Unicode)
    Five = Integer32(default=5)
    Number = XmlAttribute(Integer32)
    Label = XmlAttribute(Unicode)


class Zeros(Service):
    @rpc(Record, _returns=Record)
    def Same(ctx: Any, record: Any) -> Any:
        return record

    @rpc(_returns=Record)
    def New(ctx: Any) -> Record:
        return Record()

    @rpc(Integer32, Boolean, Double, Decimal, DateTime, Uuid, Size, Unicode, _returns=Unicode)
    def Show(ctx: Any, n: Any, b: Any, d: Any, m: Any, t: Any, g: Any, s: Any, x: Any) -> str:
        return f"{n}|{str(b).lower()}|{d:g}|{m}|{t.isoformat()}|{g}|{s}|{'null' if x is None else x}"

    @rpc(nullable(Integer32), _returns=nullable(Integer32))
    def Half(ctx: Any, n: int | None) -> int | None:
        return None if n is None or n % 2 else n // 2

    @rpc(nullable(DateTime), _returns=nullable(DateTime))
    def Later(ctx: Any, t: Any) -> Any:
        return None if t is None else t + timedelta(days=1)


application = AsmxApplication([Zeros], "http://example.com/zeros/", "Zeros")
