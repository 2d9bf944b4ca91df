"""Calls every operation of the twins with typed .NET proxies, which Mono's wsdl generates from the WSDL."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.support.processes import program

_PROTOCOLS = {"SOAP11": "SOAP", "SOAP12": "SOAP12"}
_RUN_TIMES_TEXT = re.compile(r"(fault \w+: Server was unable to [a-z ]+)\..*")
_CLIENT = Path(__file__).with_name("Client.cs")
_PROXIES = Path(__file__).with_name("Proxies.cs")


def conversations(twins: Iterable[str], address: str, folder: Path) -> dict[str, dict[str, str]]:
    """What the operations of twins at ``address/TWIN.asmx`` answered, by twin, and by SOAP version and operation."""
    proxies = _proxies(twins, address, folder)
    client = _compiled(folder, _CLIENT, "-nowarn:0114", "-r:System.Web.Services.dll", *proxies)
    said: dict[str, dict[str, str]] = {}
    for line in _run(program("mono"), client, address).splitlines():
        twin, version, operation, answer = line.split("\t", 3)
        said.setdefault(twin, {})[f"{version} {operation}"] = _RUN_TIMES_TEXT.sub(r"\1", answer)
    return said


def _proxies(twins: Iterable[str], address: str, folder: Path) -> list[Path]:
    """The sources of a proxy for each twin and SOAP version, all from one process: to start wsdl takes longest."""
    program("wsdl")
    sources, lines = [], []
    for twin in twins:
        for version, protocol in _PROTOCOLS.items():
            sources.append(folder / f"{twin}{version}.cs")
            options = f"/protocol:{protocol}", f"/namespace:{twin}.{version}", f"/out:{sources[-1]}"
            lines.append("\t".join([*options, f"{address}/{twin}.asmx?WSDL"]))
    _run(program("mono"), _compiled(folder, _PROXIES), stdin="\n".join(lines))
    return sources


def _compiled(folder: Path, source: Path, *words: str | Path) -> Path:
    compiled = folder / f"{source.stem}.exe"
    _run(program("mcs"), f"-out:{compiled}", source, *words)
    return compiled


def _run(*command: str | Path, stdin: str = "") -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, text=True, timeout=120)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
