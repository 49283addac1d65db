// A shop on the C# kit, for tests: one JSON object a line on standard input, one on standard output.
// driver.py is the same shop on the Python kit.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Reflection;
using System.Runtime.Serialization;
using System.Runtime.Serialization.Json;
using System.Text;
using System.Threading.Tasks;
using Pgb;

public static class Driver
{
    private static readonly DataContractJsonSerializer Wire = new DataContractJsonSerializer(
        typeof(Dictionary<string, object>),
        new DataContractJsonSerializerSettings { UseSimpleDictionaryFormat = true, EmitTypeInformation = EmitTypeInformation.Never });

    private static readonly Dictionary<string, Func<Command, Dictionary<string, object>>> Commands =
        new Dictionary<string, Func<Command, Dictionary<string, object>>>
        {
            { "PayStart", c => Answered(c.Client().PayStart(c.Fill(new PayStartParam()))) },
            { "PayStatus", c => Answered(c.Client().PayStatus(c.Fill(new PayStatusParam()))) },
            { "PartialCancel", c => Answered(c.Client().PartialCancel(c.Fill(new PartialCancelParam()))) },
            { "FullCancel", c => Answered(c.Client().FullCancel(c.Fill(new FullCancelParam()))) },
            { "IsIntegrationTarget", c => One("answer", c.Client().IsIntegrationTarget(c.Fill(new IntegrationParam()))) },
            { "form", Form },
            { "sign", Sign },
            { "verify", Verify },
            { "hint", Hint },
            { "listen", c => One("url", Shop.Listen(c.Secrets)) },
            { "next", c => One("next", Shop.Next(c.Text("what"))) },
            { "books", c => One("books", Shop.Books()) },
            { "log", c => One("log", Shop.LogText()) },
        };

    public static void Main()
    {
        Console.InputEncoding = Console.OutputEncoding = new UTF8Encoding(false);
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CommaCulture();
        string line;
        while ((line = Console.In.ReadLine()) != null)
        {
            Console.Out.WriteLine(Write(Answer(line)));
            Console.Out.Flush();
        }
    }

    public static string Write(Dictionary<string, object> keys)
    {
        var stream = new MemoryStream();
        Wire.WriteObject(stream, keys);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>A shop in Berlin writes 64900,5: no amount may depend on that.</summary>
    private static CultureInfo CommaCulture()
    {
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.NumberFormat.NumberDecimalSeparator = ",";
        culture.NumberFormat.NumberGroupSeparator = ".";
        return culture;
    }

    private static Dictionary<string, object> Answer(string line)
    {
        try
        {
            var command = new Command((Dictionary<string, object>)Wire.ReadObject(new MemoryStream(Encoding.UTF8.GetBytes(line))));
            return Commands[command.Text("do")](command);
        }
        catch (PgbException error)
        {
            var failed = Failed(error);
            failed.Add("code", error.ErrorCode);
            failed.Add("status", error.HttpStatus);
            failed.Add("x_request_id", error.XRequestId);
            failed.Add("balance", Number(error.Answer == null ? null : error.Answer.Balance));
            failed.Add("cancel_id", error.Answer == null ? null : error.Answer.CancelId);
            return failed;
        }
        catch (Exception error)
        {
            return Failed(error);
        }
    }

    private static Dictionary<string, object> Failed(Exception error) => new Dictionary<string, object>
    {
        { "kind", error.GetType().Name.Replace("Exception", "") },
        { "message", error.Message },
    };

    private static Dictionary<string, object> One(string name, object value) => new Dictionary<string, object> { { name, value } };

    private static Dictionary<string, object> Answered(PgbAnswer answer) => new Dictionary<string, object>
    {
        { "type", answer.Type },
        { "url", answer.RedirectUrl },
        { "payment_id", answer.PaymentId },
        { "stage", answer.Stage },
        { "paid", Number(answer.PaidPrice) },
        { "balance", Number(answer.Balance) },
        { "cancel_id", answer.CancelId },
        { "reserved", Number(answer.Reserved) },
        { "disputed", answer.Disputed },
        { "cancels", answer.Cancellations == null ? "" : string.Join("\n", answer.Cancellations.Select(one => Write(OfCancel(one)))) },
        { "claims", answer.ClaimPayments == null ? 0 : answer.ClaimPayments.Count },
        { "others", answer.OtherPayments == null ? 0 : answer.OtherPayments.Count },
        { "raw", answer.Raw },
    };

    /// <summary>One cancel, as the kit's types have it.</summary>
    public static Dictionary<string, object> OfCancel(ICancelState one) => new Dictionary<string, object>
    {
        { "CancelId", one.CancelId },
        { "RequestId", one.RequestId },
        { "RefundPrice", Number(one.RefundPrice) },
        { "RefundTaxFreePrice", Number(one.RefundTaxFreePrice) },
        { "CancelState", one.CancelState },
        { "CancelOrigin", one.CancelOrigin },
        { "CancelCode", one.CancelCode },
        { "CancelRequestedAt", one.CancelRequestedAt },
        { "CancelEndedAt", one.CancelEndedAt },
    };

    public static string Number(decimal? amount) => amount?.ToString(CultureInfo.InvariantCulture);

    /// <summary>What a shop's older code does: a form, by the framework's own means.</summary>
    private static Dictionary<string, object> Form(Command command)
    {
        using (var http = new HttpClient())
        {
            var form = new FormUrlEncodedContent(command.Given("key", "secret", "url", "do"));
            var body = form.ReadAsByteArrayAsync().Result;
            var headers = command.Text("secret").Length == 0
                ? new Dictionary<string, string> { { "Authorization", "Bearer " + command.Text("key") } }
                : PgbSignature.Headers(command.Text("secret"), "form-1", body, DateTimeOffset.UtcNow);
            foreach (var header in headers)
            {
                http.DefaultRequestHeaders.TryAddWithoutValidation(header.Key, header.Value);
            }

            return One("raw", http.PostAsync(command.Text("url"), form).Result.Content.ReadAsStringAsync().Result);
        }
    }

    private static Dictionary<string, object> Sign(Command command) => One(
        "signature",
        PgbSignature.Headers(command.Text("secret"), command.Text("id"), command.Body, command.Time("timestamp"))["webhook-signature"]);

    private static Dictionary<string, object> Verify(Command command)
    {
        PgbSignature.Verify(command.Body, name => command.Text(name.Replace("webhook-", "")), command.Secrets, command.Time("now"));
        return One("verified", true);
    }

    private static Dictionary<string, object> Hint(Command command)
    {
        var hint = PgbReturn.Read(command.Text, command.Secrets);
        return hint == null ? One("signed", false) : new Dictionary<string, object>
        {
            { "signed", true },
            { "payment_id", hint.PaymentId },
            { "order_id", hint.OrderId },
            { "claim_id", hint.ClaimId },
            { "stage", hint.Stage },
            { "timestamp", hint.Time.ToUnixTimeSeconds() },
        };
    }

    private sealed class Command
    {
        private readonly Dictionary<string, object> keys;

        public Command(Dictionary<string, object> keys)
        {
            this.keys = keys;
        }

        public string[] Secrets => Text("secrets").Split(' ');
        public byte[] Body => Encoding.UTF8.GetBytes(Text("body"));

        public string Text(string name) =>
            keys.TryGetValue(name, out var value) ? Convert.ToString(value, CultureInfo.InvariantCulture) : "";

        public DateTimeOffset Time(string name) => DateTimeOffset.FromUnixTimeSeconds(long.Parse(Text(name)));

        public PgbClient Client()
        {
            var options = new PgbOptions { BaseUrl = Text("url"), ApiKey = Text("key"), SigningSecret = Text("secret") };
            if (keys.ContainsKey("timeout"))
            {
                options.Timeout = TimeSpan.FromSeconds(double.Parse(Text("timeout"), CultureInfo.InvariantCulture));
                options.Patience = TimeSpan.FromSeconds(double.Parse(Text("patience"), CultureInfo.InvariantCulture));
                options.RepeatAfter = TimeSpan.FromSeconds(double.Parse(Text("repeat_after"), CultureInfo.InvariantCulture));
            }

            return new PgbClient(options);
        }

        public IEnumerable<KeyValuePair<string, string>> Given(params string[] but) =>
            keys.Keys.Except(but).Select(name => new KeyValuePair<string, string>(name, Text(name)));

        /// <summary>Sets the properties that the command names.</summary>
        public T Fill<T>(T param)
        {
            foreach (var property in typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance))
            {
                if (keys.TryGetValue(property.Name, out var value))
                {
                    var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
                    property.SetValue(param, Convert.ChangeType(value, type, CultureInfo.InvariantCulture), null);
                }
            }

            return param;
        }
    }
}

/// <summary>The shop's completion URL and its books.</summary>
public static class Shop
{
    private static readonly object Gate = new object();
    private static HttpListener listener;
    private static PgbReceiver receiver;
    private static Books books;

    public static string Listen(string[] secrets)
    {
        lock (Gate)
        {
            books = new Books();
            receiver = new PgbReceiver(books, books.Log, secrets);
            if (listener == null)
            {
                Begin();
            }

            return listener.Prefixes.First() + "complete";
        }
    }

    public static string Next(string what)
    {
        books.NextSteps.Enqueue(what);
        return what;
    }

    /// <summary>One line for each message that was applied and committed.</summary>
    public static string Books()
    {
        lock (books.Applied)
        {
            return string.Join("\n", books.Applied.Select(Driver.Write));
        }
    }

    public static string LogText()
    {
        lock (books.Logged)
        {
            return string.Join("\n", books.Logged);
        }
    }

    private static void Begin()
    {
        for (var port = 20000 + (System.Diagnostics.Process.GetCurrentProcess().Id % 20000); listener == null; port++)
        {
            var tried = new HttpListener();
            tried.Prefixes.Add("http://127.0.0.1:" + port + "/");
            try
            {
                tried.Start();
                listener = tried;
            }
            catch (Exception error) when (error is HttpListenerException || error is System.Net.Sockets.SocketException)
            {
                // taken: the next one
            }
        }

        Task.Run(() =>
        {
            while (true)
            {
                var context = listener.GetContext();
                Task.Run(() => Serve(context));
            }
        });
    }

    private static void Serve(HttpListenerContext context)
    {
        var body = new MemoryStream();
        context.Request.InputStream.CopyTo(body);
        var reply = receiver.Receive(body.ToArray(), name => context.Request.Headers[name]);
        context.Response.StatusCode = reply.Status;
        context.Response.ContentType = reply.ContentType;
        context.Response.Close(reply.Body, true);
    }
}

/// <summary>The memory store, with a journal of what was committed and steps that go wrong on demand.</summary>
public sealed class Books : ICompletionStore
{
    public readonly Queue<string> NextSteps = new Queue<string>();
    public readonly List<Dictionary<string, object>> Applied = new List<Dictionary<string, object>>();
    public readonly List<string> Logged = new List<string>();
    private readonly MemoryCompletionStore store = new MemoryCompletionStore(message => { });

    public void Log(Exception error)
    {
        lock (Logged)
        {
            Logged.Add(error.Message);
        }
    }

    public ICompletionTransaction Begin() => new Transaction(this, store.Begin());

    private sealed class Transaction : ICompletionTransaction
    {
        private readonly Books books;
        private readonly ICompletionTransaction inner;
        private readonly string step;
        private Dictionary<string, object> pending;

        public Transaction(Books books, ICompletionTransaction inner)
        {
            this.books = books;
            this.inner = inner;
            step = books.NextSteps.Count > 0 ? books.NextSteps.Dequeue() : "";
        }

        public bool RememberEvent(string eventId) => inner.RememberEvent(eventId);

        public bool RaiseSequence(string dbType, long orderId, long claimId, long sequence) =>
            inner.RaiseSequence(dbType, orderId, claimId, sequence);

        public void Apply(Completion message)
        {
            switch (step)
            {
                case "refuse":
                    throw new CompletionRefusedException("주문 시스템 점검 중입니다", final: false);
                case "final":
                    throw new CompletionRefusedException("there is no such order", final: true);
                case "fail":
                    throw new InvalidOperationException("the order table is locked");
            }

            inner.Apply(message);
            pending = new Dictionary<string, object>(Driver.OfCancel(message))
            {
                { "EventId", message.EventId },
                { "EventType", message.EventType },
                { "Sequence", message.Sequence },
                { "DBType", message.DBType },
                { "OrderId", message.OrderId },
                { "ClaimId", message.ClaimId },
                { "PaymentId", message.PaymentId },
                { "Stage", message.Stage },
                { "Currency", message.Currency },
                { "TotalPrice", Driver.Number(message.TotalPrice) },
                { "Balance", Driver.Number(message.Balance) },
                { "Reserved", Driver.Number(message.Reserved) },
                { "Disputed", message.Disputed },
            };
        }

        public void Commit()
        {
            if (step == "fail_commit")
            {
                throw new IOException("the database went away");
            }

            inner.Commit();
            if (pending != null)
            {
                lock (books.Applied)
                {
                    books.Applied.Add(pending);
                }
            }
        }

        public void Dispose() => inner.Dispose();
    }
}
