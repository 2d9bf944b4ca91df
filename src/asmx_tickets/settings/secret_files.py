"""Secrets in files of their own: ``TrustedUserPwd__File`` and the like, and systemd's credentials (SECURITY C1)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from asmx_tickets.errors import SettingsError
from asmx_tickets.settings.layers import Entry, Key, Layer, environment_layer, one_line, unique

_SUFFIX = ":file"
_ITEM = re.compile(":[0-9]{1,6}$")


def with_secret_files(layer: Layer, keys: Iterable[Key], folder: Path) -> Layer:
    """The layer with the content of a file for each ``Key:File``, where Key is a secret. A name of none counts as none.

    A relative path starts at ``folder``. Raises SettingsError when a file can't be read or holds more than one line.
    """
    secrets = {key.path.casefold() for key in keys if key.secret}

    def is_secret(path: str) -> bool:
        return path.endswith(_SUFFIX) and _ITEM.sub("", path.removesuffix(_SUFFIX)) in secrets

    def read() -> Iterator[Entry]:
        for path, entry in layer.items():
            if not is_secret(path) or not isinstance(entry.value, str):
                yield entry
            elif entry.value:
                file = folder / entry.value
                yield replace(entry, path=entry.path[: -len(_SUFFIX)], value=_content(file, entry.place), file=file)

    return unique(read())


def credentials_layer(environ: Mapping[str, str], keys: Iterable[Key]) -> Layer:
    """The credentials that systemd passes in: files of ``$CREDENTIALS_DIRECTORY`` that are named as variables are.

    Raises SettingsError when one can't be read.
    """
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        return {}
    try:
        names = {file.name: str(file) for file in sorted(Path(directory).iterdir())}
    except OSError as error:
        raise SettingsError(f"CREDENTIALS_DIRECTORY can't be read: {error.strerror}") from None
    return unique(
        Entry(
            entry.path, _content(Path(str(entry.value)), "systemd"), "credential", f"credential {one_line(entry.path)}"
        )
        for entry in environment_layer(names, keys).values()
    )


def _content(file: Path, place: str) -> str:
    """A file's one line. Raises SettingsError."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"{one_line(str(file))} can't be read: {reason} ({place})") from None
    line = text.removesuffix("\n").removesuffix("\r")
    if "\n" in line or "\r" in line:
        raise SettingsError(f"{one_line(str(file))} must hold one line ({place})")
    return line
