"""The fields of object types, arrays and messages, with the attributes that spyne's Soap11 goes by.

A type may have other attributes for some protocols (spyne's ``prot_attrs``, ``pa``). Here Soap11's count.
"""

import sys
from functools import cache
from typing import Any

from spyne.model.complex import XmlModifier

_SOAP11 = "spyne.protocol.soap.soap11"


def fields_of(model: Any) -> dict[str, Any]:
    """The types of all fields by name, those of the types that ``model`` extends first."""
    return {name: _for_soap(kind) for name, kind in model.get_flat_type_info(model).items()}


def own_fields_of(model: Any) -> dict[str, Any]:
    """The types of the fields that ``model`` itself declares."""
    return {name: _for_soap(kind) for name, kind in model._type_info.items()}


def item_of(array: Any) -> tuple[str, Any]:
    """The key and the type of an array's items."""
    (item,) = own_fields_of(array).items()
    return item


def is_described(kind: Any) -> bool:
    """Whether the WSDL and the pages have the field (spyne's ``exc_interface``)."""
    return not kind.Attributes.exc_interface


@cache
def _for_soap(kind: Any) -> Any:
    # Who names Soap11 in an attribute has imported it. Nobody else needs it, and newer Pythons don't have it.
    soap11 = getattr(sys.modules.get(_SOAP11), "Soap11", None)
    attributes = (kind.Attributes.prot_attrs or {}).get(soap11)
    if not attributes:
        return kind
    if not issubclass(kind, XmlModifier):
        return kind.customize(**attributes)
    adapted = kind.customize()
    adapted.type = kind.type.customize(**attributes)
    adapted.Attributes = adapted.type.Attributes
    return adapted
