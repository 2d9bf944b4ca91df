<%@ WebService Language="C#" Class="Objects" %>
using System;
using System.Web.Services;
using System.Xml.Serialization;

public class Item { public int N; }
public class Bag { public object Any; public object[] Several; }
public struct Size { public int Width; public int Height; }
public class Room { public Size Size; public Size? Maybe; }

[WebService(Namespace = "http://example.com/objects/")]
[XmlInclude(typeof(Item))]
public class Objects : WebService {
    [WebMethod] public object Echo(object value) { return value; }
    [WebMethod] public string Kind(object value) { return value == null ? "null" : value.GetType().Name; }
    [WebMethod] public object Make(string kind) {
        switch (kind) { case "int": return 7; case "string": return "text"; case "bool": return true; case "double": return 1.5;
            case "date": return new DateTime(2026, 3, 20, 14, 35, 0); case "item": return new Item { N = 3 }; case "decimal": return 2.50m; default: return null; } }
    [WebMethod] public Bag Same(Bag bag) { return bag; }
    [WebMethod] public Size Turn(Size size) { return new Size { Width = size.Height, Height = size.Width }; }
    [WebMethod] public Room Furnish(Room room) { return room; }
}
