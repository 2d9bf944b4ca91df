"""spyne's types on the wire: each type's codec, and what a message needs to know about a type."""

from typing import Any

from spyne import AnyXml, Array
from spyne.model.complex import ComplexModelBase

from spyne_asmx.anytype import AnyTypeCodec
from spyne_asmx.codec import Codec, InvalidValue, codec_of, wrong_count
from spyne_asmx.complextypes import ArrayCodec, Member, ObjectCodec
from spyne_asmx.simpletypes import SimpleCodec
from spyne_asmx.typenames import AnyType, derived_types, repeats, type_name, types_within
from spyne_asmx.xmlvalues import XmlCodec

__all__ = [
    "AnyTypeCodec",
    "ArrayCodec",
    "Codec",
    "InvalidValue",
    "Member",
    "ObjectCodec",
    "SimpleCodec",
    "XmlCodec",
    "codec_of",
    "needs_sources",
    "repeats",
    "wrong_count",
]


def needs_sources(spyne_type: Any) -> bool:
    """Whether requests with a value of the type must be read with their sources.

    That is so if it can contain XML, or if only a prefix tells two types of one name apart.
    """
    return any(issubclass(kind, AnyXml | AnyType) or _has_namesakes(kind) for kind in types_within([spyne_type]))


def _has_namesakes(spyne_type: Any) -> bool:
    """Whether types that can replace one another by ``xsi:type`` share a name."""
    if not issubclass(spyne_type, ComplexModelBase) or issubclass(spyne_type, Array):
        return False
    kinds = [spyne_type, *derived_types(spyne_type)]
    return len({type_name(kind) for kind in kinds}) < len(kinds)
