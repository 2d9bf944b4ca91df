// Runs Mono's wsdl once for each line of standard input, which has its arguments with tabulators between them.
using System;
using System.IO;

static class Proxies
{
    static int Main()
    {
        string wsdl = Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location), "wsdl.exe");
        for (string line; (line = Console.ReadLine()) != null;)
        {
            int code = AppDomain.CurrentDomain.ExecuteAssembly(wsdl, line.Split('\t'));
            if (code != 0)
                return code;
        }
        return 0;
    }
}
