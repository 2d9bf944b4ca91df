<%@ WebService Language="C#" Class="bare" %>
using System; using System.Web.Services; using System.Web.Services.Protocols; using System.Xml; using System.Xml.Serialization;
public class Order { public int Id; public string Name; }
public class Receipt { public string Text; }
[WebService(Namespace = "http://example.com/bare")]
public class bare : WebService {
    [WebMethod][SoapDocumentMethod(ParameterStyle=SoapParameterStyle.Bare)] public Receipt Submit(Order order) { return new Receipt { Text = order == null ? "null" : order.Id + order.Name }; }
    [WebMethod][SoapDocumentMethod(ParameterStyle=SoapParameterStyle.Bare)] public int Double(int n) { return 2*n; }
    [WebMethod][SoapDocumentMethod(ParameterStyle=SoapParameterStyle.Bare)] public string Now() { return "now"; }
    [WebMethod][SoapDocumentMethod(ParameterStyle=SoapParameterStyle.Bare)] public void Forget(string what) { }
    [WebMethod][SoapDocumentMethod(ParameterStyle=SoapParameterStyle.Bare)] public int? Maybe(string maybe) { return maybe == null ? (int?)null : int.Parse(maybe); }
    [WebMethod][SoapDocumentMethod(ParameterStyle=SoapParameterStyle.Bare)] public Receipt Nil(string nil) { return null; }
    [WebMethod][SoapDocumentMethod(ParameterStyle=SoapParameterStyle.Bare)] [return: XmlElement("Invoice")] public Receipt Renamed([XmlElement("Purchase")] Order order) { return new Receipt { Text = order.Name }; }
    [WebMethod][SoapDocumentMethod(ParameterStyle=SoapParameterStyle.Bare)] public XmlNode Xml(XmlNode xml) { return xml; }
    [WebMethod] public int Wrapped(int n) { return n; }
}
