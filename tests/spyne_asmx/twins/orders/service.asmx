<%@ WebService Language="C#" Class="Orders" %>
using System;
using System.Collections.Generic;
using System.Web.Services;
using System.Web.Services.Protocols;
using System.Xml;
using System.Xml.Serialization;

public enum OrderStatus { New, Shipped, Cancelled }
public class Credentials : SoapHeader { public string Customer; public string Key; }
public class OrderLine { [XmlAttribute] public int No; public string Sku; public int Quantity; public decimal Price; }
public class Address { public string Street; public string City; public string Country; }
public class Order {
    [XmlAttribute] public string Reference; public DateTime Placed; public OrderStatus Status; public Address ShipTo;
    public List<OrderLine> Lines; [XmlElement("Comment")] public List<string> Comments; public Guid? Id; public byte[] Attachment; }
public class Confirmation { public Guid Id; public decimal Total; public int Lines; public DateTime? Delivery; }

[WebService(Namespace = "http://shop.example.com/orders")]
public class Orders : WebService {
    public Credentials Login;
    void Check() {
        if (Login != null && Login.Key == "s3cret") return;
        var d = new XmlDocument(); var detail = d.CreateNode(XmlNodeType.Element, "detail", "");
        var inner = d.CreateElement("Reason", "http://shop.example.com/orders"); inner.InnerText = "key"; detail.AppendChild(inner);
        throw new SoapException("Access denied.", SoapException.ClientFaultCode, "http://shop.example.com/orders", detail); }
    [WebMethod(Description = "Places an order."), SoapHeader("Login")]
    public Confirmation Place(Order order) {
        Check(); decimal total = 0; foreach (var line in order.Lines) total += line.Quantity * line.Price;
        return new Confirmation { Id = order.Id ?? Guid.Empty, Total = total, Lines = order.Lines.Count, Delivery = order.ShipTo == null ? (DateTime?)null : order.Placed.AddDays(3) }; }
    [WebMethod, SoapHeader("Login")]
    public bool Cancel(string reference, out OrderStatus status) { Check(); status = reference == "R1" ? OrderStatus.Cancelled : OrderStatus.Shipped; return reference == "R1"; }
    [WebMethod] public Order Find(string reference) {
        return reference != "R1" ? null : new Order { Reference = "R1", Placed = new DateTime(2026, 3, 20, 14, 35, 0), Status = OrderStatus.Shipped,
            Lines = new List<OrderLine> { new OrderLine { No = 1, Sku = "A-1", Quantity = 2, Price = 9.95m } }, Comments = new List<string> { "gift", "fragile" }, Attachment = new byte[] { 1, 2, 3 } }; }
    [WebMethod] public int CountByStatus(OrderStatus status, DateTime since) { return status == OrderStatus.New ? since.Day : 0; }
}
