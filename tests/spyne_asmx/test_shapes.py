"""Shapes are exact: a body that matches one means what the full reader says, and no shape keeps a value."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spyne_asmx import AsmxApplication, HeaderMap, OperationTable, Request
from spyne_asmx.bindings import Faulted, SoapBinding
from spyne_asmx.faults import HttpError
from spyne_asmx.shapes import MAX_PER_KEY, MAX_SHAPES, STALE_AFTER, Shapes
from spyne_asmx.spyne import Integer32, Service, Unicode, rpc

NAMESPACE = "urn:shapes"
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
KEY = ("text/xml", None)


class Echoes(Service):
    @rpc(Unicode, Unicode, _returns=Unicode, _in_variable_names={"name": "UID", "password": "PWD"})
    def LogIn(ctx: Any, name: str | None, password: str | None) -> str:
        return f"{name} {password}"

    @rpc(Integer32, _returns=Integer32)
    def Twice(ctx: Any, number: int) -> int:
        return 2 * number


OPERATIONS = OperationTable(AsmxApplication([Echoes], NAMESPACE, "echoes"))


def said_of(binding: SoapBinding, body: bytes, content_type: str = "text/xml", action: str | None = None) -> object:
    """What a binding makes of a request: the call, or how it is refused."""
    headers = [("content-type", content_type), *([("soapaction", action)] if action is not None else [])]
    try:
        call = binding.decode(Request("POST", "/echoes.asmx", "", HeaderMap(headers), body))
    except Faulted as faulted:
        return "fault", str(faulted.fault), faulted.form.name
    except HttpError as error:
        return "http", error.status, str(error)
    return call.operation.name, call.arguments, call.form.name


def same_both_ways(
    binding: SoapBinding, body: bytes, content_type: str = "text/xml", action: str | None = None
) -> bool:
    """Whether this binding, which may know shapes, agrees with a new one, which knows none. It learns from the body."""
    fresh = SoapBinding(OPERATIONS)
    return said_of(binding, body, content_type, action) == said_of(fresh, body, content_type, action)


def envelope(fields: str, *, soap: str = SOAP11, operation: str = "LogIn", before: str = "", inside: str = "") -> str:
    return (
        f'{before}<s:Envelope xmlns:s="{soap}">{inside}<s:Body>'
        f'<{operation} xmlns="{NAMESPACE}">{fields}</{operation}></s:Body></s:Envelope>'
    )


FORMS = [
    "<UID>{0}</UID><PWD>{1}</PWD>",
    "<PWD>{0}</PWD><UID>{1}</UID>",
    "<UID>{0}</UID>",
    "<UID>{0}</UID><UID>{1}</UID>",
    "<UID>{0}</UID><PWD/>",
    "<UID>{0}</UID>\n  <PWD>{1}</PWD>\n",
    "<UID >{0}</UID ><PWD>{1}</PWD>",
    "<UID><![CDATA[{0}]]></UID><PWD>{1}</PWD>",
    "<UID><!-- c -->{0}</UID><PWD>{1}</PWD>",
    "<UID>a<b>{0}</b></UID><PWD>{1}</PWD>",
    '<UID a="{0}">{1}</UID>',
    '<UID id="x">{0}</UID><PWD>{1}</PWD>',
    '<UID href="#x">{0}</UID><PWD>{1}</PWD>',
    '<UID xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true">{0}</UID><PWD>{1}</PWD>',
    '<UID xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="x">{0}</UID><PWD>{1}</PWD>',
    "<Other>{0}</Other><UID>{1}</UID>",
    "<Other><Deep>{0}</Deep></Other><UID>{1}</UID>",
    "<Other><Deep/>{0}</Other><UID>{1}</UID>",
    "{0}<UID>{1}</UID>",
    "<n:UID xmlns:n='urn:n'>{0}</n:UID><PWD>{1}</PWD>",
]
VALUES = st.one_of(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12),
    st.sampled_from(["", " ", "a", "</UID>", "<x/>", "&amp;", "&#65;", "&lt;", "]]>", "é", "\t", "a\r\nb", "\x00"]),
)


@given(
    st.lists(st.tuples(st.sampled_from(FORMS), VALUES, VALUES), min_size=2, max_size=8),
    st.sampled_from([SOAP11, SOAP12]),
)
def test_the_quick_way_says_what_the_full_way_says(bodies: list[tuple[str, str, str]], soap: str) -> None:
    """Whatever was learnt before, and whatever the values are."""
    binding = SoapBinding(OPERATIONS)
    for form, first, second in bodies:
        for values in ((first, second), ("a", "b"), (second, first)):
            body = envelope(form.format(*values), soap=soap).encode()
            assert same_both_ways(binding, body)


@given(st.binary(max_size=30), st.integers(0, 200), st.integers(0, 30))
def test_a_known_body_that_is_changed_anywhere_means_what_the_full_way_says(
    inserted: bytes, at: int, removed: int
) -> None:
    """Bytes put in, taken out or exchanged at any place of a body whose shape is known."""
    binding = SoapBinding(OPERATIONS)
    body = envelope("<UID>jsmith</UID><PWD>x</PWD>").encode()
    assert same_both_ways(binding, body)
    assert same_both_ways(binding, body[:at] + inserted + body[at + removed :])


@pytest.mark.parametrize(
    ("content_type", "action"),
    [
        ("text/xml; charset=utf-8", None),
        ("text/xml; charset=utf-16", None),
        ("text/xml; charset=iso-8859-1", None),
        ("text/xml", f"{NAMESPACE}/LogIn"),
        ("text/xml", f"{NAMESPACE}/Twice"),
        ("text/xml", "urn:nope"),
        ("application/soap+xml", None),
        ("application/json", None),
    ],
)
def test_a_shape_is_valid_only_with_its_own_headers(content_type: str, action: str | None) -> None:
    """What a body means depends on Content-Type and SOAPAction too."""
    binding = SoapBinding(OPERATIONS)
    body = envelope("<UID>jsmith</UID><PWD>x</PWD>").encode()
    for _ in range(2):
        assert same_both_ways(binding, body)
        assert same_both_ways(binding, body, content_type, action)


def learnt(body: str) -> int:
    binding = SoapBinding(OPERATIONS)
    said_of(binding, body.encode())
    return len(binding._shapes)


@pytest.mark.parametrize(
    "body",
    [
        envelope("<UID>jsmith</UID><PWD>x</PWD>"),
        envelope("<UID></UID><PWD>x</PWD>"),
        envelope("<PWD>x</PWD>\n<UID>jsmith</UID>"),
        envelope("<UID>jsmith</UID><Other>y</Other>"),
        envelope("<UID>jsmith</UID>", before='<?xml version="1.0" encoding="utf-8"?>'),
    ],
)
def test_plain_bodies_are_learnt(body: str) -> None:
    assert learnt(body) == 1


@pytest.mark.parametrize(
    "body",
    [
        envelope("<UID>jürgen</UID>"),
        envelope("<UID>a&amp;b</UID>"),
        envelope("<UID><![CDATA[a]]></UID>"),
        envelope("<!-- secret --><UID>a</UID>"),
        envelope("<UID secret='x'>a</UID>"),
        envelope("<UID>a</UID>", inside="<s:Header><w>secret</w></s:Header>"),
        envelope("<UID>a</UID>", inside="<s:Header><w k='secret'/></s:Header>"),
        envelope("<Other><Deep>secret</Deep></Other><UID>a</UID>"),
        envelope("<number>1</number>", operation="Twice"),
        envelope("<UID>a</UID>" + " " * 5000),
    ],
)
def test_what_could_hold_a_secret_or_has_to_be_converted_is_not_learnt(body: str) -> None:
    assert learnt(body) == 0


def test_no_value_is_kept() -> None:
    """A shape is made of the bytes around the values."""
    binding = SoapBinding(OPERATIONS)
    for number in range(100):
        said_of(binding, envelope(f"<UID>marked-{number}-secret</UID><PWD>marked-{number}-too</PWD>").encode())
    kept = [constant for shape in binding._shapes for constant in shape.constants]
    assert kept
    assert not any(b"marked-" in constant for constant in kept)


def test_shapes_are_bounded_and_those_in_use_stay() -> None:
    """A client that sends a new shape with each call does not evict one that is in use."""
    shapes = Shapes(8192)

    def learn(key: tuple[str, None], number: int) -> bytes:
        body = f"<a><b><c><v{number}>x</v{number}></c></b></a>".encode()
        shapes.learn(key, body, ["x"], number)
        return body

    used = learn(KEY, 0)
    for number in range(1, 4 * STALE_AFTER // 1000):
        for each in range(1000):
            shapes.find(KEY, b"<nothing/>")
            if each % 100 == 0:
                assert shapes.find(KEY, used) is not None
        for each in range(20):
            learn((f"text/{each}", None), number)
            learn(KEY, 1000 + number * 20 + each)
        assert len(shapes) <= MAX_SHAPES
        assert sum(1 for _ in shapes) == len(shapes)
    assert shapes.find(KEY, used) is not None


def test_an_unused_shape_makes_room() -> None:
    shapes = Shapes(8192)
    bodies = [f"<a><b><c><v{number}>x</v{number}></c></b></a>".encode() for number in range(MAX_PER_KEY + 1)]
    for body in bodies:
        shapes.learn(KEY, body, ["x"], None)
    assert shapes.find(KEY, bodies[-1]) is None
    for _ in range(STALE_AFTER + 1):
        shapes.find(KEY, b"<nothing/>")
    shapes.learn(KEY, bodies[-1], ["x"], None)
    assert shapes.find(KEY, bodies[-1]) is not None
