"""spyne's attributes of single fields: who may set a field, where it is shown, and in which protocol."""

from typing import Any
from uuid import UUID

import pytest

from spyne_asmx import AsmxEndpoint
from spyne_asmx.spyne import Array, Boolean, ComplexModel, Integer32, Service, Unicode, Uuid, XmlAttribute, XmlData, rpc
from tests.spyne_asmx.reference import call, endpoint_of, inside, wsdl_of


class Account(ComplexModel):
    Name = Unicode
    IsAdmin = Boolean(read_only=True)
    Level = XmlAttribute(Unicode(read_only=True))
    Pin = Unicode(exc_interface=True)
    Key = XmlAttribute(Unicode(exc_interface=True))


class Person(ComplexModel):
    _type_info = (("First", Unicode), ("Last", Unicode), ("Full", Unicode(read_only=True)))

    @property
    def Full(self) -> str | None:
        return f"{self.First} {self.Last}" if self.First else None


class Note(ComplexModel):
    Text = XmlData(Unicode(read_only=True))


class Fields(Service):
    @rpc(Account, _returns=Unicode)
    def Show(ctx: Any, account: Any) -> str:
        return f"{account.Name} {account.IsAdmin} {account.Level} {account.Pin} {account.Key}"

    @rpc(_returns=Account)
    def Make(ctx: Any) -> Any:
        return Account(Name="ann", Pin="1234", Key="k")

    @rpc(Person, _returns=Person)
    def Meet(ctx: Any, person: Any) -> Any:
        return person

    @rpc(Note, _returns=Unicode)
    def Read(ctx: Any, note: Any) -> str:
        return str(note.Text)

    @rpc(Integer32(default_factory=lambda: 9), Array(Unicode, default_factory=lambda: ["a"]), _returns=Unicode)
    def Made(ctx: Any, n: int, words: list[str]) -> str:
        words.append("b")
        return f"{n} {words}"

    @rpc(Uuid(serialize_as="bytes"), _returns=Uuid(serialize_as="int"))
    def Number(ctx: Any, uuid: Any) -> Any:
        return uuid


@pytest.fixture(scope="module")
def fields() -> AsmxEndpoint:
    return endpoint_of("fields", Fields)


def test_a_request_cannot_set_what_only_the_service_sets(fields: AsmxEndpoint) -> None:
    given = "<account Level='9'><Name>eve</Name><IsAdmin>true</IsAdmin></account>"
    assert "<ShowResult>eve None None None None</ShowResult>" in inside(call(fields, "Show", given))
    assert "<ReadResult>None</ReadResult>" in inside(call(fields, "Read", "<note>x</note>"))


@pytest.mark.parametrize("given", ["", "<Full>x</Full>"])
def test_a_request_cannot_set_a_property(fields: AsmxEndpoint, given: str) -> None:
    person = f"<person><First>a</First><Last>b</Last>{given}</person>"
    assert "<Full>a b</Full>" in inside(call(fields, "Meet", person))
    assert "<MeetResult />" in inside(call(fields, "Meet", f"<person>{given}</person>"))


def test_what_is_excluded_from_the_interface_is_still_on_the_wire(fields: AsmxEndpoint) -> None:
    given = "<account Key='k'><Pin>1234</Pin></account>"
    assert "None None None 1234 k" in inside(call(fields, "Show", given))
    assert '<MakeResult Key="k"><Name>ann</Name><IsAdmin>false</IsAdmin><Pin>1234</Pin></MakeResult>' in inside(
        call(fields, "Make")
    )
    wsdl = wsdl_of(fields, "fields")
    assert b'name="IsAdmin"' in wsdl
    assert b'name="Pin"' not in wsdl
    assert b'name="Key"' not in wsdl
    page = fields.documentation.answer("op=Make", "http://localhost/fields.asmx").body
    assert b"Pin" not in page
    assert b"Key" not in page


def test_a_default_is_made_anew_for_each_call(fields: AsmxEndpoint) -> None:
    for _ in range(2):
        assert "<MadeResult>9 ['a', 'b']</MadeResult>" in inside(call(fields, "Made"))
    assert "<MadeResult>1 ['b']</MadeResult>" in inside(call(fields, "Made", "<n>1</n><words/>"))


def test_a_missing_uuid_that_is_written_as_a_number_is_zero(fields: AsmxEndpoint) -> None:
    assert "<NumberResult>0</NumberResult>" in inside(call(fields, "Number"))


def test_attributes_set_for_soap_apply_here() -> None:
    soap = pytest.importorskip("spyne.protocol.soap", exc_type=ImportError)
    from spyne.protocol.json import JsonDocument

    class Secretive(ComplexModel):
        Name = Unicode(pa={soap.Soap11: {"max_len": 3}, JsonDocument: {"exc": True}})
        Secret = Unicode(pa={soap.Soap11: {"exc": True}})
        Code = XmlAttribute(Unicode(pa={soap.Soap11: {"exc": True}}))

    class Secrets(Service):
        @rpc(Secretive, Unicode(pa={soap.Soap11: {"min_occurs": 1}}), _returns=Array(Secretive))
        def Same(ctx: Any, one: Any, must: str) -> Any:
            return [Secretive(Name=one.Name, Secret="s", Code="c")]

    secrets = endpoint_of("secrets", Secrets)
    answer = inside(call(secrets, "Same", "<one><Name>abc</Name></one><must/>"))
    assert "<SameResult><Secretive><Name>abc</Name></Secretive></SameResult>" in answer
    assert "at most 3 characters" in inside(call(secrets, "Same", "<one><Name>abcd</Name></one><must/>"))
    assert "The parameter must is missing." in inside(call(secrets, "Same", "<one/>"))
    wsdl = wsdl_of(secrets, "secrets")
    assert b'name="Name"' in wsdl
    assert b'name="Secret"' not in wsdl
    assert b'name="Code"' not in wsdl


def test_a_uuid_is_written_as_a_number() -> None:
    uuid = UUID("00112233-4455-6677-8899-aabbccddeeff")

    class Numbers(Service):
        @rpc(_returns=Uuid(serialize_as="int"))
        def Number(ctx: Any) -> Any:
            return uuid

    assert f"<NumberResult>{uuid.int}</NumberResult>" in inside(call(endpoint_of("numbers", Numbers), "Number"))
