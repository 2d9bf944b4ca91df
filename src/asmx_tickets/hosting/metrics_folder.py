"""The folder in which server processes keep their numbers for Prometheus, one file a kind and process."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_SIZES = {"histogram": 1 << 20} | dict.fromkeys(
    ("counter", "gauge_livemax", "gauge_livemin", "gauge_livemostrecent", "gauge_livesum"), 1 << 16
)
"""The files of a process and their sizes: enough for every label, as a test checks. Their names and their first four
bytes, how much is used, are private to prometheus-client, so its minor version is pinned."""

_HEADER = 8
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made there


@contextmanager
def metrics_folder() -> Iterator[None]:
    """Make the folder for the processes that are forked meanwhile: in memory, where the system has a place for that."""
    in_memory = _MEMORY if os.access(_MEMORY, os.W_OK | os.X_OK) else None
    folder = tempfile.mkdtemp(prefix="asmx-tickets-metrics-", dir=in_memory)
    os.environ[VARIABLE] = folder
    try:
        yield
    finally:
        del os.environ[VARIABLE]
        shutil.rmtree(folder, ignore_errors=True)


def reserve_room(process: int) -> None:
    """Take up all the room that a process may need for its numbers, before prometheus-client maps the files.

    Where that is full later, a process that writes into a page which has no place yet is killed (SIGBUS). Raises
    OSError if there is too little room, and leaves none taken up.
    """
    folder = os.environ.get(VARIABLE)
    if not folder or sys.platform != "linux":
        return
    try:
        for kind, size in _SIZES.items():
            with (Path(folder) / f"{kind}_{process}.db").open("xb") as file:
                os.posix_fallocate(file.fileno(), 0, size)
    except OSError:
        for made in Path(folder).glob(f"*_{process}.db"):
            made.unlink()
        raise


def forget_process(process: int) -> None:
    """Remove the gauges of a process that has ended; its counters stay, without the room that they did not need."""
    folder = os.environ.get(VARIABLE)
    for file in Path(folder).glob(f"*_{process}.db") if folder else ():
        with suppress(OSError):
            if file.name.startswith("gauge_live"):
                file.unlink()
            else:
                with file.open("rb") as numbers:
                    used = int.from_bytes(numbers.read(4), sys.byteorder)
                os.truncate(file, max(used, _HEADER))
