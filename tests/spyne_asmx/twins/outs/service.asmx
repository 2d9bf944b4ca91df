<%@ WebService Language="C#" Class="Outs" %>
using System.Web.Services;
using System.Web.Services.Protocols;

public class Pair { public int First; public string Second; }

[WebService(Namespace = "http://example.com/outs/")]
public class Outs : WebService {
    [WebMethod] public bool TryGet(string key, out int code) { code = key == "a" ? 7 : 0; return key == "a"; }
    [WebMethod] public void Split(string text, out string head, out string[] tail) {
        var words = text.Split(' '); head = words[0]; tail = words.Length == 1 ? null : words; }
    [WebMethod] public int Swap(ref int a, ref int b) { var held = a; a = b; b = held; return a - b; }
    [WebMethod] public Pair Describe(int n, out Pair other, out int? half) {
        other = n == 0 ? null : new Pair { First = -n, Second = "other" }; half = n % 2 == 0 ? n / 2 : (int?)null;
        return new Pair { First = n, Second = "one" }; }
    [WebMethod(MessageName = "AddThree")] public int Add(int a, int b, int c) { return a + b + c; }
    [WebMethod(Description = "Adds two numbers.")] public int AddTwo(int a, int b) { return a + b; }
}
