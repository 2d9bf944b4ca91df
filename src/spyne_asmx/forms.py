"""The GET and POST form bindings as pure functions: a query or form body to names and values; a result to bytes."""

import re
from collections.abc import Container
from contextlib import suppress
from functools import lru_cache

from spyne_asmx.charsets import UTF_8_MARK, UnsupportedCharset, python_codec
from spyne_asmx.faults import HttpError
from spyne_asmx.limits import DEFAULT_LIMITS, Limits
from spyne_asmx.xml import DECLARATION, Element
from spyne_asmx.xmlwriter import write

FORM_MEDIA_TYPE = "application/x-www-form-urlencoded"

# Characters that XML could not carry to the same operation.
_NOT_A_VALUE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# What a form in UTF-8 means as it stands: printable ASCII without escapes.
_PLAIN = re.compile(rb"[\x21-\x24\x26-\x2a\x2c-\x7e]*")
# %uXXXX is a UTF-16 unit, %XX a byte of the charset.
_ESCAPE = re.compile(rb"%u([0-9A-Fa-f]{4})|%([0-9A-Fa-f]{2})")
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]")


class Fields(dict[str, str]):
    """The fields of a form by lower-case name. ``items_of`` has all values of the fields that may be repeated."""

    def __init__(self) -> None:
        super().__init__()
        self.items_of: dict[str, list[str]] = {}


def decode(
    encoded: bytes,
    charset: str | None = None,
    names: Container[str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    *,
    repeated: Container[str] = (),
    case_counts: bool = False,
) -> Fields:
    """Read ``name=value&…`` into values by lower-case name, or by the very name if ``case_counts``.

    The first of equal names counts, except in ``repeated``. ``charset`` is that of the Content-Type header, or UTF-8.
    ``names`` are the parameters' names, in lower case: other fields are ignored, whatever is in them. Escapes are read
    as .NET's UrlDecode reads them.

    Raises HttpError 400 if a value is too long, if XML could not carry it or if there are too many fields, and 415 for
    an unsupported charset.
    """
    codec = _form_codec(charset or "utf-8")
    if encoded.startswith(UTF_8_MARK):  # .NET's StreamWriter writes it
        encoded, codec = encoded.removeprefix(UTF_8_MARK), "utf-8"
    fields = [field for field in encoded.split(b"&") if field]
    if len(fields) > limits.fields:
        raise _bad_form(f"more than {limits.fields} fields")
    values = Fields()
    text_of = _plain_text if codec == "utf-8" and _PLAIN.fullmatch(encoded) else url_decode
    for field in fields:
        raw_name, _, raw_value = field.partition(b"=")
        name = text_of(raw_name, codec)
        name = name if case_counts else name.lower()
        is_item = name in repeated
        if (name in values and not is_item) or (names is not None and name not in names):
            continue
        value = text_of(raw_value, codec)
        _check_value(value, limits)
        values.setdefault(name, value)
        if is_item:
            values.items_of.setdefault(name, []).append(value)
    return values


def _check_value(value: str, limits: Limits) -> None:
    if len(value) > limits.value_length:
        raise _bad_form(f"a value of more than {limits.value_length} characters")
    if _NOT_A_VALUE.search(value):
        raise _bad_form("a character that XML does not have")


@lru_cache(maxsize=64)
def _form_codec(charset: str) -> str:
    """The codec of a form's charset, which must encode a form's separators as ASCII does."""
    with suppress(UnsupportedCharset):
        codec = python_codec(charset)
        if not codec.startswith("utf-16"):
            return codec
    raise HttpError(415, "The charset of the form is not supported.")


def _plain_text(encoded: bytes, _codec: str) -> str:
    return encoded.decode("ascii")


def url_decode(encoded: bytes, codec: str) -> str:
    """Decode as .NET's HttpUtility.UrlDecode does: ``+`` is a space, and a ``%`` that starts no escape stays as it is.

    Bytes that the charset does not have become U+FFFD, and so does half a surrogate pair.
    """
    text = encoded.replace(b"+", b" ")
    if b"%" not in text:
        return text.decode(codec, "replace")
    pieces: list[str] = []
    pending = bytearray()
    position = 0
    for escape in _ESCAPE.finditer(text):
        pending += text[position : escape.start()]
        position = escape.end()
        if escape[1] is None:
            pending.append(int(escape[2], 16))
        else:
            pieces += pending.decode(codec, "replace"), chr(int(escape[1], 16))
            pending.clear()
    pending += text[position:]
    pieces.append(pending.decode(codec, "replace"))
    return _SURROGATES.sub(_joined, "".join(pieces))


def _joined(units: re.Match[str]) -> str:
    return units[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _bad_form(what: str) -> HttpError:
    return HttpError(400, f"The form has {what}.")


def encode(result: Element | None) -> bytes:
    """The bare result document: a declaration, a line break, the root, children indented by two spaces."""
    if result is None:
        return b""
    return f"{DECLARATION}\n{write(result, indent='  ')}".encode()
