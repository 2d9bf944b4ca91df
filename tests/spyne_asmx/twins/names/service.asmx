<%@ WebService Language="C#" Class="Names" %>
using System.Web.Services;
using System.Web.Services.Protocols;
using System.Xml.Serialization;

[XmlType("a colour")] public enum Colour { [XmlEnum("dark red")] DarkRed, Green }
[XmlType("My Type")] public class Thing {
    [XmlElement("First Name")] public string First; [XmlAttribute("my id")] public string Id;
    [XmlArrayItem("an item")] public string[] Items; public Colour Colour; [XmlElement("2nd")] public int Second; }

[WebService(Namespace = "http://example.com/names/", Name = "Names & more")]
public class Names : WebService {
    [WebMethod] public string Echo([XmlElement("an argument")] string x) { return x; }
    [WebMethod(MessageName = "Say It")] public string Say(string x) { return x; }
    [WebMethod] [return: XmlElement("the result")] public Thing[] Same(Thing[] things) { return things; }
    [WebMethod] public Colour Paint(Colour colour) { return colour; }
}
