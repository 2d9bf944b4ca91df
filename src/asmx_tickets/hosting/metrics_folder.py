"""The folder in which server processes keep their numbers for Prometheus, one file a kind and process."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
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


def forget_process(process: int) -> None:
    """Remove the gauges of a process that has ended; its counters stay."""
    folder = os.environ.get(VARIABLE)
    if folder:
        for file in Path(folder).glob(f"gauge_live*_{process}.db"):
            with suppress(OSError):
                file.unlink()
