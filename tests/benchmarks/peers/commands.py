"""How each peer is started, and what it needs."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.processes import NotInstalled

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[2]
_WSDL = _ROOT / "wsdl" / "srv.wsdl"
_NODE_MODULES = _ROOT / "tests" / "clients" / "node" / "node_modules"

# Gives the command line for a port. The two paths are the peer's own directory, and the tickets.
Prepare = Callable[[Path, Path], Callable[[int], list[str]]]


def handwritten(_directory: Path, tickets: Path) -> Callable[[int], list[str]]:
    return _python("handwritten", tickets)


def plain_spyne(_directory: Path, tickets: Path) -> Callable[[int], list[str]]:
    return _python("plain_spyne", tickets)


def node_soap(_directory: Path, tickets: Path) -> Callable[[int], list[str]]:
    node = _program("node")
    if not (_NODE_MODULES / "soap").is_dir():
        raise NotInstalled("node's soap (npm install in tests/clients/node)")
    script = str(_HERE / "node_soap.mjs")
    return lambda port: [node, script, str(_NODE_MODULES), str(_WSDL), str(port), str(tickets)]


def php(directory: Path, tickets: Path) -> Callable[[int], list[str]]:
    _program("nginx")
    found = [path for folder in ("/usr/sbin", "/usr/local/sbin") for path in sorted(Path(folder).glob("php-fpm*"))]
    if not found:
        raise NotInstalled("php-fpm")
    paths = [str(directory), str(_WSDL), str(tickets), str(found[-1])]
    return lambda port: [sys.executable, str(_HERE / "php.py"), str(port), *paths]


def gsoap(directory: Path, tickets: Path) -> Callable[[int], list[str]]:
    generate = [_program("soapcpp2"), "-c", "-S", "-L", "-x", str(_HERE / "gsoap_service.h")]
    sources = [str(_HERE / "gsoap_server.c"), "soapC.c", "soapServer.c"]
    build = [_program("gcc"), "-O2", "-I.", "-o", "server", *sources, "-lgsoap", "-lpthread"]
    for command in (generate, build):
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120, check=False)
        if "stdsoap2.h: No such file" in done.stderr:
            raise NotInstalled("gSOAP's headers (libgsoap-dev)")
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return lambda port: [str(directory / "server"), str(port), str(tickets)]


PEERS: dict[str, Prepare] = {
    "hand-written lxml": handwritten,
    "plain spyne": plain_spyne,
    "node soap": node_soap,
    "PHP SoapServer": php,
    "gSOAP": gsoap,
}


def _python(name: str, tickets: Path) -> Callable[[int], list[str]]:
    return lambda port: [sys.executable, "-m", f"tests.benchmarks.peers.{name}", str(port), str(tickets)]


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise NotInstalled(name)
    return path
