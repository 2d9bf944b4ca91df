<%@ WebService Language="C#" Class="Namespaces" %>
using System.Web.Services;
using System.Xml.Serialization;

[XmlType(Namespace = "urn:people")] public class Person { public int Id; public string Name; public Address Home; }
[XmlType(Namespace = "urn:places")] public class Address { public string Street; public Person[] Tenants; }
[XmlType("Item", Namespace = "urn:shop")] public class ShopItem { public int Id; }
[XmlType("Item", Namespace = "urn:stock")] public class StockItem { public int Id; public int Shelf; }
[XmlType(Namespace = "urn:places")] public enum Floor { Ground, First }
public class Plain { public Person Owner; [XmlElement(Namespace = "urn:member")] public string Note; public Floor Floor; }

[WebService(Namespace = "http://example.com/spaces/")]
public class Namespaces : WebService {
    [WebMethod] public Person Same(Person person) { return person; }
    [WebMethod] public StockItem Store(ShopItem item) { return item == null ? null : new StockItem { Id = item.Id, Shelf = 3 }; }
    [WebMethod] public Person[] People(Person[] people) { return people; }
    [WebMethod] public Plain Whole(Plain plain) { return plain; }
}
