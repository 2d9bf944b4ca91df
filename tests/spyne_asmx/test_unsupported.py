"""What an endpoint does not serve is refused when it is built."""

from typing import Any

import pytest

from spyne_asmx import AsmxApplication, AsmxEndpoint
from spyne_asmx.spyne import Service, Unicode, rpc


async def _waits(ctx: Any, text: str) -> str:
    return text


def _echoes(ctx: Any, text: Any) -> Any:
    return text


def build(function: Any, **options: Any) -> AsmxEndpoint:
    function.__name__ = "Echo"
    service = type("Echoes", (Service,), {"Echo": rpc(Unicode, _returns=Unicode, **options)(function)})
    return AsmxEndpoint(AsmxApplication([service], "urn:x", "Echoes"), "/e.asmx")


def test_a_coroutine_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^Echo: async def is not supported$"):
        build(_waits)


def test_what_is_served_is_built() -> None:
    assert build(_echoes).operations.by_name.keys() == {"Echo"}
