<%@ WebService Language="C#" Class="XmlValues" %>
using System.Web.Services;
using System.Xml;

public class Letter { public string To; public XmlNode Body; }

[WebService(Namespace = "http://example.com/xml/")]
public class XmlValues : WebService {
    static XmlElement Parse(string xml) { var d = new XmlDocument { PreserveWhitespace = true }; d.LoadXml(xml); return d.DocumentElement; }
    [WebMethod] public XmlNode Echo(XmlNode xml) { return xml; }
    [WebMethod] public XmlDocument EchoDocument(XmlDocument xml) { return xml; }
    [WebMethod] public XmlNode Load(string text) { return text == null ? null : Parse(text); }
    [WebMethod] public string Name(XmlNode xml) { return xml == null ? "null" : xml.NamespaceURI + " " + xml.LocalName; }
    [WebMethod] public Letter Same(Letter letter) { return letter; }
    [WebMethod] public XmlNode[] Several(XmlNode[] all) { return all; }
}
