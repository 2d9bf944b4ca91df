"""Services in C# and in Python say the same: what a real ASMX answered to the first is expected of the second."""

from collections.abc import Iterator

import pytest

from tests.spyne_asmx.twins.exchanges import NAMES, exchanges, text_of
from tests.spyne_asmx.twins.recording import asmx_of, recorded_answers, recorded_wsdl


@pytest.fixture(scope="module")
def asmx() -> Iterator[str]:
    """A real ASMX that serves every twin in C#."""
    with asmx_of(NAMES) as address:
        yield address


@pytest.mark.slow
@pytest.mark.parametrize("twin", NAMES)
def test_what_is_recorded_is_what_asmx_answers(twin: str, asmx: str) -> None:
    assert text_of(twin, "service.wsdl") == recorded_wsdl(twin, asmx)
    assert {str(exchange): exchange.recorded for exchange in exchanges(twin)} == {
        str(exchange): answer for exchange, answer in recorded_answers(twin, asmx).items()
    }
