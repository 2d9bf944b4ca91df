"""Search for inputs that break a reader: ``python -m tests.fuzz [--seconds N] [--keep] [--findings DIR] [READER …]``

The readers are searched beside each other, each in a process of its own, as many at once as there are cores.

Exit code 0: none was found; 1: one was found, and is kept in the folder of findings.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import readers
from tests.fuzz.child import WITHOUT_ATHERIS

FINDINGS = Path(__file__).parent / "findings"
GRACE = 120  # Seconds in which a child must start, and shrink what it found.
# What the corpus may hold in all, and how much a run adds for a reader.
MAX_FILES = 250
MAX_BYTES = 300_000
KEPT_PER_RUN = 3
_TRIED = re.compile(r"^(?:inputs tried|stat::number_of_executed_units): *(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Search:
    """How a search ended."""

    tried: int
    seconds: float
    engine: str
    output: str
    exit_code: int

    @property
    def went_well(self) -> bool:
        return self.exit_code == 0 and self.tried > 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Search for inputs that break a reader.")
    parser.add_argument("--seconds", type=float, default=60, help="how long each reader is tried (default: 60)")
    parser.add_argument("--keep", action="store_true", help="keep inputs that reach something new in tests/fuzz/corpus")
    parser.add_argument("--findings", type=Path, default=FINDINGS, help="where inputs that break a reader are kept")
    parser.add_argument("reader", nargs="*", help=f"one or more of {', '.join(readers.NAMES)} (default: all)")
    arguments = parser.parse_args()
    unknown = set(arguments.reader) - set(readers.NAMES)
    if unknown:
        parser.error(f"no such reader: {', '.join(sorted(unknown))}")
    names = dict.fromkeys(arguments.reader or readers.NAMES)
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        folders = {name: Path(temporary) / name for name in names}
        searches = {name: threads.submit(_search, name, folders[name], arguments.seconds) for name in names}
        ended = [_report(name, searches[name].result(), folders[name], arguments) for name in names]
    return 0 if all(ended) else 1


def _report(name: str, search: Search, folder: Path, arguments: argparse.Namespace) -> bool:
    """Print how a search went, and keep what it found. Returns whether it went well."""
    verdict = "" if search.went_well else ", NOT OK"
    print(f"{name}: {search.tried:,} inputs in {search.seconds:.0f} s ({search.engine}){verdict}", flush=True)
    if not search.went_well:
        print(search.output[-4000:])
        _keep_findings(name, folder / "findings", arguments.findings)
    elif arguments.keep:
        print(f"  kept {_keep(name, folder)} new inputs", flush=True)
    return search.went_well


def _search(name: str, folder: Path, seconds: float) -> Search:
    """Search in a child process, which has the folder to itself."""
    for each in ("new", "findings", "seeds"):
        (folder / each).mkdir(parents=True)
    for file in readers.kept_inputs(name):
        (folder / "seeds" / file.name).write_bytes(file.read_bytes())
    # libFuzzer takes whole seconds, and 0 for no end.
    command = _child(name, folder, str(max(1, round(seconds))))
    begun = time.monotonic()
    with (folder / "output.txt").open("w+", errors="replace") as output:
        try:
            end = seconds + GRACE
            code = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, timeout=end, check=False).returncode
        except subprocess.TimeoutExpired:
            code = 1
            output.write("\nthe search did not end\n")
        output.seek(0)
        text = output.read()
    tried = _TRIED.findall(text)
    engine = "hypothesis, as atheris is not installed" if WITHOUT_ATHERIS in text else "atheris"
    return Search(int(tried[-1]) if tried else 0, time.monotonic() - begun, engine, text, code)


def _child(name: str, folder: Path, task: str) -> list[str]:
    return [sys.executable, "-m", "tests.fuzz.child", name, str(folder), task]


def _keep_findings(name: str, found: Path, folder: Path) -> None:
    for file in sorted(found.iterdir()):
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / f"{name}-{file.name}"
        kept.write_bytes(file.read_bytes())
        print(f"kept: {kept}", flush=True)


def _keep(name: str, folder: Path) -> int:
    """Add the new inputs that reach most to the corpus, as far as there is room. Returns their number."""
    known = {file.name for file in (folder / "seeds").iterdir()}
    subprocess.run(_child(name, folder, "merge"), capture_output=True, timeout=GRACE, check=True)
    # libFuzzer writes first what reaches most.
    merged = [file for file in (folder / "seeds").iterdir() if file.name not in known]
    files = [file for reader in readers.NAMES for file in readers.kept_inputs(reader)]
    size = sum(file.stat().st_size for file in files)
    kept = 0
    for file in sorted(merged, key=lambda file: file.stat().st_mtime_ns)[:KEPT_PER_RUN]:
        size += file.stat().st_size
        if len(files) + kept < MAX_FILES and size <= MAX_BYTES:
            (readers.CORPUS / name / f"found-{file.name[:12]}").write_bytes(file.read_bytes())
            kept += 1
    return kept


if __name__ == "__main__":
    sys.exit(main())
