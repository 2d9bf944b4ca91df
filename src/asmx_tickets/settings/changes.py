"""The changes in settings that were read again, and which of them need a restart."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from asmx_tickets.settings.model import AtStart, Settings


@dataclass(frozen=True, slots=True)
class Change:
    """The settings that count from now on, the keys that have changed, and those that need a restart."""

    settings: Settings
    changed: tuple[str, ...]
    kept: tuple[str, ...]

    def __str__(self) -> str:
        """One line for people, without values."""
        told = f"changed: {', '.join(self.changed)}" if self.changed else "nothing has changed"
        return f"{told}; only a restart changes {', '.join(self.kept)}" if self.kept else told


def change_of(current: Settings, wanted: Settings) -> Change:
    """The change from the current settings to the wanted ones."""
    at_start = {
        name
        for name, field in type(wanted).model_fields.items()
        if any(isinstance(mark, AtStart) for mark in field.metadata)
    }
    settings = wanted.model_copy(update={name: getattr(current, name) for name in at_start})
    kept = tuple(_differences(settings.model_dump(by_alias=True), wanted.model_dump(by_alias=True)))
    changed = tuple(_differences(current.model_dump(by_alias=True), settings.model_dump(by_alias=True)))
    return Change(settings, changed, kept)


def _differences(one: dict[str, Any], other: dict[str, Any], above: str = "") -> Iterator[str]:
    for name in dict.fromkeys([*one, *other]):
        first, second = one.get(name), other.get(name)
        if isinstance(first, dict) and isinstance(second, dict):
            yield from _differences(first, second, f"{above}{name}:")
        elif first != second:
            yield f"{above}{name}"
