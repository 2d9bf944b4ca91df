"""What spyne's types become in the WSDL's schema: the cases that calculator.asmx does not have."""

from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from spyne import (
    AnyXml,
    Array,
    ComplexModel,
    Date,
    Enum,
    Integer,
    Integer32,
    Mandatory,
    Service,
    Unicode,
    UnsignedInteger8,
    Uuid,
    XmlAttribute,
    XmlData,
    rpc,
)

from spyne_asmx import ALL_BINDINGS, AsmxApplication, wsdl
from spyne_asmx.operations import OperationTable
from spyne_asmx.typenames import nullable
from tests.spyne_asmx.reference import call, endpoint_of, inside
from tests.support.schemas import validator

XSD = "{http://www.w3.org/2001/XMLSchema}"
Size = Enum("Small", "Large", type_name="Size")


class Node(ComplexModel):
    Key = XmlAttribute(Uuid)
    Note = XmlAttribute(Integer32, use="optional")


class Leaf(Node):
    pass


class Namesake(ComplexModel):
    __module__ = "elsewhere"  # spyne itself refuses two of one module
    __type_name__ = "Node"
    Text = Unicode


class Foreigner(ComplexModel):
    __type_name__ = "Node"
    __namespace__ = "urn:other"
    Text = Unicode
    Far = Integer32(sub_ns="urn:far")
    Near = Array(Uuid)


def schema(*parameters: Any, returns: Any = None) -> etree._Element:
    """The schema of a service with one operation, ``Do``."""
    names = [f"p{number}" for number in range(len(parameters))]
    functions: dict[str, Any] = {}
    exec(f"def Do(ctx, {', '.join(names)}): pass", functions)  # spyne takes parameters' names from the signature
    service = type("Doing", (Service,), {"Do": rpc(*parameters, _returns=returns)(functions["Do"])})
    operations = OperationTable(AsmxApplication([service], "urn:do", "doing"))
    root = etree.fromstring(wsdl.build_wsdl(operations, "doing", "http://localhost/", ALL_BINDINGS))
    return root.find(f".//{XSD}schema")


def parameter(*parameters: Any) -> dict[str, str]:
    """The attributes of the first parameter's element, without its name and what every one has."""
    attributes = dict(schema(*parameters).find(f".//{XSD}element[@name='p0']").attrib)
    del attributes["name"]
    return {name: value for name, value in attributes.items() if (name, value) != ("maxOccurs", "1")}


@pytest.mark.parametrize(
    ("spyne_type", "expected"),
    [
        (Integer32, {"minOccurs": "1", "type": "s:int"}),
        (Integer32(ge=3), {"minOccurs": "1", "type": "s:int"}),
        (nullable(Integer32), {"minOccurs": "1", "type": "s:int", "nillable": "true"}),
        (nullable(Size), {"minOccurs": "1", "type": "tns:Size", "nillable": "true"}),
        (nullable(Unicode), {"minOccurs": "1", "type": "s:string", "nillable": "true"}),
        (Array(nullable(Unicode)), {"minOccurs": "0", "type": "tns:ArrayOfString"}),
        (Integer, {"minOccurs": "0", "type": "s:integer"}),
        (UnsignedInteger8, {"minOccurs": "1", "type": "s:unsignedByte"}),
        (Date, {"minOccurs": "1", "type": "s:date"}),
        (Uuid, {"minOccurs": "1", "type": "s1:guid"}),
        (Unicode(max_len=5), {"minOccurs": "0", "type": "s:string"}),
        (Unicode(min_occurs=1), {"minOccurs": "1", "type": "s:string", "nillable": "true"}),
        (Unicode(min_occurs=1, nillable=False), {"minOccurs": "1", "type": "s:string"}),
        (Integer32(min_occurs=1), {"minOccurs": "1", "type": "s:int"}),
        (Mandatory(Node), {"minOccurs": "1", "type": "tns:Node"}),
        (Mandatory(Array(Integer32)), {"minOccurs": "1", "type": "tns:ArrayOfInt"}),
        (Unicode(max_occurs="unbounded"), {"minOccurs": "0", "maxOccurs": "unbounded", "type": "s:string"}),
        (
            Unicode(min_occurs=2, max_occurs=3),
            {"minOccurs": "2", "maxOccurs": "3", "type": "s:string", "nillable": "true"},
        ),
        (Integer32(default=7), {"minOccurs": "0", "type": "s:int", "default": "7"}),
        (Size, {"minOccurs": "1", "type": "tns:Size"}),
        (Node, {"minOccurs": "0", "type": "tns:Node"}),
        (Node.customize(type_name="Knot"), {"minOccurs": "0", "type": "tns:Knot"}),
        (Array(Uuid), {"minOccurs": "0", "type": "tns:ArrayOfGuid"}),
        (Array(Unicode(max_len=5)), {"minOccurs": "0", "type": "tns:ArrayOfString"}),
        (Array(Array(Integer32)), {"minOccurs": "0", "type": "tns:ArrayOfArrayOfInt"}),
        (Array(Integer32, member_name="Number"), {"minOccurs": "0", "type": "tns:ArrayOfInt"}),
        (Array(Node, type_name="Nodes"), {"minOccurs": "0", "type": "tns:Nodes"}),
        (Array(AnyXml), {"minOccurs": "0", "type": "tns:ArrayOfXmlNode"}),
    ],
)
def test_types_of_parameters(spyne_type: Any, expected: dict[str, str]) -> None:
    assert parameter(spyne_type) == expected


def test_attributes_of_value_types_are_required_unless_they_say_otherwise() -> None:
    attributes = schema(Node).findall(f".//{XSD}complexType[@name='Node']/{XSD}attribute")
    assert [(a.get("name"), a.get("type"), a.get("use")) for a in attributes] == [
        ("Key", "s1:guid", "required"),
        ("Note", "s:int", None),
    ]


class Verse(ComplexModel):
    Language = XmlAttribute(Unicode(sub_name="lang"), ns="http://www.w3.org/XML/1998/namespace")
    Link = XmlAttribute(Unicode(sub_name="href"), ns="http://www.w3.org/1999/xlink")
    Text = XmlData(Unicode)
    Secret = Unicode(exc=True)


def test_attributes_of_other_namespaces_are_references_and_text_is_simple_content() -> None:
    declared = schema(Verse)
    content = declared.find(f"{XSD}complexType[@name='Verse']/{XSD}simpleContent/{XSD}extension")
    assert content.get("base") == "s:string"
    assert [attribute.get("ref") for attribute in content] == ["xml:lang", "s1:href"]
    imported = [element.get("namespace") for element in declared.findall(f"{XSD}import")]
    assert set(imported) == {"http://www.w3.org/XML/1998/namespace", "http://www.w3.org/1999/xlink"}


def test_a_member_that_is_excluded_is_not_declared() -> None:
    assert "Secret" not in etree.tostring(schema(Verse), encoding="unicode")


def test_a_derived_type_without_members_extends_its_base() -> None:
    extension = schema(Leaf).find(f".//{XSD}complexType[@name='Leaf']/{XSD}complexContent/{XSD}extension")
    assert extension.get("base") == "tns:Node"
    assert len(extension) == 0


def test_items_of_an_array_have_the_name_that_was_chosen() -> None:
    item = schema(Array(Integer32, member_name="Number")).find(f".//{XSD}complexType[@name='ArrayOfInt']//")
    assert item.find(f"{XSD}element").get("name") == "Number"


def test_arrays_that_would_share_a_name_are_numbered() -> None:
    """In the order in which they come up, as ASMX does."""
    arrays = (Array(Integer32), Array(nullable(Integer32)), Array(Integer32, member_name="Number"), Array(Integer32))
    declared = schema(*arrays)
    used = [element.get("type") for element in declared.find(f"{XSD}element[@name='Do']").iter(f"{XSD}element")][1:]
    assert used == ["tns:ArrayOfInt", "tns:ArrayOfInt1", "tns:ArrayOfInt2", "tns:ArrayOfInt"]
    items = [item.attrib for item in declared.findall(f"{XSD}complexType//{XSD}element")]
    assert [(item["name"], item.get("nillable")) for item in items] == [
        ("int", None),
        ("int", "true"),
        ("Number", None),
    ]


def test_the_same_type_used_twice_is_declared_once() -> None:
    declared = schema(Node, Array(Node), Node.customize(min_occurs=1), returns=Array(Node))
    assert [t.get("name") for t in declared.findall(f"{XSD}complexType")] == ["Node", "Leaf", "ArrayOfNode"]


def test_two_types_of_one_name_are_refused() -> None:
    with pytest.raises(TypeError, match="two different types are named Node"):
        schema(Node, Namesake)


def test_two_types_of_one_name_in_two_namespaces_have_a_schema_each() -> None:
    ours = schema(Node, Foreigner)
    other, far = (ours.getparent().find(f"{XSD}schema[@targetNamespace='urn:{name}']") for name in ("other", "far"))
    assert [found.get("type") for found in ours.iter(f"{XSD}element") if found.get("name") in {"p0", "p1"}] == [
        "tns:Node",
        "s2:Node",
    ]
    assert [found.get("name") for found in other.findall(f"{XSD}complexType")] == ["Node", "ArrayOfGuid"]
    assert [found.get("namespace") for found in ours.findall(f"{XSD}import")] == [
        "http://microsoft.com/wsdl/types/",
        "urn:other",
    ]
    assert other.find(f".//{XSD}element[@ref='s3:Far']") is not None
    assert far.find(f"{XSD}element").attrib == {"name": "Far", "type": "s:int"}


def test_elements_of_one_name_and_different_types_are_refused() -> None:
    class Near(ComplexModel):
        Far = Unicode(sub_ns="urn:far")

    with pytest.raises(TypeError, match="two elements Far of the namespace urn:far are of different types"):
        schema(Foreigner, Near)


def test_a_guid_brings_its_own_schema_and_import() -> None:
    imported = schema(Uuid)[0]
    assert (imported.tag, imported.get("namespace")) == (f"{XSD}import", "http://microsoft.com/wsdl/types/")
    assert schema(Unicode).find(f"{XSD}import") is None


def test_an_array_type_is_in_the_namespace_of_its_items(tmp_path: Path) -> None:
    """As with C#'s XmlArrayItem(Namespace = …): Mono has the same types."""

    class Holder(ComplexModel):
        Values = Array(Unicode(sub_ns="urn:item"), member_name="Value", sub_ns="urn:array")
        Plain = Array(Unicode)

    class Holders(Service):
        @rpc(Holder, _returns=Holder)
        def Same(ctx: Any, holder: Any) -> Any:
            return holder

    endpoint = endpoint_of("holders", Holders)
    values = '<Values xmlns="urn:array"><Value xmlns="urn:item">a</Value></Values><Plain><string>b</string></Plain>'
    answer = call(endpoint, "Same", f"<holder>{values}</holder>")
    assert f"<SameResult>{values}</SameResult>" in inside(answer)
    wsdl = endpoint.documentation.answer("WSDL", "http://localhost/holders.asmx").body
    found = {
        kind.getparent().get("targetNamespace")
        for kind in etree.fromstring(wsdl).iter(f"{XSD}complexType")
        if kind.get("name") == "ArrayOfString"
    }
    assert found == {"urn:item", "http://example.com/holders"}
    body = etree.fromstring(answer.body).find("{*}Body")[0]
    assert validator(wsdl, tmp_path).validate(etree.fromstring(etree.tostring(body)))
