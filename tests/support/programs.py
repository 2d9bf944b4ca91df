"""Running the programs of real clients."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1] / "clients"
NODE = HERE / "node"
Ran = Callable[[str, str, str], None]


def needs(package: str, *programs: str) -> None:
    """Skip the test unless these programs of a Debian package are there."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} here: install Debian's {package}")


def needs_node_modules() -> None:
    """Skip the test unless node and the npm packages of node/package.json are there."""
    needs("nodejs", "node")
    if not (NODE / "node_modules").is_dir():
        pytest.skip("no npm packages here: run npm install --prefix tests/clients/node")


def output_of(*command: str | Path) -> str:
    """What a program printed. If it fails, the test fails with everything it said."""
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=90)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
