"""SOAP 1.1 and 1.2 as pure functions: a request's bytes and headers to (operation, parameters); results and faults to
bytes. What is accepted and refused is CONTRACT 2.1 and 2.2; the W3C notes it rests on are named where they decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from spyne_asmx.faults import (
    AsmxFault,
    ClientFault,
    NotUnderstood,
    Unreadable,
    VersionMismatch,
    unknown_action,
)
from spyne_asmx.xml import (
    DECLARATION,
    XSD_NAMESPACE,
    XSI_NAMESPACE,
    Element,
    Limits,
    XmlError,
    escape_text,
    read,
)


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

# SECURITY D16: SOAP encoding's references and arrays; encodingStyle and xsi:type are tolerated.
_REFUSED_ATTRIBUTES = frozenset({"href", "id", "arrayType"})


class Call(NamedTuple):
    """A decoded SOAP request: which operation, and its parameters' elements by nobody's order but the client's."""

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
    actions: tuple[str, ...],
    operations: Mapping[str, str],
    namespace: str,
    limits: Limits,
) -> Call:
    """Decode one envelope.

    ``version`` is the content type's, for faults before the envelope shows its own. ``actions`` are the values of the
    SOAPAction header and the action parameter that were there, unquoted; empty ones count as absent. ``operations``
    maps actions to operation names.

    Raises SoapFaulted, and UnsupportedCharset from the reader.
    """
    try:
        envelope = read(body, charset, limits)
    except XmlError as error:
        raise SoapFaulted(Unreadable(error.line, error.column), version) from None
    own_version = _BY_ENVELOPE.get(envelope.name)
    if own_version is None:
        raise SoapFaulted(VersionMismatch(envelope.namespace), version)
    try:
        entry = _body_entry(envelope, own_version)
        operation = _operation(entry, actions, operations, namespace)
    except AsmxFault as fault:
        raise SoapFaulted(fault, own_version) from None
    return Call(own_version, operation, [] if entry is None else entry.children)


def _body_entry(envelope: Element, version: SoapVersion) -> Element | None:
    """The body's one child, or None for an empty body. Refuses what could be read in two ways (SECURITY X7, X8)."""
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


def _operation(entry: Element | None, actions: tuple[str, ...], operations: Mapping[str, str], namespace: str) -> str:
    """The operation that the action and the body agree on (CONTRACT 2.1; BP R2744; SECURITY X9)."""
    by_action = None
    for action in actions:
        named = operations.get(action)
        if named is None:
            raise unknown_action(action)
        if by_action is not None and by_action != named:
            raise ClientFault("The SOAPAction header and the action parameter name different operations.")
        by_action = named
    if entry is None:
        if by_action is None:
            raise ClientFault("Server was unable to read request. ---> The Body is empty and there is no SOAPAction.")
        return by_action
    entry_namespace, _, local_name = entry.name.rpartition("}")
    is_ours = entry_namespace in {namespace, ""}
    if by_action is None:
        action = _action(entry_namespace or namespace, local_name)
        if not is_ours or action not in operations:
            raise unknown_action(action)
        return operations[action]
    if not is_ours or local_name != by_action:
        element = local_name if is_ours else f"{local_name} of the namespace {entry_namespace}"
        raise ClientFault(f"The SOAPAction header names the operation {by_action}, the body's element is {element}.")
    return by_action


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
