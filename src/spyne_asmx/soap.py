"""SOAP 1.1 and 1.2 as pure functions: a request's bytes and headers to (operation, parameters); results and faults to
bytes. The W3C's and WS-I's rules are named where they decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from spyne_asmx.faults import (
    AsmxFault,
    ClientFault,
    NotUnderstood,
    TooMuch,
    Unreadable,
    VersionMismatch,
    unknown_action,
    unknown_element,
)
from spyne_asmx.limits import Limits
from spyne_asmx.xml import (
    DECLARATION,
    XSD_NAMESPACE,
    XSI_NAMESPACE,
    Element,
    OverLimit,
    XmlError,
    read,
)
from spyne_asmx.xmlwriter import escape_text


@dataclass(frozen=True, slots=True, eq=False)
class SoapVersion:
    """What differs between the two SOAP versions. There are two of them, so they are compared by identity."""

    name: str
    namespace: str
    media_type: str
    fault_codes: int  # index into FaultCode's value
    own_actors: frozenset[str]
    actor_attribute: str

    @property
    def content_type(self) -> str:
        return f"{self.media_type}; charset=utf-8"

    @property
    def opening(self) -> str:
        """The declaration and the envelope up to the body's content."""
        return (
            f'{DECLARATION}<soap:Envelope xmlns:soap="{self.namespace}" xmlns:xsi="{XSI_NAMESPACE}" '
            f'xmlns:xsd="{XSD_NAMESPACE}"><soap:Body>'
        )


_NS11 = "http://schemas.xmlsoap.org/soap/envelope/"
_NS12 = "http://www.w3.org/2003/05/soap-envelope"
CLOSING = "</soap:Body></soap:Envelope>"

# A header for another actor (1.1, section 4.2.2) or role (1.2, section 2.2) is not ours to understand.
SOAP11 = SoapVersion(
    "SOAP 1.1", _NS11, "text/xml", 0, frozenset({"", "http://schemas.xmlsoap.org/soap/actor/next"}), "actor"
)
SOAP12 = SoapVersion(
    "SOAP 1.2",
    _NS12,
    "application/soap+xml",
    1,
    frozenset({"", f"{_NS12}/role/next", f"{_NS12}/role/ultimateReceiver"}),
    "role",
)
VERSIONS = (SOAP11, SOAP12)
_BY_ENVELOPE = {f"{version.namespace}}}Envelope": version for version in VERSIONS}
_NAMES = {version: tuple(f"{version.namespace}}}{part}" for part in ("Header", "Body")) for version in VERSIONS}

# SOAP encoding's references and arrays (WS-I BP 1.1 R1005, R2113). encodingStyle, id and xsi:type are tolerated.
_REFUSED_ATTRIBUTES = frozenset({"href", "arrayType"})


class Call(NamedTuple):
    """A decoded SOAP request: which operation, and its parameters' elements in the client's order."""

    version: SoapVersion
    operation: str
    parameters: list[Element]


class SoapFaulted(Exception):
    """A fault, and the SOAP version to say it in."""

    def __init__(self, fault: AsmxFault, version: SoapVersion) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.version = version


def decode(
    body: bytes,
    *,
    version: SoapVersion,
    charset: str | None,
    header_action: str,
    action: str,
    operations: Mapping[str, str],
    namespace: str,
    limits: Limits,
    sources: bool = False,
) -> Call:
    """Decode one envelope.

    ``version`` is the content type's, for faults before the envelope shows its own. ``header_action`` is the SOAPAction
    header and ``action`` the content type's parameter, unquoted; an empty one counts as absent. ``operations`` maps
    actions to operation names. ``sources`` asks for elements that know how they stood in the request.

    Raises SoapFaulted, and UnsupportedCharset from the reader.
    """
    try:
        envelope = read(body, charset, limits, sources=sources)
    except OverLimit as error:
        raise SoapFaulted(TooMuch(error.limit), version) from None
    except XmlError as error:
        raise SoapFaulted(Unreadable(error.line, error.column), version) from None
    own_version = _BY_ENVELOPE.get(envelope.name)
    if own_version is None:
        raise SoapFaulted(VersionMismatch(envelope.namespace), version)
    try:
        entry = _body_entry(envelope, own_version)
        if own_version is SOAP11:
            operation = _operation_of_11(entry, header_action, operations, namespace)
        else:
            operation = _operation_of_12(entry, action, operations, namespace)
    except AsmxFault as fault:
        raise SoapFaulted(fault, own_version) from None
    return Call(own_version, operation, [] if entry is None else entry.children)


def _body_entry(envelope: Element, version: SoapVersion) -> Element | None:
    """The body's one child, or None for an empty body. Refuses what could be read in two ways."""
    header_name, body_name = _NAMES[version]
    children = envelope.children
    if children and children[0].name == header_name:
        _check_headers(children[0], version)
        children = children[1:]
    if len(children) != 1 or children[0].name != body_name:
        raise ClientFault(
            "Server was unable to read request. ---> The envelope must have exactly one Body, at its end."
        )
    entries = children[0].children
    if len(entries) > 1:
        raise ClientFault("Server was unable to read request. ---> The Body must have exactly one child element.")
    if children[0].text.strip():
        raise ClientFault("Server was unable to read request. ---> The Body must not have text.")
    return entries[0] if entries else None


def _check_headers(header: Element, version: SoapVersion) -> None:
    must_understand = f"{version.namespace}}}mustUnderstand"
    actor = f"{version.namespace}}}{version.actor_attribute}"
    for block in header.children:
        if (
            block.attributes.get(must_understand, "").strip() in {"1", "true"}
            and block.attributes.get(actor, "").strip() in version.own_actors
        ):
            raise NotUnderstood(block.local_name)


def _operation_of_11(entry: Element | None, header_action: str, operations: Mapping[str, str], namespace: str) -> str:
    """SOAP 1.1: the SOAPAction header says the operation, and the body must agree (WS-I BP 1.1 R1127, R2744)."""
    if not header_action:
        return _operation_of_body(entry, operations, namespace)
    by_action = operations.get(header_action)
    if by_action is None:
        raise unknown_action(header_action)
    if entry is not None:
        _require_agreement(entry, by_action, namespace, "SOAPAction header")
    return by_action


def _operation_of_12(entry: Element | None, action: str, operations: Mapping[str, str], namespace: str) -> str:
    """SOAP 1.2: the body says the operation. An action that names none is ignored (SOAP 1.2 part 2, section 6.5.3)."""
    by_action = operations.get(action)
    if by_action is None:
        return _operation_of_body(entry, operations, namespace)
    if entry is not None:
        _require_agreement(entry, by_action, namespace, "action")
    return by_action


def _operation_of_body(entry: Element | None, operations: Mapping[str, str], namespace: str) -> str:
    """The operation that the body's element names."""
    if entry is None:
        raise ClientFault("Server was unable to read request. ---> The Body is empty and there is no SOAPAction.")
    operation = operations.get(_action(namespace, entry.local_name))
    if entry.namespace not in {namespace, ""} or operation is None:
        raise unknown_element(entry.local_name, entry.namespace)
    return operation


def _require_agreement(entry: Element, operation: str, namespace: str, what: str) -> None:
    """Raises ClientFault where the body's element is not the operation's: one could be checked and the other run."""
    is_ours = entry.namespace in {namespace, ""}
    if not is_ours or entry.local_name != operation:
        element = entry.local_name if is_ours else f"{entry.local_name} of the namespace {entry.namespace}"
        raise ClientFault(f"The {what} names the operation {operation}, the body's element is {element}.")


def _action(namespace: str, operation: str) -> str:
    return f"{namespace}{operation}" if namespace.endswith("/") else f"{namespace}/{operation}"


def refused_attribute(parameter: Element) -> str | None:
    """The name of an attribute of SOAP encoding that a parameter must not have, or None."""
    for name in parameter.attributes:
        local_name = name.rpartition("}")[2]
        if local_name in _REFUSED_ATTRIBUTES:
            return local_name
    return None


def encode_fault(fault: AsmxFault, version: SoapVersion) -> bytes:
    """The envelope of a fault."""
    code = fault.code.value[version.fault_codes]
    text = escape_text(fault.text)
    if version is SOAP11:
        # SOAP 1.1, section 4.4: detail says that the body's processing failed, so a header's fault must not have it.
        detail = "" if isinstance(fault, NotUnderstood) else "<detail />"
        content = f"<faultcode>soap:{code}</faultcode><faultstring>{text}</faultstring>{detail}"
    else:
        content = (
            f"<soap:Code><soap:Value>soap:{code}</soap:Value></soap:Code>"
            f'<soap:Reason><soap:Text xml:lang="en">{text}</soap:Text></soap:Reason>'
        )
    opening = version.opening
    if isinstance(fault, VersionMismatch):
        opening = opening.replace("<soap:Body>", f"<soap:Header>{_UPGRADE}</soap:Header><soap:Body>")
    return f"{opening}<soap:Fault>{content}</soap:Fault>{CLOSING}".encode()


# SOAP 1.2 part 1, appendix A: with VersionMismatch goes a list of the envelopes that we take.
_UPGRADE = (
    f'<soap12:Upgrade xmlns:soap12="{_NS12}">'
    f'<soap12:SupportedEnvelope qname="soap11:Envelope" xmlns:soap11="{_NS11}" />'
    '<soap12:SupportedEnvelope qname="soap12:Envelope" /></soap12:Upgrade>'
)
