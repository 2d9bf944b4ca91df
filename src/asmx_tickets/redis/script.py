"""Lua scripts that Redis runs. A call sends a script's digest; Redis asks for the text the first time."""

import hashlib
from importlib import resources
from typing import NamedTuple


class Script(NamedTuple):
    """A Lua script. Once Redis has seen it, its SHA-1 is enough."""

    text: str
    sha: str


def load(package: str, *files: str) -> Script:
    """The script that consists of a package's files, in this order."""
    folder = resources.files(package)
    text = "\n".join(folder.joinpath(file).read_text("utf-8") for file in files)
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
