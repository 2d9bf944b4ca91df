"""`asmx-tickets wsdl`."""

from pathlib import Path

import pytest
from lxml import etree

from tests.support.command_line import Run

LOCATIONS = "//*[local-name()='port']/*[local-name()='address']/@location"


def locations(output: bytes) -> set[str]:
    """The addresses in a service description."""
    return set(map(str, etree.fromstring(output).xpath(LOCATIONS)))


def test_the_address_is_the_one_given(run: Run) -> None:
    """In every port of the service description."""
    result = run("wsdl", "--url", "https://tickets.example.com/srv.asmx")
    assert locations(result.stdout_bytes) == {"https://tickets.example.com/srv.asmx"}


def test_the_address_is_that_of_the_settings_by_default(run: Run, folder: Path) -> None:
    """With the path base, and with a host that a client can use; nothing is written to disk."""
    result = run("wsdl", env={"Urls": "http://*:8080", "PathBase": "/InfoRouter"})
    assert locations(result.stdout_bytes) == {"http://localhost:8080/InfoRouter/srv.asmx"}
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("address", ["tickets.example.com", "ftp://tickets.example.com/", ""])
def test_what_is_no_web_address_is_wrong_use(run: Run, address: str) -> None:
    """Exit code 2."""
    run("wsdl", "--url", address, exit_code=2)
