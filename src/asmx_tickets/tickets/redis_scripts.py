"""The Lua scripts that Redis runs for the ticket cache, one for each operation."""

import hashlib
from importlib import resources
from typing import NamedTuple


class Script(NamedTuple):
    """A Lua script, which Redis knows by its SHA-1 once it has seen it."""

    text: str
    sha: str


def _load(name: str) -> Script:
    folder = resources.files("asmx_tickets.tickets") / "lua"
    text = "\n".join((folder / f"{part}.lua").read_text("utf-8") for part in ("common", name))
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


ADD = _load("add")
RENEW = _load("renew")
REMOVE = _load("remove")
REMOVE_USER = _load("remove_user")
PAGE = _load("page")
