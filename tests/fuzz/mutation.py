"""The search without atheris: hypothesis edits the bytes of known inputs, and nothing guides it."""

import time
from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

BATCH = 200  # Inputs that are tried before the clock is read again.
_ANYWHERE = st.integers(0, 1 << 16)


def edited(seeds: Sequence[bytes], tokens: Sequence[bytes], max_length: int) -> st.SearchStrategy[bytes]:
    """Known inputs after a few edits: pieces inserted, removed, overwritten, repeated, or taken from another input."""
    piece = st.sampled_from(tokens) | st.binary(min_size=1, max_size=4)
    known = st.sampled_from(seeds) if seeds else st.just(b"")
    edit = st.one_of(
        st.tuples(st.just("insert"), _ANYWHERE, piece),
        st.tuples(st.just("overwrite"), _ANYWHERE, piece),
        st.tuples(st.just("remove"), _ANYWHERE, st.binary(min_size=1, max_size=16)),
        st.tuples(st.just("repeat"), _ANYWHERE, st.binary(min_size=1, max_size=64)),
        st.tuples(st.just("splice"), _ANYWHERE, known),
    )
    return st.builds(
        lambda start, edits: _applied(start, edits)[:max_length],
        known | st.binary(max_size=64),
        st.lists(edit, max_size=6),
    )


def _applied(data: bytes, edits: list[tuple[str, int, bytes]]) -> bytes:
    for what, place, piece in edits:
        at = place % (len(data) + 1)
        end = at + len(piece)
        data = {
            "insert": data[:at] + piece + data[at:],
            "overwrite": data[:at] + piece + data[end:],
            "remove": data[:at] + data[end:],
            "repeat": data[:end] + data[at:],
            "splice": data[:at] + piece[at:],
        }[what]
    return data


def search(
    check: Callable[[bytes], None], inputs: st.SearchStrategy[bytes], seconds: float
) -> tuple[int, bytes | None, Exception | None]:
    """Try inputs until the time is over. Returns their number, the smallest input that fails, and its error."""
    tried = 0
    failing: bytes | None = None

    def attempt(data: bytes) -> None:
        nonlocal tried, failing
        tried += 1
        try:
            check(data)
        except Exception:
            failing = data  # The last one that fails is the smallest that hypothesis has found.
            raise

    batch = settings(
        max_examples=BATCH,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )(given(inputs)(attempt))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            batch()
        except Exception as error:
            return tried, failing, error
    return tried, None, None
