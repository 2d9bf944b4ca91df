"""The ways in which a secret could be written, and places to look for it."""

import base64
import uuid
from collections.abc import Iterable, Iterator

from asmx_tickets.tickets.ticket import parse_guid


def spellings(token: str) -> Iterator[bytes]:
    """The ways in which a secret of ASCII letters and digits could be written, in lower case except for base64."""
    plain = token.encode()
    yield plain
    yield plain.hex().encode()
    yield "".join(f"%{byte:02x}" for byte in plain).encode()
    yield "".join(f"&#{byte};" for byte in plain).encode()
    yield "".join(f"\\x{byte:02x}" for byte in plain).encode()
    yield token.encode("utf-16-le")
    yield token.encode("utf-16-be")
    yield from _in_base64(plain)


def _in_base64(plain: bytes) -> Iterator[bytes]:
    """At each of the three positions that it can have in a longer text."""
    for before in range(3):
        whole = (len(plain) + before) // 3 * 3 - before
        yield base64.b64encode(b"\0" * before + plain[:whole])[(0, 2, 3)[before] :]


def ticket_spellings(ticket: str) -> Iterator[bytes]:
    """A ticket's bytes, digits and GUID, in the order of RFC 9562 and in .NET's."""
    guid = parse_guid(ticket) or b""
    for each in (guid, uuid.UUID(bytes=guid).bytes_le):
        yield each
        yield from _in_base64(each)
        for text in (str(uuid.UUID(bytes=each)), each.hex()):
            yield from spellings(text)


class Places:
    """What was written, by the names of the places."""

    def __init__(self, **written: bytes) -> None:
        self.written = written
        self._lower = {name: data.lower() for name, data in written.items()}

    def with_any(self, forms: Iterable[bytes]) -> list[str]:
        """The places that have any of a secret's forms, in any letter case."""
        wanted = set(forms)
        both = ((name, data, self._lower[name]) for name, data in self.written.items())
        return [name for name, data, lower in both if any(form in lower or form in data for form in wanted)]
