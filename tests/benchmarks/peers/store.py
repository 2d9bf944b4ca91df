"""The data of the peers in Python: the live tickets and the one user."""

from pathlib import Path

USER = {
    "userid": "42",
    "username": "jsmith",
    "firstName": "John",
    "lastName": "Smith",
    "fullname": "John Smith",
    "email": "jsmith@example.com",
}


def read_tickets(file: str) -> dict[bytes, float]:
    """The expiry of each ticket, by its 16 bytes. The file has a line of text for each, with both."""
    lines = (line.split() for line in Path(file).read_text().splitlines())
    return {bytes.fromhex(guid.replace("-", "")): float(expires_at) for guid, expires_at in lines}
