<%@ WebService Language="C#" Class="Faults" %>
using System;
using System.Web.Services;
using System.Web.Services.Protocols;
using System.Xml;

[WebService(Namespace = "http://example.com/faults/")]
public class Faults : WebService {
    static XmlNode Detail(bool namespaced) {
        var d = new XmlDocument(); var detail = d.CreateNode(XmlNodeType.Element, SoapException.DetailElementName.Name, SoapException.DetailElementName.Namespace);
        var inner = d.CreateElement(namespaced ? "e" : "", "Error", namespaced ? "urn:errors" : ""); inner.SetAttribute("code", "17");
        inner.AppendChild(d.CreateTextNode("no <stock>")); detail.AppendChild(inner); return detail; }
    [WebMethod] public void Client(string text) { throw new SoapException(text, SoapException.ClientFaultCode); }
    [WebMethod] public void Server(string text) { throw new SoapException(text, SoapException.ServerFaultCode); }
    [WebMethod] public void WithActor(string text) { throw new SoapException(text, SoapException.ClientFaultCode, "http://example.com/faults/actor"); }
    [WebMethod] public void WithDetail(string text) { throw new SoapException(text, SoapException.ClientFaultCode, "http://example.com/a", Detail(false)); }
    [WebMethod] public void WithNamespacedDetail(string text) { throw new SoapException(text, SoapException.ServerFaultCode, "", Detail(true)); }
    [WebMethod] public void WithOwnCode(string text) { throw new SoapException(text, new XmlQualifiedName("Client.Auth", SoapException.ClientFaultCode.Namespace)); }
    [WebMethod] public int Bug(int n) { return 1 / n; }
}
