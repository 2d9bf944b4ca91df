"""How much a request may have, over every binding, and what it is told when it has more."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a request may have. The body is counted in bytes, texts and names in characters.

    ``depth`` to ``names_length`` bound XML, ``fields`` a form. ``names_length`` bounds all names of a
    document together, each with its namespace spelled out. ``value_length`` bounds a parameter's text; what nobody
    reads is bounded by the body's size and by the rest. The defaults are for services of one's own: ASP.NET's
    ``maxRequestLength`` is 4 MB.
    """

    body: int = 4 * 1024 * 1024
    depth: int = 64
    elements: int = 10_000
    attributes: int = 256
    namespaces: int = 256
    names_length: int = 4_000_000
    value_length: int = 4 * 1024 * 1024
    fields: int = 1000


DEFAULT_LIMITS = Limits()
