<%@ WebService Language="C#" Class="Strings" %>
using System.Web.Services;
using System.Xml.Serialization;

public class Text { public string Value; [XmlAttribute] public string Attribute; public string[] Lines; }

[WebService(Namespace = "http://example.com/strings/")]
public class Strings : WebService {
    [WebMethod] public string Echo(string text) { return text; }
    [WebMethod] public int Length(string text) { return text == null ? -1 : text.Length; }
    [WebMethod] public Text Same(Text text) { return text; }
    [WebMethod(Description = "Greets; with <markup> & more.")] public string Greet(string größe) { return größe; }
}
