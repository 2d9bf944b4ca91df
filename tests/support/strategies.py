"""Hypothesis strategies for what the bindings can and can't carry."""

import re

from hypothesis import strategies as st

_NOT_IN_XML = [*map(chr, set(range(0x20)) - {0x09, 0x0A, 0x0D}), "\ufffe", "\uffff"]
_TRICKY = st.sampled_from("&<>\"']]>\t\n\r +%;=\u0085\u2028\ufeff\U0001f600éßıſK")

# XML 1.0 production 2 (Char). A form is held to the same (SECURITY F5).
XML_CHARACTER = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
XML_TEXT = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"], exclude_characters=_NOT_IN_XML), _TRICKY), max_size=60
)

_ENVELOPE = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
_MARKUP = st.sampled_from(
    [
        *(b"<a>", b"</a>", b'<a b="', b'"/>', b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?p ", b"?>", b"]>"),
        *(b"<!DOCTYPE a [", b"<!ENTITY b 'c'>"),
        *(b"&amp;", b"&lt;", b"&#65;", b"&#x1F600;", b"&#0;", b"&#xFFFE;", b"&b;", b"\xc3\xa9", b"\xe9"),
        *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"<?xml version='1.0'?>"),
        *(b"<?xml version='1.0' encoding='utf-16'?>", b"<?xml version='1.0' encoding='utf-7'?>"),
        *(_ENVELOPE, b"</s:Envelope>", b"<s:Body>", b"</s:Body>", _ENVELOPE + b"<s:Body>", b"</s:Body></s:Envelope>"),
        *(b'<AuthenticateUser xmlns="http://tempuri.org/">', b"</AuthenticateUser>", b"<UID>", b"</UID>"),
    ]
)

# Bytes that get further into a reader of XML than random ones do.
NEARLY_XML = st.one_of(
    st.lists(st.one_of(_MARKUP, st.binary(max_size=3)), max_size=20).map(b"".join),
    st.text(max_size=40).map(lambda text: f"<a>{text}</a>".encode("utf-16", "surrogatepass")),
    st.binary(max_size=100).map(lambda inside: b"<a>" + inside + b"</a>"),
)

ANY_BYTES = st.one_of(st.binary(max_size=200), NEARLY_XML)
