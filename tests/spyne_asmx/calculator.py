"""A service with every kind of value, for tests: the twin in Python of calculator.asmx."""

from datetime import datetime, timedelta
from decimal import Decimal as Number
from uuid import UUID

from spyne import (
    AnyXml,
    Array,
    Boolean,
    ByteArray,
    ComplexModel,
    DateTime,
    Decimal,
    Double,
    Enum,
    Integer32,
    Integer64,
    SelfReference,
    Service,
    Unicode,
    Uuid,
    XmlAttribute,
    rpc,
)

from spyne_asmx import AsmxApplication, Element
from spyne_asmx.typenames import nullable

NAMESPACE = "http://tempuri.org/"

Color = Enum("Red", "Green", "Blue", type_name="Color")


class Point(ComplexModel):
    X = Integer32
    Y = Integer32
    Name = Unicode


class Pixel(Point):
    Color = Color


class Drawing(ComplexModel):
    Title = XmlAttribute(Unicode)
    Version = XmlAttribute(Integer32)
    Origin = Point
    Cursor = Pixel
    Drawn = DateTime
    Public = Boolean
    Scale = Double
    Price = Decimal
    Layer = nullable(Integer32)
    Id = Uuid
    Icon = ByteArray
    Tags = Array(Unicode)
    Mark = Integer32(max_occurs="unbounded")
    Note = Unicode(max_occurs="unbounded")
    Extra = AnyXml
    Inner = SelfReference


class Calculator(Service):
    @rpc(Integer32, Integer32, _returns=Integer32)
    def Add(ctx, a: int, b: int) -> int:
        """Adds two numbers."""
        return a + b

    @rpc(Double, Double, _returns=Double)
    def Divide(ctx, a: float, b: float) -> float:
        return a / b

    @rpc(Decimal, _returns=Decimal)
    def Half(ctx, amount: Number) -> Number:
        return amount / 2

    @rpc(Integer64, _returns=Boolean)
    def IsEven(ctx, n: int) -> bool:
        return n % 2 == 0

    @rpc(Unicode, _returns=Unicode)
    def Greet(ctx, name: str | None) -> str | None:
        return None if name is None else f"Hello, {name}"

    @rpc(DateTime, _returns=DateTime)
    def DayAfter(ctx, day: datetime) -> datetime:
        return day + timedelta(days=1)

    @rpc(Color, Color, _returns=Color)
    def Mix(ctx, first, second):
        return first if first is second else Color.Green

    @rpc(Pixel, Integer32, _returns=Pixel)
    def Move(ctx, pixel: Pixel | None, dx: int) -> Pixel | None:
        if pixel is not None:
            pixel.X += dx
        return pixel

    @rpc(Drawing, _returns=Drawing)
    def Copy(ctx, drawing: Drawing | None) -> Drawing | None:
        return drawing

    @rpc(Array(Integer32), Point, _returns=Array(Integer32))
    def Sort(ctx, numbers: list[int] | None, origin: Point | None) -> list[int] | None:
        return None if numbers is None else sorted(numbers)

    @rpc(Unicode, _returns=Array(Unicode))
    def Words(ctx, text: str) -> list[str | None]:
        return text.split() if text else ["a", None, ""]

    @rpc(Point, Point, _returns=Array(Point))
    def Corners(ctx, a: Point | None, b: Point | None) -> list[Point | None]:
        return [a, b]

    @rpc(Unicode, _returns=nullable(Integer32))
    def Parse(ctx, text: str) -> int | None:
        return int(text) if text.isdecimal() else None

    @rpc(Unicode, _returns=Array(nullable(Integer32)))
    def ParseAll(ctx, text: str) -> list[int | None]:
        return [int(word) if word.isdecimal() else None for word in text.split()]

    @rpc(_returns=Uuid)
    def Empty(ctx) -> UUID:
        return UUID(int=0)

    @rpc(Unicode, _returns=AnyXml)
    def Describe(ctx, text: str | None) -> Element | None:
        return None if text is None else Element("root", {"text": text})

    @rpc(AnyXml, _returns=Integer32)
    def Count(ctx, xml) -> int:
        return -1 if xml is None else len(xml)

    @rpc(Unicode)
    def Forget(ctx, what: str) -> None:
        pass

    @rpc()
    def Nothing(ctx) -> None:
        pass


def application() -> AsmxApplication:
    return AsmxApplication([Calculator], NAMESPACE, "calculator")
