"""Lua scripts that Redis runs. A call sends a script's digest; Redis asks for the text the first time."""

import hashlib
from importlib import resources
from typing import NamedTuple


class Script(NamedTuple):
    """A Lua script, which Redis knows by its SHA-1 once it has seen it."""

    text: str
    sha: str


def load(package: str, *files: str) -> Script:
    """The script that a package's files make, one behind the other."""
    folder = resources.files(package)
    text = "\n".join(folder.joinpath(file).read_text("utf-8") for file in files)
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
