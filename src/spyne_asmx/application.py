"""A spyne application for an endpoint: no protocols, no WSDL of spyne's, and faults instead of spyne's logging."""

from typing import Any

from spyne import Application
from spyne.interface import InterfaceDocumentsBase
from spyne.protocol import ProtocolBase

from spyne_asmx.context import AsmxContext


class NoDocuments(InterfaceDocumentsBase):
    """spyne's WSDL is not ASMX's: see wsdl.py."""

    def __init__(self, interface: Any) -> None:
        super().__init__(interface, wsdl11=None)


class AsmxApplication(Application):
    """A spyne application for AsmxEndpoint.

    ``services`` are spyne service classes, ``tns`` the namespace, ``name`` the service's name in the WSDL, ``config``
    whatever the service functions want to find at ``ctx.app.config``. Its own protocols are never asked: each call's
    context knows the form of its answer.
    """

    def __init__(self, services: Any, tns: str, name: str, config: Any = None) -> None:
        super().__init__(
            services,
            tns,
            name,
            in_protocol=ProtocolBase(),
            out_protocol=ProtocolBase(),
            config=config,
            documents_container=NoDocuments,
        )

    def process_request(self, ctx: AsmxContext) -> None:
        """Run the call with spyne's events. What a service or a listener raises is the endpoint's to answer.

        spyne's own method logs every fault with a traceback and turns what it does not know into a fault of its own.
        """
        ctx.fire_event("method_call")
        result = self.call_wrapper(ctx)
        ctx.out_object = result if len(ctx.operation.results) > 1 else [result]
        ctx.fire_event("method_return_object")
