"""What the help pages show of the ticket service: an example of each operation, and what its docstring says."""

import inspect

import pytest

from asmx_tickets.access import refusals
from asmx_tickets.examples import examples
from asmx_tickets.service import ticket_application
from asmx_tickets.settings.model import Settings
from spyne_asmx import OperationTable
from tests.contract.test_operations import OPERATIONS
from tests.support.service import Service

FACTS = Settings().server_info.facts()
ATTRIBUTES = {operation: attributes for operation, _, attributes in OPERATIONS}
TABLE = OperationTable(ticket_application(None)).by_name
TEXTS = {
    refusal.text
    for _, refusal in inspect.getmembers(refusals, inspect.isclass)
    if issubclass(refusal, refusals.Refused) and refusal is not refusals.Refused
}

every_operation = pytest.mark.parametrize("name", TABLE)


@every_operation
def test_each_operation_has_an_example_of_the_contracts_answer(name: str) -> None:
    example = examples(FACTS)[name]
    assert list(example.values) == [parameter.name for parameter in TABLE[name].parameters]
    assert example.answer.name == "root"
    assert list(example.answer.attributes) == ATTRIBUTES[name].split()


@every_operation
def test_an_example_is_in_the_dialect_of_the_settings(name: str) -> None:
    answer = examples(FACTS, "response")[name].answer
    assert (answer.name, answer.attributes["error"]) == ("response", "")


@every_operation
def test_each_parameter_has_a_meaning_and_each_error_is_a_refusal(name: str) -> None:
    """ServerInfo can't be refused."""
    operation = TABLE[name]
    assert len(operation.notes.parameters) == len(operation.parameters)
    assert all(operation.notes.parameters.values())
    assert {text for text, _ in operation.notes.errors} <= TEXTS
    assert all(reason for _, reason in operation.notes.errors)
    assert bool(operation.notes.errors) is (name != "ServerInfo")


@every_operation
def test_a_page_shows_all_of_it(service: Service, name: str) -> None:
    page = service.http.get(f"/srv.asmx?op={name}").text
    assert page.count('class="meaning"') == len(TABLE[name].parameters)
    assert "&lt;root success=&#34;true&#34;" in page
    assert f"curl http://localhost/srv.asmx/{name}" in page
    assert all(text in page for text, _ in TABLE[name].notes.errors)
    assert f"<title>{name} – srv – asmx-tickets " in page
