"""GUIDs: how they are read, written and made."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asmx_tickets.tickets import digest, format_guid, new_guid, parse_guid, short_hash

N = "3f2504e04f8941d39a0c0305e82c3301"
D = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
GUID = bytes.fromhex(N)
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2009\u2028\u2029\u202f\u205f\u3000"

READ = [
    D,
    N,
    f"{{{D}}}",
    f"({D})",
    D.upper(),
    N.upper(),
    f"{{{D.upper()}}}",
    "3F2504e0-4f89-41D3-9a0C-0305E82c3301",
    f"  {D}",
    f"{N}\t",
    f"\r\n {{{D}}} \r\n",
    f"{WHITE_SPACE}({D}){WHITE_SPACE}",
]

REFUSED = [
    "",
    "   ",
    "{}",
    D[:-1],
    N[:-1],
    f"{D}0",
    f"{N}0",
    f"{{{N}}}",
    f"({N})",
    f"{{{D}",
    f"{D}}}",
    f"{{{D})",
    f"({D}}}",
    f"{{{{{D}}}}}",
    f"[{D}]",
    f'"{D}"',
    f"{{ {D} }}",
    D.replace("-", "\u2010"),
    D.replace("-", " "),
    D.replace("-", "--", 1),
    "3f2504e04-f89-41d3-9a0c-0305e82c3301",
    "3f2504e0-4f8941d3-9a0c-0305e82c3301",
    f"-{N}",
    f"0x{N}",
    f"urn:uuid:{D}",
    "3f2504e0-4f89-+1d3-9a0c-0305e82c3301",
    "3f2504e0-4f89-0x41-9a0c-0305e82c3301",
    "3f2504e0-4f89-4_d3-9a0c-0305e82c3301",
    "{0x3f2504e0,0x4f89,0x41d3,{0x9a,0x0c,0x03,0x05,0xe8,0x2c,0x33,0x01}}",
    N.replace("3", "\uff13"),
    N.replace("3", "\u0663"),
    D.replace("e", "\u0435"),
    D.replace("f", "g"),
    f"{D}\0",
    f"\ufeff{D}",
    f"\u200b{D}",
    f"\x1c{D}",
    f"{D}\x1f",
    f"{D},{D}",
    f"{D} {D}",
]


@pytest.mark.parametrize("text", READ, ids=ascii)
def test_reads_the_four_spellings_in_any_letter_case_with_white_space_around(text: str) -> None:
    assert parse_guid(text) == GUID


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
def test_refuses_every_other_spelling(text: str) -> None:
    assert parse_guid(text) is None


def test_refuses_a_long_text_without_reading_it_twice() -> None:
    """White space has one way to match, so 64 KiB of it costs no more than any other text of that length."""
    assert parse_guid(" " * 65_536 + "x" + " " * 65_536) is None


@given(st.binary(min_size=16, max_size=16), st.text(WHITE_SPACE), st.text(WHITE_SPACE), st.booleans())
def test_reads_back_what_it_writes(guid: bytes, before: str, after: str, upper: bool) -> None:
    d = format_guid(guid)
    for text in (d, d.replace("-", ""), f"{{{d}}}", f"({d})"):
        assert parse_guid(before + (text.upper() if upper else text) + after) == guid


@given(
    st.text("0aF-{}()x \u0661\uff11", max_size=40)
    | st.from_regex(r"[({]?[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}.?")
)
def test_reads_nothing_but_the_four_spellings(text: str) -> None:
    """An oracle without the program's regular expression: take the digits, write the four spellings, compare."""
    n = re.sub("[^0-9a-f]", "", text.lower())
    d = f"{n[:8]}-{n[8:12]}-{n[12:16]}-{n[16:20]}-{n[20:]}"
    spelled = text.strip(WHITE_SPACE).lower() in {n, d, f"{{{d}}}", f"({d})"}
    assert parse_guid(text) == (bytes.fromhex(n) if spelled and len(n) == 32 else None)


def test_writes_lower_case_with_hyphens() -> None:
    assert format_guid(GUID) == D


def test_writes_no_guid_of_another_length() -> None:
    with pytest.raises(ValueError, match="16"):
        format_guid(GUID[:-1])


def test_all_128_bits_of_a_new_guid_are_random() -> None:
    """Each of the 32 digits takes each of the 16 values, the 13th and the 17th too, which version 4 would fix."""
    guids = [new_guid().hex() for _ in range(2000)]
    assert len(set(guids)) == 2000
    assert all(len(set(digits)) == 16 for digits in zip(*guids, strict=True))


def test_a_digest_is_sha_256_and_its_short_hash_the_first_8_digits() -> None:
    expected = hashlib.sha256(GUID).hexdigest()
    assert digest(GUID).hex() == expected
    assert short_hash(digest(GUID)) == expected[:8]
