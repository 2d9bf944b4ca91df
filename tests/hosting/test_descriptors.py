"""The number of clients that a process has file descriptors for."""

import resource
import sys

import pytest

from asmx_tickets.errors import SettingsError
from asmx_tickets.hosting.descriptors import most_connections
from asmx_tickets.hosting.door import MOST_CONNECTIONS

if sys.platform == "win32":
    pytest.skip("Windows has no such limit", allow_module_level=True)


@pytest.mark.parametrize(
    ("soft", "hard", "raised", "clients"),
    [
        (80, 80, 80, 16),
        (256, 1024, 1024, 960),
        (1024, 4_000_000, 65536, MOST_CONNECTIONS),
        (1024, resource.RLIM_INFINITY, 65536, MOST_CONNECTIONS),
        (100_000, 100_000, 100_000, MOST_CONNECTIONS),
    ],
)
def test_the_limit_is_raised_and_some_descriptors_are_kept_back(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, raised: int, clients: int
) -> None:
    limits = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, limit: limits.append(limit))
    assert most_connections() == clients
    assert limits[-1] == (raised, hard)


def test_a_limit_that_leaves_none_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (24, 24))
    with pytest.raises(SettingsError, match=r"may have 24 open files and needs 80: raise its limit \(ulimit -n"):
        most_connections()
