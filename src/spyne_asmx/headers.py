"""Reads and writes the SOAP headers that an operation declares."""

from typing import Any

from spyne_asmx.faults import ClientFault
from spyne_asmx.messages import Part
from spyne_asmx.soap import refused_attribute
from spyne_asmx.xml import Element
from spyne_asmx.xmlwriter import write


class SoapHeaders:
    """The headers of one direction. A service finds one value in its context, or a list where several are declared."""

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self.parts = parts
        self.names = frozenset(part.element for part in parts)

    def __bool__(self) -> bool:
        return bool(self.parts)

    @property
    def are_required(self) -> bool:
        """Whether any of them is required (``min_occurs=1``)."""
        return any(self.requires(part) for part in self.parts)

    @staticmethod
    def requires(part: Part) -> bool:
        """Whether a header must be there."""
        return bool(part.type.Attributes.min_occurs > 0)

    def read(self, blocks: list[Element] | None, longest: int) -> Any:
        """The value of the context's ``in_header``; None without a Header, as in spyne. Raises ClientFault.

        ``longest`` bounds a header's text, in characters.
        """
        values = [self._value(part, blocks or [], longest) for part in self.parts]
        if blocks is None:
            return None
        return values[0] if len(values) == 1 else values

    def written(self, given: Any) -> str:
        """The Header of an answer with the context's ``out_header``. None values are left out."""
        values = given if isinstance(given, list | tuple) else (given,)
        if len(values) > len(self.parts):
            raise TypeError(f"{len(values)} headers are given where {len(self.parts)} are declared")
        elements = [
            write(part.codec.write(part.element, value), depth=3)
            for part, value in zip(self.parts, values, strict=False)
            if value is not None
        ]
        return f"<soap:Header>{''.join(elements)}</soap:Header>" if elements else ""

    def _value(self, part: Part, blocks: list[Element], longest: int) -> Any:
        found = [block for block in blocks if block.name == part.element]
        if self.requires(part) and all(block.is_nil for block in found):
            raise ClientFault(f"The header {part.name} is missing.")
        if not found:
            return None
        if len(found) > 1:
            raise ClientFault(f"The header {part.name} is given more than once.")
        if len(found[0].text) > longest:
            raise ClientFault(f"The header {part.name} is longer than {longest} characters.")
        if refused := refused_attribute(found[0], part.codec.attribute_names):
            raise ClientFault(f"The header {part.name} must not have the attribute {refused}.")
        return part.codec.read(found[0])
