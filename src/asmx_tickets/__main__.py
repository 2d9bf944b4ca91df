"""``asmx-tickets`` and ``python -m asmx_tickets``."""

import gc
import io
import os
import sys

from asmx_tickets.hosting.signals import SIGNALS


def main() -> None:
    """Run the command line (CONTRACT 3). Exits 0 when done, 1 when it failed, 2 when it was used wrongly."""
    _open_closed_streams()
    if "serve" in sys.argv[1:]:
        SIGNALS.note()  # before all the rest is loaded, which takes a while
    else:
        # Most objects of a short command are classes and functions that stay. Python looks for garbage among them at
        # each 700 new ones, which takes a tenth of the command's time.
        gc.set_threshold(200_000)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal's charset can't show must not end a list.
        sys.stdout.reconfigure(errors="backslashreplace")
    from asmx_tickets.cli.app import app

    try:
        app(prog_name="asmx-tickets")
    finally:
        # The process ends, and all with it. Looking for garbage once more takes a fifth of a short command's time.
        gc.freeze()


def _open_closed_streams() -> None:
    """Open the null device where a standard stream is closed: the next file that is opened would take its place."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None and os.open(os.devnull, os.O_RDWR) == number:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


if __name__ == "__main__":
    main()
