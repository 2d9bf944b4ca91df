"""Which charset a name means, and which names are refused (CONTRACT 2.1)."""

import pytest
import webencodings
from hypothesis import given
from hypothesis import strategies as st

from spyne_asmx.charsets import UnsupportedCharset, is_utf8, python_codec
from tests.fuzz import references

NAMES = {
    "utf-8": "utf-8 UTF-8 utf8 UTF_8 'utf-8' \"utf8\" cp65001 65001 unicode-1-1-utf-8 windows-65001 CP-65001",
    "cp1252": "iso-8859-1 ISO_8859-1 iso8859-1 ISO-8859-1:1987 8859_1 latin1 latin-1 Latin_1 l1 ansi ANSI us-ascii "
    "ascii ANSI_X3.4-1968 cp1252 Cp1252 windows-1252 windows_1252 win-1252 win1252 x-cp1252 1252 cp819 cp28591",
    "iso8859-15": "latin9 Latin-9 l9 iso-8859-15 ISO8859_15 cp28605",
    "cp1251": "windows-1251 win-1251 win1251 cp1251 1251",
    "cp1254": "windows-1254 latin5 iso-8859-9 cp1254 cp28599",
    "cp932": "shift_jis Shift-JIS shiftjis sjis x-sjis ms_kanji windows-31j cp932 ms932 windows-932",
    "gbk": "gbk gb2312 GB_2312-80 cp936 ms936 x-gbk",
    "cp949": "euc-kr euckr ks_c_5601-1987 windows-949 cp949 ms949",
    "big5hkscs": "big5 big5-hkscs cn-big5 cp950 ms950",
    "euc_jp": "euc-jp eucjp x-euc-jp cp51932",
    "koi8-r": "koi8-r koi8_r koi cp20866",
    "cp866": "cp866 ibm866 866 csibm866",
    "utf-16": "utf-16 UTF-16 utf16 UTF_16",
    "utf-16-le": "utf-16le ucs-2 unicode iso-10646-ucs-2 cp1200",
    "utf-16-be": "utf-16be unicodeFFFE cp1201",
}
PAIRS = [(name, codec) for codec, names in NAMES.items() for name in names.split()]


@pytest.mark.parametrize(("name", "codec"), PAIRS)
def test_a_charset_is_known_by_every_name_it_has(name: str, codec: str) -> None:
    assert python_codec(name) == codec
    assert python_codec(f" {name.upper()}\t") == codec
    assert is_utf8(name) is (codec == "utf-8")


@pytest.mark.parametrize(
    "name",
    [
        *("utf-7", "utf7", "utf-32", "utf-32le", "iso-2022-jp", "iso-2022-kr", "hz-gb-2312", "x-user-defined"),
        *("replacement", "cp037", "cp500", "cp1047", "cp850", "cp437", "ebcdic-cp-us", "unicode_escape", "base64"),
        *("nonsense", "", "''", "ütf-8", "utf-8é", "\N{KELVIN SIGN}oi8-r", "iso-8859-12", "cp12520", "xx1252"),
        f"utf{'-' * 37}8",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    """A client can't choose among all that Python could decode."""
    with pytest.raises(UnsupportedCharset):
        python_codec(name)
    assert not is_utf8(name)


def test_a_name_may_have_forty_characters() -> None:
    """Punctuation does not count, and a longer name could fill the table of those that were looked up."""
    assert python_codec(f"utf{'-' * 36}8") == "utf-8"


@given(st.one_of(st.sampled_from([*webencodings.LABELS, *references.CODE_PAGES]), st.text(max_size=12)), st.data())
def test_the_table_agrees_with_a_second_one(name: str, data: st.DataObject) -> None:
    prefix = data.draw(st.sampled_from(["", "x-", "cp", "win-", "windows-", "x-cp", "ms", "y"]))
    try:
        codec = python_codec(prefix + name)
    except UnsupportedCharset:
        codec = None
    assert codec == references.codec_of(prefix + name)
