"""Reads an operation's docstring for its callers: a description, and the sections ``Args`` and ``Errors``::

Log in with a name and a password.

Args:
    name: The login name, in any letter case.
    password: The password.

Errors:
    Authentication failed: The name or the password is wrong.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from inspect import cleandoc

_SECTION = re.compile(r"^(Args|Arguments|Parameters|Errors):[ ]*$", re.MULTILINE)
_ARGUMENTS = {"Args", "Arguments", "Parameters"}


@dataclass(frozen=True, slots=True)
class Notes:
    """A docstring's content. ``parameters`` maps names to meanings; ``errors`` pairs each text with its cause."""

    description: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[tuple[str, str], ...] = ()

    @property
    def paragraphs(self) -> list[str]:
        """The description's paragraphs, each on one line."""
        return paragraphs_of(self.description)


def paragraphs_of(text: str) -> list[str]:
    """A text's paragraphs, each on one line."""
    blocks = re.split(r"\n\s*\n", text)
    return [" ".join(block.split()) for block in blocks if block.strip()]


def read_docstring(text: str | None) -> Notes:
    """Read a docstring. Sections with other names belong to the description."""
    description, *rest = _SECTION.split(cleandoc(text or ""))
    parameters: dict[str, str] = {}
    errors: list[tuple[str, str]] = []
    for name, content in zip(rest[::2], rest[1::2], strict=True):
        section, after = _cut(content)
        if name in _ARGUMENTS:
            parameters.update(_items(section))
        else:
            errors += _items(section)
        description = f"{description.rstrip()}\n\n{after}" if after else description
    return Notes(description.strip(), parameters, tuple(errors))


def _cut(content: str) -> tuple[list[str], str]:
    """The indented lines of a section, and the text after it."""
    lines = content.strip("\n").split("\n")
    end = next((place for place, line in enumerate(lines) if line and not line[0].isspace()), len(lines))
    return [line for line in lines[:end] if line.strip()], "\n".join(lines[end:]).strip()


def _items(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Pairs of the text before a line's first colon and the text after it. Deeper indented lines continue the text."""
    indent = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    items: list[str] = []
    for line in lines:
        if len(line) - len(line.lstrip()) > indent and items:
            items[-1] += f" {line.strip()}"
        else:
            items.append(line.strip())
    for item in items:
        name, _, meaning = item.partition(": ")
        yield name, meaning.strip()
