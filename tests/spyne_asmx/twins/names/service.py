from typing import Any

from spyne_asmx import AsmxApplication
from spyne_asmx.spyne import Array, ComplexModel, Enum, Integer32, Service, Unicode, XmlAttribute, rpc

Colour = Enum("dark red", "Green", type_name="a colour")


class Thing(ComplexModel):
    __type_name__ = "My Type"
    First = Unicode(sub_name="First Name")
    Items = Array(Unicode, member_name="an item")
    Colour = Colour
    Second = Integer32(sub_name="2nd")
    Id = XmlAttribute(Unicode(sub_name="my id"))


class Names(Service):
    @rpc(Unicode(sub_name="an argument"), _returns=Unicode)
    def Echo(ctx: Any, x: str) -> str:
        return x

    @rpc(Unicode, _returns=Unicode, _in_message_name="Say It")
    def Say(ctx: Any, x: str) -> str:
        return x

    @rpc(Array(Thing), _returns=Thing.customize(max_occurs="unbounded"), _out_variable_name="the result")
    def Same(ctx: Any, things: Any) -> Any:
        return things

    @rpc(Colour, _returns=Colour)
    def Paint(ctx: Any, colour: Any) -> Any:
        return colour


application = AsmxApplication([Names], "http://example.com/names/", "Names & more")
