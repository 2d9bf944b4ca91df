"""How many cores a process may use."""

import os
import sys
from pathlib import Path

import pytest

from asmx_tickets.cores import usable_cores


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def cores(folder: Path, limits: dict[str, str], own: str = "0::/") -> int:
    (folder / "own").write_text(own)
    for group, limit in limits.items():
        (folder / "groups" / group).mkdir(parents=True, exist_ok=True)
        (folder / "groups" / group / "cpu.max").write_text(limit)
    return usable_cores(folder / "own", folder / "groups")


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("max 100000\n", 8),
        ("200000 100000\n", 2),
        ("250000 100000\n", 2),
        ("50000 100000\n", 1),
        ("1600000 100000\n", 8),
        ("nonsense", 8),
        ("1 0", 8),
    ],
)
def test_a_containers_limit_counts(tmp_path: Path, limit: str, expected: int) -> None:
    """In a container its own group is the root."""
    assert cores(tmp_path, {".": limit}) == expected


def test_the_tightest_group_on_the_way_up_counts(tmp_path: Path) -> None:
    """As with systemd's CPUQuota= on a slice and on the service in it."""
    own = "1:cpu:/elsewhere\n0::/system.slice/asmx-tickets.service\n"
    service = "system.slice/asmx-tickets.service"
    assert cores(tmp_path, {service: "300000 100000"}, own) == 3
    assert cores(tmp_path, {"system.slice": "200000 100000"}, own) == 2
    assert cores(tmp_path, {service: "max 100000"}, own) == 2


def test_without_control_groups_the_affinity_counts(tmp_path: Path) -> None:
    assert usable_cores(tmp_path / "none", tmp_path / "nothing") == 8


def test_a_container_that_sees_its_outer_path_still_finds_its_limit(tmp_path: Path) -> None:
    """The path is not there in the container, its root is."""
    for own in ("0::/docker/0123456789", "0::/../../docker"):
        assert cores(tmp_path, {".": "200000 100000"}, own) == 2
