"""Turns spyne's faults, which services and listeners raise, into the faults of answers."""

from typing import Any

from lxml import etree
from spyne import DEFAULT_LANGUAGE, Fault
from spyne.util.etreeconv import dict_to_etree

from spyne_asmx.faults import AsmxFault, FaultCode, ServerFault, ServiceFault
from spyne_asmx.http import Request
from spyne_asmx.soap import VERSIONS
from spyne_asmx.types import ObjectCodec, codec_of
from spyne_asmx.xml import Element
from spyne_asmx.xmlvalues import as_element, parsed
from spyne_asmx.xmlwriter import escape_text, without_invalid, write

_CODES = {name: code for code in FaultCode for name in code.value}
_DETAIL_ELEMENTS = {"detail", *(f"{{{version.namespace}}}Detail" for version in VERSIONS)}
# How deep the content of a detail is nested: Envelope, Body, Fault, detail, content.
_DEPTH = 5


def raised_fault(error: Exception, request: Request, namespace: str, what: str = "reading the request") -> AsmxFault:
    """The fault of an answer to a request for an exception that was raised. ``what`` is what failed.

    Services, listeners and types' own setters and checks raise faults. Anything else is a bug, which is logged.
    """
    if isinstance(error, AsmxFault):
        return error
    if isinstance(error, Fault):
        try:
            return service_fault(error, namespace)
        except Exception:  # a detail that can't be written
            request.log_bug(what)
            return ServerFault()
    request.log_bug(what)
    return ServerFault()


def service_fault(error: Fault, namespace: str) -> ServiceFault:
    """The fault of an answer for one of spyne's faults. ``namespace`` is the service's.

    Raises TypeError for a detail that can't be written.
    """
    first, *subcodes = str(error.faultcode).split(".")
    known = _CODES.get(first)
    return ServiceFault(
        known or FaultCode.SERVER,
        str(error.faultstring),
        subcodes=tuple(filter(None, subcodes)) if known else (),
        own_code="" if known else str(error.faultcode),
        actor=str(error.faultactor or ""),
        detail=_detail(error.detail) + _members(error, namespace),
        language="" if error.lang == DEFAULT_LANGUAGE else str(error.lang or ""),
    )


def _detail(given: Any) -> str:
    """The markup of a detail, which may be a dict, XML in any form, a list of these, or text."""
    if given is None:
        return ""
    if isinstance(given, dict):
        return _content(_tree(given))
    if isinstance(given, list | tuple):
        return "".join(map(_detail, given))
    if isinstance(given, str | bytes):
        return _text(given)
    root = given if isinstance(given, etree._Element) else parsed(write(as_element(given)))
    return _content(root) if root.tag in _DETAIL_ELEMENTS else _written(as_element(root))


def _tree(given: dict[str, Any]) -> etree._Element:
    root = etree.Element("detail")
    dict_to_etree(_writable(given), root)
    return root


def _writable(given: Any) -> Any:
    """A detail's values without characters that XML can't carry, which lxml refuses."""
    if isinstance(given, dict):
        return {name: _writable(value) for name, value in given.items()}
    if isinstance(given, list | tuple):
        return [_writable(value) for value in given]
    return without_invalid(given) if isinstance(given, str) else given


def _text(given: str | bytes) -> str:
    """The markup of text, which may be XML."""
    text = given.decode() if isinstance(given, bytes) else given
    if not text.lstrip().startswith("<"):
        return escape_text(text)
    try:
        return _detail(parsed(text))
    except etree.XMLSyntaxError:
        return escape_text(text)


def _content(root: etree._Element) -> str:
    """The content of an element."""
    children = [
        _written(as_element(child)) + escape_text(child.tail or "") for child in root.iterchildren(etree.Element)
    ]
    return escape_text(root.text or "") + "".join(children)


def _members(error: Fault, namespace: str) -> str:
    """The members that a fault class declares, in an element named after the class."""
    codec = codec_of(type(error), namespace)
    if not isinstance(codec, ObjectCodec) or not codec.members:
        return ""
    for member in codec.members:
        if isinstance(getattr(error, member.python_name, None), type):  # not set: still the class's declaration
            setattr(error, member.python_name, None)
    return _written(codec.write(f"{codec.namespace}}}{codec.type_name}", error))


def _written(element: Element) -> str:
    return write(element, depth=_DEPTH)
