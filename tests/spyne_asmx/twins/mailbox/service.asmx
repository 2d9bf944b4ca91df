<%@ WebService Language="C#" Class="Mailbox" %>
using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Web.Services;
using System.Xml.Serialization;

[XmlType(Namespace = "urn:types")] public class ItemId { [XmlAttribute] public string Id; [XmlAttribute] public string ChangeKey; }
[XmlType(Namespace = "urn:types")] [XmlInclude(typeof(Message)), XmlInclude(typeof(Appointment)), XmlInclude(typeof(Contact))]
public class Item { public ItemId ItemId; public string Subject; public Item Parent; public Item[] Attachments; }
[XmlType(Namespace = "urn:types")] public class Message : Item { public Recipient[] To; public bool IsRead; }
[XmlType(Namespace = "urn:types")] [XmlInclude(typeof(Recurring))] public class Appointment : Item { public DateTime Start; public DateTime? End; }
[XmlType(Namespace = "urn:recurring")] public class Recurring : Appointment { public int Every; public DayOfWeek Day; }
[XmlType(Namespace = "urn:types")] public class Contact : Item { public string Name; [XmlArrayItem("Email")] public string[] Emails; }
[XmlType(Namespace = "urn:types")] public class Recipient { [XmlText] public string Address; [XmlAttribute] public int Kind; }
[XmlType(Namespace = "urn:messages")] public enum Traversal { Shallow, Deep, SoftDeleted }
[XmlType(Namespace = "urn:messages")] public class Query {
    public ItemId[] Ids; public Traversal Traversal; [DefaultValue(10)] public int Page = 10;
    [DefaultValue("all")] public string Filter = "all"; [XmlAttribute, DefaultValue(Traversal.Deep)] public Traversal Mode = Traversal.Deep; }
[XmlType(Namespace = "urn:messages")] public class Found { public List<Item> Items; [XmlElement("Warning")] public string[] Warnings; public Item First; }

[WebService(Namespace = "urn:messages")]
public class Mailbox : WebService {
    [WebMethod] public Found Find(Query query) { return new Found {
        Items = new List<Item> { new Message { Subject = "s" }, new Recurring { Every = 2 }, null },
        Warnings = new[] { "a", "b" }, First = new Contact { Name = "n", Emails = new[] { "e1", "e2" } } }; }
    [WebMethod] public Item[] Same(Item[] items) { return items; }
    [WebMethod] public Query Repeat(Query query) { return query; }
    [WebMethod] public bool Next(Traversal mode, out Item item, ref int count, out ItemId[] ids) {
        item = new Contact { Name = mode.ToString() }; ids = null; count++; return true; }
}
