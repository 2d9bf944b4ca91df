"""The settings' layers and ``load_settings``: they raise SettingsError alone, in one line that shows no secret.
What is loaded has only known keys, has each value of the highest layer that names it, and can be shown as JSON.

Input: the bytes of ``appsettings.json``; then, optionally, a line ``--`` and lines ``NAME=value`` for the environment.
"""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asmx_tickets.errors import SettingsError
from asmx_tickets.settings.layers import plain_json
from asmx_tickets.settings.model import Settings, load_settings

MAX_LENGTH = 2048
_SHOWN = Settings().model_dump(mode="json", by_alias=True)
_TEXTS = ("sysadminaccountname", "serverinfo:company", "tickets:keyprefix")
_LISTS = (
    "trusteduserpwd",
    "trustedusernetworks",
    "languages:supported",
    "webservices:protocols",
    "forwardedheaders:knownproxies",
)


def _keys(node: Any, above: str = "") -> Iterator[str]:
    for name, child in node.items():
        yield f"{above}{name}"
        if isinstance(child, dict):
            yield from _keys(child, f"{above}{name}:")


_KNOWN = tuple(_keys(_SHOWN))
_FOLDED = {key.casefold() for key in _KNOWN}
TOKENS = (
    *(f'"{name}": '.encode() for key in _KNOWN for name in key.split(":")[-1:]),
    *(f"{key.replace(':', '__')}=".encode() for key in _KNOWN),
    *(b'{"', b'"}', b"[", b"]", b'": "', b",", b"//", b"/*", b"*/", b"\n--\n", b'""', b"null", b"true", b"NaN"),
    *(b"1e999", b'"\\ud800"', b'"\\u0000"', b"\\", b"\xef\xbb\xbf", b"__0=", b":0", b"memory://"),
    *(b"redis://:secret@h/0", b"sqlite:///", b"http://*:80", b"30.00:00:00", b"HttpSoap", b"10.0.0.0/8"),
    *(b"0123456789abcdefghijklmnop", b"postgresql://u:secret@h/d"),
)


def check(data: bytes) -> None:
    file_bytes, _, lines = data.partition(b"\n--\n")
    pairs = [line.partition("=") for line in lines.decode("utf-8", "surrogateescape").split("\n")]
    environ = {name: value for name, sign, value in pairs if name and sign and "\0" not in name + value}
    environ.pop("ASPNETCORE_ENVIRONMENT", None)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "appsettings.json")
        file.write_bytes(file_bytes)
        file.chmod(0o600)
        try:
            settings = load_settings(file, environ=environ)
        except SettingsError as error:
            _check_complaint(str(error), file_bytes, environ)
            return
    _check_loaded(settings, file_bytes, environ)


def _check_complaint(text: str, file_bytes: bytes, environ: dict[str, str]) -> None:
    assert text
    assert text.isprintable() or not re.search(r"[\n\r\x1b]", text), text
    assert len(text) < 1000, text
    # A complaint names keys. What stands in place of a key is not a secret's value, whatever it looks like.
    names = "\n".join([*environ, *_names(file_bytes)])
    for secret in _secrets(file_bytes, environ):
        assert secret not in text or secret in names, text


def _names(file_bytes: bytes) -> Iterator[str]:
    """The keys of the file."""
    try:
        tree = json.loads(file_bytes)
    except (ValueError, RecursionError):
        return
    yield from _keys(tree) if isinstance(tree, dict) else ()


def _secrets(file_bytes: bytes, environ: dict[str, str]) -> Iterator[str]:
    """Values of secrets that are long enough to differ from other words."""
    for name, value in environ.items():
        if name.partition("__")[0].casefold() == "trusteduserpwd":
            yield from _telling(value)
    try:
        tree = json.loads(file_bytes)
    except (ValueError, RecursionError):
        return
    for name, value in tree.items() if isinstance(tree, dict) else ():
        if name.casefold() == "trusteduserpwd":
            for each in value if isinstance(value, list) else [value]:
                yield from _telling(each)


def _telling(value: object) -> Iterator[str]:
    text = value if isinstance(value, str) else ""
    if len(text) >= 22 and len(set(text)) > 10 and text.isalnum():
        yield text


def _check_loaded(settings: Settings, file_bytes: bytes, environ: dict[str, str]) -> None:
    shown = settings.model_dump(mode="json", by_alias=True)
    assert json.loads(settings.model_dump_json(by_alias=True)) == shown
    assert all(": not read here: " in warning or " is another program's" in warning for warning in settings.warnings)
    in_file = dict(_leaves(json.loads(plain_json(file_bytes.decode("utf-8-sig")), object_pairs_hook=list), None))
    for path in in_file:
        assert _is_known(path) or any(path[:100] in warning for warning in settings.warnings) or _is_adopted(path), path
    layers = {path.casefold(): value for path, value in in_file.items()}
    layers |= {name.replace("__", ":").casefold(): value for name, value in environ.items()}
    for path in _TEXTS:
        if path in layers:
            assert _at(shown, path).strip() == str(layers[path]).strip(), path
    _check_secrets(settings, in_file, environ)


def _check_secrets(settings: Settings, in_file: dict[str, Any], environ: dict[str, str]) -> None:
    """A secret that only the environment gives is used whatever the file says, and no secret is shown."""
    counting = [secret.get_secret_value() for secret in settings.trusted_user_pwd]
    alone = [value for name, value in environ.items() if name.casefold() == "trusteduserpwd"]
    if alone and not any(name.casefold().startswith("trusteduserpwd__") for name in environ):
        assert counting == [value for value in alone if value]
    given = {str(value) for path, value in in_file.items() if path.casefold().startswith("trusteduserpwd")}
    given |= {value for name, value in environ.items() if name.casefold().startswith("trusteduserpwd")}
    assert set(counting) <= given
    text = settings.model_dump_json() + repr(settings)
    assert not any(secret in text for secret in counting)


def _leaves(node: Any, path: str | None) -> Iterator[tuple[str, Any]]:
    """The paths below a node and their values. Objects are lists of pairs here, and arrays are other lists."""
    if isinstance(node, list) and node and all(isinstance(item, tuple) for item in node):
        children = node
    elif isinstance(node, list) and node:
        children = [(str(number), item) for number, item in enumerate(node)]
    elif path is None:
        return
    else:
        yield path, node
        return
    for name, child in children:
        yield from _leaves(child, name if path is None else f"{path}:{name}")


def _is_known(path: str) -> bool:
    above, _, name = path.casefold().rpartition(":")
    return path.casefold() in _FOLDED or above == "logging:loglevel" or (above in _LISTS and name.isdigit())


def _is_adopted(path: str) -> bool:
    """Whether ASP.NET has this key, with a meaning here; or it names a secret's file."""
    return path.casefold().startswith(("kestrel:", "appsettings:")) or path.casefold().endswith(":file")


def _at(shown: dict[str, Any], path: str) -> Any:
    for name in path.split(":"):
        shown = next(value for key, value in shown.items() if key.casefold() == name)
    return shown
