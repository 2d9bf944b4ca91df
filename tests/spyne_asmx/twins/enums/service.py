from typing import Any

from spyne_asmx import AsmxApplication, nullable
from spyne_asmx.spyne import Array, ComplexModel, Enum, Service, XmlAttribute, rpc
from spyne_asmx.typenames import flags

Color = Enum("Red", "Green", "Blue", type_name="Color")
Unit = Enum("kg", "m/s", type_name="Unit")
Access = flags(Enum("Read", "Write", "Delete", type_name="Access"))


class Paint(ComplexModel):
    Color = Color
    Second = nullable(Color)
    Under = XmlAttribute(Color)
    Access = Access
    All = Array(Color)


class Enums(Service):
    @rpc(Color, _returns=Color)
    def Next(ctx: Any, color: Any) -> Any:
        return {"Red": "Green", "Green": "Blue", "Blue": "Red"}[str(color)]

    @rpc(nullable(Color), _returns=nullable(Color))
    def Maybe(ctx: Any, color: Any) -> Any:
        return color

    @rpc(Array(Color), _returns=Array(Color))
    def All(ctx: Any, colors: Any) -> Any:
        return colors

    @rpc(Unit, _returns=Unit)
    def Convert(ctx: Any, unit: Any) -> Any:
        return unit

    @rpc(Access, _returns=Access)
    def Grant(ctx: Any, access: Any) -> Any:
        return ["Read", *access]

    @rpc(Paint, _returns=Paint)
    def Same(ctx: Any, paint: Any) -> Any:
        return paint


application = AsmxApplication([Enums], "http://example.com/enums/", "Enums")
