"""spyne's types on the wire: which codec is for which type, and what a message needs to know of a type."""

from typing import Any

from spyne import AnyXml
from spyne.model.complex import ComplexModelBase

from spyne_asmx.anytype import AnyTypeCodec
from spyne_asmx.codec import Codec, InvalidValue, codec_of, wrong_count
from spyne_asmx.complextypes import ArrayCodec, Member, ObjectCodec
from spyne_asmx.simpletypes import SimpleCodec
from spyne_asmx.typenames import AnyType, repeats
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
    "repeats",
    "takes_xml",
    "wrong_count",
]


def takes_xml(spyne_type: Any, inside: frozenset[Any] = frozenset()) -> bool:
    """Whether XML can stand in a value of the type, so that requests must be read with their sources."""
    if issubclass(spyne_type, AnyXml | AnyType):
        return True
    if not issubclass(spyne_type, ComplexModelBase) or spyne_type in inside:
        return False
    return any(takes_xml(kind, inside | {spyne_type}) for kind in spyne_type.get_flat_type_info(spyne_type).values())
