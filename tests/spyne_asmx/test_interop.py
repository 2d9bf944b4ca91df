"""The services of spyne's own interoperability tests: they start here, and every operation answers zeep."""

import logging
from typing import Any

import pytest

from spyne_asmx import AsmxApplication, AsmxEndpoint
from tests.spyne_asmx.test_twins import wsdl_of
from tests.spyne_asmx.twins.zeep_client import conversation
from tests.support.zeep import EndpointTransport

NAMESPACE = "spyne.test.interop.server"
DICTIONARY = "echo_any_as_dict"
# These operations answer with a fault under plain spyne too. The faults, over SOAP 1.1 and over SOAP 1.2:
_DOCUMENTED = ("soap:Client.Documented: A documented fault", "soap:Sender: A documented fault")
_PLAUSIBLE = ("Plausible: A plausible fault", "soap:Receiver: A plausible fault")
_BUG = ("soap:Server: the run-time's text", "soap:Receiver: the run-time's text")
FAULTS = {
    "documented_exception": _DOCUMENTED,
    "soap_exception": _PLAUSIBLE,
    "python_exception": _BUG,  # raises an exception that is not a Fault
    "return_invalid_data": _BUG,  # returns text where it declares a number
    "echo_array_in_array": _BUG,  # returns an array where it declares an array of arrays
    "huge_number": _BUG,  # returns a number of more digits than Python converts
}


def _services() -> list[Any]:
    """spyne's service classes; the module sets the log level of everything when it is imported."""
    level = logging.root.level
    from spyne.test.interop.server import _service

    logging.root.setLevel(level)
    return list(_service.services)


SERVICES = _services()


def endpoint(service: Any) -> AsmxEndpoint:
    return AsmxEndpoint(AsmxApplication([service], NAMESPACE, "Interop"), "/service.asmx")


@pytest.fixture
def served(service: Any, monkeypatch: pytest.MonkeyPatch) -> AsmxEndpoint:
    """The service without the operation that has such a type."""
    kept = {name: method for name, method in service.public_methods.items() if name != DICTIONARY}
    monkeypatch.setattr(service, "public_methods", type(service.public_methods)(kept))
    return endpoint(service)


def test_a_type_that_xml_schema_cannot_describe_is_refused() -> None:
    primitive = next(service for service in SERVICES if DICTIONARY in service.public_methods)
    with pytest.raises(TypeError) as refused:
        endpoint(primitive)
    assert str(refused.value) == f"{DICTIONARY}: AnyDict is not supported"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("service", SERVICES, ids=[service.__name__ for service in SERVICES])
def test_every_operation_answers_over_both_soap_versions(service: Any, served: AsmxEndpoint) -> None:
    answers = conversation(wsdl_of(served).encode(), EndpointTransport(served))
    assert len(answers) == 2 * len(service.public_methods) > 0
    for place, answer in answers.items():
        port, operation = place.split()
        if operation in FAULTS:
            assert answer == f"fault {FAULTS[operation][port == 'InteropSoap12']}"
        else:
            assert not answer.startswith("fault "), place
