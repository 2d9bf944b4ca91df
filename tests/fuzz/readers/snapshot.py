"""The file that keeps tickets over a restart: loading it never raises, marks it as used whatever is in it, and gives
the cache exactly the live tickets that the reference finds in it, none of which lives longer than the settings allow.

Input: the bytes of the file; or a ``!`` and what follows the checksum, which the harness then corrects; or a ``?`` and
the same in the older format. Only the file's owner can write a right checksum, but a damaged disk must not keep the
service from starting either.
"""

import hashlib
import json
import logging
import struct
import tempfile
from pathlib import Path

from asmx_tickets.tickets import TicketRules
from asmx_tickets.tickets.memory import MemoryTicketCache
from asmx_tickets.tickets.snapshot import load

MAX_LENGTH = 4096
NOW = 1_771_425_300.0
WINDOW = 30 * 86_400.0
CAPACITY = 8
RECORDS = {1: struct.Struct("<32sqqddIdd"), 2: struct.Struct("<32sqqddIdd16sHB")}
TOKENS = (
    *(b"!", b"?", b"asmx-tickets\x01\0\0\0", b"asmx-tickets\x02\0\0\0"),
    *(b'["en"]', b'["en", "de"]', b"[]", b"[[", b'"\\ud800"'),
    *(b"\0\0\0\0\0\0\xf8\x7f", b"\xff" * 8),
    *(
        struct.pack("<d", moment)
        for moment in (NOW, NOW + 60, NOW - 60, NOW + WINDOW, float("nan"), float("inf"), -1e300)
    ),
    struct.pack("<32sqqddIdd", b"\x01" * 32, 42, 1, NOW - 90, NOW - 60, 0, NOW - 60, NOW - 60 + WINDOW),
    struct.pack("<16sHB", b"\x02" * 16, 0, 1),
)
_log = logging.getLogger("asmx_tickets.tickets.snapshot")


def check(data: bytes) -> None:
    version = {b"!": 2, b"?": 1}.get(data[:1])
    content = data if version is None else _signed(data[1:], version)
    cache = MemoryTicketCache(TicketRules(WINDOW, max_total=CAPACITY), clock=lambda: NOW)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "tickets")
        file.write_bytes(content)
        file.chmod(0o600)
        _log.disabled = True  # It would write a line for each file.
        try:
            number = load(cache, file)
        finally:
            _log.disabled = False
        (left,) = Path(folder).iterdir()
        used = left.read_bytes()[:12] == b"used-tickets"
    expected = _reference(content)
    assert used if expected is not None else (number == 0 and left.name.startswith("tickets.damaged.")) or used, left
    tickets = {each.short_hash: each for each in cache.summaries()}
    assert number == cache.held == len(list(cache.summaries()))
    assert set(tickets) == {digest[:4].hex() for digest in expected or ()}
    assert all(NOW < each.expires_at <= NOW + WINDOW and each.last_used_at <= NOW for each in tickets.values())
    assert cache.add(b"a" * 16, user_id=1, security_stamp=1, language="en", previous_logon=None)
    assert cache.held <= CAPACITY


def _signed(payload: bytes, version: int) -> bytes:
    return b"asmx-tickets" + struct.pack("<I", version) + hashlib.sha256(payload).digest() + payload


def _reference(content: bytes) -> set[bytes] | None:
    """The digests of the tickets that are alive, or None if it is not a file of tickets."""
    head, payload = content[:48], content[48:]
    version = next((each for each in RECORDS if head == _signed(payload, each)[:48]), None)
    if version is None or len(payload) < 4:
        return None
    record = RECORDS[version]
    records_at = 4 + int.from_bytes(payload[:4], "little")
    try:
        languages = json.loads(payload[4:records_at])
    except (ValueError, RecursionError):
        return None
    records = payload[min(records_at, len(payload)) :]
    if (
        len(records) % record.size
        or not isinstance(languages, list)
        or not all(isinstance(each, str) for each in languages)
    ):
        return None
    alive: set[bytes] = set()
    last_use = NOW
    for digest, _, _, _, _, language, used_at, expires_at, *_ in record.iter_unpack(records):
        last_use = used_at if used_at < last_use else last_use
        is_alive = last_use + WINDOW > NOW and not expires_at <= NOW
        if is_alive and language < len(languages) and len(alive) < CAPACITY:
            alive.add(digest)
    return alive
