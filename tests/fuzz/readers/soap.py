"""``spyne_asmx.soap.decode`` and the SOAP bindings: it raises SoapFaulted and UnsupportedCharset and nothing else; each
answer is one of the contract; and when a call reaches the rules, lxml reads the same operation and parameters from the
body, and the SOAPAction names no other operation.

Input: a line with the content type, a line with the SOAPAction (empty: none), then the body.
"""

from lxml import etree

from asmx_tickets.service import LIMITS
from spyne_asmx import Request
from spyne_asmx.charsets import UnsupportedCharset
from spyne_asmx.http import HeaderMap, parse_media_type
from spyne_asmx.soap import SOAP11, SOAP12, SoapFaulted, decode
from spyne_asmx.xml import XSI_NAMESPACE
from tests.fuzz.references import by_lxml
from tests.fuzz.target import NAMESPACE, PARAMETERS, Target, expected

MAX_LENGTH = 4096
_NAMESPACES = {version.namespace for version in (SOAP11, SOAP12)}
_MEDIA_TYPES = {SOAP11.media_type, SOAP12.media_type}
_FIELDS = sorted({name.encode() for names in PARAMETERS.values() for name in names})
TOKENS = (
    *(b"text/xml\n", b"text/xml; charset=", b"application/soap+xml\n", b'application/soap+xml; action="', b"utf-16"),
    *(b"utf-8",),
    *(f"{NAMESPACE}{name}".encode() for name in PARAMETERS),
    *(f"<{name}>".encode() for name in PARAMETERS),
    *(f'<{name} xmlns="{NAMESPACE}">'.encode() for name in PARAMETERS),
    *(f"</{name}>".encode() for name in PARAMETERS),
    *(b"<%s>" % name for name in _FIELDS),
    *(b"</%s>" % name for name in _FIELDS),
    *(f'<s:Envelope xmlns:s="{namespace}">'.encode() for namespace in sorted(_NAMESPACES)),
    *(b"</s:Envelope>", b"<s:Body>", b"</s:Body>", b"<s:Body/>", b"<s:Header>", b"</s:Header>"),
    *(b's:mustUnderstand="1"', b'href="#a"', b'id="a"', b'xsi:nil="true"'),
    *(b'xmlns:xsi="%s"' % XSI_NAMESPACE.encode(), b"<!--x-->", b"<![CDATA[x]]>", b"s:actor=", b"s:role="),
    *(b"s:encodingStyle=", b"<s:Fault>", b"<!DOCTYPE a>", b"&#65;", b"<?p?>", b'xmlns=""'),
)
_target = Target()


def check(data: bytes) -> None:
    first_line, _, rest = data.partition(b"\n")
    second_line, _, body = rest.partition(b"\n")
    content_type, header = first_line.decode("latin-1"), second_line.decode("latin-1")
    headers = [("content-type", content_type), *([("soapaction", header)] if header else [])]
    media_type = parse_media_type(content_type)
    header_action, action = _unquoted(header), _unquoted(media_type.action or "")
    _check_decode(body, media_type.charset, header_action, action)
    response, asked = _target.ask(Request("POST", "/srv.asmx", "", HeaderMap(headers), body))
    if response.status != 200:
        assert not asked, asked
        return
    assert media_type.name in _MEDIA_TYPES
    version, operation, given = _call_of(body, media_type.charset)
    said = header_action if version == SOAP11.namespace else action
    operation = operation or said.removeprefix(NAMESPACE)
    # An action that names nothing has no say in SOAP 1.2.
    assert said in {"", NAMESPACE + operation} or (
        version == SOAP12.namespace and said.removeprefix(NAMESPACE) not in PARAMETERS
    ), (operation, said)
    assert asked == expected(operation, given), (asked, operation, given)


def _unquoted(action: str) -> str:
    return action.strip().strip("\"'").strip()


def _check_decode(body: bytes, charset: str | None, header_action: str, action: str) -> None:
    operations = _target.endpoint.operations
    try:
        call = decode(
            body,
            version=SOAP11,
            charset=charset,
            header_action=header_action,
            action=action,
            routes=operations.routes,
            limits=LIMITS,
        )
    except (SoapFaulted, UnsupportedCharset):
        return
    assert call.operation in PARAMETERS
    assert call.version in (SOAP11, SOAP12)


def _call_of(body: bytes, charset: str | None) -> tuple[str, str, dict[str, str | None]]:
    """The envelope's namespace, the operation, and its parameters, as another reader sees them.

    The operation is empty if the Body is.
    """
    envelope = by_lxml(body, charset)
    name = etree.QName(envelope)
    assert name.localname == "Envelope"
    assert name.namespace in _NAMESPACES
    (content,) = envelope.findall(f"{{{name.namespace}}}Body")
    if len(content) == 0:
        return name.namespace, "", {}
    (entry,) = content
    assert etree.QName(entry).namespace in {NAMESPACE, None}
    operation = etree.QName(entry).localname
    known = {spelling: name for name in PARAMETERS[operation] for spelling in (name, name.swapcase()[0] + name[1:])}
    given: dict[str, str | None] = dict.fromkeys(PARAMETERS[operation])
    for field in entry:
        parameter = known.get(etree.QName(field).localname)
        if parameter is not None:
            assert given[parameter] is None, "a parameter counts twice"
            assert len(field) == 0, "a parameter has elements inside"
            nil = (field.get(f"{{{XSI_NAMESPACE}}}nil") or "").strip() in {"true", "1"}
            given[parameter] = None if nil else field.text or ""
    return name.namespace, operation, given
