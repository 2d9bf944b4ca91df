<%@ WebService Language="C#" Class="Inheritance" %>
using System.Web.Services;
using System.Xml.Serialization;

[XmlInclude(typeof(Circle)), XmlInclude(typeof(Square))]
public class Shape { public string Name; }
public class Circle : Shape { public int Radius; }
[XmlInclude(typeof(Box))]
public class Square : Shape { public int Side; }
public class Box : Square { public int Depth; [XmlAttribute] public string Colour; }
public class Drawing { public Shape Main; public Shape[] Others; [XmlElement("Extra")] public Square[] Extras; }

[WebService(Namespace = "http://example.com/shapes/")]
public class Inheritance : WebService {
    [WebMethod] public Shape Make(string kind) {
        switch (kind) {
            case "circle": return new Circle { Name = "c", Radius = 3 };
            case "square": return new Square { Name = "s", Side = 4 };
            case "box": return new Box { Name = "b", Side = 5, Depth = 6, Colour = "red" };
            default: return null; } }
    [WebMethod] public string Kind(Shape shape) { return shape == null ? "null" : shape.GetType().Name + " " + shape.Name; }
    [WebMethod] public Square Grow(Square square) { if (square != null) square.Side++; return square; }
    [WebMethod] public Drawing Same(Drawing drawing) { return drawing; }
    [WebMethod] public Shape[] All() { return new Shape[] { Make("circle"), Make("box"), null }; }
}
