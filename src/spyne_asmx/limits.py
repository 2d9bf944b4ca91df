"""The limits of a request over every binding, and the answers to requests that exceed them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a request. The body is counted in bytes, texts and names in characters.

    ``depth`` to ``names_length`` bound XML, ``fields`` bounds a form. ``names_length`` bounds all names of a document
    together, each with its namespace spelled out. ``value_length`` bounds the text of a parameter; ignored text is
    bounded by the other limits. The defaults suit services in general: ASP.NET's ``maxRequestLength`` is 4 MB.
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
