"""The memory that processes have, as Linux counts it."""

import resource
from pathlib import Path

import pytest

needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc, which Linux has")


def resident_bytes(pid: int | str = "self") -> int:
    """Of one process; by default of this one."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def resident_bytes_of_all(pid: int) -> int:
    """Of a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(resident_bytes(each) for each in (pid, *children))
