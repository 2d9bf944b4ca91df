"""What an endpoint does not serve is refused when it is built."""

from datetime import datetime
from typing import Any

import pytest
from spyne.auxproc.sync import SyncAuxProc
from spyne.protocol.http import HttpPattern

from spyne_asmx import AsmxApplication, AsmxEndpoint
from spyne_asmx.spyne import AnyDict, Array, ComplexModel, DateTime, Service, Unicode, XmlAttribute, XmlData, mrpc, rpc


class Holder(ComplexModel):
    Held = Array(AnyDict)


class Made(ComplexModel):
    Name = Unicode

    @classmethod
    def get_deserialization_instance(cls, ctx: Any) -> Any:
        return cls(Name="made")


class Actor(ComplexModel):
    Name = Unicode

    @mrpc(_returns=Unicode)
    def Act(self: Any, ctx: Any) -> str:
        return str(self.Name)


async def _waits(ctx: Any, text: str) -> str:
    return text


async def _yields(ctx: Any, text: str) -> Any:
    yield text


def _echoes(ctx: Any, text: Any) -> Any:
    return text


CASES = {
    "coroutine": (_waits, Unicode, {}, "async def is"),
    "generator": (_yields, Unicode, {}, "async def is"),
    "AnyDict": (_echoes, AnyDict, {}, "AnyDict is"),
    "AnyDict in an object": (_echoes, Holder, {}, "AnyDict is"),
    "bound": (_echoes, DateTime(le=datetime(2026, 1, 1)), {}, "a bound of a DateTime without a time zone is"),  # noqa: DTZ001
    "hook": (
        _echoes,
        Array(Made),
        {},
        "a type's own get_deserialization_instance or get_serialization_instance is",
    ),
    "hidden": (_echoes, Unicode(exc=True), {}, "exc or read_only of a parameter or result is"),
    "not to be set": (_echoes, Unicode(read_only=True), {}, "exc or read_only of a parameter or result is"),
    "attribute": (_echoes, XmlAttribute(Unicode), {}, "XmlAttribute as a parameter or result is"),
    "auxiliary": (_echoes, Unicode, {"_aux": SyncAuxProc()}, "auxiliary processing (_aux, __aux__) is"),
    "callback": (_echoes, Unicode, {"_is_callback": True}, "a callback (_is_callback) is"),
    "asynchronous": (_echoes, Unicode, {"_is_async": True}, "_is_async is"),
    "MTOM": (_echoes, Unicode, {"_mtom": True}, "MTOM (_mtom) is"),
    "pattern": (_echoes, Unicode, {"_pattern": HttpPattern("/x")}, "a URL pattern (_pattern, _patterns) is"),
    "port type": (_echoes, Unicode, {"_port_type": "Port"}, "a port type (_port_type, __port_types__) is"),
}


def build(function: Any, kind: Any = Unicode, **options: Any) -> AsmxEndpoint:
    function.__name__ = "Echo"
    service = type("Echoes", (Service,), {"Echo": rpc(kind, _returns=kind, **options)(function)})
    return AsmxEndpoint(AsmxApplication([service], "urn:x", "Echoes"), "/e.asmx")


@pytest.mark.parametrize(("function", "kind", "options", "feature"), CASES.values(), ids=CASES)
def test_a_feature_that_is_not_served_is_refused(function: Any, kind: Any, options: Any, feature: str) -> None:
    with pytest.raises(TypeError) as refused:
        build(function, kind, **options)
    assert str(refused.value) == f"Echo: {feature} not supported"


def test_methods_of_objects_are_refused() -> None:
    with pytest.raises(TypeError, match=r"^Actor\.Act: @mrpc is not supported$"):
        build(_echoes, Actor)


def test_an_ordinary_operation_is_built() -> None:
    assert build(_echoes).operations.by_name.keys() == {"Echo"}


def test_a_type_that_is_text_alone_can_be_extended_by_attributes_only() -> None:
    """As in ASMX: XML Schema's simple content can't have elements."""

    class Price(ComplexModel):
        Value = XmlData(Unicode)

    class Regional(Price):
        Region = Unicode

    with pytest.raises(
        TypeError, match=r"^Echo: Regional extends a type that is text alone, and may add attributes only$"
    ):
        build(_echoes, Regional)
