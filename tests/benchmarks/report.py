"""The measurements as Markdown: the table of targets, then every server's figures."""

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks.rates import OURS, OURS_GET, OURS_REDIS, OURS_SHAPELESS, Rates
from tests.benchmarks.start import Start
from tests.benchmarks.storm import CLIENTS, FLOOD, Storm
from tests.benchmarks.tickets import Tickets

_HAND_WRITTEN = "hand-written lxml"
_RATE_TARGETS = {"gSOAP": 0.65, _HAND_WRITTEN: 1.15, "node soap": 2.0, "PHP SoapServer": 1.5, "plain spyne": 7.0}
_HASH_MIB = 19  # what one argon2id hash with the default parameters takes


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. ``met`` None: it could not be measured here."""

    what: str
    target: str
    measured: str
    met: bool | None

    def __str__(self) -> str:
        met = {True: "yes", False: "**no**", None: ""}[self.met]
        return f"| {self.what} | {self.target} | {self.measured} | {met} |"


def table(rows: Sequence[Row]) -> str:
    return "\n".join(["| | target | measured | met |", "|---|---|---|---|", *map(str, rows)])


def rate_rows(rates: Rates) -> Iterator[Row]:
    """Ratios are medians of the rounds, with the smallest and the largest in parentheses."""
    for peer, least in _RATE_TARGETS.items():
        ratios = rates.rate_ratios(OURS, peer) if peer in rates.runs else []
        yield _ratio_row(f"SOAP 1.1 isValidTicket, requests/s, to {peer}", ratios, least, _missing(rates, peer))
    ratios = rates.cpu_ratios(OURS, _HAND_WRITTEN)
    yield Row("server CPU per request, to hand-written lxml", "≤ 0.95 ×", _spread(ratios), median(ratios) <= 0.95)
    yield _ratio_row("GET isValidTicket, requests/s, to our SOAP", rates.rate_ratios(OURS_GET, OURS), 1.2, "")
    shapeless = rates.rate_ratios(OURS_SHAPELESS, OURS)
    yield _ratio_row("a SOAP body of no known shape, requests/s, to one of a known shape", shapeless, 0.55, "")
    on_redis = rates.rate_ratios(OURS_REDIS, OURS) if OURS_REDIS in rates.runs else []
    yield _ratio_row("tickets in Redis, requests/s, to tickets in memory", on_redis, 0.55, _missing(rates, OURS_REDIS))


def storm_rows(storm: Storm) -> Iterator[Row]:
    under = f"isValidTicket while {CLIENTS} clients log in without pause"
    yield Row(f"{under}: p99", "≤ 20 ms", f"{storm.p99_ms:.1f} ms", storm.p99_ms <= 20)
    yield Row(f"{under}: of its quiet rate", "≥ 60%", f"{storm.rate_kept:.0%}", storm.rate_kept >= 0.6)
    logins = f"{storm.logins_kept:.0%} ({median(storm.logins):.0f} of {median(storm.hashes):.0f} a second)"
    yield Row("logins, of what argon2 alone does beside the same load", "≥ 80%", logins, storm.logins_kept >= 0.8)
    yield _flood_row(storm)


def ticket_rows(tickets: Tickets) -> Iterator[Row]:
    live = f"{tickets.count:,} live tickets"
    yield Row(f"{live}: memory", "≤ 350 bytes each", f"{tickets.bytes_each:.0f} bytes", tickets.bytes_each <= 350)
    scattered = (
        f"{tickets.ratio:.2f} × with 1,000 in use; {tickets.ratio_scattered:.2f} × with 50,000 in use, in no order"
    )
    yield Row(f"{live}: rate of checks, to that with 1,000", "≥ 0.90 ×", scattered, tickets.ratio >= 0.9)
    pause = (
        f"{tickets.pause_cpu_ms:.2f} ms CPU, {tickets.pause_wall_ms:.2f} ms wall "
        f"({tickets.quiet_cpu_ms:.2f} and {tickets.quiet_wall_ms:.2f} when none expires)"
    )
    longest = max(tickets.pause_cpu_ms, tickets.pause_wall_ms)
    yield Row("longest check while 100,000 expire in one second", "≤ 5 ms", pause, longest <= 5)


def start_rows(start: Start) -> Iterator[Row]:
    yield Row("`serve --demo`, to its first answer", "≤ 1.5 s", f"{start.serve:.2f} s", start.serve <= 1.5)
    yield Row("`--help`", "≤ 0.4 s", f"{start.help:.2f} s", start.help <= 0.4)


def figures(rates: Rates) -> str:
    """Each server's figures as medians. A server far from 100% of its core shared it with other programs."""
    heads = ("server on one core", "requests/s", "server CPU per request", "of its core", "p50", "p99")
    lines = [f"| {' | '.join(heads)} |", "|---|---:|---:|---:|---:|---:|"]
    for name, runs in rates.runs.items():
        p50, p99 = median(run.p50_ms for run in runs), median(run.p99_ms for run in runs)
        rate, cpu = rates.rate(name), rates.cpu_us(name)
        busy = median(run.cpu / run.seconds for run in runs)
        lines.append(f"| {name} | {rate:,.0f} | {cpu:.0f} us | {busy:.0%} | {p50:.2f} ms | {p99:.2f} ms |")
    lines += [f"| {name} | not installed: {what} | | | | |" for name, what in rates.missing.items()]
    return "\n".join(lines)


def machine() -> str:
    """The machine, in one line."""
    names = [line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")]
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores ({names[0] if names else platform.machine()}), {platform.system()} "
        f"{platform.release().split('-')[0]}, CPython {platform.python_version()}; load average before: {load:.1f}"
    )


def _cpuinfo() -> list[str]:
    file = Path("/proc/cpuinfo")
    return file.read_text().splitlines() if file.exists() else []


def _flood_row(storm: Storm) -> Row:
    flood = storm.flood
    bound = (os.cpu_count() or 1) * _HASH_MIB
    what = f"{FLOOD} logins at once: those beyond the queue get 503 with Retry-After; memory for one hash a core"
    measured = (
        f"{flood.answered} answered, {flood.refused} refused, {flood.told_when} with Retry-After, the last after "
        f"{flood.longest:.1f} s; {flood.memory_mib:.0f} MiB more at the peak"
    )
    # Half as much again for the queue itself and the connections.
    met = flood.refused == flood.told_when and flood.refused > 0 and flood.memory_mib <= 1.5 * bound
    return Row(what, f"about {bound} MiB", measured, met)


def _missing(rates: Rates, peer: str) -> str:
    return f"not installed: {rates.missing[peer]}" if peer in rates.missing else ""


def _ratio_row(what: str, ratios: Sequence[float], least: float, missing: str) -> Row:
    if not ratios:
        return Row(what, f"≥ {least:g} ×", missing, None)
    return Row(what, f"≥ {least:g} ×", _spread(ratios), median(ratios) >= least)


def _spread(ratios: Sequence[float]) -> str:
    return f"{median(ratios):.2f} × ({min(ratios):.2f} to {max(ratios):.2f})"
