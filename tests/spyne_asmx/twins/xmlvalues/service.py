from typing import Any

from lxml import etree

from spyne_asmx import AsmxApplication
from spyne_asmx.spyne import AnyXml, Array, ComplexModel, Service, Unicode, rpc


class Letter(ComplexModel):
    To = Unicode
    Body = AnyXml


class XmlValues(Service):
    @rpc(AnyXml, _returns=AnyXml)
    def Echo(ctx: Any, xml: Any) -> Any:
        return xml

    @rpc(AnyXml, _returns=AnyXml)
    def EchoDocument(ctx: Any, xml: Any) -> Any:
        return xml

    @rpc(Unicode, _returns=AnyXml)
    def Load(ctx: Any, text: str | None) -> Any:
        return None if text is None else etree.fromstring(text)

    @rpc(AnyXml, _returns=Unicode)
    def Name(ctx: Any, xml: Any) -> str:
        return "null" if xml is None else f"{etree.QName(xml).namespace or ''} {etree.QName(xml).localname}"

    @rpc(Letter, _returns=Letter)
    def Same(ctx: Any, letter: Any) -> Any:
        return letter

    @rpc(Array(AnyXml), _returns=Array(AnyXml))
    def Several(ctx: Any, all: Any) -> Any:
        return all


application = AsmxApplication([XmlValues], "http://example.com/xml/", "XmlValues")
