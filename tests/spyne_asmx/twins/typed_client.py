"""Calls every operation of the twins with typed .NET proxies, which Mono's wsdl generates from the WSDL."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.support.processes import program

_PROTOCOLS = {"SOAP11": "SOAP", "SOAP12": "SOAP12"}
_RUN_TIMES_TEXT = re.compile(r"(fault \w+: Server was unable to [a-z ]+)\..*")
_CLIENT = Path(__file__).with_name("Client.cs")


def conversations(twins: Iterable[str], address: str, folder: Path) -> dict[str, dict[str, str]]:
    """What the operations of twins at ``address/TWIN.asmx`` answered, by twin, and by SOAP version and operation."""
    proxies = [_proxy(twin, version, address, folder) for twin in twins for version in _PROTOCOLS]
    client = folder / "client.exe"
    _run(program("mcs"), "-nowarn:0114", "-r:System.Web.Services.dll", f"-out:{client}", _CLIENT, *proxies)
    said: dict[str, dict[str, str]] = {}
    for line in _run(program("mono"), client, address).splitlines():
        twin, version, operation, answer = line.split("\t", 3)
        said.setdefault(twin, {})[f"{version} {operation}"] = _RUN_TIMES_TEXT.sub(r"\1", answer)
    return said


def _proxy(twin: str, version: str, address: str, folder: Path) -> Path:
    source = folder / f"{twin}{version}.cs"
    _run(
        program("wsdl"),
        f"/protocol:{_PROTOCOLS[version]}",
        f"/namespace:{twin}.{version}",
        f"/out:{source}",
        f"{address}/{twin}.asmx?WSDL",
    )
    return source


def _run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=120)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
