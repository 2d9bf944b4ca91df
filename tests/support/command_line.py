"""What the tests of the command line share."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

from typer.testing import Result

PASSWORD = "Secret123!"


COMMAND = [sys.executable, "-m", "asmx_tickets"]


Run = Callable[..., Result]


def start(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Starts a command as a process of its own."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen([*COMMAND, *arguments], text=True, **options)


def complete(*arguments: str, stdin: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs a command as a process of its own."""
    return subprocess.run(
        [*COMMAND, *arguments], input=stdin, capture_output=True, text=True, timeout=60, check=False, **options
    )
