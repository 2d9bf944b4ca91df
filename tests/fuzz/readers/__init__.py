"""The harnesses. Each is a module with ``check(data)``, which raises when a property does not hold; ``TOKENS``, pieces
that get mutations further than random bytes do; and ``MAX_LENGTH``, the length of the longest input that is tried.

No reader is imported here: a fuzzer instruments what is imported after it.
"""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

NAMES = ("xml", "soap", "forms", "carriers", "guid", "settings", "snapshot")
CORPUS = Path(__file__).parent.parent / "corpus"


class Reader(Protocol):
    """What a harness has."""

    TOKENS: tuple[bytes, ...]
    MAX_LENGTH: int
    check: Callable[[bytes], None]


def load(name: str) -> Reader:
    """Import a harness."""
    return cast(Reader, importlib.import_module(f"{__name__}.{name}"))


def kept_inputs(name: str) -> list[Path]:
    """The files of a reader's corpus."""
    return sorted((CORPUS / name).iterdir())
