"""The charsets of requests: one table for SOAP and forms, by every name that clients give them.

The names are the labels of the WHATWG Encoding standard, which every browser knows, and what old clients make of them.
Refused are those whose bytes mean something else by what came before (a filter in front would read another text), and
those that the standard has for no other purpose than to be refused.
"""

from functools import lru_cache

import webencodings

_REFUSED = frozenset({"iso-2022-jp", "x-user-defined", "replacement"})
_UTF_8 = "utf-8"


class UnsupportedCharset(Exception):
    """A charset that is not read. The message is its name, as it was given."""


@lru_cache(maxsize=256)
def codec_of(label: str) -> str:
    """The name of Python's codec for a charset's label. Raises UnsupportedCharset."""
    name = label.strip().strip("\"'").strip().lower()
    for spelling in (name, name.replace("_", "-"), name.replace(" ", "-"), name.replace("-", "")):
        encoding = webencodings.lookup(spelling)
        if encoding is not None and encoding.name not in _REFUSED:
            if name in {"utf-16", "utf16", "utf_16"}:
                return "utf-16"
            return str(encoding.codec_info.name)
    raise UnsupportedCharset(label)


def is_utf8(label: str) -> bool:
    """Whether the label is one of UTF-8's."""
    try:
        return codec_of(label) == _UTF_8
    except UnsupportedCharset:
        return False
