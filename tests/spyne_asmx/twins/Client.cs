using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text;
using System.Web.Services.Protocols;
using System.Xml;
using System.Xml.Serialization;

/// <summary>
/// Calls every operation of every proxy compiled into this program, with made-up arguments: mono client.exe ADDRESS.
/// A proxy is in the C# namespace TWIN.VERSION and talks to ADDRESS/TWIN.asmx. Prints a line for each call,
/// tab-separated: twin, version, operation and what came back, as XML.
/// </summary>
public static class Client
{
    private const int Deepest = 3;

    public static void Main(string[] arguments)
    {
        Console.OutputEncoding = new UTF8Encoding(false);
        var proxies = Assembly.GetExecutingAssembly().GetTypes().Where(t => typeof(SoapHttpClientProtocol).IsAssignableFrom(t));
        foreach (var proxy in proxies.OrderBy(t => t.FullName, StringComparer.Ordinal))
        {
            var place = proxy.Namespace.Split('.');
            var methods = proxy.GetMethods().Where(m => m.IsDefined(typeof(SoapDocumentMethodAttribute), false));
            foreach (var method in methods.OrderBy(m => m.Name, StringComparer.Ordinal))
            {
                var client = (SoapHttpClientProtocol)Activator.CreateInstance(proxy);
                client.Url = arguments[0] + "/" + place[0] + ".asmx";
                Console.WriteLine("{0}\t{1}\t{2}\t{3}", place[0], place[1], method.Name, Said(client, method));
            }
        }
    }

    private static string Said(SoapHttpClientProtocol client, MethodInfo method)
    {
        var headers = Members(client.GetType()).Where(m => typeof(SoapHeader).IsAssignableFrom(TypeOf(m))).ToList();
        headers.ForEach(header => Set(header, client, Sample(TypeOf(header), 0)));
        var parameters = method.GetParameters();
        var values = parameters.Select(p => p.IsOut ? null : Sample(Plain(p.ParameterType), 0)).ToArray();
        try
        {
            var said = new List<string> { Text(method.Invoke(client, values), method.ReturnType) };
            said.AddRange(parameters.Where(p => p.ParameterType.IsByRef).Select(p => Text(values[p.Position], Plain(p.ParameterType))));
            said.AddRange(headers.Select(header => Text(Get(header, client), TypeOf(header))));
            return string.Join(" ", said.Where(text => text != ""));
        }
        catch (TargetInvocationException wrapped)
        {
            var fault = wrapped.InnerException as SoapException;
            if (fault == null)
            {
                return "broken " + wrapped.InnerException.Message.Replace("\n", " ");
            }
            var detail = fault.Detail == null ? "" : fault.Detail.InnerXml;
            return string.Format("fault {0}: {1} | {2} | {3}", fault.Code.Name, fault.Message, fault.Actor, detail);
        }
    }

    private static object Sample(Type type, int depth)
    {
        if (type == typeof(string)) return "a <b> & c";
        if (type == typeof(object)) return 7;
        if (type == typeof(byte[])) return new byte[] { 1, 2, 3 };
        if (type == typeof(decimal)) return 2.50m;
        if (type == typeof(DateTime)) return new DateTime(2026, 3, 20, 14, 35, 0);
        if (type == typeof(Guid)) return new Guid("1ef0a6f2-7c39-b1a4-6f0e-0c2b8a5d9e73");
        if (type == typeof(bool)) return true;
        if (type.IsEnum) return Enum.GetValues(type).GetValue(0);
        if (type.IsPrimitive) return Convert.ChangeType(3, type);
        if (Nullable.GetUnderlyingType(type) != null) return Sample(Nullable.GetUnderlyingType(type), depth);
        if (typeof(XmlNode).IsAssignableFrom(type)) return Xml();
        if (depth > Deepest) return null;
        if (type.IsArray)
        {
            var array = Array.CreateInstance(type.GetElementType(), 2);
            array.SetValue(Sample(type.GetElementType(), depth + 1), 0);
            array.SetValue(Sample(type.GetElementType(), depth + 1), 1);
            return array;
        }
        var made = Activator.CreateInstance(type);
        foreach (var member in Members(type).Where(IsSampled))
        {
            Set(member, made, Sample(TypeOf(member), depth + 1));
        }
        return made;
    }

    /// <summary>What SOAP itself says in a header, and attributes that nobody declares, are left out.</summary>
    private static bool IsSampled(MemberInfo member)
    {
        return member.DeclaringType != typeof(SoapHeader) && TypeOf(member) != typeof(XmlAttribute[]);
    }

    private static XmlNode Xml()
    {
        var document = new XmlDocument();
        document.LoadXml("<a x='1'>b <c/> d</a>");
        return document.DocumentElement;
    }

    private static string Text(object value, Type type)
    {
        if (type == typeof(void)) return "";
        if (value == null) return "null";
        if (value is XmlNode) return ((XmlNode)value).OuterXml;
        var text = new StringWriter();
        var settings = new XmlWriterSettings { OmitXmlDeclaration = true };
        using (var writer = XmlWriter.Create(text, settings))
        {
            new XmlSerializer(type).Serialize(writer, value);
        }
        return text.ToString();
    }

    private static Type Plain(Type type)
    {
        return type.IsByRef ? type.GetElementType() : type;
    }

    private static IEnumerable<MemberInfo> Members(Type type)
    {
        const BindingFlags open = BindingFlags.Public | BindingFlags.Instance;
        return type.GetFields(open).Cast<MemberInfo>().Concat(type.GetProperties(open).Where(p => p.CanWrite));
    }

    private static Type TypeOf(MemberInfo member)
    {
        return member is FieldInfo ? ((FieldInfo)member).FieldType : ((PropertyInfo)member).PropertyType;
    }

    private static object Get(MemberInfo member, object holder)
    {
        return member is FieldInfo ? ((FieldInfo)member).GetValue(holder) : ((PropertyInfo)member).GetValue(holder, null);
    }

    private static void Set(MemberInfo member, object holder, object value)
    {
        if (member is FieldInfo) ((FieldInfo)member).SetValue(holder, value);
        else ((PropertyInfo)member).SetValue(holder, value, null);
    }
}
