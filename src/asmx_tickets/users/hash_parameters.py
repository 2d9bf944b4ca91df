"""What a password's hash costs, and the bounds of it (SECURITY A1, A2).

Free of argon2, so that the settings load quickly.
"""

from dataclasses import dataclass

from asmx_tickets.errors import SettingsError

# OWASP Password Storage Cheat Sheet, argon2id: equally strong minima as (memory in KiB, iterations, parallelism).
_FLOORS = ((47_104, 1, 1), (19_456, 2, 1), (12_288, 3, 1))
# A stored hash above these is not worked on: it would take the machine's memory, or minutes.
MAX_MEMORY_KIB, MAX_ITERATIONS, MAX_PARALLELISM = 1_048_576, 20, 16
_CEILING = (MAX_MEMORY_KIB, MAX_ITERATIONS, MAX_PARALLELISM)


@dataclass(frozen=True, slots=True)
class HashParameters:
    """The cost of an argon2id hash.

    Attributes:
        memory_kib: memory in KiB.
        iterations: passes over the memory.
        parallelism: lanes. More than one takes as many cores per login.

    Raises:
        SettingsError: weaker than each of OWASP's minima (19456 KiB and 2 iterations, 47104 and 1, or 12288 and 3),
            or above 1 GiB, 20 iterations or 16 lanes.
    """

    memory_kib: int = 19_456
    iterations: int = 2
    parallelism: int = 1

    def __post_init__(self) -> None:
        cost = (self.memory_kib, self.iterations, self.parallelism)
        if not any(_covers(cost, floor) for floor in _FLOORS):
            least = " or ".join(_for_people(floor) for floor in _FLOORS)
            raise SettingsError(f"Password hashes of {_for_people(cost)} are too weak: the least is {least}.")
        if not _covers(_CEILING, cost):
            most = _for_people(_CEILING)
            raise SettingsError(f"Password hashes of {_for_people(cost)} are too costly: the most is {most}.")


def affordable(memory_kib: int, iterations: int, parallelism: int) -> bool:
    """Whether a stored hash with these parameters may be worked on."""
    return _covers(_CEILING, (memory_kib, iterations, parallelism))


def _covers(cost: tuple[int, int, int], least: tuple[int, int, int]) -> bool:
    return all(have >= need for have, need in zip(cost, least, strict=True))


def _for_people(cost: tuple[int, int, int]) -> str:
    return "{} KiB, iterations {}, parallelism {}".format(*cost)
