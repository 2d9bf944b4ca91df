"""The charsets of requests: one table for SOAP and forms, by every name that clients give them.

The names are the labels of the WHATWG Encoding standard, which every browser knows, the numbers of Windows' code pages,
and a few more that old clients use. Only letters and digits count (Unicode Technical Standard 22, section 1.4).
Stateful charsets are refused: the meaning of their bytes depends on what came before, so a filter in front could read
another text. So are the labels that the standard lists only to have them refused.
"""

import re
from functools import lru_cache

import webencodings

_REFUSED = frozenset({"iso-2022-jp", "x-user-defined", "replacement"})
_UTF_8 = "utf-8"
_LONGEST_LABEL = 40
"""No label is half as long. Punctuation does not count, so a client could otherwise have long ones remembered."""
UTF_8_MARK = b"\xef\xbb\xbf"
"""The byte order mark, which says UTF-8 before all else does."""
_PUNCTUATION = re.compile(r"[^a-z0-9]")
_CODE_PAGE = re.compile("x?(?:cp|ms|win|windows|codepage|dos|ibm)?([0-9]{3,5})")
_CODE_PAGES = {
    "874": "windows-874",
    "932": "shift_jis",
    "936": "gbk",
    "949": "euc-kr",
    "950": "big5",
    "1200": "utf-16le",
    "1201": "utf-16be",
    **{str(number): f"windows-{number}" for number in range(1250, 1259)},
    "10000": "macintosh",
    "20127": "us-ascii",
    "20866": "koi8-r",
    "20932": "euc-jp",
    "21866": "koi8-u",
    **{str(28590 + part): f"iso-8859-{part}" for part in (*range(1, 12), 13, 14, 15, 16)},
    "51932": "euc-jp",
    "51936": "gbk",
    "51949": "euc-kr",
    "54936": "gb18030",
    "65001": _UTF_8,
}
_LABELS = {_PUNCTUATION.sub("", label): label for label in webencodings.LABELS} | {
    "ansi": "windows-1252",
    "88591": "iso-8859-1",
    "885915": "iso-8859-15",
    "latin7": "iso-8859-13",
    "latin8": "iso-8859-14",
    "latin9": "iso-8859-15",
    "latin10": "iso-8859-16",
    "eucjp": "euc-jp",
    "euckr": "euc-kr",
}


class UnsupportedCharset(Exception):
    """A charset that is not supported. The message is its name, as it was given."""


def python_codec(label: str) -> str:
    """The name of Python's codec for a charset's label. Raises UnsupportedCharset."""
    if len(label) > _LONGEST_LABEL:
        raise UnsupportedCharset(label)
    return _known_codec(label)


@lru_cache(maxsize=256)
def _known_codec(label: str) -> str:
    name = _PUNCTUATION.sub("", label.lower()) if label.isascii() else ""
    if name == "utf16":
        return "utf-16"
    code_page = _CODE_PAGE.fullmatch(name)
    known = _LABELS.get(name) or _CODE_PAGES.get(code_page[1] if code_page else "")
    encoding = webencodings.lookup(known) if known else None
    if encoding is None or encoding.name in _REFUSED:
        raise UnsupportedCharset(label)
    return str(encoding.codec_info.name)


def is_utf8(label: str) -> bool:
    """Whether the label is one of UTF-8's."""
    try:
        return python_codec(label) == _UTF_8
    except UnsupportedCharset:
        return False
