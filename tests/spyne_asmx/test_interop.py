"""spyne's own interoperability services, as they are installed with it, are served and answer."""

from io import BytesIO
from typing import Any

import pytest
import zeep
from spyne.test.interop.server import _service as interop

from spyne_asmx import ALL_BINDINGS, AsmxApplication, AsmxEndpoint, Binding, Request
from spyne_asmx.http import HeaderMap
from spyne_asmx.spyne import Service
from tests.support.zeep import EndpointTransport

NAMESPACE = "spyne.test.interop.server"


def _served(service: type[Service]) -> type[Service]:
    """The service without what is refused (AnyDict), and without formats that are none."""
    served = type(service.__name__, (Service,), {})
    for name in ("__in_header__", "__out_header__"):
        setattr(served, name, getattr(service, name))
    served.public_methods = {
        name: descriptor
        for name, descriptor in service.public_methods.items()
        if name != "echo_any_as_dict" and not name.endswith("_with_invalid_format")
    }
    return served


@pytest.fixture(scope="module")
def client() -> Any:
    application = AsmxApplication([_served(service) for service in interop.services], NAMESPACE, "Interop")
    # Without forms: their arrays have zeep look for the schema of SOAP's encoding in the network.
    endpoint = AsmxEndpoint(application, "/interop.asmx", ALL_BINDINGS - {Binding.GET, Binding.POST})
    document = endpoint.handle(Request("GET", endpoint.path, "wsdl", HeaderMap())).body
    return zeep.Client(BytesIO(document), transport=EndpointTransport(endpoint))


@pytest.mark.parametrize(
    ("operation", "value"),
    [
        ("echo_integer", 3),
        ("echo_string", "é <&>"),
        ("echo_boolean", True),
        ("echo_double", 1.5),
        ("echo_enum", "Monday"),
        ("echo_bytearray", b"\0\1"),
        ("echo_simple_bare", "bare"),
    ],
)
def test_simple_values_come_back(client: Any, operation: str, value: Any) -> None:
    assert client.service[operation](value) == value


def test_arrays_and_objects_come_back(client: Any) -> None:
    assert client.service.echo_integer_array({"integer": [1, 2]}) == [1, 2]
    assert client.service.echo_complex_bare(["a", "b"]) == ["a", "b"]
    assert client.service.echo_simple_class({"i": 1, "s": "x"}) is not None
    extended = client.service.echo_extension_class(
        {"q": 4, "i": 2, "f": 1.5, "l": "2026-01-02T03:04:05", "p": {"dt": "2026-01-02T03:04:05", "i": 1, "s": "z"}}
    )
    assert (extended.q, extended.i, extended.p.s) == (4, 2, "z")


def test_headers_come_and_go(client: Any) -> None:
    element = client.get_element(f"{{{NAMESPACE}}}InHeader")
    echoed = client.service.echo_in_header(_soapheaders=[element(s="x", i=3)])
    assert (echoed.body.echo_in_headerResult.s, echoed.body.echo_in_headerResult.i) == ("x", 3)
    sent = client.service.send_out_header()
    assert sent.header.OutHeader.f == pytest.approx(3.141592653)
    both = client.service.send_out_complex_header()
    assert both.header.OutTraceHeader.receiptDate.year == 2000


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        ("python_exception", "Server was unable to process request"),
        ("soap_exception", "A plausible fault"),
        ("documented_exception", "A documented fault"),
    ],
)
def test_exceptions_are_faults(client: Any, operation: str, text: str) -> None:
    with pytest.raises(zeep.exceptions.Fault, match=text):
        client.service[operation]()
