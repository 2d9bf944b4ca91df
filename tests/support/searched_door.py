"""A door in a process of its own, in which each object can be looked at.

Prints its port and the password of its user ``keeper``. Then, for each line of standard input, the types of the objects
that hold that text: each line is spelled backwards, so that looking for it does not find the line itself.
"""

import gc
import json
import secrets
import sys
from datetime import UTC

from asmx_tickets.hosting.composition import compose
from asmx_tickets.hosting.door import DoorLimits
from asmx_tickets.settings.model import load_settings
from asmx_tickets.users.user import Profile
from tests.support.door import RunningDoor
from tests.support.service import HASHER, Clock, Service


def holders_of(backwards: str) -> list[str]:
    """What holds a text, and in what."""
    seen: set[int] = set()
    found: list[str] = []
    left = gc.get_objects()
    while left:
        each = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, (str, bytes, bytearray)):
            if backwards in _backwards(each):
                found.append(f"{type(each).__name__} of {len(each)}")
        elif type(each).__name__ != "module":  # CPython gh-122695
            left += gc.get_referents(each)
    return found


def _backwards(text: str | bytes | bytearray) -> str:
    return (text if isinstance(text, str) else text.decode("latin-1"))[::-1]


def add_keeper(service: Service) -> str:
    """Add the user ``keeper``, and give the password."""
    password = secrets.token_hex()
    service.composition.directory.add(Profile(user_name="keeper"), HASHER.hash(password))
    HASHER.hash.cache_clear()
    return password


def main() -> None:
    service = Service(compose(load_settings(environ={}), demo=True, local_zone=UTC), Clock())
    door = RunningDoor(service, DoorLimits())
    print(door.port, add_keeper(service), sep="\n", flush=True)
    for line in sys.stdin:
        gc.collect()
        print(json.dumps(holders_of(line.rstrip("\n"))), flush=True)
    door.close()
    service.composition.close()


if __name__ == "__main__":
    main()
