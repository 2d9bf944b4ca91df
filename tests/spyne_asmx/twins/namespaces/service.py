from typing import Any

from spyne_asmx import AsmxApplication
from spyne_asmx.spyne import Array, ComplexModel, Enum, Integer32, Service, Unicode, rpc

PEOPLE, PLACES, SHOP, STOCK = "urn:people", "urn:places", "urn:shop", "urn:stock"


class Person(ComplexModel):
    __namespace__ = PEOPLE
    Id = Integer32
    Name = Unicode


class Address(ComplexModel):
    __namespace__ = PLACES
    Street = Unicode
    Tenants = Array(Person)


Person.append_field("Home", Address)
Floor = Enum("Ground", "First", type_name="Floor")
Floor.__namespace__ = PLACES


class ShopItem(ComplexModel):
    __namespace__ = SHOP
    __type_name__ = "Item"
    Id = Integer32


class StockItem(ComplexModel):
    __namespace__ = STOCK
    __type_name__ = "Item"
    Id = Integer32
    Shelf = Integer32


class Plain(ComplexModel):
    Owner = Person
    Note = Unicode(sub_ns="urn:member")
    Floor = Floor


class Namespaces(Service):
    @rpc(Person, _returns=Person)
    def Same(ctx: Any, person: Any) -> Any:
        return person

    @rpc(ShopItem, _returns=StockItem)
    def Store(ctx: Any, item: Any) -> Any:
        return None if item is None else StockItem(Id=item.Id, Shelf=3)

    @rpc(Array(Person), _returns=Array(Person))
    def People(ctx: Any, people: Any) -> Any:
        return people

    @rpc(Plain, _returns=Plain)
    def Whole(ctx: Any, plain: Any) -> Any:
        return plain


application = AsmxApplication([Namespaces], "http://example.com/spaces/", "Namespaces")
