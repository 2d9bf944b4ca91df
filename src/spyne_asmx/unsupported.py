"""What spyne can declare and an endpoint does not serve: refused when the endpoint is built, never ignored."""

from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any

from spyne.descriptor import BODY_STYLE_EMPTY, BODY_STYLE_WRAPPED


def refuse_unsupported(descriptor: Any) -> None:
    """Raise TypeError, in one line with operation and feature, for a declaration that is not served."""
    name = str(descriptor.operation_name)
    # spyne names what nobody has named after the function, also where _operation_name gives the operation another name.
    usual = {name, str(descriptor.function.__name__)}
    results = list(getattr(descriptor.out_message, "_type_info", ()))
    features = {
        "headers (__in_header__, _in_header) are": descriptor.in_header,
        "headers (__out_header__, _out_header) are": descriptor.out_header,
        "the bare body style is": descriptor.body_style not in {BODY_STYLE_WRAPPED, BODY_STYLE_EMPTY},
        "async def is": iscoroutinefunction(descriptor.function) or isasyncgenfunction(descriptor.function),
        "_in_message_name is": descriptor.in_message.get_type_name() != name,
        "_out_message_name is": descriptor.out_message.get_type_name() not in {f"{one}Response" for one in usual},
        "_out_variable_name is": len(results) == 1 and results[0] not in {f"{one}Result" for one in usual},
    }
    for feature, declared in features.items():
        if declared:
            raise TypeError(f"{name}: {feature} not supported")
