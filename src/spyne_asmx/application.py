"""A spyne application for an endpoint: without spyne's protocols and WSDL, and without its logging of faults."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from spyne import Application, Ignored
from spyne.interface import InterfaceDocumentsBase
from spyne.protocol.xml import XmlDocument

from spyne_asmx.context import AsmxContext
from spyne_asmx.typenames import types_within


class NoDocuments(InterfaceDocumentsBase):
    """Keeps spyne from building a WSDL of its own: wsdl.py writes the one that ASMX has."""

    def __init__(self, interface: Any) -> None:
        super().__init__(interface, wsdl11=None)


class SoapDocument(XmlDocument):
    """What services and listeners find as their context's protocol. The bindings do its work."""

    type = XmlDocument.type | {"soap"}


class AsmxApplication(Application):
    """A spyne application for AsmxEndpoint.

    ``services`` are spyne service classes, ``tns`` the namespace, ``name`` the service's name in the WSDL, ``config``
    whatever the service functions want to find at ``ctx.app.config``. ``classes`` are object types that no operation
    names but that values of C#'s ``object`` may have (XmlInclude). The application's own protocols are never used:
    each call's context knows the form of its answer.
    """

    def __init__(self, services: Any, tns: str, name: str, config: Any = None, classes: Iterable[Any] = ()) -> None:
        with _namespaces_kept(services):
            super().__init__(
                services,
                tns,
                name,
                in_protocol=SoapDocument(),
                out_protocol=SoapDocument(),
                config=config,
                documents_container=NoDocuments,
            )
        self.classes = tuple(classes)

    def process_request(self, ctx: AsmxContext) -> None:
        """Run the call with spyne's events. The endpoint answers what a service or a listener raises, or sets as error.

        spyne's own method logs every fault with a traceback and turns unknown exceptions into a fault of its own.
        """
        if ctx.in_error is not None:
            raise ctx.in_error
        ctx.fire_event("method_call")
        result = self.call_wrapper(ctx)
        if isinstance(result, Ignored):  # spyne's word for a result that only direct callers get
            result = None if len(ctx.operation.results) <= 1 else ()
        ctx.out_object = result if len(ctx.operation.results) > 1 else [result]
        ctx.fire_event("method_return_object")
        if ctx.out_error is not None:
            raise ctx.out_error


@contextmanager
def _namespaces_kept(services: Any) -> Iterator[None]:
    """Leave the namespaces of messages and types as they were declared.

    spyne gives each class without a namespace that of the first application which uses it.
    """
    declared = {kind: kind.__dict__.get("__namespace__", _INHERITED) for kind in _declared_types(services)}
    try:
        yield
    finally:
        for kind, namespace in declared.items():
            if namespace is not _INHERITED:
                kind.__namespace__ = namespace
            elif "__namespace__" in kind.__dict__:
                del kind.__namespace__


_INHERITED = object()


def _beside(service: Any, descriptor: Any) -> list[Any]:
    """The headers of a method, or those of its service if it has none, and its faults."""
    headers = descriptor.in_header or service.__in_header__, descriptor.out_header or service.__out_header__
    declared = (*headers, descriptor.faults)
    return [kind for kinds in declared for kind in (kinds if isinstance(kinds, list | tuple) else (kinds,))]


def _declared_types(services: Any) -> set[Any]:
    """The messages, headers and faults of the services, and all types in them."""
    return types_within(
        kind
        for service in services
        for descriptor in service.public_methods.values()
        for kind in (descriptor.in_message, descriptor.out_message, *_beside(service, descriptor))
    )
