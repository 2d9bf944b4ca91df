"""What spyne can declare and an endpoint does not serve: refused when the endpoint is built, never ignored."""

from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any


def refuse_unsupported(descriptor: Any) -> None:
    """Raise TypeError, in one line with operation and feature, for a declaration that is not served."""
    name = str(descriptor.operation_name)
    features = {
        "async def is": iscoroutinefunction(descriptor.function) or isasyncgenfunction(descriptor.function),
    }
    for feature, declared in features.items():
        if declared:
            raise TypeError(f"{name}: {feature} not supported")
