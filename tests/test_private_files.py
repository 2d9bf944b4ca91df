"""Files and folders that only their owner may use, whatever the umask is."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from asmx_tickets.private_files import make_private_file, make_private_folder


@pytest.fixture(params=[0o000, 0o022, 0o277])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_the_owner_may_read_and_write_and_nobody_else_may(tmp_path: Path) -> None:
    folder = tmp_path / "outer" / "inner"
    make_private_folder(folder)
    os.close(make_private_file(folder / "file"))
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder.parent, folder, folder / "file")]
    assert modes == [0o700, 0o700, 0o600]
