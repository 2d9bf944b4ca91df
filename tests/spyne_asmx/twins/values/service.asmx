<%@ WebService Language="C#" Class="Values" %>
using System;
using System.Web.Services;
using System.Xml.Serialization;

public class Dates {
    [XmlElement(DataType = "date")] public DateTime Day; [XmlElement(DataType = "time")] public DateTime Hour; public DateTime Moment; }

public class Blob { public byte[] Data; }

[WebService(Namespace = "http://example.com/values/")]
public class Values : WebService {
    [WebMethod] public DateTime Moment(DateTime value) { return value; }
    [WebMethod] public Dates Days(Dates value) { return value; }
    [WebMethod] public decimal Money(decimal value) { return value; }
    [WebMethod] public double Real(double value) { return value; }
    [WebMethod] public float Single(float value) { return value; }
    [WebMethod] public Guid Id(Guid value) { return value; }
    [WebMethod] public Blob Bytes(Blob value) { return value; }
    [WebMethod] public bool Truth(bool value) { return value; }
    [WebMethod] public long Long(long value) { return value; }
    [WebMethod] public short Short(short value) { return value; }
    [WebMethod] public byte Octet(byte value) { return value; }
    [WebMethod] public sbyte Signed(sbyte value) { return value; }
    [WebMethod] public ulong Unsigned(ulong value) { return value; }
}
