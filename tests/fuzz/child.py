"""One reader's search, in its own process: ``python -m tests.fuzz.child READER FOLDER SECONDS``.

The folder has ``seeds``, inputs to begin with. It gets ``new``, inputs that reach what none did before, and
``findings``. A line of the output says how many inputs were tried; the exit code is 0 if nothing was found. With
``merge`` in place of the seconds, a small set of ``new`` that reaches as much as all of them is added to ``seeds``.
"""

import importlib.util
import sys
import traceback
from hashlib import sha1
from pathlib import Path
from typing import NoReturn

from tests.fuzz import readers
from tests.fuzz.mutation import edited, search

TIMEOUT = 10  # Seconds that one input may take, so many that a busy machine is not a finding.
MEGABYTES = 1024
INSTRUMENTED = ["asmx_tickets", "spyne_asmx", "werkzeug.http", "werkzeug.sansio", "urllib.parse"]
WITHOUT_ATHERIS = (
    "atheris is not installed: hypothesis changes bytes of known inputs instead, and no coverage guides it"
)


def main() -> None:
    name, folder, task, *flags = sys.argv[1:]
    if importlib.util.find_spec("atheris"):
        _by_atheris(name, Path(folder), task, flags)
    elif task != "merge":
        print(WITHOUT_ATHERIS)
        sys.exit(by_hypothesis(name, Path(folder), float(task)))


def _by_atheris(name: str, folder: Path, task: str, flags: list[str]) -> NoReturn:
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        reader = readers.load(name)
    folders = [str(folder / "new"), str(folder / "seeds")]
    if task == "merge":
        flags += ["-set_cover_merge=1", *reversed(folders)] if not flags else []
    else:
        tokens = folder / "tokens.txt"
        tokens.write_text("".join(f'"{_escaped(token)}"\n' for token in reader.TOKENS))
        flags = [f"-max_total_time={task}", f"-dict={tokens}", "-print_final_stats=1", *folders]
        flags += [f"-max_len={reader.MAX_LENGTH}", f"-timeout={TIMEOUT}", f"-rss_limit_mb={MEGABYTES}"]
        flags += [f"-artifact_prefix={folder / 'findings'}/"]
    # libFuzzer merges in further processes, which it starts by this name.
    itself = f"{sys.executable} -m tests.fuzz.child {name} {folder} {task}"
    atheris.Setup([itself, *flags], reader.check)
    atheris.Fuzz()


def _escaped(token: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in token)


def by_hypothesis(name: str, folder: Path, seconds: float) -> int:
    """Search without atheris. Returns the exit code."""
    reader = readers.load(name)
    seeds = [file.read_bytes() for file in sorted((folder / "seeds").iterdir())]
    tried, failing, error = search(reader.check, edited(seeds, reader.TOKENS, reader.MAX_LENGTH), seconds)
    if failing is not None:
        traceback.print_exception(error, file=sys.stdout)
        (folder / "findings" / f"crash-{sha1(failing).hexdigest()}").write_bytes(failing)
    print(f"inputs tried: {tried}")
    return 0 if failing is None else 1


if __name__ == "__main__":
    main()
