using System;
using System.Net;
using System.Text;

public static class Hello
{
    public static void Main()
    {
        string port = Environment.GetEnvironmentVariable("PORT") ?? "5000";
        var listener = new HttpListener();
        listener.Prefixes.Add("http://*:" + port + "/");
        listener.Start();
        Console.WriteLine("listening on " + port);
        while (true)
        {
            HttpListenerContext context = listener.GetContext();
            byte[] body = Encoding.UTF8.GetBytes("Jackbean runs .NET " + Environment.Version + ".\n");
            context.Response.ContentType = "text/plain";
            context.Response.OutputStream.Write(body, 0, body.Length);
            context.Response.Close();
        }
    }
}
