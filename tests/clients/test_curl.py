"""Shell scripts with curl run the whole scenario over every binding."""

import subprocess
from typing import Any

import lxml.html
import pytest
from lxml import etree

from tests.clients import scenario
from tests.support.programs import Ran, needs, output_of
from tests.support.service import NAMESPACE, envelope

CONTENT_TYPES = {
    "1.1": "text/xml; charset=utf-8",
    "1.2": f'application/soap+xml; charset=utf-8; action="{NAMESPACE}%s"',
}


def curl(*arguments: str, data: bytes = b"") -> tuple[str, bytes]:
    """Status with content type, and body, of what curl was answered."""
    command = ["curl", "-s", "-S", "-w", r"\n%{http_code} %{content_type}", *arguments]
    done = subprocess.run(command, input=data, capture_output=True, check=True, timeout=30)
    body, _, status = done.stdout.rpartition(b"\n")
    return status.decode(), body


def curl_version() -> str:
    return output_of("curl", "--version").split()[1]


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_soap(version: str, address: str, ran: Ran) -> None:
    """An envelope from standard input; a fault is an envelope too, with status 500."""
    needs("curl", "curl")
    namespace = scenario.ENVELOPES[version]

    def send(operation: str, data: bytes) -> tuple[str, Any]:
        headers = ["-H", f"Content-Type: {CONTENT_TYPES[version].replace('%s', operation)}"]
        if version == "1.1":
            headers += ["-H", f'SOAPAction: "{NAMESPACE}{operation}"']
        status, body = curl(*headers, "--data-binary", "@-", address, data=data)
        return status, etree.fromstring(body)

    def call(operation: str, **parameters: str) -> Any:
        status, answer = send(operation, envelope(operation, parameters, soap=namespace))
        assert status.startswith("200 ")
        assert answer.tag == f"{{{namespace}}}Envelope"
        return answer.find(".//root")

    scenario.check(scenario.run(call))
    status, answer = send("Nope", envelope("Nope", {}, soap=namespace))
    assert status == f"500 {CONTENT_TYPES[version].partition(';')[0]}; charset=utf-8"
    code, text = scenario.UNKNOWN_ACTION
    said = " ".join(answer.find(f".//{{{namespace}}}Fault").itertext())
    if version == "1.2":  # which goes by the body
        code, text = "Sender", scenario.UNKNOWN_ELEMENT
    assert said.split(" ", 1) == [f"soap:{code}", text]
    ran("curl", curl_version(), f"SOAP {version}")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_forms(method: str, address: str, ran: Ran) -> None:
    """Parameters in the query or in the body; what is wrong is said in a line of plain text, with status 500."""
    needs("curl", "curl")
    get = ["-G"] if method == "GET" else []

    def send(operation: str, **parameters: str) -> tuple[str, bytes]:
        fields = [argument for pair in parameters.items() for argument in ("--data-urlencode", "=".join(pair))]
        return curl(*get, *(fields or ["-d", ""]), f"{address}/{operation}")

    def call(operation: str, **parameters: str) -> Any:
        status, body = send(operation, **parameters)
        assert status == "200 text/xml; charset=utf-8"
        return etree.fromstring(body)

    scenario.check(scenario.run(call))
    assert send("AuthenticateUser", UID="jsmith") == ("500 text/plain; charset=utf-8", b"Missing parameter: PWD.")
    ran("curl", curl_version(), f"HTTP {method}")


@pytest.mark.parametrize("operation", scenario.OPERATIONS)
def test_the_command_on_an_operations_page(operation: str, address: str) -> None:
    """It does what the page says: the demo's secrets stand in it, and its ticket is made up."""
    needs("curl", "curl")
    page = lxml.html.fromstring(curl(f"{address}?op={operation}")[1])
    (command,) = page.xpath("//div[@class='command']//code")
    done = subprocess.run(["sh", "-c", f"{command.text_content()} -sS"], capture_output=True, check=True, timeout=30)
    root = etree.fromstring(done.stdout)
    refused = {"isValidTicket", "GetCurrentUser", "LogOut"}
    assert (root.tag, root.get("success")) == ("root", "false" if operation in refused else "true")
