"""What two answers must have in common to mean the same to a client, though their bytes differ."""

import re
from typing import Any
from xml.etree.ElementTree import canonicalize

from lxml import etree

from tests.spyne_asmx.twins.exchanges import Answer

_XSD = "http://www.w3.org/2001/XMLSchema"
_DECLARATION = re.compile(r' xmlns:n\d+="[^"]*"')
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


def canonical(document: str | bytes, *, strip: bool = False) -> str:
    """Canonical XML with uniform prefixes; ``strip`` drops indentation too.

    It does not matter where a prefix is declared, so the declarations come at the end.
    """
    root = etree.fromstring(document.encode() if isinstance(document, str) else document)
    for element in root.iter(etree.Element):
        if (named := element.get(_XSI_TYPE)) is not None:
            prefix, _, local = named.rpartition(":")
            element.set(_XSI_TYPE, f"{{{element.nsmap.get(prefix or None, '')}}}{local}")
    text = canonicalize(etree.tostring(root, encoding="unicode"), rewrite_prefixes=True, strip_text=strip)
    return "".join([_DECLARATION.sub("", text), *sorted(set(_DECLARATION.findall(text)))])


def definitions(wsdl: str) -> str:
    """A WSDL in canonical form. The order of the schemas, and of the types in a schema, does not matter."""
    root = etree.fromstring(wsdl.encode("utf-8"), etree.XMLParser(remove_blank_text=True))
    for schema in root.iter(f"{{{_XSD}}}schema"):
        schema[:] = sorted(schema, key=lambda part: (str(part.tag), part.get("name") or part.get("namespace") or ""))
    for types in root.iter("{http://schemas.xmlsoap.org/wsdl/}types"):
        types[:] = sorted(types, key=lambda schema: schema.get("targetNamespace") or "")
    return canonical(etree.tostring(root, encoding="unicode"), strip=True)


def meaning(answer: Answer) -> dict[str, Any]:
    """What a client learns from an answer: status, media type and content, or the parts of a fault."""
    status, content_type, body = answer
    said: dict[str, Any] = {"status": status}
    if not body.strip():
        return said
    said["type"] = content_type.replace(" ", "").lower()
    if not said["type"].startswith(("text/xml", "application/soap+xml")):
        return said | {"text": body.strip()}
    root = etree.fromstring(body.encode())
    fault = root.find(".//{*}Fault")
    if fault is not None:
        return said | _parts(fault)
    # A form's answer is indented, and an envelope is not.
    return said | {"content": canonical(body, strip=root.find("{*}Body") is None)}


def _parts(fault: Any) -> dict[str, Any]:
    """The parts of a fault of either SOAP version."""
    codes = [_expanded(code) for code in fault.iter("faultcode", "{*}Value")]
    details = [part for part in fault if etree.QName(part).localname.lower() == "detail"]
    return {
        "codes": codes,
        "text": next(fault.iter("faultstring", "{*}Text")).text,
        "actor": next((actor.text for actor in fault.iter("faultactor", "{*}Node", "{*}Role")), None),
        "detail": [canonical(etree.tostring(inner)) for detail in details for inner in detail],
    }


def _expanded(code: Any) -> str:
    prefix, _, local = code.text.rpartition(":")
    return f"{{{code.nsmap.get(prefix or None, '')}}}{local}"


def is_run_times_text(text: str) -> bool:
    """Whether a fault's text is the run-time's own: it differs between .NET and Mono and between languages."""
    return "{0}" in text or text.startswith("Server was unable to")
