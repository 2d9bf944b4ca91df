"""The error when a package is missing."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from asmx_tickets.extras import missing, requirements

PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def bounds(requirement: str) -> list[str]:
    """A requirement as a package with its bounds, in any order."""
    return sorted(requirement.replace("<", ",<").replace(">", ",>").replace(",,", ",").split(","))


@pytest.mark.parametrize("extra", [name for name, wanted in EXTRAS.items() if "asmx-tickets" not in wanted[0]])
def test_what_is_missing_is_named_as_the_project_declares_it(extra: str) -> None:
    """Package by package, with the versions that will do. The order of the bounds is the packager's."""
    assert sorted(map(bounds, requirements(extra))) == sorted(map(bounds, EXTRAS[extra]))


def test_pip_takes_the_command_as_it_is_printed() -> None:
    """A shell must not see redirections in it. The packages are installed here, so nothing is fetched."""
    printed = str(missing("ConnectionStrings:Tickets", "redis"))
    command = printed.partition("not installed: ")[2]
    assert command.startswith("pip install 'redis[hiredis]")
    command = command.replace("pip", f"{sys.executable} -m pip", 1) + " --no-index --dry-run --quiet"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
