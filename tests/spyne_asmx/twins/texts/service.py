from decimal import Decimal as Number
from typing import Any

from spyne_asmx import AsmxApplication
from spyne_asmx.spyne import ComplexModel, Decimal, Integer32, Service, Unicode, XmlAttribute, XmlData, rpc


class Price(ComplexModel):
    Value = XmlData(Decimal)
    Currency = XmlAttribute(Unicode)


class Regional(Price):
    Region = XmlAttribute(Unicode)


class Note(ComplexModel):
    Text = XmlData(Unicode)
    Number = Integer32
    Id = XmlAttribute(Unicode)


class Signed(Note):
    Author = Unicode


class Line(ComplexModel):
    Number = Integer32


class Remark(Line):
    Text = XmlData(Unicode)
    More = Unicode


class Mark(ComplexModel):
    Id = XmlAttribute(Unicode)


class Label(Mark):
    Text = XmlData(Unicode)


class Texts(Service):
    @rpc(Price, _returns=Price)
    def SamePrice(ctx: Any, price: Any) -> Any:
        return price

    @rpc(Note, _returns=Note)
    def SameNote(ctx: Any, note: Any) -> Any:
        return note

    @rpc(Line, _returns=Line)
    def SameLine(ctx: Any, line: Any) -> Any:
        return line

    @rpc(Mark, _returns=Mark)
    def SameMark(ctx: Any, mark: Any) -> Any:
        return mark

    @rpc(_returns=Price)
    def MakePrice(ctx: Any) -> Any:
        return Regional(Value=Number("1.50"), Currency="EUR", Region="AT")

    @rpc(_returns=Note)
    def MakeNote(ctx: Any) -> Any:
        return Signed(Text="t", Number=1, Author="ann")

    @rpc(_returns=Line)
    def MakeLine(ctx: Any) -> Any:
        return Remark(Number=1, Text="t", More="m")


application = AsmxApplication([Texts], "http://example.com/texts/", "Texts")
