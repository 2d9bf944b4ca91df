"""zeep, made from the WSDL that the server serves, runs the whole scenario over both SOAP ports."""

from importlib.metadata import version as installed_version
from typing import Any

import pytest
import zeep
from lxml import etree
from zeep.exceptions import Fault
from zeep.plugins import HistoryPlugin

from tests.clients import scenario
from tests.support.programs import Ran


@pytest.mark.parametrize(("version", "port"), [("1.1", "srvSoap"), ("1.2", "srvSoap12")])
def test_zeep(version: str, port: str, address: str, ran: Ran) -> None:
    """A fault raises zeep's Fault."""
    history = HistoryPlugin()
    client = zeep.Client(f"{address}?WSDL", plugins=[history])
    service = client.bind("srv", port)

    def call(operation: str, **parameters: str) -> Any:
        return service[operation](**parameters)

    scenario.check(scenario.run(call))

    header = etree.Element("{urn:example}Unknown")
    header.set(f"{{{scenario.ENVELOPES[version]}}}mustUnderstand", "1")
    with pytest.raises(Fault) as raised:
        service.ServerInfo(_soapheaders=[header])
    fault = {
        "type": "Fault",
        "code": raised.value.code,
        "text": raised.value.message,
        "envelope": etree.QName(history.last_received["envelope"]).namespace,
    }
    scenario.check_fault(fault, "Fault", scenario.NOT_UNDERSTOOD, version)
    ran("zeep", installed_version("zeep"), f"SOAP {version}")
