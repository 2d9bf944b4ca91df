"""``asmx-tickets`` and ``python -m asmx_tickets``."""

import gc
import io
import os
import sys

from asmx_tickets.hosting.signals import SIGNALS


def main() -> None:
    """Run the command line (CONTRACT 3). Exits 0 when done, 1 when it failed, 2 when it was used wrongly."""
    _open_closed_streams()
    # Nearly all objects that a start makes are classes and functions that stay. Python looks for garbage among them at
    # each 700 new ones, which takes a tenth of the time.
    if sys.argv[1:2] == ["serve"]:
        SIGNALS.note()  # before all the rest is loaded, which takes a while
        gc.disable()  # until it serves: see hosting/server.py
    else:
        gc.set_threshold(200_000)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal's charset can't show must not end a list.
        sys.stdout.reconfigure(errors="backslashreplace")
    from asmx_tickets.cli.app import app

    try:
        app(prog_name="asmx-tickets")
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        sys.stdout.flush()
        sys.stderr.flush()
        # Python would take every module apart first, which takes longer than an idle server takes to stop.
        os._exit(end.code)


def _open_closed_streams() -> None:
    """Open the null device where a standard stream is closed: the next file that is opened would take its place."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None and os.open(os.devnull, os.O_RDWR) == number:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


if __name__ == "__main__":
    main()
