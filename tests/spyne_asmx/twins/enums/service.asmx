<%@ WebService Language="C#" Class="Enums" %>
using System;
using System.Web.Services;
using System.Xml.Serialization;

public enum Color { Red, Green, Blue }
public enum Unit { [XmlEnum("kg")] Kilogram, [XmlEnum("m/s")] MetrePerSecond }
[Flags] public enum Access { Read = 1, Write = 2, Delete = 4 }
public class Paint { public Color Color; public Color? Second; [XmlAttribute] public Color Under; public Access Access; public Color[] All; }

[WebService(Namespace = "http://example.com/enums/")]
public class Enums : WebService {
    [WebMethod] public Color Next(Color color) { return color == Color.Blue ? Color.Red : color + 1; }
    [WebMethod] public Color? Maybe(Color? color) { return color; }
    [WebMethod] public Color[] All(Color[] colors) { return colors; }
    [WebMethod] public Unit Convert(Unit unit) { return unit; }
    [WebMethod] public Access Grant(Access access) { return access | Access.Read; }
    [WebMethod] public Paint Same(Paint paint) { return paint; }
}
