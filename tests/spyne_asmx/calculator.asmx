<%@ WebService Language="C#" Class="calculator" %>
// The service of calculator.py in C#. Served by Mono's System.Web.Services it gave calculator.wsdl.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Web.Services;
using System.Xml;
using System.Xml.Serialization;

public enum Color { Red, Green, Blue }
public class Point { public int X; public int Y; public string Name; }
public class Pixel : Point { public Color Color; }
public class Drawing {
    [XmlAttribute] public string Title;
    [XmlAttribute] public int Version;
    public Point Origin;
    public Pixel Cursor;
    public DateTime Drawn;
    public bool Public;
    public double Scale;
    public decimal Price;
    public int? Layer;
    public Guid Id;
    public byte[] Icon;
    public string[] Tags;
    [XmlElement("Mark")] public int[] Mark;
    [XmlElement("Note")] public string[] Note;
    public XmlNode Extra;
    public Drawing Inner;
}

[WebService(Namespace = "http://tempuri.org/")]
public class calculator : WebService {
    [WebMethod(Description = "Adds two numbers.")]
    public int Add(int a, int b) { return a + b; }
    [WebMethod] public double Divide(double a, double b) { return a / b; }
    [WebMethod] public decimal Half(decimal amount) { return amount / 2; }
    [WebMethod] public bool IsEven(long n) { return n % 2 == 0; }
    [WebMethod] public string Greet(string name) { return name == null ? null : "Hello, " + name; }
    [WebMethod] public DateTime DayAfter(DateTime day) { return day.AddDays(1); }
    [WebMethod] public Color Mix(Color first, Color second) { return first == second ? first : Color.Green; }
    [WebMethod] public Pixel Move(Pixel pixel, int dx) { if (pixel != null) pixel.X += dx; return pixel; }
    [WebMethod] public Drawing Copy(Drawing drawing) { return drawing; }
    [WebMethod] public int[] Sort(int[] numbers, Point origin) { return numbers == null ? null : numbers.OrderBy(n => n).ToArray(); }
    [WebMethod] public string[] Words(string text) { return text == "" ? new[] { "a", null, "" } : text.Split(' '); }
    [WebMethod] public Point[] Corners(Point a, Point b) { return new[] { a, b }; }
    [WebMethod] public int? Parse(string text) { int n; return int.TryParse(text, out n) ? n : (int?)null; }
    [WebMethod] public int?[] ParseAll(string text) { return text.Split(' ').Select(Parse).ToArray(); }
    [WebMethod] public Guid Empty() { return Guid.Empty; }
    [WebMethod] public XmlNode Describe(string text) {
        if (text == null) return null;
        var document = new XmlDocument(); var root = document.CreateElement("root");
        root.SetAttribute("text", text); document.AppendChild(root); return root; }
    [WebMethod] public int Count(XmlNode xml) { return xml == null ? -1 : xml.ChildNodes.Count; }
    [WebMethod] public void Forget(string what) { }
    [WebMethod] public void Nothing() { }
}
