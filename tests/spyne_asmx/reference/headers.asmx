<%@ WebService Language="C#" Class="headers" %>
using System; using System.Web.Services; using System.Web.Services.Protocols; using System.Xml; using System.Xml.Serialization;
public class AuthHeader : SoapHeader { public string Token; public int Level; }
[XmlRoot("Trace", Namespace="urn:trace")]
public class TraceHeader : SoapHeader { public string Id; }
[WebService(Namespace = "http://example.com/headers", Description="Headers in & out.")]
public class headers : WebService {
    public AuthHeader Auth; public TraceHeader TraceInfo; public SoapUnknownHeader[] Unknown;
    [WebMethod][SoapHeader("Auth")] public string WhoAmI() { return Auth == null ? "nobody" : Auth.Token + Auth.Level; }
    [WebMethod][SoapHeader("Auth", Direction=SoapHeaderDirection.InOut)][SoapHeader("TraceInfo", Direction=SoapHeaderDirection.Out)]
    public int Renew(int n) { if (Auth != null) { Auth.Token = Auth.Token + "!"; } if (n > 0) { TraceInfo = new TraceHeader { Id = "t" + n }; } return n; }
    [WebMethod][SoapHeader("TraceInfo")] public string Trace(string text) { return text + (TraceInfo == null ? "-" : TraceInfo.Id) + (TraceInfo == null ? "" : TraceInfo.MustUnderstand.ToString()+TraceInfo.DidUnderstand); }
    [WebMethod][SoapHeader("Auth", Direction=SoapHeaderDirection.Out)] public void Issue() { Auth = new AuthHeader { Token = "x", Level = 2 }; }
    [WebMethod][SoapHeader("Auth")] public string Ignore() { if (Auth != null) Auth.DidUnderstand = false; return "ok"; }
    [WebMethod][SoapHeader("Auth", Direction=SoapHeaderDirection.InOut)] public string Fail() { Auth = new AuthHeader { Token = "f" }; throw new SoapException("no", SoapException.ClientFaultCode); }
    [WebMethod] public string Plain(string s) { return s; }
}
