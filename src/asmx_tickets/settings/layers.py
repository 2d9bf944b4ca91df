"""Settings in layers: read, laid over each other the way ASP.NET does it, and bound to a pydantic model.

A layer is one source (a JSON file, the environment, the command line), flattened to paths such as
``WebServices:Protocols:0``. Letter case does not matter in a path. All values are text, as they are in the environment.
What the keys are and mean is not known here: that is ``model.py``.

The layers are no sources of pydantic-settings. That library merges its sources from the last one down, so a list that
one file empties gets back the items of the file below it, as soon as the environment adds an item. It has no items by
number (``Protocols__0``), cares for letter case in files, ignores a misspelt key of a section in the environment, takes
either of two variables that differ in case, and no longer knows where a value came from when it is found to be wrong.
So it holds the settings, and the layers bring them.
"""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, Secret, SecretStr, ValidationError

from asmx_tickets.errors import SettingsError

Model = TypeVar("Model", bound=BaseModel)
Value = str | list[object] | dict[str, object] | None
"""Text; None for JSON's null; an empty list or dict for ``[]`` and ``{}``."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of one layer.

    ``path`` is as it was written. ``source`` names the layer (``appsettings.json``, ``environment``, ``command line``);
    ``place`` says it more exactly, for messages (``environment variable Tickets__SlidingExpiration``). ``file`` is the
    file it was read from, if it was.
    """

    path: str
    value: Value
    source: str
    place: str
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A key that a model knows: its path in its own letter case, its shape, and whether its value is a secret.

    ``single``: one value may replace a list. ``common``: its name is a word that other programs use.
    """

    path: str
    kind: Literal["value", "list", "section", "open section"]
    secret: bool = False
    single: bool = False
    common: bool = False


class OneOrMore:
    """Marks, in an Annotated, a list that one value may replace."""


class CommonWord:
    """Marks, in an Annotated, a key that an environment variable names in its own letter case or with a prefix only."""


class SingleValue:
    """Marks, in an Annotated, a tuple that is written as one value."""


Layer = dict[str, Entry]
"""Entries by their path in folded case."""

_INDEX = re.compile(r"[0-9]{1,6}")
_SHAPES = {
    "value": "a single value, not a list or a section",
    "list": "a list, its items named :0, :1 and so on",
    "section": "a section with keys in it, not a single value",
    "open section": "a section with keys in it, not a single value",
}
# Strings and comments without an end are kept for the JSON reader to complain about. They match here too: otherwise
# each quote in them would be tried as a beginning, in quadratic time.
_STRING = r'"(?:[^"\\]|\\.)*+"?'
_STRING_OR_COMMENT = re.compile(rf"({_STRING}|/\*(?:(?!\*/).)*+\Z)|//[^\n]*|/\*.*?\*/", re.DOTALL)
# The second alternative keeps a comma that follows no value, for the same reason.
_STRING_OR_LAST_COMMA = re.compile(rf"({_STRING}|[\[{{,]\s*,)|,(?=\s*[\]}}])", re.DOTALL)
# JSON can write what is no character, and an environment variable need not be UTF-8 (PEP 383).
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


class _Members(list[tuple[str, object]]):
    """The members of a JSON object in order, including repeated names."""


def plain_json(text: str) -> str:
    """Blank out what ASP.NET allows in its JSON files: ``//`` and ``/* */`` comments, a comma before a closing bracket.

    What is left keeps its line and column. Strings are not touched.
    """
    without_comments = _STRING_OR_COMMENT.sub(lambda found: found[1] or re.sub(r"[^\n]", " ", found[0]), text)
    return _STRING_OR_LAST_COMMA.sub(lambda found: found[1] or " ", without_comments)


def file_layer(file: Path, *, optional: bool = False) -> Layer:
    """Read a JSON file: UTF-8 with or without a byte order mark; comments and trailing commas are allowed.

    An optional file that is not there is empty. Raises SettingsError when it can't be read, is no JSON object, or has
    a key twice.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is not UTF-8, at byte {error.start}") from None
    except OSError as error:
        if optional and isinstance(error, FileNotFoundError):
            return {}
        raise SettingsError(f"{file} can't be read: {error.strerror}") from None
    try:
        # Numbers become text again, as they were written: every layer holds text.
        tree = json.loads(
            plain_json(text), object_pairs_hook=_Members, parse_int=str, parse_float=str, parse_constant=str
        )
        if not isinstance(tree, _Members):
            raise SettingsError(f"{file} must hold one JSON object, {{…}}")
        return unique(Entry(path, value, file.name, str(file), file) for path, value in _flatten(tree, None))
    except json.JSONDecodeError as error:
        raise SettingsError(f"{file}, line {error.lineno}, column {error.colno}: no valid JSON: {error.msg}") from None
    except RecursionError:
        raise SettingsError(f"{file} is nested too deeply") from None


def environment_layer(environ: Mapping[str, str], keys: Iterable[Key], prefix: str = "") -> Layer:
    """Take the variables that are settings: ``Section__Key``, and top-level values by their name (``Urls``).

    With a prefix: all that begin with it, in any letter case, by the rest of their name.
    """
    top = [key for key in keys if ":" not in key.path]
    first_levels = {key.path.casefold() for key in top}
    values = {key.path.casefold(): key for key in top if key.kind == "value" or key.single}

    def is_setting(path: str) -> bool:
        first, separator, _ = path.casefold().partition(":")
        if separator or prefix:
            return bool(prefix) or first in first_levels
        key = values.get(first)
        return key is not None and (not key.common or path == key.path)

    paths = {
        name: name[len(prefix) :].replace("__", ":")
        for name in environ
        if name[: len(prefix)].casefold() == prefix.casefold()
    }
    return unique(
        Entry(path, environ[name], "environment", f"environment variable {one_line(name)}")
        for name, path in paths.items()
        if is_setting(path)
    )


def command_line_layer(options: Mapping[str, str]) -> Layer:
    """Take settings given on the command line, by their path."""
    return unique(Entry(path, value, "command line", "command line") for path, value in options.items())


def overlay(layers: Iterable[Layer]) -> Layer:
    """Lay the layers over each other; the later ones win.

    Lists are laid over each other item by item, as in ASP.NET. An empty list, or one value in a list's place, removes
    the items below it, and an item removes such a one below it.
    """
    merged: Layer = {}
    for layer in layers:
        for path, entry in layer.items():
            covered = [known for known in merged if _list_of(known) == path] if _is_whole_list(entry) else []
            above = _list_of(path)
            if above in merged and _is_whole_list(merged[above]):
                covered.append(above)
            for known in covered:
                del merged[known]
        merged |= layer
    return merged


def _is_whole_list(entry: Entry) -> bool:
    return entry.value == [] or isinstance(entry.value, str)


def _list_of(path: str) -> str | None:
    """The list that has its item at this path, if it is one of an item."""
    above, _, name = path.rpartition(":")
    return above if _INDEX.fullmatch(name) else None


def keys_of(model: type[BaseModel], above: str = "") -> Iterator[Key]:
    """All keys of a model and of the sections in it; the fields' aliases are the names in the path."""
    for name, field in model.model_fields.items():
        path = f"{above}{field.alias or name}"
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield Key(path, "open section" if annotation.model_config.get("extra") == "allow" else "section")
            yield from keys_of(annotation, f"{path}:")
        elif get_origin(annotation) is tuple and not any(isinstance(mark, SingleValue) for mark in field.metadata):
            single = any(isinstance(mark, OneOrMore) for mark in field.metadata)
            yield Key(path, "list", _is_secret(get_args(annotation)[0]), single)
        else:
            common = any(isinstance(mark, CommonWord) for mark in field.metadata)
            yield Key(path, "value", _is_secret(annotation), common=common)


def _is_secret(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, SecretStr | Secret)


def bind(model: type[Model], layers: Iterable[Layer]) -> tuple[Model, Layer]:
    """Build the model from the layers.

    Gives the model and the entries it was built from, by their exact path (``WebServices:Protocols:0``). Raises
    SettingsError for an unknown key or a bad value, in one line that never shows a secret.
    """
    known = {key.path.casefold(): key for key in keys_of(model)}
    entries: Layer = {}
    items: dict[str, dict[int, Entry]] = {}
    for path, entry in overlay(layers).items():
        above, _, name = path.rpartition(":")
        if above in known and known[above].kind == "list" and _INDEX.fullmatch(name):
            items.setdefault(known[above].path, {})[int(name)] = entry
        elif not (entry.value == {} and path in known and "section" in known[path].kind):
            entries[_exact_path(path, entry, known)] = entry
    tree: dict[str, Any] = {}
    for path, entry in entries.items():
        _put(tree, path, entry.value)
    for path, by_index in items.items():
        if path in entries:
            raise SettingsError(f"{path} is given twice ({entries[path].place}, {next(iter(by_index.values())).place})")
        in_order = [by_index[index] for index in sorted(by_index)]
        _put(tree, path, [item.value for item in in_order])
        entries |= {f"{path}:{number}": item for number, item in enumerate(in_order)}
    try:
        bound = model(**tree)
    except ValidationError as error:
        # Without the cause: pydantic's own text shows the value, which may be a secret.
        raise SettingsError(_complaint(error, entries, known)) from None
    for path, entry in entries.items():
        if isinstance(entry.value, str) and _NO_TEXT.search(path + entry.value):
            raise SettingsError(f"{one_line(path)} must be text in UTF-8, without NUL ({one_line(entry.place)})")
    return bound, entries


def _exact_path(path: str, entry: Entry, known: Mapping[str, Key]) -> str:
    """The path in its own letter case. Raises SettingsError when it is unknown or of the wrong shape."""
    key = known.get(path)
    if key is not None and (key.kind == "value" or (key.kind == "list" and (key.single or entry.value == []))):
        return key.path
    above = known.get(path.rpartition(":")[0])
    if key is None and above is not None and above.kind == "open section":
        return f"{above.path}:{entry.path.rpartition(':')[2]}"
    misshapen = key if key is not None or above is None or above.kind == "section" else above
    if misshapen is not None:
        raise SettingsError(f"{misshapen.path} must be {_SHAPES[misshapen.kind]} ({entry.place})")
    close = difflib.get_close_matches(path, known, n=1)
    advice = f"; did you mean {known[close[0]].path}?" if close else ""
    raise SettingsError(f"{one_line(entry.path) or repr('')} is not a known key ({one_line(entry.place)}){advice}")


def _put(tree: dict[str, Any], path: str, value: object) -> None:
    *sections, name = path.split(":")
    for section in sections:
        tree = tree.setdefault(section, {})
    tree[name] = value


def _complaint(error: ValidationError, entries: Layer, known: Mapping[str, Key]) -> str:
    """One line about the first thing that is wrong."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = ":".join(str(part) for part in first["loc"])
    above = _list_of(path)
    if path not in entries and above in entries:
        path = above  # one value stands for the whole list
    key = known.get(path.casefold())
    path = key.path if key else path
    cause = first.get("ctx", {}).get("error")
    what = str(cause) if cause else first["msg"].replace("Input should", "must").partition(", unable")[0]
    entry = entries.get(path)
    if entry is None:
        places = {below.place for known, below in entries.items() if known.startswith(f"{path}:")}
        return f"{one_line(path)} {what} ({', '.join(sorted(places)) or 'default'})"
    shown = "" if key and key.secret else f", not {'null' if entry.value is None else one_line(repr(entry.value))}"
    return f"{one_line(path)} {what}{shown} ({entry.place})"


def _flatten(node: object, path: str | None) -> Iterator[tuple[str, Value]]:
    """The values below a node by their paths; ``path`` is the node's, None the root's."""
    if isinstance(node, _Members):
        members = list(node)
        empty: Value = {}
    elif isinstance(node, list):
        members = [(str(index), item) for index, item in enumerate(node)]
        empty = []
    else:
        yield path or "", node if node is None else str(node)
        return
    if path is not None and not members:
        yield path, empty
    for name, child in members:
        yield from _flatten(child, name if path is None else f"{path}:{name}")


def unique(entries: Iterable[Entry]) -> Layer:
    """The entries as a layer. Raises SettingsError where a key is given twice."""
    layer: Layer = {}
    for entry in entries:
        first = layer.setdefault(entry.path.casefold(), entry)
        if first is not entry:
            raise SettingsError(f"{one_line(entry.path)} is given twice ({first.place}, {entry.place})")
    return layer


def one_line(text: str) -> str:
    """Text for a message: control characters escaped, at most 100 characters."""
    shown = text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
    return shown if len(shown) <= 100 else f"{shown[:99]}…"
