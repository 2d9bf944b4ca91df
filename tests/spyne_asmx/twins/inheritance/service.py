from typing import Any

from spyne_asmx import AsmxApplication
from spyne_asmx.spyne import Array, ComplexModel, Integer32, Service, Unicode, XmlAttribute, rpc


class Shape(ComplexModel):
    Name = Unicode


class Circle(Shape):
    Radius = Integer32


class Square(Shape):
    Side = Integer32


class Box(Square):
    Depth = Integer32
    Colour = XmlAttribute(Unicode)


class Drawing(ComplexModel):
    Main = Shape
    Others = Array(Shape)
    Extra = Square.customize(max_occurs="unbounded")


MADE = {
    "circle": Circle(Name="c", Radius=3),
    "square": Square(Name="s", Side=4),
    "box": Box(Name="b", Side=5, Depth=6, Colour="red"),
}


class Inheritance(Service):
    @rpc(Unicode, _returns=Shape)
    def Make(ctx: Any, kind: str) -> Shape | None:
        return MADE.get(kind)

    @rpc(Shape, _returns=Unicode)
    def Kind(ctx: Any, shape: Any) -> str:
        return "null" if shape is None else f"{type(shape).__name__} {shape.Name}"

    @rpc(Square, _returns=Square)
    def Grow(ctx: Any, square: Any) -> Any:
        if square is not None:
            square.Side += 1
        return square

    @rpc(Drawing, _returns=Drawing)
    def Same(ctx: Any, drawing: Any) -> Any:
        return drawing

    @rpc(_returns=Array(Shape))
    def All(ctx: Any) -> list[Shape | None]:
        return [MADE["circle"], MADE["box"], None]


application = AsmxApplication([Inheritance], "http://example.com/shapes/", "Inheritance")
