"""The files of the numbers for Prometheus, in a file system that becomes full."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from asmx_tickets.hosting import metrics_folder
from asmx_tickets.hosting.metrics_folder import VARIABLE, forget_process, reserve_room

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="files are reserved on Linux alone")

# Counts everything that can be counted, and ends as its process number.
_COUNT_ALL = """
import os
from asmx_tickets.hosting.metrics_folder import reserve_room
reserve_room(os.getpid())
from http import HTTPStatus
from itertools import product
from asmx_tickets.hosting.metrics import Metrics
from asmx_tickets.presence import Presence
from asmx_tickets.service import ticket_application
from spyne_asmx import Binding, OperationTable
metrics = Metrics()
operations = [each.name for each in OperationTable(ticket_application(None)).by_name.values()]
assert len(operations) == 8
for each in product(operations, (str(binding.value) for binding in Binding), ("ok", "refused", "unavailable", "fault")):
    metrics._call(*each).observe(0.1)
for status in HTTPStatus:
    metrics._answer(str(status.value)).inc()
for by, outcome, reason in product(("password", "trusted"), ("accepted", "refused", "throttled"), range(20)):
    metrics._logins.labels(by, outcome, f"reason of some words {reason}").inc()
for store in ("users", "tickets", "audit"):
    presence = Presence(store)
    metrics.watch(store, presence)
    presence.ask(lambda: None)
for outcome in ("written", "lost"):
    metrics._audit_lines.labels(outcome).inc()
print(os.getpid())
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    return tmp_path


def test_all_that_can_be_counted_has_its_place_before_it_is_counted(folder: Path) -> None:
    """A page that has none when the disk is full would kill the process that writes into it."""
    done = subprocess.run([sys.executable, "-c", _COUNT_ALL], capture_output=True, text=True, timeout=60, check=True)
    sizes = {file.name: file.stat().st_size for file in folder.iterdir()}
    assert sizes == {f"{kind}_{done.stdout.strip()}.db": size for kind, size in metrics_folder._SIZES.items()}
    for file in folder.iterdir():
        assert file.stat().st_blocks * 512 >= file.stat().st_size
    forget_process(int(done.stdout))
    kept = {file.name.partition("_")[0]: file.stat().st_size for file in folder.iterdir()}
    assert kept.keys() == {"counter", "histogram"}
    assert all(0 < kept[kind] < metrics_folder._SIZES[kind] for kind in kept)


def test_where_there_is_too_little_room_none_is_taken_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(metrics_folder._SIZES, "gauge_livesum", 1 << 60)
    with pytest.raises(OSError, match=r"No space left|too large"):
        reserve_room(os.getpid())
    assert list(folder.iterdir()) == []


def test_what_ended_processes_have_counted_stays(folder: Path) -> None:
    """Read by prometheus-client from the files that were cut."""
    processes = [
        subprocess.run(
            [sys.executable, "-c", _COUNT_ALL], capture_output=True, text=True, timeout=60, check=True
        ).stdout
        for _ in range(2)
    ]
    for process in processes:
        forget_process(int(process))
    read = "from prometheus_client import CollectorRegistry, generate_latest\n"
    read += "from prometheus_client.multiprocess import MultiProcessCollector\n"
    read += "r = CollectorRegistry(); MultiProcessCollector(r); print(generate_latest(r).decode())"
    told = subprocess.run([sys.executable, "-c", read], capture_output=True, text=True, timeout=60, check=True).stdout
    assert 'asmx_tickets_answers_total{status="200"} 2.0' in told
