// What the page's examples lean on and is not here: the web frameworks and SqlClient, as far as the examples name
// them, and the shop's own code. Only to compile against.

using System;
using System.Collections.Specialized;
using System.IO;
using System.Net.Http;

public sealed class Order
{
    public int Id { get; set; }
    public string PayType { get; set; }
    public decimal TotalPrice { get; set; }
    public string Title { get; set; }
    public bool IsPaid { get; set; }
}

public static class Orders
{
    public static Order Find(int id) => null;
    public static Order Find(long id, long claimId, params object[] where) => null;

    public static void MoveToPaid(Order order, string paymentId, params object[] where)
    {
    }

    public static void Note(Order order, string stage, decimal? balance, params object[] where)
    {
    }
}

public sealed class Refund
{
    public string Id { get; set; }
    public int OrderId { get; set; }
    public decimal LeftBefore { get; set; }
    public decimal Price { get; set; }
    public string Reason { get; set; }

    public void Note(string words)
    {
    }
}

namespace System.Data.SqlClient
{
    public sealed class SqlConnection : IDisposable
    {
        public SqlConnection(string connectionString)
        {
        }

        public void Open()
        {
        }

        public SqlTransaction BeginTransaction() => null;

        public void Dispose()
        {
        }
    }

    public sealed class SqlTransaction : IDisposable
    {
        public void Commit()
        {
        }

        public void Dispose()
        {
        }
    }

    public sealed class SqlParameterCollection
    {
        public object AddWithValue(string name, object value) => null;
    }

    public sealed class SqlCommand : IDisposable
    {
        public SqlCommand(string text, SqlConnection connection, SqlTransaction transaction)
        {
        }

        public SqlParameterCollection Parameters { get; }

        public int ExecuteNonQuery() => 0;

        public void Dispose()
        {
        }
    }
}

namespace System.Web
{
    public class HttpRequest
    {
        public Stream InputStream { get; }
        public NameValueCollection Headers { get; }
    }

    public class HttpResponse
    {
        public bool TrySkipIisCustomErrors { get; set; }
        public int StatusCode { get; set; }
        public string ContentType { get; set; }

        public void BinaryWrite(byte[] bytes)
        {
        }
    }

    public class HttpContext
    {
        public HttpRequest Request { get; }
        public HttpResponse Response { get; }
    }

    public interface IHttpHandler
    {
        bool IsReusable { get; }

        void ProcessRequest(HttpContext context);
    }
}

namespace System.Web.Mvc
{
    public class HttpRequestBase
    {
        public NameValueCollection QueryString { get; }
    }

    public abstract class ActionResult
    {
    }

    public abstract class Controller
    {
        public HttpRequestBase Request { get; }

        protected ActionResult Redirect(string url) => null;

        protected ActionResult RedirectToAction(string name, object values) => null;

        protected ActionResult View(string name) => null;
    }
}

namespace System.Web.Http
{
    public class HttpPostAttribute : Attribute
    {
    }

    public class RouteAttribute : Attribute
    {
        public RouteAttribute(string template)
        {
        }
    }

    public abstract class ApiController
    {
        public HttpRequestMessage Request { get; }
    }
}

namespace Microsoft.AspNetCore.Mvc
{
    public class HttpPostAttribute : Attribute
    {
        public HttpPostAttribute(string template)
        {
        }
    }

    public class IgnoreAntiforgeryTokenAttribute : Attribute
    {
    }

    public interface IActionResult
    {
    }

    public struct StringValues
    {
        public static implicit operator string(StringValues values) => null;
    }

    public interface IHeaderDictionary
    {
        StringValues this[string name] { get; }
    }

    public class HttpRequest
    {
        public Stream Body { get; }
        public IHeaderDictionary Headers { get; }
    }

    public class HttpResponse
    {
        public int StatusCode { get; set; }
    }

    public abstract class ControllerBase
    {
        public HttpRequest Request { get; }
        public HttpResponse Response { get; }

        public IActionResult File(byte[] content, string contentType) => null;
    }
}
