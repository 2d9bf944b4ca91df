<%@ WebService Language="C#" Class="things" %>
using System;
using System.ComponentModel;
using System.Web.Services;
using System.Xml.Schema;
using System.Xml.Serialization;

public enum Color { Red, Green, Blue }
[Flags] public enum Days { None = 0, Mon = 1, Tue = 2, Wed = 4 }
[Flags] public enum Access { Read = 1, Write = 2 }
public struct Size { public int W; public int H; }
public class Item { public int Id; public string Name; }
public class Money { [XmlText] public decimal Amount; [XmlAttribute] public string Currency; }
public class Linked {
    [XmlAttribute("href", Form = XmlSchemaForm.Qualified, Namespace = "http://www.w3.org/1999/xlink")] public string xlink;
    [XmlAttribute] public string id; [XmlAttribute] public string href; public string Name;
}
public class Everything {
    public int Tiny; public bool Flag; public DateTime When; public Guid Key; public Color Paint; public int? Maybe; public string Text;
    public Size Box; public Days Open; [DefaultValue(7)] public int Seven = 7;
    [XmlElement("Mark")] public int[] Marks; [XmlElement] public string[] Notes; [XmlElement] public Item[] Piece;
    [XmlArrayItem("Tag")] public string[] Tags; public int?[] Holes;
    [XmlAttribute] public int Version; [XmlAttribute] public string Title;
}

[WebService(Namespace = "http://example.com/things")]
public class things : WebService {
    [WebMethod] public Everything Back(Everything e) { return e; }
    [WebMethod] public Everything Full() {
        return new Everything { Box = new Size { W = 3 }, Open = Days.Mon | Days.Wed, Seven = 8, Marks = new[] { 1, 2 }, Maybe = 0, Text = "",
            Notes = new[] { "a", null, "" }, Piece = new[] { new Item { Id = 1 }, null }, Tags = new[] { "t", null }, Holes = new int?[] { 1, null } }; }
    [WebMethod] public Money Cash(Money m) { return m; }
    [WebMethod] public Linked Link(Linked l) { return l; }
    [WebMethod] public Days Open(Days d) { return d; }
    [WebMethod] public Access Grant(Access a) { return a; }
    [WebMethod] public Size Box(Size s) { return s; }
    [WebMethod] public Size? MaybeBox(Size? s) { return s; }
    [WebMethod] public string Repeat([XmlElement("n")] int[] n, string after) { return string.Join(",", n) + "|" + after; }
    [WebMethod] [return: XmlElement("Piece")] public Item[] Pieces() { return new[] { new Item { Id = 1 }, null, new Item { Id = 2 } }; }
    [WebMethod] [return: XmlElement("Number")] public int[] Numbers() { return new[] { 1, 2 }; }
    [WebMethod] [return: XmlArrayItem("Number")] public int[] NamedItems([XmlArrayItem("In")] int[] a) { return a; }
    [WebMethod] public int?[] Holes(int?[] a) { return a; }
    [WebMethod] public int[] Ints(int[] a) { return a; }
}
