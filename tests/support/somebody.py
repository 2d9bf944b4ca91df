"""Acting as another user for a while, to see what permissions do. Needs root."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to act as another user")


@contextmanager
def nobody() -> Iterator[None]:
    """In the block, this process acts as the user nobody. Modules must have been imported before."""
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@contextmanager
def passable_folder() -> Iterator[Path]:
    """A new folder that everybody can enter. pytest's folders are only for root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
