from typing import Any

from lxml import etree

from spyne_asmx import AsmxApplication
from spyne_asmx.spyne import Fault, Integer32, Service, Unicode, rpc


def detail(name: str, **namespaces: str) -> Any:
    error = etree.Element(name, code="17", nsmap=namespaces)
    error.text = "no <stock>"
    detail = etree.Element("detail")
    detail.append(error)
    return detail


class Faults(Service):
    @rpc(Unicode)
    def Client(ctx: Any, text: str) -> None:
        raise Fault("Client", text)

    @rpc(Unicode)
    def Server(ctx: Any, text: str) -> None:
        raise Fault("Server", text)

    @rpc(Unicode)
    def WithActor(ctx: Any, text: str) -> None:
        raise Fault("Client", text, faultactor="http://example.com/faults/actor")

    @rpc(Unicode)
    def WithDetail(ctx: Any, text: str) -> None:
        raise Fault("Client", text, faultactor="http://example.com/a", detail=detail("Error"))

    @rpc(Unicode)
    def WithNamespacedDetail(ctx: Any, text: str) -> None:
        raise Fault("Server", text, detail=detail("{urn:errors}Error", e="urn:errors"))

    @rpc(Unicode)
    def WithOwnCode(ctx: Any, text: str) -> None:
        raise Fault("Client.Auth", text)

    @rpc(Integer32, _returns=Integer32)
    def Bug(ctx: Any, n: int) -> int:
        return 1 // n


application = AsmxApplication([Faults], "http://example.com/faults/", "Faults")
