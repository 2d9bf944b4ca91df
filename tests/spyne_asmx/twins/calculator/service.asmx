<%@ WebService Language="C#" Class="Calculator" %>
using System.Web.Services;

[WebService(Namespace = "http://tempuri.org/", Description = "Four operations on whole numbers.")]
public class Calculator : WebService {
    [WebMethod(Description = "Adds two integers.")] public int Add(int intA, int intB) { return intA + intB; }
    [WebMethod] public int Subtract(int intA, int intB) { return intA - intB; }
    [WebMethod] public int Multiply(int intA, int intB) { return intA * intB; }
    [WebMethod] public int Divide(int intA, int intB) { return intA / intB; }
}
