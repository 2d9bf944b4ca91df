<%@ WebService Language="C#" Class="Markup" %>
using System;
using System.Web.Services;
using System.Xml.Serialization;

public class Price { [XmlText] public decimal Amount; [XmlAttribute("currency")] public string Currency; }
public class Note { [XmlText] public string Text; [XmlAttribute(Namespace = "urn:notes", AttributeName = "lang")] public string Language; }
public class Link {
    [XmlAttribute] public string id; [XmlAttribute] public string href;
    [XmlAttribute] public int Rank; [XmlAttribute] public DateTime Seen; [XmlAttribute] public bool Hot;
    public string Title; }
public class Page { public Price Price; public Note[] Notes; [XmlElement("Link")] public Link[] Links; }

[WebService(Namespace = "http://example.com/markup/")]
public class Markup : WebService {
    [WebMethod] public Price Double(Price price) { if (price != null) price.Amount *= 2; return price; }
    [WebMethod] public Note Remember(Note note) { return note; }
    [WebMethod] public Link Follow(Link link) { return link; }
    [WebMethod] public Page Same(Page page) { return page; }
}
