"""Running the command line, in this process or in another one."""

import contextlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from asmx_tickets.cli.app import app
from tests.support import program

COMMAND = [sys.executable, "-m", "asmx_tickets"]
Run = Callable[..., Result]


def start(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Start a command in another process."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return program.start("asmx_tickets", *arguments, text=True, **options)


def complete(*arguments: str, stdin: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command in another process."""
    return program.complete("asmx_tickets", *arguments, stdin=stdin, **options)


def run_in(folder: Path, *arguments: str, stdin: str = "", exit_code: int = 0, **environ: str) -> Result:
    """Runs a command in this process, as if in a folder: for tests of what the command does to a server or a file, not
    of the process that it is."""
    with contextlib.chdir(folder):
        result = CliRunner().invoke(app, arguments, input=stdin, env=environ)
    assert result.exit_code == exit_code, result.output
    return result
