"""ASP.NET's own keys in files and the environment: some have a meaning here, and the log names the others."""

import re
from collections.abc import Iterable, Iterator, Mapping

from asmx_tickets.errors import SettingsError
from asmx_tickets.settings.layers import Entry, Key, Layer, environment_layer, one_line

_HOST_PREFIXES = ("ASPNETCORE_", "DOTNET_")  # the later one wins
_PORTS = (("http", "http_ports"), ("https", "https_ports"))
_APP_SETTINGS = "appsettings:"
_ENDPOINT = re.compile(r"kestrel:endpoints:[^:]+:url")
_CERTIFICATE = re.compile(
    r"kestrel:(?:certificates:default|endpoints:[^:]+:certificate):(path|keypath|password)", re.IGNORECASE
)
# Sections and keys that ASP.NET's templates and hosts bring, with nothing in them that could be ours.
_FOREIGN = re.compile(
    r"(?:\$schema|kestrel|appsettings|detailederrors|hostoptions|https_port|iis(?:settings)?|profiles"
    r"|logging:(?:console|debug|eventlog|eventsource|tracesource|applicationinsights|azureappservices\w*"
    r"|includescopes))(?::.*)?",
    re.IGNORECASE | re.DOTALL,
)


def environment_name(environ: Mapping[str, str]) -> str:
    """The name of the environment that the host is told. Raises SettingsError where it can't be part of a file's."""
    name = environ.get("ASPNETCORE_ENVIRONMENT") or environ.get("DOTNET_ENVIRONMENT") or "Production"
    if not re.fullmatch(r"[\w-]+", name):
        raise SettingsError("ASPNETCORE_ENVIRONMENT must be a name such as Production")
    return name


def host_layers(environ: Mapping[str, str], keys: Iterable[Key]) -> list[Layer]:
    """Our keys with the prefix ``ASPNETCORE_`` or ``DOTNET_``. Other variables with these prefixes are .NET's own."""
    known = list(keys)
    paths = {key.path.casefold() for key in known}

    def is_ours(path: str) -> bool:
        return path in paths or re.sub(":[0-9]+$", "", path) in paths

    layers = (adopted(environment_layer(environ, known, prefix=prefix), known)[0] for prefix in _HOST_PREFIXES)
    return [{path: entry for path, entry in layer.items() if is_ours(path)} for layer in layers]


def port_layer(environ: Mapping[str, str]) -> Layer:
    """``ASPNETCORE_HTTP_PORTS`` and ``_HTTPS_PORTS``, which count where nothing says Urls."""
    variables = {name.casefold(): name for name in environ}
    found: dict[str, str] = {}
    for prefix in _HOST_PREFIXES:
        for scheme, ports in _PORTS:
            name = variables.get(f"{prefix}{ports}".casefold())
            if name is not None and environ[name].strip():
                found[scheme] = name
    if not found:
        return {}
    urls = [f"{scheme}://*:{port.strip()}" for scheme, name in found.items() for port in environ[name].split(";")]
    place = f"environment variable {', '.join(found.values())}"
    return {"urls": Entry("Urls", ";".join(urls), "environment", place)}


def adopted(layer: Layer, keys: Iterable[Key]) -> tuple[Layer, tuple[str, ...]]:
    """A file's layer without what is ASP.NET's: what means something here counts as our key, where that is not given.

    It also returns a line for people, without values, about the keys that are not read.
    """
    ours = {path: entry for path, entry in layer.items() if not _FOREIGN.fullmatch(entry.path)}
    foreign = {path: entry for path, entry in layer.items() if path not in ours}
    known = {key.path.casefold(): key.path for key in keys if "section" not in key.kind}
    unread = []
    meanings = dict(_meanings(foreign, known))
    for path, entry in foreign.items():
        if path not in meanings:
            unread.append(one_line(entry.path))
        elif not _is_given(ours, meanings[path].path):
            ours[meanings[path].path.casefold()] = meanings[path]
        elif ours[meanings[path].path.casefold()] is not meanings[path]:
            unread.append(one_line(entry.path))
    place = next((entry.place for entry in foreign.values()), "")
    return ours, (f"{place}: not read here: {', '.join(unread)}",) if unread else ()


def _is_given(layer: Layer, path: str) -> bool:
    return any(known == path.casefold() or known.startswith(f"{path.casefold()}:") for known in layer)


def _meanings(foreign: Layer, known: Mapping[str, str]) -> Iterator[tuple[str, Entry]]:
    """What each of ASP.NET's entries means here, if it means something: an entry of ours."""
    endpoints = [
        (path, entry)
        for path, entry in foreign.items()
        if _ENDPOINT.fullmatch(path) and isinstance(entry.value, str) and entry.value
    ]
    if endpoints:
        first = endpoints[0][1]
        urls = ";".join(str(entry.value) for _, entry in endpoints)
        place = f"{first.place}, Kestrel:Endpoints"
        listening = Entry("Urls", urls, first.source, place, first.file)
        yield from ((path, listening) for path, _ in endpoints)
    certificate: dict[str, Entry] = {}
    for path, entry in foreign.items():
        match = _CERTIFICATE.fullmatch(path)
        key = f"certificate:{match[1]}" if match else path.removeprefix(_APP_SETTINGS)
        if key == path or key not in known:
            continue
        meant = Entry(known[key], entry.value, entry.source, f"{entry.place}, {one_line(entry.path)}", entry.file)
        yield path, certificate.setdefault(key, meant)
