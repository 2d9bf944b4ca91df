"""The services with which spyne tests its own interoperability start, and zeep is answered by every operation."""

import logging
from typing import Any

import pytest

from spyne_asmx import AsmxApplication, AsmxEndpoint
from tests.spyne_asmx.test_twins import wsdl_of
from tests.spyne_asmx.twins.zeep_client import conversation
from tests.support.zeep import EndpointTransport

NAMESPACE = "spyne.test.interop.server"
DICTIONARY = "echo_any_as_dict"
# What these operations answer is a fault with plain spyne too.
FAULTS = {
    "documented_exception": "fault soap:Client.Documented: A documented fault",
    "soap_exception": "fault Plausible: A plausible fault",
}
BROKEN = {
    "python_exception": "raises what is no fault",
    "return_invalid_data": "gives a text where it declares a number",
    "echo_array_in_array": "gives an array where it declares an array of arrays",
    "huge_number": "gives a number of more digits than Python writes",
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
    """The service without the operation that is not served."""
    kept = {name: method for name, method in service.public_methods.items() if name != DICTIONARY}
    monkeypatch.setattr(service, "public_methods", type(service.public_methods)(kept))
    return endpoint(service)


def test_what_neither_the_wire_nor_asmx_has_a_word_for_is_refused_by_name() -> None:
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
        if operation in BROKEN:
            assert answer.startswith("fault "), BROKEN[operation]
        elif operation in FAULTS:
            assert port != "InteropSoap" or answer == FAULTS[operation]
        else:
            assert not answer.startswith("fault "), place
