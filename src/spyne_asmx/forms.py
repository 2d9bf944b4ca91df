"""The GET and POST form bindings as pure functions: a query or form body to names and values; a result to bytes."""

import re
from urllib.parse import parse_qsl

from spyne_asmx.faults import HttpError
from spyne_asmx.xml import DECLARATION, Element, write

FORM_MEDIA_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 64  # SECURITY F2
MAX_NAME_LENGTH = 64
MAX_VALUE_LENGTH = 8192

# A form's separators are ASCII, so only the charsets that extend it can carry one.
CODECS = {
    "utf-8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "windows-1252": "cp1252",
}

# SECURITY F5: what XML could not carry to the same operation, and %u0041, which some servers decode and others do not.
_NOT_A_VALUE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


def decode(encoded: bytes, charset: str | None = None) -> dict[str, str]:
    """Read ``name=value&…``: values by lower-case name; of a repeated name the first counts.

    ``charset`` is the Content-Type header's, UTF-8 where there is none.

    Raises HttpError 400 for what is no form: bytes or escapes that the charset does not have, control characters, too
    many or too long fields; 415 for another charset than CODECS has.
    """
    codec = CODECS.get((charset or "utf-8").lower())
    if codec is None:
        raise HttpError(415, "The charset of the form is not supported.")
    try:
        text = encoded.decode(codec)
        if _BAD_ESCAPE.search(text):
            raise _bad_form("a percent sign that starts no escape")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, encoding=codec, errors="strict")
    except UnicodeError:
        raise _bad_form(f"a name or value that is not {codec}") from None
    except ValueError:
        raise _bad_form(f"more than {MAX_FIELDS} fields") from None
    values: dict[str, str] = {}
    for name, value in pairs:
        if len(name) > MAX_NAME_LENGTH or len(value) > MAX_VALUE_LENGTH:
            raise _bad_form("a name or value that is too long")
        if _NOT_A_VALUE.search(value):
            raise _bad_form("a control character")
        values.setdefault(name.lower(), value)
    return values


def _bad_form(what: str) -> HttpError:
    return HttpError(400, f"The form has {what}.")


def encode(result: Element | None) -> bytes:
    """The bare result document: a declaration, a line break, the root, children indented by two spaces."""
    if result is None:
        return b""
    return f"{DECLARATION}\n{write(result, indent='  ')}".encode()
