using System;
using System.Reflection;
using System.Text;
using System.Web.Services.Protocols;
using System.Xml;

/// <summary>What the proxy would have if it came from a WSDL with one more operation.</summary>
public partial class srv
{
    [SoapDocumentMethod("http://tempuri.org/Nope", RequestNamespace = "http://tempuri.org/",
        ResponseNamespace = "http://tempuri.org/")]
    public void Nope()
    {
        Invoke("Nope", new object[0]);
    }
}

/// <summary>
/// Runs the scenario with the proxy that the wsdl tool generated for one SOAP version: mono scenario.exe ADDRESS.
/// Prints a line for each step, tab-separated: its name, then the attributes it was answered with.
/// </summary>
public static class Scenario
{
    public static void Main(string[] arguments)
    {
        var client = new srv { Url = arguments[0] };

        Console.WriteLine("client\tversion={0}", Version());
        string ticket = Step("AuthenticateUser", client.AuthenticateUser("jsmith", "Secret123!")).Attributes["ticket"].Value;
        Step("AuthenticateUser1", client.AuthenticateUser1("jsmith", "Secret123!", null));
        Step("isValidTicket", client.isValidTicket(ticket));
        Step("RenewTicket", client.RenewTicket("jsmith", "Secret123!", null, ticket));
        Step("CreateTicketforUser", client.CreateTicketforUser("MyServerSecret", "jsmith"));
        XmlNode user = Step("GetCurrentUser", client.GetCurrentUser(ticket))["User"];
        Step("User", user);
        Step("Preferences", user["Preferences"]);
        Step("LogOut", client.LogOut(ticket));
        Step("dead ticket", client.isValidTicket(ticket));
        Step("wrong password", client.AuthenticateUser("jsmith", "wrong"));
        Step("ServerInfo", client.ServerInfo());
        Fault(client);
    }

    private static string Version()
    {
        const BindingFlags hidden = BindingFlags.NonPublic | BindingFlags.Static;
        var name = (string)Type.GetType("Mono.Runtime").GetMethod("GetDisplayName", hidden).Invoke(null, null);
        return name.Split(' ')[0];
    }

    private static XmlNode Step(string name, XmlNode node)
    {
        var line = new StringBuilder(name);
        foreach (XmlAttribute attribute in node.Attributes)
        {
            if (attribute.Name != "xmlns")
            {
                line.Append('\t').Append(attribute.Name).Append('=').Append(attribute.Value);
            }
        }
        Console.WriteLine(line);
        return node;
    }

    private static void Fault(srv client)
    {
        try
        {
            client.Nope();
        }
        catch (SoapException fault)
        {
            Console.WriteLine("fault\ttype={0}\tcode={1}\ttext={2}\tenvelope={3}", fault.GetType().Name, fault.Code.Name,
                fault.Message, fault.Code.Namespace);
        }
    }
}
