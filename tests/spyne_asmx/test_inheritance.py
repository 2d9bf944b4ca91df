"""Objects of derived types, and types in namespaces of their own: the twin of reference/inheritance.asmx."""

from typing import Any

import pytest
from lxml import etree

from spyne_asmx import AsmxEndpoint
from spyne_asmx.spyne import AnyXml, Array, Boolean, ComplexModel, Decimal, Enum, Integer32, Service, Unicode, rpc
from tests.spyne_asmx.reference import call, endpoint_of, get, inside, namespace_of, recorded_wsdl, wsdl_of


class Animal(ComplexModel):
    Name = Unicode


class Cat(Animal):
    Lives = Integer32


class Dog(Animal):
    Barks = Boolean


class Puppy(Dog):
    Weeks = Integer32


class Address(ComplexModel):
    __namespace__ = "urn:post"
    Street = Unicode


class Person(ComplexModel):
    __namespace__ = "urn:crm"
    Id = Integer32
    Name = Unicode
    Home = Address


class Customer(Person):
    Since = Unicode


class Employee(ComplexModel):
    __namespace__ = "urn:hr"
    __type_name__ = "Person"
    Id = Integer32
    Pay = Decimal


Hue = Enum("Red", "Green", type_name="Hue")
Hue.__namespace__ = "urn:colors"


class Mixed(ComplexModel):
    Far = Integer32(sub_ns="urn:m")
    Near = Integer32
    Who = Person


class Inheritance(Service):
    @rpc(Unicode, _returns=Animal)
    def Make(ctx: Any, kind: str) -> Animal:
        if kind == "dog":
            return Dog(Name="d", Barks=True)
        return Puppy(Name="p", Barks=True, Weeks=3) if kind == "puppy" else Animal(Name="a")

    @rpc(Animal, _returns=Unicode)
    def Kind(ctx: Any, animal: Animal | None) -> str:
        return "null" if animal is None else f"{type(animal).__name__}{animal.Name}"

    @rpc(Array(Animal), _returns=Array(Animal))
    def All(ctx: Any, animals: list[Animal]) -> list[Animal]:
        return animals

    @rpc(Integer32, _returns=Person)
    def GetPerson(ctx: Any, id: int) -> Person:
        return Customer(Id=9, Since="x") if id == 9 else Person(Id=id, Name="n", Home=Address(Street="s"))

    @rpc(Employee, _returns=Employee)
    def GetEmployee(ctx: Any, e: Employee) -> Employee:
        return e

    @rpc(Hue, _returns=Hue)
    def Paint(ctx: Any, hue: Any) -> Any:
        return hue

    @rpc(_returns=Array(Hue))
    def Hues(ctx: Any) -> list[Any]:
        return [Hue.Red]

    @rpc(Mixed, _returns=Mixed)
    def Mix(ctx: Any, m: Mixed) -> Mixed:
        return Mixed(Far=m.Far + 1, Near=2, Who=Person(Id=3))


@pytest.fixture(scope="module")
def service() -> AsmxEndpoint:
    return endpoint_of("inheritance", Inheritance)


def test_the_wsdl_is_what_asmx_generates(service: AsmxEndpoint) -> None:
    assert wsdl_of(service, "inheritance") == recorded_wsdl("inheritance")


CAT = '<Animal xsi:type="Cat"><Name>c</Name><Lives>9</Lives></Animal>'
ANSWERS = [
    ("Make", "<kind>dog</kind>", '<MakeResult xsi:type="Dog"><Name>d</Name><Barks>true</Barks></MakeResult>'),
    (
        "Make",
        "<kind>puppy</kind>",
        '<MakeResult xsi:type="Puppy"><Name>p</Name><Barks>true</Barks><Weeks>3</Weeks></MakeResult>',
    ),
    ("Make", "<kind>x</kind>", "<MakeResult><Name>a</Name></MakeResult>"),
    ("Kind", '<animal xsi:type="Dog"><Name>x</Name></animal>', "<KindResult>Dogx</KindResult>"),
    (
        "Kind",
        '<animal xsi:type="q:Puppy" xmlns:q="http://example.com/inheritance"/>',
        "<KindResult>PuppyNone</KindResult>",
    ),
    ("Kind", '<animal xsi:type="Animal"><Name>x</Name></animal>', "<KindResult>Animalx</KindResult>"),
    ("Kind", '<animal xsi:nil="true"/>', "<KindResult>null</KindResult>"),
    (
        "All",
        f"<animals>{CAT}<Animal><Name>a</Name></Animal></animals>",
        f"<AllResult>{CAT}<Animal><Name>a</Name></Animal></AllResult>",
    ),
    (
        "GetPerson",
        "<id>1</id>",
        '<GetPersonResult><Id xmlns="urn:crm">1</Id><Name xmlns="urn:crm">n</Name><Home xmlns="urn:crm">'
        '<Street xmlns="urn:post">s</Street></Home></GetPersonResult>',
    ),
    (
        "GetPerson",
        "<id>9</id>",
        '<GetPersonResult xmlns:q1="urn:crm" xsi:type="q1:Customer"><Id xmlns="urn:crm">9</Id>'
        '<Since xmlns="urn:crm">x</Since></GetPersonResult>',
    ),
    (
        "GetEmployee",
        '<e><Id xmlns="urn:hr">1</Id><Pay xmlns="urn:hr">2</Pay></e>',
        '<GetEmployeeResult><Id xmlns="urn:hr">1</Id><Pay xmlns="urn:hr">2</Pay></GetEmployeeResult>',
    ),
    (
        "Mix",
        '<m><Far xmlns="urn:m">4</Far></m>',
        '<MixResult><Far xmlns="urn:m">5</Far><Near>2</Near><Who><Id xmlns="urn:crm">3</Id></Who></MixResult>',
    ),
]


@pytest.mark.parametrize(("operation", "parameters", "answer"), ANSWERS)
def test_answers_are_those_of_asmx(service: AsmxEndpoint, operation: str, parameters: str, answer: str) -> None:
    namespace = namespace_of("inheritance")
    expected = f'<soap:Body><{operation}Response xmlns="{namespace}">{answer}</{operation}Response></soap:Body>'
    assert inside(call(service, operation, parameters)) == expected


@pytest.mark.parametrize("named", ["Nope", "xsd:int", "tns:Person"])
def test_a_type_that_does_not_extend_the_declared_one_is_a_fault(service: AsmxEndpoint, named: str) -> None:
    answer = inside(call(service, "Kind", f'<animal xsi:type="{named}" xmlns:tns="urn:crm"><Name>x</Name></animal>'))
    assert f"The type {named.rpartition(':')[2]} of the parameter animal was not recognized." in answer


def test_forms_name_the_type_too(service: AsmxEndpoint) -> None:
    root = etree.fromstring(get(service, "Make", "kind=dog").body)
    assert root.tag == "{http://example.com/inheritance}Animal"
    assert root.get("{http://www.w3.org/2001/XMLSchema-instance}type") == "Dog"
    root = etree.fromstring(get(service, "GetPerson", "id=9").body)
    named = root.get("{http://www.w3.org/2001/XMLSchema-instance}type")
    assert (root.tag, named, root.nsmap["q1"]) == ("{http://example.com/inheritance}Person", "q1:Customer", "urn:crm")


def test_the_namespace_of_one_application_does_not_leak_into_another() -> None:
    """Messages and types without a namespace are in the application's, whichever application used them first."""
    size = Enum("Small", "Large", type_name="Size")

    class Shared(Service):
        @rpc(size, _returns=Array(Person), _body_style="out_bare")
        def Find(ctx: Any, size: Any) -> list[Person]:
            return [Person(Id=1)]

    first, second = endpoint_of("first", Shared), endpoint_of("second", Shared)
    assert namespace_of("first").encode() not in wsdl_of(second, "second")
    for endpoint, name in ((first, "first"), (second, "second")):
        namespace = namespace_of(name)
        expected = f'<FindResponse xmlns="{namespace}"><Person><Id xmlns="urn:crm">1</Id></Person></FindResponse>'
        assert inside(call(endpoint, "Find", "<size>Small</size>")) == f"<soap:Body>{expected}</soap:Body>"


class Shape(ComplexModel):
    Label = Unicode


class Box(Shape):
    __namespace__ = "urn:flat"
    Area = Integer32


class Cube(Shape):
    __namespace__ = "urn:solid"
    __type_name__ = "Box"
    Volume = Integer32


class Parcel(Shape):
    Inside = AnyXml


class Shapes(Service):
    @rpc(Shape, _returns=Array(Shape))
    def Show(ctx: Any, shape: Shape) -> list[Shape]:
        return [shape]


@pytest.mark.parametrize(("namespace", "member"), [("urn:flat", "Area"), ("urn:solid", "Volume")])
def test_two_derived_types_of_one_name_are_told_apart(namespace: str, member: str) -> None:
    shapes = endpoint_of("shapes", Shapes)
    members = f'<Label>x</Label><{member} xmlns="{namespace}">3</{member}>'
    answer = inside(call(shapes, "Show", f'<shape xmlns:p="{namespace}" xsi:type="p:Box">{members}</shape>'))
    assert f'<Shape xmlns:q1="{namespace}" xsi:type="q1:Box">{members}</Shape>' in answer


def test_xml_may_stand_in_a_derived_type() -> None:
    shapes = endpoint_of("shapes", Shapes)
    content = '<Inside><a b="1" xmlns="">text <i /> more</a></Inside>'
    assert content in inside(call(shapes, "Show", f'<shape xsi:type="Parcel">{content}</shape>'))


def test_a_schema_does_not_import_the_types_that_extend_its_own() -> None:
    class Item(ComplexModel):
        __namespace__ = "urn:items"
        Subject = Unicode

    class Recurring(Item):
        __namespace__ = "urn:recurring"
        Every = Integer32

    class Items(Service):
        @rpc(_returns=Item)
        def Get(ctx: Any) -> Any:
            return Recurring(Every=2)

    wsdl = etree.fromstring(wsdl_of(endpoint_of("items", Items), "items"))
    imports = {
        schema.get("targetNamespace"): [each.get("namespace") for each in schema.findall("{*}import")]
        for schema in wsdl.iter("{http://www.w3.org/2001/XMLSchema}schema")
    }
    assert imports == {namespace_of("items"): ["urn:items"], "urn:items": [], "urn:recurring": ["urn:items"]}


class Entity(ComplexModel):
    """A base class without members, which spyne does not see as one unless __extends__ says so."""


class Known(Entity):
    __extends__ = Entity
    Name = Unicode


class Unknown(Entity):
    Name = Unicode


class Entities(Service):
    @rpc(Entity, _returns=Entity)
    def Same(ctx: Any, entity: Any) -> Any:
        return entity

    @rpc(_returns=Entity)
    def Stray(ctx: Any) -> Any:
        return Unknown(Name="lost")


def test_a_base_without_members_must_be_named_by_extends(caplog: pytest.LogCaptureFixture) -> None:
    entities = endpoint_of("entities", Entities)
    given = "<entity xsi:type='Known'><Name>a</Name></entity>"
    assert '<SameResult xsi:type="Known"><Name>a</Name></SameResult>' in inside(call(entities, "Same", given))
    wsdl = wsdl_of(entities, "entities")
    assert b'<s:complexType name="Known">' in wsdl
    assert b"Unknown" not in wsdl
    assert "soap:Server" in inside(call(entities, "Stray"))
    assert "Entity has no members, so Unknown must name it as __extends__" in caplog.text
