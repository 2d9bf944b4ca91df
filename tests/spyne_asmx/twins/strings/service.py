from typing import Any

from spyne_asmx import AsmxApplication
from spyne_asmx.spyne import Array, ComplexModel, Integer32, Service, Unicode, XmlAttribute, rpc


class Text(ComplexModel):
    Value = Unicode
    Attribute = XmlAttribute(Unicode)
    Lines = Array(Unicode)


class Strings(Service):
    @rpc(Unicode, _returns=Unicode)
    def Echo(ctx: Any, text: str | None) -> str | None:
        return text

    @rpc(Unicode, _returns=Integer32)
    def Length(ctx: Any, text: str | None) -> int:
        return -1 if text is None else len(text)

    @rpc(Text, _returns=Text)
    def Same(ctx: Any, text: Text | None) -> Text | None:
        return text

    @rpc(Unicode, _returns=Unicode)
    def Greet(ctx: Any, größe: str | None) -> str | None:
        """Greets; with <markup> & more."""
        return größe


application = AsmxApplication([Strings], "http://example.com/strings/", "Strings")
