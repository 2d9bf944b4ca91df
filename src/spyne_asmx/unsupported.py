"""Refuses declarations that spyne has and an endpoint does not serve, when the endpoint is built."""

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any

from spyne import AnyDict, Application, Array, Date, DateTime
from spyne.model.complex import ComplexModelBase, XmlAttribute

from spyne_asmx.typenames import types_within


@contextmanager
def naming(operation: str) -> Iterator[None]:
    """Put the operation's name in front of a TypeError's message."""
    try:
        yield
    except TypeError as error:
        raise TypeError(f"{operation}: {error}") from None


def refuse_unsupported(descriptor: Any, service: Any) -> None:
    """Raise TypeError, which names the feature in one line, for a declaration that is not served."""
    parts = [kind for message in (descriptor.in_message, descriptor.out_message) for kind in _parts(message)]
    within = types_within(parts)
    function = descriptor.function
    features = {
        "async def is": iscoroutinefunction(function) or isasyncgenfunction(function),
        "_is_async is": descriptor.is_async,
        "AnyDict is": any(issubclass(kind, AnyDict) for kind in within),
        "a bound of a DateTime without a time zone is": any(map(_has_naive_bound, within)),
        "a type's own get_deserialization_instance or get_serialization_instance is": any(map(_has_own_hooks, within)),
        "exc or read_only of a parameter or result is": any(map(_is_hidden, parts)),
        "XmlAttribute as a parameter or result is": any(issubclass(kind, XmlAttribute) for kind in parts),
        "auxiliary processing (_aux, __aux__) is": descriptor.aux is not None,
        "a callback (_is_callback) is": descriptor.is_callback,
        "MTOM (_mtom) is": descriptor.mtom,
        "a URL pattern (_pattern, _patterns) is": bool(descriptor.patterns),
        "a port type (_port_type, __port_types__) is": descriptor.port_type is not None or bool(service.__port_types__),
    }
    for feature, declared in features.items():
        if declared:
            raise TypeError(f"{feature} not supported")


def refuse_methods_of_objects(application: Application) -> None:
    """Raise TypeError if a type has methods of its own: no WSDL could hold them."""
    for owner, descriptor in application.interface.member_methods:
        raise TypeError(f"{owner.get_type_name()}.{descriptor.function.__name__}: @mrpc is not supported")


def _parts(message: Any) -> list[Any]:
    """The types of a wrapped message's parts, or the type of a bare one."""
    wrapped = issubclass(message, ComplexModelBase) and message.Attributes.sub_name is None
    return list(message.get_flat_type_info(message).values()) if wrapped else [message]


def _is_hidden(kind: Any) -> bool:
    """Whether a part is declared as one that clients don't see or don't set, which only members can be."""
    return bool(kind.Attributes.exc or kind.Attributes.read_only)


def _has_naive_bound(kind: Any) -> bool:
    """Whether a moment has a bound with which spyne can't compare any value."""
    if not issubclass(kind, DateTime) or issubclass(kind, Date):
        return False
    bounds = [getattr(kind.Attributes, name) for name in ("gt", "ge", "lt", "le")]
    return any(bound is not None and bound.tzinfo is None for bound in bounds)


def _has_own_hooks(kind: Any) -> bool:
    """Whether an object type makes its values in a way of its own, which needs spyne's protocols."""
    if not issubclass(kind, ComplexModelBase) or issubclass(kind, Array):
        return False
    return any(getattr(kind, name).__func__ is not hook.__func__ for name, hook in _HOOKS.items())


_HOOKS: dict[str, Any] = {
    name: getattr(ComplexModelBase, name) for name in ("get_deserialization_instance", "get_serialization_instance")
}
