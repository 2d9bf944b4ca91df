"""Names as XML has them: .NET's XmlConvert.EncodeLocalName writes a space in a name as ``_x0020_``."""

import re

# XML Schema part 2, NCName: the characters that may stand first, and those that may follow.
_FIRST = (
    "A-Z_a-z\xc0-\xd6\xd8-\xf6\xf8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f\u2c00-\u2fef"
    "\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NO_NAME = rf"^[^{_FIRST}]|[^{_FIRST}\-.0-9\xb7\u0300-\u036f\u203f-\u2040]"


def xml_name(name: str) -> str:
    """The name with what XML's names can't have escaped. A name that is in order stays as it is, escapes and all."""
    if name.isascii() and name.isidentifier():
        return name  # so that a start does not compile the expression, which takes 4 ms
    return re.sub(_NO_NAME, _escaped, name)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"_x{code:04X}_" if code < 0x10000 else f"_x{code:08X}_"
