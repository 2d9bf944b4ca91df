from typing import Any

from spyne_asmx import AsmxApplication, nullable
from spyne_asmx.spyne import (
    Array,
    Boolean,
    ComplexModel,
    DateTime,
    Enum,
    Integer32,
    SelfReference,
    Service,
    Unicode,
    XmlAttribute,
    XmlData,
    rpc,
)

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
DayOfWeek = Enum(*DAYS, type_name="DayOfWeek")
Traversal = Enum("Shallow", "Deep", "SoftDeleted", type_name="Traversal")
Traversal.__namespace__ = "urn:messages"


class ItemId(ComplexModel):
    __namespace__ = "urn:types"
    Id = XmlAttribute(Unicode)
    ChangeKey = XmlAttribute(Unicode)


class Item(ComplexModel):
    __namespace__ = "urn:types"
    ItemId = ItemId
    Subject = Unicode
    Parent = SelfReference
    Attachments = Array(SelfReference)


class Recipient(ComplexModel):
    __namespace__ = "urn:types"
    Address = XmlData(Unicode)
    Kind = XmlAttribute(Integer32)


class Message(Item):
    __namespace__ = "urn:types"
    To = Array(Recipient)
    IsRead = Boolean


class Appointment(Item):
    __namespace__ = "urn:types"
    Start = DateTime
    End = nullable(DateTime)


class Recurring(Appointment):
    __namespace__ = "urn:recurring"
    Every = Integer32
    Day = DayOfWeek


class Contact(Item):
    __namespace__ = "urn:types"
    Name = Unicode
    Emails = Array(Unicode, member_name="Email")


class Query(ComplexModel):
    Ids = Array(ItemId)
    Traversal = Traversal
    Page = Integer32(default=10)
    Filter = Unicode(default="all")
    Mode = XmlAttribute(Traversal.customize(default="Deep"))


class Found(ComplexModel):
    Items = Array(Item)
    Warning = Unicode(max_occurs="unbounded")
    First = Item


class Mailbox(Service):
    @rpc(Query, _returns=Found)
    def Find(ctx: Any, query: Any) -> Any:
        items = [Message(Subject="s"), Recurring(Every=2), None]
        return Found(Items=items, Warning=["a", "b"], First=Contact(Name="n", Emails=["e1", "e2"]))

    @rpc(Array(Item), _returns=Array(Item))
    def Same(ctx: Any, items: Any) -> Any:
        return items

    @rpc(Query, _returns=Query)
    def Repeat(ctx: Any, query: Any) -> Any:
        return query

    @rpc(
        Traversal,
        Integer32,
        _returns=(Boolean, Item, Integer32, Array(ItemId)),
        _out_variable_names=("NextResult", "item", "count", "ids"),
    )
    def Next(ctx: Any, mode: Any, count: int) -> Any:
        return True, Contact(Name=str(mode)), count + 1, None


application = AsmxApplication([Mailbox], "urn:messages", "Mailbox")
