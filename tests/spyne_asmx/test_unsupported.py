"""What an endpoint does not serve is refused when it is built."""

from typing import Any

import pytest

from spyne_asmx import AsmxApplication, AsmxEndpoint
from spyne_asmx.spyne import ComplexModel, Service, Unicode, rpc


class Session(ComplexModel):
    Key = Unicode


async def _waits(ctx: Any, text: str) -> str:
    return text


def _echoes(ctx: Any, text: Any) -> Any:
    return text


CASES = {
    "in headers": ({"_in_header": (Session,)}, "Echo: headers (__in_header__, _in_header) are not supported"),
    "out header": ({"_out_header": Session}, "Echo: headers (__out_header__, _out_header) are not supported"),
    "bare": ({"_body_style": "bare"}, "Echo: the bare body style is not supported"),
    "out bare": ({"_body_style": "out_bare"}, "Echo: the bare body style is not supported"),
    "variable": ({"_out_variable_name": "code"}, "Echo: _out_variable_name is not supported"),
    "in name": ({"_in_message_name": "Ask"}, "Echo: _in_message_name is not supported"),
    "out name": ({"_out_message_name": "Told"}, "Echo: _out_message_name is not supported"),
}


def build(function: Any, **options: Any) -> AsmxEndpoint:
    function.__name__ = "Echo"
    service = type("Echoes", (Service,), {"Echo": rpc(Unicode, _returns=Unicode, **options)(function)})
    return AsmxEndpoint(AsmxApplication([service], "urn:x", "Echoes"), "/e.asmx")


@pytest.mark.parametrize(("options", "message"), CASES.values(), ids=CASES)
def test_a_feature_that_is_not_served_is_refused(options: Any, message: str) -> None:
    with pytest.raises(TypeError) as refused:
        build(lambda ctx, text: text, **options)
    assert str(refused.value) == message


def test_a_coroutine_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^Echo: async def is not supported$"):
        build(_waits)


def test_what_is_served_is_built() -> None:
    assert build(_echoes).operations.by_name.keys() == {"Echo"}
