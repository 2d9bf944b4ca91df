"""Which argument a value becomes where only letter case tells two parameters apart."""

from typing import Any

import pytest

from spyne_asmx import AsmxEndpoint
from spyne_asmx.spyne import Array, Integer32, Service, Unicode, rpc
from tests.spyne_asmx.reference import call, endpoint_of, get, inside


class Cases(Service):
    @rpc(Unicode, Unicode, Array(Integer32), _returns=Unicode)
    def Both(ctx: Any, a: str | None, A: str | None, n: list[int] | None) -> str:  # noqa: N803
        return f"{a} {A} {n}"

    @rpc(Unicode, _returns=Unicode)
    def One(ctx: Any, name: str | None) -> str:
        return f"{name}"


@pytest.fixture(scope="module")
def cases() -> AsmxEndpoint:
    return endpoint_of("cases", Cases)


@pytest.mark.parametrize(
    ("operation", "given", "said"),
    [
        ("Both", "<a>1</a><A>2</A>", "1 2 None"),
        ("Both", "<A>2</A><a>1</a>", "1 2 None"),
        ("Both", "<a>1</a>", "1 None None"),
        ("Both", "<A>2</A>", "None 2 None"),
        ("Both", "<N><int>3</int></N>", "None None [3]"),
        ("One", "<Name>x</Name>", "x"),
    ],
)
def test_a_parameters_own_name_counts_first(cases: AsmxEndpoint, operation: str, given: str, said: str) -> None:
    assert f">{said}<" in inside(call(cases, operation, given))


@pytest.mark.parametrize(
    ("operation", "form", "said"),
    [("Both", "a=1&A=2&n=3&n=4", "1 2 [3, 4]"), ("Both", "A=2&a=1&n=3", "1 2 [3]"), ("One", "NAME=x", "x")],
)
def test_a_forms_fields_are_told_apart(cases: AsmxEndpoint, operation: str, form: str, said: str) -> None:
    assert f">{said}<" in get(cases, operation, form).body.decode()
