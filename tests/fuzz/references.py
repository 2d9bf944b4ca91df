"""Second definitions, as plain as can be, of what the readers accept. The harnesses compare the readers with them."""

import posixpath
import string
import unicodedata
from collections.abc import Container
from functools import cache

import webencodings
from lxml import etree

HEX = "0123456789abcdefABCDEF"
# lxml wants a namespace's name to be a URI of RFC 3986, which no parser has to check (Namespaces in XML 1.0, section
# 6), and warns of a version 1.x, which is read as 1.0 (XML 1.0, section 2.8).
_NO_ERRORS = {
    etree.ErrorTypes.WAR_NS_URI,
    etree.ErrorTypes.WAR_NS_URI_RELATIVE,
    etree.ErrorTypes.WAR_UNKNOWN_VERSION,
}
# Names of charsets that are not among the labels of the WHATWG Encoding standard, in letters and digits.
OTHER_NAMES = {
    "ansi": "windows1252",
    "88591": "iso88591",
    "885915": "iso885915",
    "latin7": "iso885913",
    "latin8": "iso885914",
    "latin9": "iso885915",
    "latin10": "iso885916",
    "eucjp": "xeucjp",
    "euckr": "windows949",
}
CODE_PAGES = {"874": "dos874", "932": "sjis", "936": "gbk", "949": "windows949", "950": "big5", "65001": "utf8"}
CODE_PAGES |= {"1200": "utf16le", "1201": "utf16be", "20127": "ascii", "20866": "koi8r", "21866": "koi8u"}
CODE_PAGES |= {"20932": "xeucjp", "51932": "xeucjp", "51936": "gbk", "51949": "windows949", "54936": "gb18030"}
CODE_PAGES |= {"10000": "macintosh"} | {str(number): f"cp{number}" for number in range(1250, 1259)}
CODE_PAGES |= {str(28590 + part): f"iso8859{part}" for part in range(1, 17) if part != 12}
CODE_PAGE_PREFIXES = {"", "cp", "ms", "win", "windows", "codepage", "dos", "ibm"}
REFUSED = {"iso-2022-jp", "replacement", "x-user-defined"}


def codec_of(label: str) -> str | None:
    """Python's codec for a charset's label; None for what is refused (CONTRACT 2.1)."""
    if len(label) > 40:
        return None
    name = _letters_and_digits(label)
    if not label.isascii() or name == "utf16":
        return "utf-16" if label.isascii() else None
    number = name.lstrip("abcdefghijklmnopqrstuvwxyz")
    is_code_page = name.removesuffix(number).removeprefix("x") in CODE_PAGE_PREFIXES
    for wanted in (name, OTHER_NAMES.get(name), CODE_PAGES.get(number) if is_code_page else None):
        for known in webencodings.LABELS:
            encoding = webencodings.lookup(known)
            if _letters_and_digits(known) == wanted and encoding is not None and encoding.name not in REFUSED:
                return str(encoding.codec_info.name)
    return None


@cache
def _letters_and_digits(label: str) -> str:
    return "".join(character for character in label.lower() if character.isalnum())


def is_given(text: str | None) -> bool:
    """CONTRACT 1.2: white space alone is empty."""
    return bool(text and text.strip())


def guid_of(text: str) -> bytes | None:
    """A GUID's bytes. Its 32 hexadecimal digits may have four hyphens, and with them braces or parentheses; white space
    may surround it.
    """
    text = _trimmed(text)
    enclosed = text[:1] + text[-1:] in {"{}", "()"} and len(text) == 38
    if enclosed:
        text = text[1:-1]
    if [place for place, character in enumerate(text) if character == "-"] == [8, 13, 18, 23]:
        text = text.replace("-", "")
    elif enclosed:
        return None
    if len(text) != 32 or not all(character in HEX for character in text):
        return None
    return int(text, 16).to_bytes(16, "big")


def _trimmed(text: str) -> str:
    """Without what .NET's String.Trim takes away: Unicode's separators, tab to carriage return, and next line."""
    while text and _is_white(text[0]):
        text = text[1:]
    while text and _is_white(text[-1]):
        text = text[:-1]
    return text


def _is_white(character: str) -> bool:
    return unicodedata.category(character) in {"Zs", "Zl", "Zp"} or character in "\t\n\v\f\r\x85"


def by_lxml(body: bytes, charset: str | None) -> etree._Element:
    """A document's root as lxml reads it. lxml finds the charset that the document itself shows, except for UTF-16
    without a byte order mark (XML 1.0 appendix F).
    """
    for mark, marked in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if body.startswith(mark):
            charset = marked
    if charset is None and body.startswith((b"<\0", b"\0<")):
        charset = "utf-16le" if body[0] else "utf-16be"
    if charset is not None:
        body = body.decode(codec_of(charset) or charset).encode()
        charset = "utf-8"
    parser = etree.XMLParser(
        encoding=charset, resolve_entities=False, no_network=True, remove_comments=True, recover=True
    )
    root = etree.fromstring(body.removeprefix(b"\xef\xbb\xbf").rstrip(b"\0"), parser)
    errors = [error for error in parser.error_log if error.type not in _NO_ERRORS]
    assert not errors, errors
    return root


def operation_of(path: str) -> str:
    """The operation that a path below the .asmx file names; empty for the file itself and for paths that leave it."""
    whole = posixpath.normpath(f"/srv.asmx/{path}")
    file, _, name = whole.removeprefix("/").partition("/")
    is_folder = path.endswith(("/", "/.", "/..")) or path in {".", ".."}
    return "" if file.lower() != "srv.asmx" else f"{name}/" if name and is_folder else name


def form_of(encoded: bytes, charset: str | None, names: Container[str] | None = None) -> dict[str, str] | None:
    """A form's fields by lower-case name, the first of each name; None for a bad form (SECURITY D18, F2, F4).

    Raises LookupError for a charset that forms can't have.
    """
    codec = codec_of(charset or "utf-8")
    if codec is None or codec.startswith("utf-16"):
        raise LookupError(charset)
    if encoded[:3] == b"\xef\xbb\xbf":
        encoded, codec = encoded[3:], "utf-8"
    fields = [field.partition(b"=") for field in encoded.split(b"&") if field]
    values: dict[str, str] = {}
    for raw_name, _, raw_value in fields:
        name = _url_decoded(raw_name, codec).lower()
        if name not in values and (names is None or name in names):
            values[name] = _url_decoded(raw_value, codec)
    if len(fields) > 1000 or any(len(value) > 8192 or any(map(_is_control, value)) for value in values.values()):
        return None
    return values


def _url_decoded(text: bytes, codec: str) -> str:
    """A byte at a time, as .NET's HttpUtility.UrlDecode does it."""
    units: list[str] = []
    run = b""
    while text:
        if text[:2] == b"%u" and len(text) > 5 and all(chr(digit) in HEX for digit in text[2:6]):
            units += [run.decode(codec, "replace"), chr(int(text[2:6], 16))]
            run, text = b"", text[6:]
        elif text[:1] == b"%" and len(text) > 2 and all(chr(digit) in HEX for digit in text[1:3]):
            run, text = run + bytes([int(text[1:3], 16)]), text[3:]
        else:
            run, text = run + (b" " if text[:1] == b"+" else text[:1]), text[1:]
    whole = "".join([*units, run.decode(codec, "replace")])
    return whole.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _is_control(character: str) -> bool:
    return (character < " " and character not in "\t\n\r") or character in "\ufffe\uffff"


def cookie_tickets(lines: list[str]) -> set[str]:
    """The values of the cookie ``ticket`` that count, for cookies without quotes. A pair with white space within its
    value is not a cookie (RFC 6265 section 4.1.1).
    """
    pairs = [pair.partition("=") for pair in "; ".join(lines).split(";")]
    values = [value.strip(" \t") for name, _, value in pairs if name.strip(" \t").lower() == "ticket"]
    return {value for value in values if is_given(value) and " " not in value and "\t" not in value}


_TOKEN = string.ascii_letters + string.digits + "!#$%&'*+.^_`|~-"


def joined_lines(value: str) -> list[str]:
    """The header lines that a proxy has joined. A new one begins after a comma if a scheme and a word follow."""
    lines: list[str] = []
    for piece in value.split(","):
        rest = piece.lstrip(" \t")
        behind = rest.lstrip(_TOKEN)
        word = behind.lstrip(" \t")
        begins = len(word) < len(behind) < len(rest) and word and word[0] != "=" and not word[0].isspace()
        if begins or not lines:
            lines.append(piece)
        else:
            lines[-1] += f",{piece}"
    return lines


def header_ticket(value: str) -> str | None:
    """What follows ``SOTicket``, or a GUID that follows ``Bearer``, in an Authorization header; None without either."""
    words = value.split(maxsplit=1)
    if len(words) != 2 or words[0].lower() not in {"soticket", "bearer"}:
        return None
    return words[1] if words[0].lower() == "soticket" or guid_of(words[1]) else None
