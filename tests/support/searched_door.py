"""A door in its own process, in which every object can be searched.

Prints its port and the password of its user ``keeper``. Then it reads a line of words, which are spelled backwards so
that the search does not find the line itself, and prints the types of the objects that hold each of them, as JSON.
"""

import gc
import json
import secrets
import sys
from datetime import UTC

from asmx_tickets.hosting.composition import compose
from asmx_tickets.hosting.door import DoorLimits
from asmx_tickets.settings.model import load_settings
from asmx_tickets.users.passwords import PasswordHasher
from asmx_tickets.users.user import Profile
from tests.support.door import RunningDoor
from tests.support.service import Clock, QuickParameters, Service

_HASHER = PasswordHasher(QuickParameters())


def holders_of(words: list[str]) -> list[list[str]]:
    """The types and lengths of the objects that hold each word, which is spelled backwards."""
    seen: set[int] = set()
    found: list[list[str]] = [[] for _ in words]
    left = gc.get_objects()
    while left:
        each = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, (str, bytes, bytearray)):
            text = _backwards(each)
            for holders, word in zip(found, words, strict=True):
                if word in text:
                    holders.append(f"{type(each).__name__} of {len(each)}")
        elif type(each).__name__ != "module":  # CPython gh-122695
            left += gc.get_referents(each)
    return found


def _backwards(text: str | bytes | bytearray) -> str:
    return (text if isinstance(text, str) else text.decode("latin-1"))[::-1]


def add_keeper(service: Service) -> str:
    """Add the user ``keeper``, and give the password."""
    password = secrets.token_hex()
    service.composition.directory.add(Profile(user_name="keeper"), _HASHER.hash(password))
    return password


def main() -> None:
    service = Service(compose(load_settings(environ={}), demo=True, local_zone=UTC, passwords=_HASHER), Clock())
    door = RunningDoor(service, DoorLimits())
    print(door.port, add_keeper(service), sep="\n", flush=True)
    words = sys.stdin.readline().split()
    door.settle(0)
    gc.collect()
    print(json.dumps(holders_of(words)), flush=True)
    door.close()
    service.composition.close()


if __name__ == "__main__":
    main()
