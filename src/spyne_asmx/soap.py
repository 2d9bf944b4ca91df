"""SOAP 1.1 and 1.2 as pure functions: a request's bytes and headers to (operation, parameters), and faults to bytes."""

from collections.abc import Container, Mapping
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
from spyne_asmx.xmlwriter import escape_attribute, escape_text


@dataclass(frozen=True, slots=True, eq=False)
class SoapVersion:
    """What differs between the two SOAP versions. There are only two instances, which are compared by identity."""

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

# A header for another actor (1.1, section 4.2.2) or role (1.2, section 2.2) need not be understood here.
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

# SOAP encoding's references and arrays (WS-I BP 1.1 R1005, R2113) are refused; encodingStyle, id and xsi:type are not.
_REFUSED_ATTRIBUTES = frozenset({"href", "arrayType"})


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """What an envelope that calls one operation may contain.

    ``elements`` are the names that the body's element may have: expanded, or local for an element in no namespace.
    ``headers`` are the expanded names of the header blocks that the operation understands.
    """

    operation: str
    elements: frozenset[str]
    headers: frozenset[str] = frozenset()


class Routes(NamedTuple):
    """The operations by action and by the body's element. An element that several operations share maps to None."""

    by_action: Mapping[str, Route]
    by_element: Mapping[str, Route | None]
    headers: frozenset[str] = frozenset()
    """The header blocks that any of the operations understands."""


class DecodedEnvelope(NamedTuple):
    """A decoded envelope: its operation, its body's element, and its header blocks (None without a Header)."""

    version: SoapVersion
    operation: str
    entry: Element | None
    headers: list[Element] | None = None


class SoapFaulted(Exception):
    """A fault, and the SOAP version to write it in."""

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
    routes: Routes,
    limits: Limits,
    sources: bool = False,
) -> DecodedEnvelope:
    """Decode one envelope.

    ``version`` is the content type's, for faults before the envelope's own version is known. ``header_action`` is the
    SOAPAction header and ``action`` the content type's parameter, unquoted; an empty one counts as absent. ``sources``
    asks for elements that know their source text.

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
        return _decoded(envelope, own_version, header_action if own_version is SOAP11 else action, routes)
    except AsmxFault as fault:
        raise SoapFaulted(fault, own_version) from None


def _decoded(envelope: Element, version: SoapVersion, action: str, routes: Routes) -> DecodedEnvelope:
    """Decode an envelope that was read. A header that is not understood comes before any other fault (BP R2725)."""
    headers = _headers(envelope, version)
    if headers:
        _check_headers(headers, version, routes.headers)
    entry = _body_entry(envelope, version)
    route = (_route_of_11 if version is SOAP11 else _route_of_12)(entry, action, routes)
    if headers:
        _check_headers(headers, version, route.headers)
    return DecodedEnvelope(version, route.operation, entry, headers)


def _headers(envelope: Element, version: SoapVersion) -> list[Element] | None:
    """The header blocks; None without a Header."""
    children = envelope.children
    return children[0].children if children and children[0].name == _NAMES[version][0] else None


def _body_entry(envelope: Element, version: SoapVersion) -> Element | None:
    """The body's only child, or None for an empty body. Raises ClientFault if the envelope is ambiguous."""
    header_name, body_name = _NAMES[version]
    children = envelope.children
    if children and children[0].name == header_name:
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


def _check_headers(headers: list[Element], version: SoapVersion, understood: frozenset[str]) -> None:
    """Raise NotUnderstood for a block that must be understood and is not."""
    must_understand = f"{version.namespace}}}mustUnderstand"
    actor = f"{version.namespace}}}{version.actor_attribute}"
    for block in headers:
        if (
            block.attributes.get(must_understand, "").strip() in {"1", "true"}
            and block.attributes.get(actor, "").strip() in version.own_actors
            and block.name not in understood
        ):
            raise NotUnderstood(block.local_name)


def _route_of_11(entry: Element | None, header_action: str, routes: Routes) -> Route:
    """SOAP 1.1: the SOAPAction header names the operation, and the body must agree (WS-I BP 1.1 R1127, R2744)."""
    if not header_action:
        return _route_of_body(entry, routes)
    by_action = routes.by_action.get(header_action)
    if by_action is None:
        raise unknown_action(header_action)
    if entry is not None:
        _require_agreement(entry, by_action, "SOAPAction header")
    return by_action


def _route_of_12(entry: Element | None, action: str, routes: Routes) -> Route:
    """SOAP 1.2: the body names the operation. An unknown action is ignored (SOAP 1.2 part 2, section 6.5.3)."""
    by_action = routes.by_action.get(action)
    if by_action is None:
        return _route_of_body(entry, routes)
    if entry is not None:
        _require_agreement(entry, by_action, "action")
    return by_action


def _route_of_body(entry: Element | None, routes: Routes) -> Route:
    """The operation that the body's element names."""
    if entry is None:
        raise ClientFault("Server was unable to read request. ---> The Body is empty and there is no SOAPAction.")
    if entry.name not in routes.by_element:
        raise unknown_element(entry.local_name, entry.namespace)
    route = routes.by_element[entry.name]
    if route is None:
        raise ClientFault(f"The element {entry.local_name} is that of several operations; an action must say which.")
    return route


def _require_agreement(entry: Element, route: Route, what: str) -> None:
    """Raise ClientFault if the body names another operation: a filter could check one and the server run the other."""
    if entry.name in route.elements:
        return
    namespaces = {name.rpartition("}")[0] for name in route.elements}
    element = entry.local_name
    if entry.namespace not in namespaces:
        element = f"{element} of the namespace {entry.namespace}"
    raise ClientFault(f"The {what} names the operation {route.operation}, the body's element is {element}.")


def refused_attribute(parameter: Element, declared: Container[str] = ()) -> str | None:
    """The name of a SOAP encoding attribute that a parameter must not have, or None.

    Attributes in ``declared`` (expanded names) belong to the parameter's type, so they are accepted.
    """
    for name in parameter.attributes:
        local_name = name.rpartition("}")[2]
        if local_name in _REFUSED_ATTRIBUTES and name not in declared:
            return local_name
    return None


def encode_fault(fault: AsmxFault, version: SoapVersion) -> bytes:
    """The envelope of a fault."""
    opening = version.opening
    if isinstance(fault, VersionMismatch):
        opening = opening.replace("<soap:Body>", f"<soap:Header>{_UPGRADE}</soap:Header><soap:Body>")
    content = _fault_of_11(fault) if version is SOAP11 else _fault_of_12(fault)
    return f"{opening}<soap:Fault>{content}</soap:Fault>{CLOSING}".encode()


def _fault_of_11(fault: AsmxFault) -> str:
    code = ".".join((f"soap:{fault.code.value[0]}", *fault.subcodes))
    language = f' xml:lang="{escape_attribute(fault.language)}"' if fault.language else ""
    actor = f"<faultactor>{escape_text(fault.actor)}</faultactor>" if fault.actor else ""
    # SOAP 1.1, section 4.4: a detail means that processing the body failed, so a header's fault must not have one.
    detail = "" if isinstance(fault, NotUnderstood) else _filled("detail", fault.detail)
    return (
        f"{_qualified('faultcode', fault.own_code or code)}"
        f"<faultstring{language}>{escape_text(fault.text)}</faultstring>{actor}{detail}"
    )


def _fault_of_12(fault: AsmxFault) -> str:
    subcode = ""
    for one in (fault.own_code,) if fault.own_code else reversed(fault.subcodes):
        subcode = f"<soap:Subcode>{_qualified('soap:Value', one)}{subcode}</soap:Subcode>"
    language = escape_attribute(fault.language or "en")
    return (
        f"<soap:Code><soap:Value>soap:{fault.code.value[1]}</soap:Value>{subcode}</soap:Code>"
        f'<soap:Reason><soap:Text xml:lang="{language}">{escape_text(fault.text)}</soap:Text></soap:Reason>'
        f"{f'<soap:Node>{escape_text(fault.actor)}</soap:Node>' if fault.actor else ''}"
        f"{_filled('soap:Detail', fault.detail) if fault.detail else ''}"
    )


def _qualified(element: str, code: str) -> str:
    """An element with a code that may be in a namespace: ``{namespace}name``."""
    namespace, _, name = code.removeprefix("{").rpartition("}")
    if not namespace:
        return f"<{element}>{escape_text(name)}</{element}>"
    return f'<{element} xmlns:q0="{escape_attribute(namespace)}">q0:{escape_text(name)}</{element}>'


def _filled(element: str, markup: str) -> str:
    return f"<{element}>{markup}</{element}>" if markup else f"<{element} />"


# SOAP 1.2 part 1, appendix A: a VersionMismatch fault lists the envelopes that are accepted.
_UPGRADE = (
    f'<soap12:Upgrade xmlns:soap12="{_NS12}">'
    f'<soap12:SupportedEnvelope qname="soap11:Envelope" xmlns:soap11="{_NS11}" />'
    '<soap12:SupportedEnvelope qname="soap12:Envelope" /></soap12:Upgrade>'
)
