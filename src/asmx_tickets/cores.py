"""How many cores this process may use, which may be fewer than the machine has."""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_OWN_GROUP = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")


def usable_cores(own_group: Path = _OWN_GROUP, groups: Path = _GROUPS) -> int:
    """The cores that the CPU affinity and the control groups around this process allow (cgroup v2).

    Part of a core counts as one. The paths are the kernel's files: the process's group, and where groups are mounted.
    """
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, min([cores, *_group_limits(own_group, groups)]))


def _group_limits(own_group: Path, groups: Path) -> Iterator[int]:
    """The limits of the process's own group and of those above it, if they have any."""
    folder = groups
    with suppress(OSError, ValueError):
        for line in own_group.read_text().splitlines():
            hierarchy, _, path = line.partition("::")
            if (
                hierarchy == "0" and ".." not in path
            ):  # a container sees its own group as the root, or the path that it has outside
                folder = groups / path.lstrip("/")
    for group in (folder, *folder.parents):
        with suppress(OSError, ValueError, ZeroDivisionError):
            quota, period = (group / "cpu.max").read_text().split()
            yield max(1, round(int(quota) / int(period)))
        if group == groups:
            return
