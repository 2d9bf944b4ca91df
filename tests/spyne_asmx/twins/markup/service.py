from typing import Any

from spyne_asmx import AsmxApplication
from spyne_asmx.spyne import (
    Array,
    Boolean,
    ComplexModel,
    DateTime,
    Decimal,
    Integer32,
    Service,
    Unicode,
    XmlAttribute,
    XmlData,
    rpc,
)


class Price(ComplexModel):
    Amount = XmlData(Decimal)
    currency = XmlAttribute(Unicode)


class Note(ComplexModel):
    Text = XmlData(Unicode)
    lang = XmlAttribute(Unicode, ns="urn:notes")


class Link(ComplexModel):
    id = XmlAttribute(Unicode)
    href = XmlAttribute(Unicode)
    Rank = XmlAttribute(Integer32)
    Seen = XmlAttribute(DateTime)
    Hot = XmlAttribute(Boolean)
    Title = Unicode


class Page(ComplexModel):
    Price = Price
    Notes = Array(Note)
    Link = Link.customize(max_occurs="unbounded")


class Markup(Service):
    @rpc(Price, _returns=Price)
    def Double(ctx: Any, price: Any) -> Any:
        if price is not None:
            price.Amount *= 2
        return price

    @rpc(Note, _returns=Note)
    def Remember(ctx: Any, note: Any) -> Any:
        return note

    @rpc(Link, _returns=Link)
    def Follow(ctx: Any, link: Any) -> Any:
        return link

    @rpc(Page, _returns=Page)
    def Same(ctx: Any, page: Any) -> Any:
        return page


application = AsmxApplication([Markup], "http://example.com/markup/", "Markup")
