"""``python -m tests.benchmarks``: prints the table of targets for this machine and draws the chart.

It needs two cores, wrk, taskset and the extra ``bench``. Peers that are missing are reported as not installed.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import chart, parts, rates, report, soak, start, storm, tickets, workers
from tests.benchmarks.processes import NotInstalled

_DESCRIPTION = "Measures the service beside its peers, in one run, and prints the table as Markdown."


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for, and give the exit code. A missed target is not an error."""
    asked = _parse(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything started is ended
    try:
        match asked.what:
            case "parts":
                print(parts.table())
            case "workers":
                print(workers.table(asked.rounds, asked.seconds))
            case "soak":
                print(soak.run(asked.minutes))
            case _:
                _measure(asked)
    except NotInstalled as what:
        print(f"benchmarks: {what} is not installed", file=sys.stderr)
        return 1
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.benchmarks", description=_DESCRIPTION)
    parser.add_argument("what", nargs="?", choices=("all", "parts", "workers", "soak"), default="all")
    parser.add_argument("--minutes", type=float, default=10, help="length of the soak (10)")
    parser.add_argument("--short", action="store_true", help="within 90 seconds: fewer, shorter rounds; fewer tickets")
    parser.add_argument("--rounds", type=int, help="runs of each load (5; short: 3)")
    parser.add_argument("--seconds", type=int, help="length of each load (5; short: 1)")
    parser.add_argument("--tickets", type=int, help="live tickets under load (100,000; short: 10,000)")
    parser.add_argument("--million", type=int, help="live tickets in process (1,000,000; short: 200,000)")
    parser.add_argument("--chart", type=Path, default=Path(".benchmarks/chart.png"), help="where the PNG goes")
    asked = parser.parse_args(arguments)
    usual = (3, 1, 10_000, 200_000) if asked.short else (5, 5, 100_000, 1_000_000)
    for name, value in zip(("rounds", "seconds", "tickets", "million"), usual, strict=True):
        if getattr(asked, name) is None:
            setattr(asked, name, value)
    return asked


def _measure(asked: argparse.Namespace) -> None:
    print(
        f"{report.machine()}\n\n{asked.rounds} rounds of {asked.seconds} s, 16 keep-alive connections, "
        f"{asked.tickets:,} live tickets; server on one core, load on another\n",
        flush=True,
    )
    begun = start.measure(asked.rounds)
    held = tickets.in_a_process(asked.million, asked.rounds)
    rated = rates.measure(asked.rounds, asked.seconds, asked.tickets)
    stormed = storm.measure(asked.rounds, asked.seconds)
    rows = [
        *report.rate_rows(rated),
        *report.storm_rows(stormed),
        *report.ticket_rows(held),
        *report.start_rows(begun),
    ]
    print(f"{report.table(rows)}\n\n{report.figures(rated)}", flush=True)
    chart.draw(rated, asked.chart)
    print(f"\nThe chart is in {asked.chart}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
