"""What spyne can declare and an endpoint does not serve: refused when the endpoint is built, never ignored."""

from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any

from spyne.model.complex import ComplexModelBase, XmlAttribute


def refuse_unsupported(descriptor: Any) -> None:
    """Raise TypeError, in one line with operation and feature, for a declaration that is not served."""
    name = str(descriptor.operation_name)
    parts = [kind for message in (descriptor.in_message, descriptor.out_message) for kind in _parts(message)]
    features = {
        "XmlAttribute as a parameter or result is": any(issubclass(kind, XmlAttribute) for kind in parts),
        "async def is": iscoroutinefunction(descriptor.function) or isasyncgenfunction(descriptor.function),
    }
    for feature, declared in features.items():
        if declared:
            raise TypeError(f"{name}: {feature} not supported")


def _parts(message: Any) -> list[Any]:
    """The types of a wrapped message's parts, or the type of a bare one."""
    wrapped = issubclass(message, ComplexModelBase) and message.Attributes.sub_name is None
    return list(message.get_flat_type_info(message).values()) if wrapped else [message]
