"""What a query or a form body means, what is refused (CONTRACT 2.3, SECURITY F2 to F6), and how results are written."""

from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spyne_asmx.faults import HttpError
from spyne_asmx.forms import decode, encode
from spyne_asmx.limits import DEFAULT_LIMITS, Limits
from spyne_asmx.xml import Element
from tests.support.strategies import XML_CHARACTER, XML_TEXT


def refusal(encoded: bytes, charset: str | None = None, limits: Limits = DEFAULT_LIMITS) -> tuple[int, str]:
    """Status and text with which a form is refused."""
    with pytest.raises(HttpError) as refused:
        decode(encoded, charset, limits=limits)
    return refused.value.status, str(refused.value)


@pytest.mark.parametrize(
    ("encoded", "values"),
    [
        (b"", {}),
        (b"UID=jsmith&PWD=Secret123!", {"uid": "jsmith", "pwd": "Secret123!"}),
        (b"uid=a&pWd=b", {"uid": "a", "pwd": "b"}),
        (b"UID=", {"uid": ""}),
        (b"UID", {"uid": ""}),
        (b"=x", {"": "x"}),
        (b"&&UID=a&", {"uid": "a"}),
        (b"UID=a=b", {"uid": "a=b"}),
        (b"UID=a+b%20c%2B", {"uid": "a b c+"}),
        (b"U%49D=a", {"uid": "a"}),
        (b"UID=%3Cb%26%3D%23%3E", {"uid": "<b&=#>"}),
        (b"UID=%C3%A9%F0%9F%98%80", {"uid": "é😀"}),
        ("UID=é".encode(), {"uid": "é"}),
        (b"PWD=%09%0D%0A", {"pwd": "\t\r\n"}),
        (b"UID=%7F%C2%80", {"uid": "\x7f\x80"}),
        (b"UID=a?b/c:d@e", {"uid": "a?b/c:d@e"}),
    ],
)
def test_names_and_values(encoded: bytes, values: dict[str, str]) -> None:
    """CONTRACT 2.3: names come in lower case, values as they are."""
    assert decode(encoded) == values


@pytest.mark.parametrize(
    ("encoded", "value"),
    [(b"UID=a&UID=b", "a"), (b"UID=&UID=b", ""), (b"uid=a&UID=b&Uid=c", "a"), (b"UID=a&UID=a", "a")],
)
def test_of_a_repeated_parameter_the_first_counts(encoded: bytes, value: str) -> None:
    """CONTRACT 2.3. Names that differ in letter case are the same parameter."""
    assert decode(encoded) == {"uid": value}


def test_a_semicolon_does_not_separate_parameters() -> None:
    """SECURITY F4."""
    assert decode(b"UID=a;PWD=x") == {"uid": "a;PWD=x"}


@pytest.mark.parametrize(
    ("charset", "encoded", "value"),
    [
        (None, b"%C3%A9", "é"),
        ("utf-8", b"%C3%A9", "é"),
        ("'utf-8'", b"%C3%A9", "é"),
        ("iso-8859-1", b"%E9", "é"),
        ("iso-8859-1", b"\xe9", "é"),
        ("ISO_8859-1", b"%C3%A9", "Ã©"),
        ("windows-1252", b"%80", "€"),
        ("us-ascii", b"%E9", "é"),
        ("windows-1254", b"%DE", "Ş"),
        ("shift_jis", b"%83%65%83X%83g", "テスト"),
        ("koi8-r", b"%C1", "а"),
        ("gb2312", b"%C4%E3", "你"),
    ],
)
def test_a_form_is_read_in_the_charset_of_its_header(charset: str | None, encoded: bytes, value: str) -> None:
    """UTF-8 if there is none. test_charsets.py has the other names of charsets."""
    assert decode(b"UID=" + encoded, charset) == {"uid": value}


@pytest.mark.parametrize(
    "charset", ["utf-7", "utf-16", "utf-32", "iso-2022-jp", "hz-gb-2312", "unicode_escape", "nonsense", "ü", "rot13"]
)
def test_other_charsets_are_refused(charset: str) -> None:
    """SECURITY X11 holds for forms too."""
    assert refusal(b"UID=a", charset) == (415, "The charset of the form is not supported.")


@pytest.mark.parametrize(
    "encoded",
    [
        *(b"UID=%00", b"UID=a\x00", b"UID=%01", b"UID=%0B", b"UID=%1F", b"UID=%EF%BF%BF", b"UID=%u0000", b"x=%01"),
    ],
)
def test_characters_that_xml_does_not_have_are_refused(encoded: bytes) -> None:
    """SECURITY D18. The refusal shows nothing of the value."""
    assert refusal(encoded) == (400, "The form has a character that XML does not have.")


@pytest.mark.parametrize(
    ("encoded", "value"),
    [
        (b"%u006asmith", "jsmith"),
        (b"%U006asmith", "%U006asmith"),
        (b"100%sure", "100%sure"),
        (b"100%", "100%"),
        (b"%4", "%4"),
        (b"%GG", "%GG"),
        (b"%%41", "%A"),
        (b"%u00", "%u00"),
        (b"%u00zz", "%u00zz"),
        (b"%uD83D%uDE00", "\U0001f600"),
        (b"%uD83D", "\ufffd"),
        (b"a%uDE00%uD83Db", "a\ufffd\ufffdb"),
        (b"%uD83D%uD83D%uDE00", "\ufffd\U0001f600"),
        (b"%ED%A0%BD", "\ufffd\ufffd\ufffd"),
        (b"a%u0130b", "a\u0130b"),
        (b"%C3%A9", "é"),
        (b"%C3\xa9", "é"),
        (b"\xc3\xa9", "é"),
        (b"%E9", "\ufffd"),
        (b"\xff", "\ufffd"),
        (b"%C3%u0041", "\ufffdA"),
        (b"%C0%80", "\ufffd\ufffd"),
        (b"a+b%2Bc", "a b+c"),
        (b"%25u0041", "%u0041"),
        (b"%252541", "%2541"),
    ],
)
def test_escapes_are_read_as_dotnet_reads_them(encoded: bytes, value: str) -> None:
    """HttpUtility.UrlDecode: once, and text that is not an escape is kept."""
    assert decode(b"UID=" + encoded) == {"uid": value}
    assert decode(encoded + b"=x") == {value.lower(): "x"}


@pytest.mark.parametrize("charset", [None, "utf-8", "iso-8859-1", "windows-1252", "us-ascii"])
def test_a_form_with_a_byte_order_mark_is_utf_8(charset: str | None) -> None:
    """.NET's StreamWriter with Encoding.UTF8 writes one. The mark is not part of the first field's name."""
    assert decode(b"\xef\xbb\xbfUID=%C3%A9&PWD=x", charset) == {"uid": "é", "pwd": "x"}
    assert decode(b"\xef\xbb\xbf", charset) == {}
    assert decode(b"PWD=\xef\xbb\xbf") == {"pwd": "\ufeff"}


def test_fields_that_no_parameter_names_are_bounded_by_the_body_alone() -> None:
    """A view state of 20 KB, control characters, long names and 1,000 fields in all."""
    noise = (
        b"__VIEWSTATE=" + b"x" * 20_000 + b"&c=%00&" + b"n" * 500 + b"=&" + b"&".join(b"f%d=1" % i for i in range(996))
    )
    assert decode(noise + b"&UID=a", None, {"uid"}) == {"uid": "a"}


@pytest.mark.parametrize(
    ("within", "beyond"),
    [
        (b"&".join(b"a%d=x" % i for i in range(1000)), b"&".join(b"a%d=x" % i for i in range(1001))),
        (b"UID=a" + b"&UID=b" * 999, b"UID=a" + b"&UID=b" * 1000),
        (b"UID=" + b"x" * 8192, b"UID=" + b"x" * 8193),
        (b"UID=" + b"%C3%A9" * 8192, b"UID=" + b"%C3%A9" * 8193),
    ],
    ids=["fields", "repeated fields", "value", "value in characters"],
)
def test_a_form_may_reach_each_limit_and_not_pass_it(within: bytes, beyond: bytes) -> None:
    """SECURITY F2; a value is as long as one in XML may be."""
    limits = Limits(value_length=8192, fields=1000)
    assert decode(within, limits=limits)
    assert refusal(beyond, limits=limits)[0] == 400


def test_a_flood_of_fields_is_refused() -> None:
    """SECURITY F2: 32,768 fields in 64 KiB."""
    assert refusal(b"&a" * 32768)[0] == 400


_PIECES = st.lists(st.sampled_from([b"UID", b"=", b"&", b"%", b"C3", b"A9", b"u00", b"+", b"\xc3", b";"])).map(b"".join)


@given(st.one_of(st.binary(max_size=100), _PIECES), st.sampled_from([None, "iso-8859-1", "windows-1252", "us-ascii"]))
def test_any_bytes_are_a_form_or_refused(encoded: bytes, charset: str | None) -> None:
    """No other exception comes out, and no character that XML could not carry to the same operation."""
    try:
        values = decode(encoded, charset)
    except HttpError as error:
        assert error.status == 400
    else:
        assert all(map(XML_CHARACTER.fullmatch, "".join(values.values())))


@given(
    st.dictionaries(st.sampled_from(["UID", "PWD", "Lang", "OldTicket"]), XML_TEXT),
    st.sampled_from([quote, quote_plus]),
)
def test_what_a_form_can_carry_arrives_unchanged(values: dict[str, str], quoting: Callable[..., str]) -> None:
    """Whichever way a client escapes a space."""
    encoded = urlencode(values, quote_via=quoting).encode()
    assert decode(encoded) == {name.lower(): value for name, value in values.items()}


def test_a_result_follows_a_declaration() -> None:
    """CONTRACT 2.3: a declaration, a line break, the bare root."""
    assert encode(Element("root", {"success": "true"})) == (
        b'<?xml version="1.0" encoding="utf-8"?>\n<root success="true" />'
    )


def test_a_results_children_are_indented_by_two_spaces() -> None:
    """CONTRACT 2.3."""
    result = Element("root", {"success": "true"}, [Element("User", {}, [Element("TaskRedirection")])])
    assert encode(result).decode().splitlines()[1:] == [
        '<root success="true">',
        "  <User>",
        "    <TaskRedirection />",
        "  </User>",
        "</root>",
    ]


def test_an_operation_without_a_result_has_an_empty_body() -> None:
    assert encode(None) == b""
