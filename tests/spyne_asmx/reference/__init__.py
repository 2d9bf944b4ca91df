"""Services in C# with the WSDL that Mono's ASMX generated for them, and helpers to compare ours with it."""

from pathlib import Path
from typing import Any

from lxml import etree

from spyne_asmx import ALL_BINDINGS, AsmxApplication, AsmxEndpoint, Request, Response
from spyne_asmx.http import HeaderMap
from spyne_asmx.operations import OperationTable
from spyne_asmx.soap import SOAP11, SoapVersion
from spyne_asmx.wsdl import build_wsdl

HERE = Path(__file__).parent


def namespace_of(name: str) -> str:
    return f"http://example.com/{name}"


def endpoint_of(name: str, *services: type) -> AsmxEndpoint:
    """An endpoint that serves the services as the reference of that name."""
    return AsmxEndpoint(AsmxApplication(list(services), namespace_of(name), name), f"/{name}.asmx")


def wsdl_of(endpoint: AsmxEndpoint, name: str) -> bytes:
    """The endpoint's WSDL at the address in the reference, as canonical XML."""
    application: Any = endpoint.app
    body = build_wsdl(OperationTable(application), name, f"http://localhost/{name}.asmx", ALL_BINDINGS)
    return canonical(body)


def recorded_wsdl(name: str) -> bytes:
    return canonical((HERE / f"{name}.wsdl").read_bytes())


def canonical(document: bytes) -> bytes:
    """Canonical XML, without unused declarations and without white space between elements."""
    root = etree.fromstring(document, etree.XMLParser(remove_blank_text=True))
    etree.cleanup_namespaces(root, keep_ns_prefixes=["tns", "s", *[f"s{number}" for number in range(9)]])
    return etree.tostring(root, method="c14n", pretty_print=False)


def call(
    endpoint: AsmxEndpoint, operation: str, inside: str = "", header: str | None = None, soap: SoapVersion = SOAP11
) -> Response:
    """Call a wrapped operation with this content of its element."""
    namespace = endpoint.operations.namespace
    return send(endpoint, f'<{operation} xmlns="{namespace}">{inside}</{operation}>', operation, header, soap)


def send(
    endpoint: AsmxEndpoint,
    body: str,
    action: str | None = None,
    header: str | None = None,
    soap: SoapVersion = SOAP11,
) -> Response:
    """Send an envelope with this content of its body and of its header."""
    headers = [("content-type", soap.content_type)]
    if action is not None:
        headers.append(("soapaction", f'"{endpoint.operations.namespace}/{action}"'))
    head = "" if header is None else f"<soap:Header>{header}</soap:Header>"
    envelope = (
        f'<soap:Envelope xmlns:soap="{soap.namespace}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xmlns:xsd="http://www.w3.org/2001/XMLSchema">{head}<soap:Body>{body}</soap:Body></soap:Envelope>'
    )
    return endpoint.handle(Request("POST", endpoint.path, "", HeaderMap(headers), envelope.encode()))


def get(endpoint: AsmxEndpoint, operation: str, query: str = "") -> Response:
    return endpoint.handle(Request("GET", f"{endpoint.path}/{operation}", query, HeaderMap()))


def inside(response: Response) -> str:
    """What is inside the answer's envelope."""
    text = response.body.decode()
    start = text.index(">", text.index("Envelope")) + 1
    return text[start : text.rindex("</soap:Envelope>")]
