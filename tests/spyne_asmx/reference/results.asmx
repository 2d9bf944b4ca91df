<%@ WebService Language="C#" Class="results" %>
using System; using System.Web.Services; using System.Web.Services.Protocols; using System.Xml; using System.Xml.Serialization;
public class Pt { public int X; }
[WebService(Namespace = "http://example.com/results")]
public class results : WebService {
    [WebMethod] public bool TryGet(string key, out int code) { code = 7; return key != null; }
    [WebMethod] public void Swap(ref int a, ref int b) { var t = a; a = b; b = t; }
    [WebMethod] public void Split(string s, out string first, out string rest) { first = s; rest = null; }
    [WebMethod] public Pt Both(int n, ref Pt p, out int[] list, out int? maybe, out XmlNode x) { list = new[]{1,2}; maybe = null; x = null; return p; }
    [WebMethod] public string Third(out string a, string b, ref string c, out int d) { a = b; c = c + "!"; d = 0; return null; }
    [WebMethod][return: XmlElement("Answer")] public int Named(int n) { return n; }
    [WebMethod(MessageName="AddMany")] public int Add(int a, int b, int c) { return a+b+c; }
    [WebMethod] public int Add(int a, int b) { return a+b; }
    [WebMethod][SoapDocumentMethod(RequestNamespace="urn:req", ResponseNamespace="urn:resp")] public int Elsewhere(int n) { return n; }
}
