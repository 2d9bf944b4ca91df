"""``parse_guid``: it takes exactly what the reference takes, with the same 16 bytes, and nothing makes it raise.

Input: the text in UTF-8; bytes that are not UTF-8 become lone surrogates.
"""

from asmx_tickets.tickets.ticket import digest, format_guid, parse_guid, short_hash
from tests.fuzz.references import guid_of

MAX_LENGTH = 256
TOKENS = (
    *(b"-", b"{", b"}", b"(", b")", b"0x", b"urn:uuid:", b"\xe2\x80\x83", b"\xef\xbc\x90", b"\xc2\x85", b"\x1c"),
    *(b",",),
)


def check(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    guid = parse_guid(text)
    assert guid == guid_of(text), (guid, text)
    if guid is not None:
        assert len(guid) == 16
        assert parse_guid(format_guid(guid)) == guid
        assert short_hash(digest(guid)) not in format_guid(guid)
