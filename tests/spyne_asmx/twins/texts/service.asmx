<%@ WebService Language="C#" Class="Texts" %>
using System.Web.Services;
using System.Xml.Serialization;

[XmlInclude(typeof(Regional))] public class Price { [XmlText] public decimal Value; [XmlAttribute] public string Currency; }
public class Regional : Price { [XmlAttribute] public string Region; }
[XmlInclude(typeof(Signed))] public class Note { [XmlText] public string Text; public int Number; [XmlAttribute] public string Id; }
public class Signed : Note { public string Author; }
[XmlInclude(typeof(Remark))] public class Line { public int Number; }
public class Remark : Line { [XmlText] public string Text; public string More; }
[XmlInclude(typeof(Label))] public class Mark { [XmlAttribute] public string Id; }
public class Label : Mark { [XmlText] public string Text; }

[WebService(Namespace = "http://example.com/texts/")]
public class Texts : WebService {
    [WebMethod] public Price SamePrice(Price price) { return price; }
    [WebMethod] public Note SameNote(Note note) { return note; }
    [WebMethod] public Line SameLine(Line line) { return line; }
    [WebMethod] public Mark SameMark(Mark mark) { return mark; }
    [WebMethod] public Price MakePrice() { return new Regional { Value = 1.50m, Currency = "EUR", Region = "AT" }; }
    [WebMethod] public Note MakeNote() { return new Signed { Text = "t", Number = 1, Author = "ann" }; }
    [WebMethod] public Line MakeLine() { return new Remark { Number = 1, Text = "t", More = "m" }; }
}
