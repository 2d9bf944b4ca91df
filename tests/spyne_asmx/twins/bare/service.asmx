<%@ WebService Language="C#" Class="Bare" %>
using System.Web.Services;
using System.Web.Services.Description;
using System.Web.Services.Protocols;

public class Order { public int Number; public string Buyer; }
public class Receipt { public int Number; public decimal Total; }

[WebService(Namespace = "http://example.com/bare/")]
[SoapDocumentService(ParameterStyle = SoapParameterStyle.Bare)]
public class Bare : WebService {
    [WebMethod] public Receipt Submit(Order order) {
        return order == null ? null : new Receipt { Number = order.Number, Total = 9.50m }; }
    [WebMethod] public string Echo(string text) { return text; }
    [WebMethod] public int Length(int[] numbers) { return numbers == null ? -1 : numbers.Length; }
    [WebMethod] public int[] Count(int upTo) { var all = new int[upTo]; for (var i = 0; i < upTo; i++) all[i] = i; return all; }
    [WebMethod] public string Ping() { return "pong"; }
    [WebMethod] public void Forget(string what) { }
}
