"""Decodes SOAP requests that differ from a known request only in their parameters' texts, without the full reader.

A client's proxy always sends the same envelope; only the parameters' texts change (differential deserialization:
Suzumura, Takase and Tatsubori, ICWS 2005; Abu-Ghazaleh and Lewis, SC 2005). A shape is a body that the full reader has
decoded, cut at these texts into constant bytes and slots. If a body has the same constant bytes and plain text in the
slots, the full reader would find the same meaning, so it is not needed. Plain text is printable ASCII without the
characters that mean something to XML, so it can't hold references, line ends or markup.

Shapes keep constants and never values. A body is learnt only if there is nothing but white space outside its
parameters, and no comment, header block or attribute that could carry anything of the client's.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from xml.parsers.expat import ExpatError, ParserCreate

MAX_PER_KEY = 8
MAX_SHAPES = 256
STALE_AFTER = 10_000
"""A shape that has not matched for this many bodies may be replaced. A shape in use never is."""
_MAX_CONSTANTS = 4096

# Printable ASCII without <, & and >, and without ], which could end a CDATA section.
_PLAIN = re.compile(rb"[\x20-\x25\x27-\x3b\x3d\x3f-\x5c\x5e-\x7e]*")
_PARAMETER_DEPTH = 4  # Envelope, Body, operation, parameter
_NAMELESS = re.compile(r"(?:http://www\.w3\.org/2001/XMLSchema-instance\}(?:type|nil)|.*\}encodingStyle)\Z", re.DOTALL)

Key = tuple[str | None, str | None]
"""The Content-Type and SOAPAction headers, on which the meaning of a body depends."""


class Match(NamedTuple):
    """A body that matches a shape: what was learnt with the shape, and the texts of the slots in order."""

    learnt: Any
    texts: list[str]


class Shape:
    """Constant bytes with slots between them."""

    __slots__ = ("_constants", "learnt", "used")

    def __init__(self, constants: Sequence[bytes], learnt: Any) -> None:
        self._constants = tuple(constants)
        self.learnt = learnt
        self.used = 0

    @property
    def constants(self) -> tuple[bytes, ...]:
        return self._constants

    def match(self, body: bytes, longest: int) -> list[str] | None:
        """The slots' texts, or None if the body has another shape. ``longest`` bounds a text's length."""
        constants = self._constants
        if not body.startswith(constants[0]):
            return None
        position = len(constants[0])
        texts = []
        for constant in constants[1:]:
            end = body.find(b"<", position)
            if end < 0 or end - position > longest or not body.startswith(constant, end):
                return None
            if _PLAIN.fullmatch(body, position, end) is None:
                return None
            texts.append(body[position:end].decode("ascii"))
            position = end + len(constant)
        return texts if position == len(body) else None


class Shapes:
    """The shapes of an endpoint's requests: a few for each key, some hundreds in all."""

    def __init__(self, longest_text: int) -> None:
        self._longest = longest_text
        self._by_key: dict[Key, list[Shape]] = {}
        self._count = 0
        self._bodies = 0
        self._refused = 0

    def find(self, key: Key, body: bytes) -> Match | None:
        """The match of a body, if it has a known shape."""
        self._bodies += 1
        for shape in self._by_key.get(key, ()):
            texts = shape.match(body, self._longest)
            if texts is not None:
                shape.used = self._bodies
                return Match(shape.learnt, texts)
        return None

    def wants(self, key: Key) -> bool:
        """Whether to learn from a body. While there is no room, only a few bodies are tried."""
        if len(self._by_key.get(key, ())) < MAX_PER_KEY and self._count < MAX_SHAPES:
            return True
        self._refused += 1
        return self._refused % 16 == 0

    def learn(self, key: Key, body: bytes, texts: Sequence[str], learnt: Any) -> None:
        """Remember the shape of a body that was decoded to these texts of its parameters, in document order.

        Nothing is remembered if the body does not contain the texts unchanged, if anything else could be a value, or
        if all room is taken by shapes in use.
        """
        constants = _constants(body, texts)
        if constants is None or sum(map(len, constants)) > _MAX_CONSTANTS:
            return
        shapes = self._by_key.setdefault(key, [])
        if any(shape.constants == constants for shape in shapes):
            return
        if (len(shapes) >= MAX_PER_KEY or self._count >= MAX_SHAPES) and not self._forget_stale():
            return
        if len(shapes) < MAX_PER_KEY:
            shape = Shape(constants, learnt)
            shape.used = self._bodies
            # _forget_stale may have removed the key's list.
            self._by_key.setdefault(key, shapes).append(shape)
            self._count += 1

    def __len__(self) -> int:
        """How many shapes are known."""
        return self._count

    def __iter__(self) -> Iterator[Shape]:
        return (shape for shapes in self._by_key.values() for shape in shapes)

    def _forget_stale(self) -> bool:
        """Forget the shapes that are no longer used. True if there were any."""
        before = self._count
        oldest = self._bodies - STALE_AFTER
        for key, shapes in list(self._by_key.items()):
            shapes[:] = [shape for shape in shapes if shape.used > oldest]
            if not shapes:
                del self._by_key[key]
        self._count = sum(map(len, self._by_key.values()))
        return self._count < before


def _constants(body: bytes, texts: Sequence[str]) -> tuple[bytes, ...] | None:
    """The body cut at its parameters' texts; None if it can't be a shape."""
    if b"<!" in body or not body.isascii():
        return None
    ends = _parameter_ends(body)
    if ends is None or len(ends) != len(texts):
        return None
    constants, position = [], 0
    for end, text in zip(ends, texts, strict=True):
        value = text.encode()
        start = end - len(value)
        plain = _PLAIN.fullmatch(value) is not None
        # The text must be there unchanged, between the start tag and the end tag.
        if not plain or body[start:end] != value or body[start - 1 : start] != b">" or body[end : end + 2] != b"</":
            return None
        constants.append(body[position:start])
        position = end
    return (*constants, body[position:])


def _parameter_ends(body: bytes) -> list[int] | None:
    """Where each parameter's end tag begins; None if anything but a parameter's text could be a value."""
    parser = ParserCreate("utf-8", "}")
    ends: list[int] = []
    depth = 0
    fit = True

    def start(_name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, fit
        depth += 1
        fit = fit and all(_NAMELESS.match(name) for name in attributes)

    def end(_name: str) -> None:
        nonlocal depth
        if depth == _PARAMETER_DEPTH:
            ends.append(parser.CurrentByteIndex)
        depth -= 1

    def text(data: str) -> None:
        nonlocal fit
        fit = fit and (depth == _PARAMETER_DEPTH or not data.strip())

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    try:
        parser.Parse(body, True)
    except ExpatError:
        return None
    finally:
        # The handlers refer to the parser. Without this they would keep each other alive.
        parser.StartElementHandler = parser.EndElementHandler = parser.CharacterDataHandler = None
    return ends if fit else None
