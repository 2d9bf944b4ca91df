"""The call of an operation as a curl command, for people to copy."""

import shlex

from spyne_asmx.bindings import Binding
from spyne_asmx.operations import Operation
from spyne_asmx.samples import NO_EXAMPLE, Example, form_values, request_envelope
from spyne_asmx.soap import SOAP11, SOAP12


def curl_line(operation: Operation, address: str, bindings: frozenset[Binding], example: Example = NO_EXAMPLE) -> str:
    """A command that makes the call over the first of POST, GET and SOAP that is on; empty if all are off."""
    if operation.fits_forms and not bindings.isdisjoint({Binding.POST, Binding.GET}):
        return shlex.join(["curl", f"{address}/{operation.name}", *_form_words(operation, bindings, example)])
    if not bindings.isdisjoint({Binding.SOAP11, Binding.SOAP12}):
        return shlex.join(["curl", address, *_soap_words(operation, bindings, example)])
    return ""


def _form_words(operation: Operation, bindings: frozenset[Binding], example: Example) -> list[str]:
    words: list[str] = []
    for name, value, stand_in in form_values(operation, example):
        words += ["--data-urlencode", f"{name}={stand_in if value is None else value}"]
    if Binding.POST not in bindings:
        return ["--get", *words] if words else []
    return words or ["--request", "POST"]


def _soap_words(operation: Operation, bindings: frozenset[Binding], example: Example) -> list[str]:
    version = SOAP11 if Binding.SOAP11 in bindings else SOAP12
    words = ["--header", f"Content-Type: {version.content_type}"]
    if version is SOAP11:
        words += ["--header", f'SOAPAction: "{operation.action}"']
    lines = request_envelope(operation, example, version).split("\n")
    return [*words, "--data-binary", " ".join(line.strip() for line in lines)]
