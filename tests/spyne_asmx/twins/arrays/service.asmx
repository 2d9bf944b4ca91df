<%@ WebService Language="C#" Class="Arrays" %>
using System;
using System.Collections.Generic;
using System.Linq;
using System.Web.Services;
using System.Xml.Serialization;

public class Point { public int X; public int Y; }
public class Cell { public string Text; }
public class Grid {
    public int[] Plain;
    [XmlElement("Loose")] public int[] Loose;
    [XmlArray("Names"), XmlArrayItem("Name")] public string[] Named;
    public Point[] Points;
    public Cell[][] Rows;
    public int?[] Holes;
    [XmlElement("Corner")] public Point[] Corners;
}

[WebService(Namespace = "http://example.com/arrays/")]
public class Arrays : WebService {
    [WebMethod] public int[] Sort(int[] numbers) { return numbers == null ? null : numbers.OrderBy(n => n).ToArray(); }
    [WebMethod] public string[] Words(string[] words) { return words; }
    [WebMethod] public List<Point> Points(List<Point> points) { return points; }
    [WebMethod] public int[][] Matrix(int[][] rows) { return rows; }
    [WebMethod] public Grid Same(Grid grid) { return grid; }
    [WebMethod] [return: XmlElement("Item")] public string[] Loose([XmlElement("Word")] string[] Word) { return Word; }
    [WebMethod] [return: XmlArrayItem("Price")] public decimal[] Prices([XmlArray("List"), XmlArrayItem("Amount")] decimal[] List) { return List; }
    [WebMethod] public int?[] Holes(int?[] numbers) { return numbers; }
    [WebMethod] public string[] Nothing() { return null; }
    [WebMethod] public string[] Gaps() { return new[] { "a", null, "" }; }
    [WebMethod] public DateTime[] Days(DateTime[] days) { return days; }
}
