<%@ WebService Language="C#" Class="Headers" %>
using System.Web.Services;
using System.Web.Services.Protocols;

public class AuthHeader : SoapHeader { public string UserName; public string Password; public int Level; }
public class TraceHeader : SoapHeader { public string Id; public int Hops; }

[WebService(Namespace = "http://example.com/headers/")]
public class Headers : WebService {
    public AuthHeader Auth;
    public TraceHeader Trace;
    [WebMethod, SoapHeader("Auth")]
    public string WhoAmI() { return Auth == null ? "nobody" : Auth.UserName + "/" + Auth.Password + "/" + Auth.Level; }
    [WebMethod, SoapHeader("Auth"), SoapHeader("Trace", Direction = SoapHeaderDirection.InOut)]
    public int Pass(int n) { if (Trace != null) Trace.Hops++; return n; }
    [WebMethod, SoapHeader("Trace", Direction = SoapHeaderDirection.Out)]
    public string Stamp(string text) { Trace = new TraceHeader { Id = text, Hops = 1 }; return text; }
    [WebMethod] public string Open(string text) { return text; }
}
