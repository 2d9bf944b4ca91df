<%@ WebService Language="C#" Class="Zeros" %>
using System;
using System.ComponentModel;
using System.Web.Services;
using System.Xml.Serialization;

public enum Size { Small, Large }
public class Inner { public int N; }
public class Record {
    public int Int; public long Long; public bool Bool; public double Double; public decimal Decimal;
    public DateTime Moment; public Guid Id; public Size Size; public string Text; public byte[] Bytes; public Inner Inner;
    public int? MaybeInt; public bool? MaybeBool; public DateTime? MaybeMoment; public Guid? MaybeId; public double? MaybeDouble;
    [XmlElement(IsNullable = true)] public string Nil;
    [DefaultValue(5)] public int Five = 5;
    [XmlAttribute] public int Number; [XmlAttribute] public string Label;
}

[WebService(Namespace = "http://example.com/zeros/")]
public class Zeros : WebService {
    [WebMethod] public Record Same(Record record) { return record; }
    [WebMethod] public Record New() { return new Record(); }
    [WebMethod] public string Show(int n, bool b, double d, decimal m, DateTime t, Guid g, Size s, string x) {
        return string.Join("|", n, b ? "true" : "false", d.ToString("R"), m, t.ToString("s"), g, s, x ?? "null"); }
    [WebMethod] public int? Half(int? n) { return n % 2 == 0 ? n / 2 : null; }
    [WebMethod] public DateTime? Later(DateTime? t) { return t == null ? null : (DateTime?)t.Value.AddDays(1); }
}
