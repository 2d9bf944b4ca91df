"""What the peers in Python know: the live tickets and the one user."""

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
    """Tickets by their 16 bytes, with the second each expires: lines of both, as text."""
    lines = (line.split() for line in Path(file).read_text().splitlines())
    return {bytes.fromhex(guid.replace("-", "")): float(expires_at) for guid, expires_at in lines}
