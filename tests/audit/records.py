"""Records to write."""

import json
from pathlib import Path

from asmx_tickets.audit import Caller, Event, Record

NOW = 1_771_425_300.25
CALLER = Caller("192.0.2.7", "SOAP 1.1", "1f-2")
LOGIN = Record(Event.LOGIN, CALLER, user="jsmith", user_id=42, ticket="0a1b2c3d")


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]
