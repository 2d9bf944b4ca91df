<%@ WebService Language="C#" Class="inheritance" %>
using System; using System.Web.Services; using System.Web.Services.Protocols; using System.Xml; using System.Xml.Serialization;
[XmlInclude(typeof(Dog)), XmlInclude(typeof(Cat))] public class Animal { public string Name; }
public class Cat : Animal { public int Lives; }
[XmlInclude(typeof(Puppy))] public class Dog : Animal { public bool Barks; }
public class Puppy : Dog { public int Weeks; }
[XmlType(Namespace="urn:crm"), XmlInclude(typeof(Customer))] public class Person { public int Id; public string Name; public Address Home; }
[XmlType(Namespace="urn:post")] public class Address { public string Street; }
[XmlType("Person", Namespace="urn:hr")] public class Employee { public int Id; public decimal Pay; }
[XmlType(Namespace="urn:crm")] public class Customer : Person { public string Since; }
[XmlType(Namespace="urn:colors")] public enum Hue { Red, Green }
public class Mixed { [XmlElement(Namespace="urn:m")] public int Far; public int Near; public Person Who; }
[WebService(Namespace = "http://example.com/inheritance")]
public class inheritance : WebService {
    [WebMethod] public Animal Make(string kind) { if (kind=="dog") return new Dog{Name="d",Barks=true}; if (kind=="puppy") return new Puppy{Name="p",Barks=true,Weeks=3}; return new Animal{Name="a"}; }
    [WebMethod] public string Kind(Animal animal) { return animal == null ? "null" : animal.GetType().Name + animal.Name; }
    [WebMethod] public Animal[] All(Animal[] animals) { return animals; }
    [WebMethod] public Person GetPerson(int id) { if (id == 9) return new Customer { Id=9, Since="x" }; return new Person { Id=id, Name="n", Home=new Address{Street="s"} }; }
    [WebMethod] public Employee GetEmployee(Employee e) { return e; }
    [WebMethod] public Hue Paint(Hue hue) { return hue; }
    [WebMethod] public Hue[] Hues() { return new[]{Hue.Red}; }
    [WebMethod] public Mixed Mix(Mixed m) { return new Mixed{Far=1,Near=2,Who=new Person{Id=3}}; }
}
