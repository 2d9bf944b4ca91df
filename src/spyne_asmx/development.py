"""Serves an application while it is being written: finds it in a file, and runs it with werkzeug's server."""

import importlib.util
import re
import socket
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.serving import WSGIRequestHandler, is_running_from_reloader, make_server, run_simple
from werkzeug.wrappers import Response

from spyne_asmx.application import AsmxApplication
from spyne_asmx.asgi import AsgiApplication
from spyne_asmx.endpoint import AsmxEndpoint
from spyne_asmx.endpoints import AsmxEndpoints
from spyne_asmx.wsgi import WsgiApplication

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_KINDS = "an AsmxApplication, an AsmxEndpoint, AsmxEndpoints, an AsgiApplication or a WSGI application"


class NotServable(Exception):
    """An application that can't be served. The message says why, in one line."""


class Served:
    """A WSGI application, and the paths at which it answers."""

    def __init__(self, application: "WSGIApplication", paths: tuple[str, ...]) -> None:
        self.application = application
        self.paths = paths


def load(target: str) -> Served:
    """Load the application that ``FILE:NAME`` names. Raises NotServable."""
    file, _, name = target.rpartition(":")
    if not file or not name:
        raise NotServable(f"{target}: say FILE:NAME, such as calculator.py:app")
    path = Path(file)
    if not path.is_file():
        raise NotServable(f"{file}: there is no such file")
    module = _imported(path)
    if not hasattr(module, name):
        raise NotServable(f"{file} has no {name}")
    try:
        return _served(getattr(module, name), target)
    except TypeError as error:  # what the endpoint refuses to serve
        raise NotServable(f"{target}: {error}") from None


def serve(target: str, host: str, port: int, *, reload: bool) -> None:
    """Serve the application that ``FILE:NAME`` names until interrupted. Raises NotServable."""
    if not is_running_from_reloader():
        _check_address(host, port)
    if reload:
        _serve_reloading(target, host, port)
    else:
        served = load(target)
        server = make_server(host, port, served.application, threaded=True, request_handler=_Handler)
        _announce(host, server.port, served)
        server.serve_forever()


def _serve_reloading(target: str, host: str, port: int) -> None:
    """Serve in a process that is replaced when a file of the application changes. The socket is already open."""
    application: WSGIApplication = _Broken("")  # the process that watches the files serves nothing itself
    if is_running_from_reloader():
        try:
            served = load(target)
        except NotServable as error:
            _say(str(error))
            application = _Broken(str(error))  # until somebody corrects the file
        else:
            _announce(host, port, served)
            application = served.application
    file = Path(target.rpartition(":")[0]).resolve()
    run_simple(
        host,
        port,
        application,
        threaded=True,
        use_reloader=True,
        extra_files=[str(file)],
        request_handler=_Handler,
    )


def _announce(host: str, port: int, served: Served) -> None:
    shown = f"[{host}]" if ":" in host else host
    for path in served.paths:
        _say(f"answers at http://{shown}:{port}{path}")


def _imported(path: Path) -> Any:
    """Import a file as a module that can import its neighbours. Raises NotServable."""
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise NotServable(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise NotServable(f"{_place_of(error, path)}: {type(error).__name__}: {_one_line(error)}") from None
    return module


def _place_of(error: Exception, path: Path) -> str:
    """The file, and the line at which loading it failed."""
    if isinstance(error, SyntaxError):
        return f"{error.filename or path}, line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == path.resolve()]
    return f"{path}, line {lines[-1]}" if lines else str(path)


def _one_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", error.msg if isinstance(error, SyntaxError) else str(error)).strip()


def _served(found: Any, target: str) -> Served:
    if isinstance(found, AsmxApplication):
        found = AsmxEndpoint(found, f"/{found.name}.asmx")
    endpoint = found.endpoint if isinstance(found, AsgiApplication | WsgiApplication) else found
    if isinstance(endpoint, AsmxEndpoint):
        return Served(WsgiApplication(endpoint), (endpoint.path,))
    if isinstance(endpoint, AsmxEndpoints):
        return Served(WsgiApplication(endpoint), endpoint.paths)
    if not callable(found):
        raise NotServable(f"{target} is a {type(found).__name__}; it must be {_KINDS}")
    return Served(found, ("",))


def _check_address(host: str, port: int) -> None:
    """Raise NotServable if it is impossible to listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise NotServable(f"{host}:{port}: {error.strerror}; choose another with --host and --port") from None


class _Handler(WSGIRequestHandler):
    """Prints one plain line for each request."""

    def log(self, type: str, message: str, *args: Any) -> None:
        if type != "info":
            _say(message % args)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        _say(re.sub(r"[^\x20-\x7e]", "?", f"{self.command} {self.path} {int(code)}"))


class _Broken:
    """Stands in for an application that could not be loaded."""

    def __init__(self, why: str) -> None:
        self._why = why

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        return Response(f"{self._why}\n", 500)(environ, start_response)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
