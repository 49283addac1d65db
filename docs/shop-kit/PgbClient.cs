// PGB's kit for shops, for .NET: copy this one file into your project. README.md beside it shows how to use it.
//
// For .NET Framework 4.7.2 and later, .NET (Core) and Mono: .NET Standard 2.0, C# 7.2, no packages.
// On .NET Framework add references to System.Net.Http and System.Runtime.Serialization.

#if NET5_0_OR_GREATER
#pragma warning disable CS8600, CS8601, CS8602, CS8603, CS8604, CS8618, CS8625 // as in C# 7, null means absent
#endif

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Runtime.Serialization;
using System.Runtime.Serialization.Json;
using System.Security.Cryptography;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Pgb
{
    // ---------------------------------------------------------------- calls

    /// <summary>Where PGB is, and how this shop proves who it is: by ApiKey or by SigningSecret, one of the two.</summary>
    public sealed class PgbOptions
    {
        /// <summary>Such as https://pgb.example; http is accepted for loopback only.</summary>
        public string BaseUrl { get; set; }

        /// <summary>Sent as "Authorization: Bearer".</summary>
        public string ApiKey { get; set; }

        /// <summary>"whsec_...": every call is signed with the headers of Standard Webhooks; the secret never travels.</summary>
        public string SigningSecret { get; set; }

        /// <summary>For one try. PGB itself answers PayStart within 25 seconds.</summary>
        public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

        /// <summary>No further try of a call begins later than this.</summary>
        public TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(40);

        /// <summary>The pause before a repeat, unless PGB names a longer one.</summary>
        public TimeSpan RepeatAfter { get; set; } = TimeSpan.FromSeconds(2);
    }

    /// <summary>A payment to start. What is null is not sent.</summary>
    public sealed class PayStartParam
    {
        public string DBType { get; set; }
        public long OrderId { get; set; }
        public long JoinerId { get; set; }
        public string PayType { get; set; }

        /// <summary>In the currency's own unit: 64900 won, 12.50 dollars.</summary>
        public decimal TotalPrice { get; set; }

        public string OrderDescription { get; set; }

        /// <summary>Where the buyer comes back to; its host must be on the shop's list at PGB.</summary>
        public string RedirectUrl { get; set; }

        public string NationCode { get; set; }
        public string PGType { get; set; }

        /// <summary>"pc" or "mobile".</summary>
        public string Device { get; set; }

        public string BuyerName { get; set; }
        public string BuyerEmail { get; set; }
        public string BuyerTel { get; set; }

        /// <summary>Where a buyer who turns back goes; without it RedirectUrl.</summary>
        public string CancelUrl { get; set; }

        /// <summary>An additional payment for a claim of the order; 0 is the order itself.</summary>
        public long? ClaimId { get; set; }

        public decimal? TaxFreePrice { get; set; }
    }

    /// <summary>Which order to ask about. Without ClaimId its claim payments are listed, too.</summary>
    public sealed class PayStatusParam
    {
        public string DBType { get; set; }
        public long OrderId { get; set; }
        public long JoinerId { get; set; }
        public long? ClaimId { get; set; }
    }

    /// <summary>What both cancels have.</summary>
    public abstract class CancelParam
    {
        public string DBType { get; set; }
        public long OrderId { get; set; }
        public long JoinerId { get; set; }
        public string NationCode { get; set; }

        /// <summary>
        /// Your own id of this one refund. Store it with the refund before the call, and use it again for every
        /// repeat: PGB then refunds once. Letters, digits, "-" and "_", at most 100.
        /// </summary>
        public string RequestId { get; set; }

        /// <summary>What the shop believes is left; it must be PGB's Balance.</summary>
        public decimal CurrentTotalPrice { get; set; }

        public long? ClaimId { get; set; }
        public string Reason { get; set; }
        public decimal? TaxFreePrice { get; set; }
        public string RefundBank { get; set; }
        public string RefundAccount { get; set; }
        public string RefundHolder { get; set; }
    }

    /// <summary>Gives a part back. What is left afterwards (ModifedTotalPrice) is worked out here.</summary>
    public sealed class PartialCancelParam : CancelParam
    {
        public decimal RefundPrice { get; set; }
    }

    /// <summary>Gives back all that is left, or closes a payment that was not made yet.</summary>
    public sealed class FullCancelParam : CancelParam
    {
        /// <summary>The gateway that the payment was made at, as PGB's answers and messages tell it. Needed.</summary>
        public string PGType { get; set; }

        /// <summary>The payment method that the payment was made by. Needed.</summary>
        public string PayType { get; set; }
    }

    /// <summary>Which payment method is asked about.</summary>
    public sealed class IntegrationParam
    {
        public string DBType { get; set; }
        public long JoinerId { get; set; }
        public string NationCode { get; set; }
        public string PayType { get; set; }
        public string PGType { get; set; }
        public string Device { get; set; }
    }

    /// <summary>The state of one payment. Amounts are in the currency's own unit; null where PGB did not say.</summary>
    [DataContract]
    public class PaymentState
    {
        [DataMember] public string DBType { get; set; }
        [DataMember] public long OrderId { get; set; }
        [DataMember] public long ClaimId { get; set; }
        [DataMember] public long JoinerId { get; set; }
        [DataMember] public string NationCode { get; set; }
        [DataMember] public string PaymentId { get; set; }
        [DataMember] public string PGType { get; set; }
        [DataMember] public string PayType { get; set; }
        [DataMember] public decimal? TotalPrice { get; set; }
        [DataMember] public decimal? PaidPrice { get; set; }

        /// <summary>What can still be given back.</summary>
        [DataMember] public decimal? Balance { get; set; }

        /// <summary>What open cancels hold.</summary>
        [DataMember] public decimal? Reserved { get; set; }

        [DataMember] public string Currency { get; set; }

        /// <summary>STANDBY, CONFIRMING, WAITING_DEPOSIT, PAID, PARTIALLY_CANCELLED, CANCELLED, FAILED, EXPIRED or REVIEW.</summary>
        [DataMember] public string Stage { get; set; }

        [DataMember] public string Reason { get; set; }

        /// <summary>The buyer disputes the payment at the gateway; until that is decided it cannot be given back.</summary>
        [DataMember] public bool Disputed { get; set; }

        /// <summary>ISO 8601, UTC; null before it is paid.</summary>
        [DataMember] public string PaidAt { get; set; }
    }

    /// <summary>One cancel of a payment, as it stands.</summary>
    public interface ICancelState
    {
        /// <summary>PGB's number of the cancel; null in a message that tells of none.</summary>
        string CancelId { get; }

        /// <summary>Yours; empty for a cancel that the shop did not ask for.</summary>
        string RequestId { get; }

        decimal? RefundPrice { get; }
        decimal? RefundTaxFreePrice { get; }

        /// <summary>
        /// REQUESTED, SENDING, UNKNOWN: not decided yet. PENDING: the gateway has accepted it. DONE. REFUSED. REVERSED:
        /// it was done, and the money came back to the merchant later.
        /// </summary>
        string CancelState { get; }

        /// <summary>Who wanted it: SHOP, STAFF or POLICY at PGB, or GATEWAY: made in the gateway's own console.</summary>
        string CancelOrigin { get; }

        /// <summary>Why it was refused, or came back, in the gateway's words.</summary>
        string CancelCode { get; }

        /// <summary>ISO 8601, UTC.</summary>
        string CancelRequestedAt { get; }

        /// <summary>ISO 8601, UTC; null while it is not decided.</summary>
        string CancelEndedAt { get; }
    }

    /// <summary>One line of PgbAnswer.Cancellations.</summary>
    [DataContract]
    public sealed class CancelOfPayment : ICancelState
    {
        [DataMember] public string CancelId { get; set; }
        [DataMember] public string RequestId { get; set; }
        [DataMember] public decimal? RefundPrice { get; set; }
        [DataMember] public decimal? RefundTaxFreePrice { get; set; }
        [DataMember] public string CancelState { get; set; }
        [DataMember] public string CancelOrigin { get; set; }
        [DataMember] public string CancelCode { get; set; }
        [DataMember] public string CancelRequestedAt { get; set; }
        [DataMember] public string CancelEndedAt { get; set; }
    }

    /// <summary>An answer with IsSuccess true; every other answer is thrown as a PgbException.</summary>
    [DataContract]
    public sealed class PgbAnswer : PaymentState
    {
        [DataMember] public string ErrorCode { get; set; }
        [DataMember] public string ErrorMessage { get; set; }
        [DataMember] public bool IsSuccess { get; set; }
        [DataMember] public string RedirectUrl { get; set; }

        /// <summary>Redirect or Page: send the buyer to RedirectUrl. Done. Pending: accepted, a message follows.</summary>
        [DataMember] public string Type { get; set; }

        /// <summary>PGB's number of the cancel that was made, or that the request repeats; null where there is none.</summary>
        [DataMember] public string CancelId { get; set; }

        /// <summary>PayStatus: the cancels of the payment, the newest first.</summary>
        [DataMember] public List<CancelOfPayment> Cancellations { get; set; }

        [DataMember] public List<PaymentState> OtherPayments { get; set; }
        [DataMember] public List<PaymentState> ClaimPayments { get; set; }

        /// <summary>The whole answer as PGB sent it, with what this class does not name.</summary>
        public string Raw { get; internal set; }
    }

    /// <summary>A call that did not succeed. Its class says what to do, ErrorCode and Message say why.</summary>
    public abstract class PgbException : Exception
    {
        protected PgbException(string message, Exception cause) : base(message, cause)
        {
        }

        /// <summary>PGB's code, such as ALREADY_PAID; empty where PGB gave none.</summary>
        public string ErrorCode { get; internal set; } = "";

        /// <summary>0 where no answer came.</summary>
        public int HttpStatus { get; internal set; }

        /// <summary>Name it when you ask PGB's people for help.</summary>
        public string XRequestId { get; internal set; } = "";

        /// <summary>What PGB answered, with Balance, PaymentId ...; null where no answer came.</summary>
        public PgbAnswer Answer { get; internal set; }
    }

    /// <summary>PGB decided: no. The same call will get the same answer; look at ErrorCode.</summary>
    public sealed class PgbRefusedException : PgbException
    {
        internal PgbRefusedException(string message) : base(message, null)
        {
        }
    }

    /// <summary>
    /// It is not known whether it happened, or it is under way. Ask with PayStatus, or make the same call again with
    /// the same values. Never start with another amount and never refund by other means meanwhile.
    /// </summary>
    public sealed class PgbInDoubtException : PgbException
    {
        internal PgbInDoubtException(string message, Exception cause = null) : base(message, cause)
        {
        }
    }

    /// <summary>Nothing happened: try later; a cancel with a new RequestId.</summary>
    public sealed class PgbUnavailableException : PgbException
    {
        internal PgbUnavailableException(string message, Exception cause = null) : base(message, cause)
        {
        }
    }

    /// <summary>A developer has to correct something: address, key, shop, or a field.</summary>
    public sealed class PgbSetupException : PgbException
    {
        internal PgbSetupException(string message) : base(message, null)
        {
        }
    }

    /// <summary>
    /// Calls PGB. Make one and keep it: it may be used from many threads at once. A call is repeated only where that
    /// is safe, always with the same bytes; see the table "Repeats" in README.md.
    /// </summary>
    public sealed class PgbClient
    {
        private const int MostLostTries = 3;

        // One for the whole process: an HttpClient per call uses up the machine's ports.
        private static readonly HttpClient Http = NewHttp();

        private readonly PgbOptions options;
        private readonly string baseUrl;

        public PgbClient(PgbOptions options)
        {
            this.options = options ?? throw new ArgumentNullException(nameof(options));
            baseUrl = CheckedUrl(options.BaseUrl);
            if (string.IsNullOrEmpty(options.ApiKey) == string.IsNullOrEmpty(options.SigningSecret))
            {
                throw new ArgumentException("PgbOptions: give ApiKey or SigningSecret, one of the two");
            }

            if (!string.IsNullOrEmpty(options.SigningSecret))
            {
                PgbSignature.Key(options.SigningSecret);
            }
        }

        private enum Effect
        {
            None,
            Start,
            Cancel,
        }

        /// <summary>Starts a payment; send the buyer to RedirectUrl of the answer.</summary>
        public Task<PgbAnswer> PayStartAsync(PayStartParam param)
        {
            var keys = new Keys
            {
                { "DBType", param.DBType },
                { "OrderId", param.OrderId },
                { "JoinerId", param.JoinerId },
                { "PayType", param.PayType },
                { "TotalPrice", param.TotalPrice },
                { "OrderDescription", param.OrderDescription },
                { "RedirectUrl", param.RedirectUrl },
                { "NationCode", param.NationCode },
                { "PGType", param.PGType },
                { "Device", param.Device },
                { "BuyerName", param.BuyerName },
                { "BuyerEmail", param.BuyerEmail },
                { "BuyerTel", param.BuyerTel },
                { "CancelUrl", param.CancelUrl },
                { "ClaimId", param.ClaimId },
                { "TaxFreePrice", param.TaxFreePrice },
            };
            return CallAsync<PgbAnswer>("/PGB/PayStart", NewId(), keys, Effect.Start);
        }

        /// <summary>Tells what PGB knows of an order, from PGB's own books: ask as often as you need.</summary>
        public Task<PgbAnswer> PayStatusAsync(PayStatusParam param)
        {
            var keys = new Keys
            {
                { "DBType", param.DBType },
                { "OrderId", param.OrderId },
                { "JoinerId", param.JoinerId },
                { "ClaimId", param.ClaimId },
            };
            return CallAsync<PgbAnswer>("/PGB/PayStatus", NewId(), keys, Effect.None);
        }

        /// <summary>Gives a part back. Type Done: the money moved. Type Pending: accepted, a message follows.</summary>
        public Task<PgbAnswer> PartialCancelAsync(PartialCancelParam param)
        {
            var keys = CancelKeys(param);
            keys.Add("RefundPrice", param.RefundPrice);
            keys.Add("ModifedTotalPrice", param.CurrentTotalPrice - param.RefundPrice);
            return CallAsync<PgbAnswer>("/PGB/PartialCancel", param.RequestId, keys, Effect.Cancel);
        }

        /// <summary>Gives back all that is left. Type as of PartialCancel.</summary>
        public Task<PgbAnswer> FullCancelAsync(FullCancelParam param)
        {
            var keys = CancelKeys(param);
            keys.Add("PGType", param.PGType);
            keys.Add("PayType", param.PayType);
            return CallAsync<PgbAnswer>("/PGB/FullCancel", param.RequestId, keys, Effect.Cancel);
        }

        /// <summary>
        /// Whether this payment method goes through PGB: it is connected and in use there. Points, deposits and gift
        /// cards never do: settle them yourself. Device: pc (as when it is absent) or mobile.
        /// </summary>
        public async Task<bool> IsIntegrationTargetAsync(IntegrationParam param)
        {
            var keys = new Keys
            {
                { "db_type", param.DBType },
                { "joiner_id", param.JoinerId },
                { "nation_code", param.NationCode },
                { "pay_type", param.PayType },
                { "pg_type", param.PGType },
                { "device", param.Device },
            };
            var found = await CallAsync<Connection>("/api/v1/payment-methods/connections", NewId(), keys, Effect.None)
                .ConfigureAwait(false);
            return found.Connected && found.InUse;
        }

        // For code that is not async, such as MVC 5 and Web Forms. Task.Run: no deadlock under their
        // SynchronizationContext.
        public PgbAnswer PayStart(PayStartParam param) => Wait(() => PayStartAsync(param));

        public PgbAnswer PayStatus(PayStatusParam param) => Wait(() => PayStatusAsync(param));

        public PgbAnswer PartialCancel(PartialCancelParam param) => Wait(() => PartialCancelAsync(param));

        public PgbAnswer FullCancel(FullCancelParam param) => Wait(() => FullCancelAsync(param));

        public bool IsIntegrationTarget(IntegrationParam param) => Wait(() => IsIntegrationTargetAsync(param));

        private static T Wait<T>(Func<Task<T>> call) => Task.Run(call).GetAwaiter().GetResult();

        private static HttpClient NewHttp()
        {
            var handler = new HttpClientHandler
            {
                AllowAutoRedirect = false,
                UseCookies = false,
                MaxConnectionsPerServer = 64, // .NET Framework's own limit is 2 outside of ASP.NET
            };
            var http = new HttpClient(handler)
            {
                Timeout = System.Threading.Timeout.InfiniteTimeSpan, // each try has its own
                MaxResponseContentBufferSize = 1024 * 1024,
            };
            http.DefaultRequestHeaders.ExpectContinue = false;
            return http;
        }

        private static string CheckedUrl(string url)
        {
            if (!Uri.TryCreate(url, UriKind.Absolute, out var uri)
                || !(uri.Scheme == "https" || (uri.Scheme == "http" && uri.IsLoopback)))
            {
                throw new ArgumentException("PgbOptions.BaseUrl: give PGB's address, such as https://pgb.example");
            }

            return url.TrimEnd('/');
        }

        private static string NewId() => Guid.NewGuid().ToString("N");

        private static Keys CancelKeys(CancelParam param)
        {
            var id = param.RequestId ?? "";
            if (id.Length == 0 || id.Length > 100 || !id.All(c => c < 128 && (char.IsLetterOrDigit(c) || c == '-' || c == '_')))
            {
                throw new ArgumentException(
                    "RequestId: give every refund an id of its own (letters, digits, - and _), stored before the call");
            }

            return new Keys
            {
                { "DBType", param.DBType },
                { "OrderId", param.OrderId },
                { "JoinerId", param.JoinerId },
                { "NationCode", param.NationCode },
                { "CurrentTotalPrice", param.CurrentTotalPrice },
                { "RequestId", id },
                { "ClaimId", param.ClaimId },
                { "Reason", param.Reason },
                { "TaxFreePrice", param.TaxFreePrice },
                { "RefundBank", param.RefundBank },
                { "RefundAccount", param.RefundAccount },
                { "RefundHolder", param.RefundHolder },
            };
        }

        /// <summary>Makes the call, again where that is safe, and returns only what succeeded.</summary>
        private async Task<T> CallAsync<T>(string path, string id, Keys keys, Effect effect)
            where T : class
        {
            var body = Json.Write(keys);
            var clock = Stopwatch.StartNew();
            var lost = 0;
            while (true)
            {
                var reply = await TryAsync(path, id, body).ConfigureAwait(false);
                var read = reply.IsOurs ? Json.Read<T>(reply.Text) : null;
                if (IsGood(read, reply, effect))
                {
                    return read;
                }

                lost += reply.IsLost ? 1 : 0;
                var problem = Problem(path, reply, effect, lost > 0);
                var pause = Pause(reply, effect);
                if (pause == null || lost >= MostLostTries || clock.Elapsed + pause.Value > options.Patience)
                {
                    throw problem;
                }

                await Task.Delay(pause.Value).ConfigureAwait(false);
            }
        }

        private async Task<Reply> TryAsync(string path, string id, byte[] body)
        {
            using (var request = new HttpRequestMessage(HttpMethod.Post, baseUrl + path))
            using (var deadline = new CancellationTokenSource(options.Timeout))
            {
                request.Content = new ByteArrayContent(body);
                request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" };
                Authorise(request, id, body);
                try
                {
                    using (var response = await Http.SendAsync(request, deadline.Token).ConfigureAwait(false))
                    {
                        var bytes = await response.Content.ReadAsByteArrayAsync().ConfigureAwait(false);
                        return new Reply(response, Encoding.UTF8.GetString(bytes));
                    }
                }
                catch (Exception error) when (IsTransport(error))
                {
                    return new Reply(error);
                }
            }
        }

        private void Authorise(HttpRequestMessage request, string id, byte[] body)
        {
            if (!string.IsNullOrEmpty(options.ApiKey))
            {
                request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + options.ApiKey);
                return;
            }

            foreach (var header in PgbSignature.Headers(options.SigningSecret, id, body, DateTimeOffset.UtcNow))
            {
                request.Headers.TryAddWithoutValidation(header.Key, header.Value);
            }
        }

        private static bool IsTransport(Exception error) =>
            error is HttpRequestException || error is OperationCanceledException || error is IOException
            || error is WebException;

        private static bool IsGood<T>(T read, Reply reply, Effect effect)
            where T : class
        {
            if (read == null || reply.Status != 200)
            {
                return false;
            }

            if (!(read is PgbAnswer answer))
            {
                return true;
            }

            answer.Raw = reply.Text;
            return answer.IsSuccess && (effect != Effect.Start || !string.IsNullOrEmpty(answer.RedirectUrl));
        }

        /// <summary>How long to wait before the same call may be made again; null: it may not.</summary>
        private TimeSpan? Pause(Reply reply, Effect effect)
        {
            if (reply.IsLost)
            {
                return options.RepeatAfter;
            }

            switch (reply.Code)
            {
                case "THROTTLED":
                case "UNAVAILABLE":
                    return reply.RetryAfter > options.RepeatAfter ? reply.RetryAfter : options.RepeatAfter;
                case "PAYMENT_IN_PROGRESS":
                case "OUTCOME_UNKNOWN":
                    return effect == Effect.Start ? options.RepeatAfter : (TimeSpan?)null;
                default:
                    return null;
            }
        }

        private static PgbException Problem(string path, Reply reply, Effect effect, bool lostBefore)
        {
            var problem = ProblemOf(path, reply, effect, lostBefore);
            problem.ErrorCode = reply.Code;
            problem.HttpStatus = reply.Status;
            problem.XRequestId = reply.XRequestId;
            problem.Answer = reply.Answer;
            return problem;
        }

        private static PgbException ProblemOf(string path, Reply reply, Effect effect, bool lostBefore)
        {
            var said = path + ": " + reply.Said;
            switch (reply.Code)
            {
                case "PAYMENT_IN_PROGRESS":
                case "OUTCOME_UNKNOWN":
                    return new PgbInDoubtException(said);
                case "INTERNAL":
                    return Undecided(said, effect);
                case "THROTTLED":
                case "UNAVAILABLE":
                    return lostBefore ? Undecided(said, effect) : new PgbUnavailableException(said);
                case "GATEWAY_UNREACHABLE":
                    return new PgbUnavailableException(said);
                case "INVALID_REQUEST":
                case "UNAUTHORIZED":
                case "FORBIDDEN":
                case "UNKNOWN_SHOP":
                case "REDIRECT_NOT_ALLOWED":
                    return new PgbSetupException(said + NothingThere(reply.Status));
            }

            if (reply.Status >= 300 && reply.Status < 500)
            {
                return new PgbSetupException(said + NothingThere(reply.Status));
            }

            // Without a code, a 2xx is no refusal: a proxy's page, or a success that lacks what it must have.
            return reply.Code.Length > 0 ? new PgbRefusedException(said) : Undecided(said, effect, reply.Error);
        }

        private static PgbException Undecided(string said, Effect effect, Exception cause = null)
        {
            if (effect == Effect.None)
            {
                return new PgbUnavailableException(said, cause);
            }

            return new PgbInDoubtException(said + "; it is not known whether it happened: ask with PayStatus", cause);
        }

        private static string NothingThere(int status) =>
            status == 404 ? "; is BaseUrl right?" : "";

        /// <summary>The keys of a request: amounts as text in any culture, what is null or empty left out.</summary>
        private sealed class Keys : Dictionary<string, object>
        {
            public new void Add(string name, object value)
            {
                if (value is decimal amount)
                {
                    value = amount.ToString(CultureInfo.InvariantCulture);
                }

                if (value != null && !"".Equals(value))
                {
                    base.Add(name, value);
                }
            }
        }

        [DataContract]
        private sealed class Connection
        {
            [DataMember(Name = "connected", IsRequired = true)] public bool Connected { get; set; }
            [DataMember(Name = "in_use", IsRequired = true)] public bool InUse { get; set; }
        }

        /// <summary>The error of IsIntegrationTarget, whose answers are spelled in snake_case.</summary>
        [DataContract]
        private sealed class Refusal
        {
            [DataMember(Name = "error_code")] public string ErrorCode { get; set; }
            [DataMember(Name = "error_message")] public string ErrorMessage { get; set; }
        }

        /// <summary>What one try brought: an answer, or the error that stands in its place.</summary>
        private sealed class Reply
        {
            public Reply(HttpResponseMessage response, string text)
            {
                Status = (int)response.StatusCode;
                Text = text;
                Answer = Json.Read<PgbAnswer>(text);
                if (Answer != null)
                {
                    Answer.Raw = text;
                    if (Answer.ErrorCode == null)
                    {
                        var refusal = Json.Read<Refusal>(text);
                        Answer.ErrorCode = refusal.ErrorCode;
                        Answer.ErrorMessage = refusal.ErrorMessage;
                    }
                }

                Code = (Answer == null ? null : Answer.ErrorCode) ?? (Status == 429 ? "THROTTLED" : "");
                var retryAfter = response.Headers.RetryAfter;
                RetryAfter = retryAfter == null ? null : retryAfter.Delta;
                XRequestId = response.Headers.TryGetValues("X-Request-Id", out var ids) ? ids.First() : "";
            }

            public Reply(Exception error)
            {
                Error = error;
                Code = "";
                XRequestId = "";
            }

            public Exception Error { get; }
            public int Status { get; }
            public string Text { get; }
            public string Code { get; }
            public PgbAnswer Answer { get; }
            public TimeSpan? RetryAfter { get; }
            public string XRequestId { get; }

            public bool IsOurs => Answer != null;

            /// <summary>No answer of PGB: whether it did the work is open.</summary>
            public bool IsLost => Error != null || (Code.Length == 0 && (Status >= 500 || (Status == 200 && !IsOurs)));

            public string Said
            {
                get
                {
                    if (Error is OperationCanceledException)
                    {
                        return "no answer in time";
                    }

                    if (Error != null)
                    {
                        return "no answer: " + Error.GetBaseException().Message;
                    }

                    var said = IsOurs ? (Code + " " + Answer.ErrorMessage).Trim() : "";
                    var id = XRequestId.Length > 0 ? ", X-Request-Id " + XRequestId : "";
                    return (said.Length > 0 ? said : "no answer of PGB's") + " (HTTP " + Status + id + ")";
                }
            }
        }
    }

    // ---------------------------------------------------------------- signatures

    /// <summary>Somebody else's, damaged, or too old. The message says which.</summary>
    public sealed class PgbSignatureException : Exception
    {
        internal PgbSignatureException(string message) : base(message)
        {
        }
    }

    /// <summary>Standard Webhooks, symmetric: "v1," and base64 of HMAC-SHA256 over "id.timestamp.body".</summary>
    public static class PgbSignature
    {
        public const int ToleranceSeconds = 300;

        /// <summary>The three headers that prove who sent these bytes, and when.</summary>
        public static Dictionary<string, string> Headers(string secret, string id, byte[] body, DateTimeOffset at)
        {
            var timestamp = at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
            return new Dictionary<string, string>
            {
                { "webhook-id", id },
                { "webhook-timestamp", timestamp },
                { "webhook-signature", Sign(secret, id, timestamp, body) },
            };
        }

        /// <summary>
        /// Returns if one of the signatures fits one of the secrets (two while one is being replaced) and the time
        /// is right; throws PgbSignatureException otherwise. The body must be the raw bytes as they came.
        /// </summary>
        public static void Verify(byte[] body, Func<string, string> header, IEnumerable<string> secrets, DateTimeOffset now)
        {
            var id = header("webhook-id");
            var timestamp = header("webhook-timestamp");
            var signatures = header("webhook-signature");
            if (string.IsNullOrEmpty(id) || string.IsNullOrEmpty(timestamp) || string.IsNullOrEmpty(signatures))
            {
                throw new PgbSignatureException("webhook-id, webhook-timestamp or webhook-signature is missing");
            }

            if (!long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
            {
                throw new PgbSignatureException("webhook-timestamp is not a number");
            }

            if (Math.Abs((decimal)now.ToUnixTimeSeconds() - seconds) > ToleranceSeconds)
            {
                throw new PgbSignatureException("signed more than 300 s from this machine's time: is its clock right?");
            }

            var wanted = secrets.Select(secret => Sign(secret, id, timestamp, body)).ToList();
            if (!signatures.Split(' ').Any(given => wanted.Any(one => AreEqual(one, given))))
            {
                throw new PgbSignatureException("no signature fits: is it the right secret, and are these the raw bytes?");
            }
        }

        /// <summary>The key bytes of a "whsec_" secret. An empty or short one would let anybody sign.</summary>
        public static byte[] Key(string secret)
        {
            const string Prefix = "whsec_";
            try
            {
                if (secret != null && secret.StartsWith(Prefix, StringComparison.Ordinal))
                {
                    var key = Convert.FromBase64String(secret.Substring(Prefix.Length));
                    if (key.Length >= 24 && key.Length <= 64)
                    {
                        return key;
                    }
                }
            }
            catch (FormatException)
            {
                // said below, without the secret
            }

            throw new ArgumentException("a signing secret is \"whsec_\" and the base64 of 24 to 64 bytes");
        }

        internal static byte[] Hmac(string secret, byte[] content)
        {
            using (var hmac = new HMACSHA256(Key(secret)))
            {
                return hmac.ComputeHash(content);
            }
        }

        /// <summary>Compares in a time that does not depend on where two texts differ.</summary>
        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)]
        internal static bool AreEqual(string one, string other)
        {
            if (one.Length != other.Length)
            {
                return false;
            }

            var difference = 0;
            for (var i = 0; i < one.Length; i++)
            {
                difference |= one[i] ^ other[i];
            }

            return difference == 0;
        }

        private static string Sign(string secret, string id, string timestamp, byte[] body)
        {
            var content = Encoding.UTF8.GetBytes(id + "." + timestamp + ".").Concat(body).ToArray();
            return "v1," + Convert.ToBase64String(Hmac(secret, content));
        }
    }

    // ---------------------------------------------------------------- messages

    /// <summary>
    /// What PGB tells the shop. It carries the whole state of the order's standing payment. CancelComplete, CancelFailed
    /// and RefundReversed also tell of one cancel; a CancelComplete without a CancelId: an unpaid payment was ended.
    /// </summary>
    [DataContract]
    public sealed class Completion : PaymentState, ICancelState
    {
        /// <summary>The same in every repeat of a message.</summary>
        [DataMember] public string EventId { get; set; }

        /// <summary>
        /// PayComplete, PayFailed, PayExpired, VirtualAccountIssued, CancelComplete, CancelFailed, RefundReversed,
        /// DepositReversed, Disputed; more may come: accept what you do not know, Stage and Balance say all.
        /// </summary>
        [DataMember] public string EventType { get; set; }

        /// <summary>Rises per (DBType, OrderId, ClaimId).</summary>
        [DataMember] public long Sequence { get; set; }

        /// <summary>ISO 8601, UTC.</summary>
        [DataMember] public string OccurredAt { get; set; }

        [DataMember] public string CancelId { get; set; }
        [DataMember] public string RequestId { get; set; }
        [DataMember] public decimal? RefundPrice { get; set; }
        [DataMember] public decimal? RefundTaxFreePrice { get; set; }
        [DataMember] public string CancelState { get; set; }
        [DataMember] public string CancelOrigin { get; set; }
        [DataMember] public string CancelCode { get; set; }
        [DataMember] public string CancelRequestedAt { get; set; }
        [DataMember] public string CancelEndedAt { get; set; }
    }

    /// <summary>
    /// Throw it in Apply: the shop does not take this message now. PGB repeats it for seven days; with final: true
    /// never again, and people at PGB are told. Only for what can never be accepted, such as an order that does not exist.
    /// </summary>
    public sealed class CompletionRefusedException : Exception
    {
        public CompletionRefusedException(string message, bool final) : base(message)
        {
            Final = final;
        }

        public bool Final { get; }
    }

    /// <summary>The shop's database.</summary>
    public interface ICompletionStore
    {
        ICompletionTransaction Begin();
    }

    /// <summary>One database transaction; Dispose without Commit undoes all of it. README.md has the SQL.</summary>
    public interface ICompletionTransaction : IDisposable
    {
        /// <summary>Stores the id; false if it is there already.</summary>
        bool RememberEvent(string eventId);

        /// <summary>Stores the number as the order's latest; false if the order has this or a higher one already.</summary>
        bool RaiseSequence(string dbType, long orderId, long claimId, long sequence);

        /// <summary>Does what the message means for the order, in the same transaction.</summary>
        void Apply(Completion message);

        void Commit();
    }

    /// <summary>What to answer PGB.</summary>
    public sealed class PgbReply
    {
        internal PgbReply(int status, bool isSuccess, string message, bool final)
        {
            Status = status;
            var keys = new Dictionary<string, object> { { "IsSuccess", isSuccess } };
            if (message != null)
            {
                keys.Add("ErrorMessage", message);
            }

            if (final)
            {
                keys.Add("Final", true);
            }

            Body = Json.Write(keys);
        }

        public int Status { get; }
        public string ContentType => "application/json; charset=utf-8";
        public byte[] Body { get; }
    }

    /// <summary>Takes PGB's messages at the shop's completion URL. Make one and keep it.</summary>
    public sealed class PgbReceiver
    {
        private readonly ICompletionStore store;
        private readonly Action<Exception> log;
        private readonly string[] secrets;

        /// <param name="store">The shop's database.</param>
        /// <param name="log">Gets every error: what is not logged here is nowhere.</param>
        /// <param name="secrets">The signing secret; the old and the new one while it is being replaced.</param>
        public PgbReceiver(ICompletionStore store, Action<Exception> log, params string[] secrets)
        {
            this.store = store ?? throw new ArgumentNullException(nameof(store));
            this.log = log ?? throw new ArgumentNullException(nameof(log));
            this.secrets = PgbReturn.Checked(secrets);
        }

        /// <summary>
        /// Takes one message: the raw bytes of the body, and a way to read a header (null where it is absent).
        /// The reply says IsSuccess true only after Commit has returned.
        /// </summary>
        public PgbReply Receive(byte[] body, Func<string, string> header)
        {
            try
            {
                PgbSignature.Verify(body, header, secrets, DateTimeOffset.UtcNow);
            }
            catch (PgbSignatureException error)
            {
                log(error);
                return new PgbReply(401, false, error.Message, false);
            }

            var message = Json.Read<Completion>(Encoding.UTF8.GetString(body));
            if (message == null || message.EventId != header("webhook-id") || string.IsNullOrEmpty(message.DBType)
                || message.OrderId <= 0 || message.Sequence <= 0)
            {
                log(new InvalidDataException("a signed message that is no completion"));
                return new PgbReply(400, false, "this is no completion message", false);
            }

            try
            {
                Store(message);
                return new PgbReply(200, true, null, false);
            }
            catch (CompletionRefusedException refusal)
            {
                log(refusal);
                return new PgbReply(200, false, refusal.Message, refusal.Final);
            }
            catch (Exception error)
            {
                log(error);
                return new PgbReply(500, false, "the shop could not store this message", false);
            }
        }

        private void Store(Completion message)
        {
            using (var transaction = store.Begin())
            {
                if (!transaction.RememberEvent(message.EventId))
                {
                    return;
                }

                if (transaction.RaiseSequence(message.DBType, message.OrderId, message.ClaimId, message.Sequence))
                {
                    transaction.Apply(message);
                }

                transaction.Commit();
            }
        }
    }

    /// <summary>FOR TRIAL ONLY: forgets everything when the process ends, and then takes repeats for new messages.</summary>
    public sealed class MemoryCompletionStore : ICompletionStore
    {
        private readonly object gate = new object();
        private readonly HashSet<string> events = new HashSet<string>();
        private readonly Dictionary<string, long> sequences = new Dictionary<string, long>();
        private readonly Action<Completion> apply;

        public MemoryCompletionStore(Action<Completion> apply)
        {
            this.apply = apply;
        }

        public ICompletionTransaction Begin() => new Transaction(this);

        private sealed class Transaction : ICompletionTransaction
        {
            private readonly MemoryCompletionStore store;
            private string newEvent;
            private string order;
            private long newSequence;

            public Transaction(MemoryCompletionStore store)
            {
                this.store = store;
                Monitor.Enter(store.gate);
            }

            public bool RememberEvent(string eventId)
            {
                newEvent = eventId;
                return !store.events.Contains(eventId);
            }

            public bool RaiseSequence(string dbType, long orderId, long claimId, long sequence)
            {
                order = dbType + " " + orderId + " " + claimId;
                store.sequences.TryGetValue(order, out var latest);
                newSequence = Math.Max(latest, sequence);
                return sequence > latest;
            }

            public void Apply(Completion message) => store.apply(message);

            public void Commit()
            {
                store.events.Add(newEvent);
                store.sequences[order] = newSequence;
            }

            public void Dispose() => Monitor.Exit(store.gate);
        }
    }

    // ---------------------------------------------------------------- the buyer's return

    /// <summary>
    /// What the browser of a buyer brought back. A HINT, NOT A PAYMENT: it chooses the page that is shown. Ship
    /// nothing and mark nothing as paid because of it: that is for the message PayComplete, or PayStatus.
    /// </summary>
    public sealed class ReturnHint
    {
        public string PaymentId { get; internal set; }
        public long OrderId { get; internal set; }
        public long ClaimId { get; internal set; }
        public string Stage { get; internal set; }
        public DateTimeOffset Time { get; internal set; }
    }

    /// <summary>Reads the parameters that PGB adds to RedirectUrl and CancelUrl.</summary>
    public static class PgbReturn
    {
        private static readonly string[] Names = { "PaymentId", "OrderId", "ClaimId", "Stage", "Timestamp" };

        /// <summary>
        /// Returns the hint, or null if PGB did not sign these parameters: anybody may type an address. Even a
        /// signed one is no payment, and an old one may be shown again.
        /// </summary>
        public static ReturnHint Read(Func<string, string> query, params string[] secrets)
        {
            var values = Names.Select(name => query(name) ?? "").ToArray();
            var content = Encoding.UTF8.GetBytes(string.Join(".", values));
            var given = query("Signature") ?? "";
            if (!Checked(secrets).Any(secret => PgbSignature.AreEqual(Hex(PgbSignature.Hmac(secret, content)), given)))
            {
                return null;
            }

            return new ReturnHint
            {
                PaymentId = values[0],
                OrderId = long.Parse(values[1], CultureInfo.InvariantCulture),
                ClaimId = long.Parse(values[2], CultureInfo.InvariantCulture),
                Stage = values[3],
                Time = DateTimeOffset.FromUnixTimeSeconds(long.Parse(values[4], CultureInfo.InvariantCulture)),
            };
        }

        internal static string[] Checked(string[] secrets)
        {
            var given = (secrets ?? new string[0]).Where(secret => !string.IsNullOrEmpty(secret)).ToArray();
            if (given.Length == 0)
            {
                throw new ArgumentException("give at least one signing secret");
            }

            foreach (var secret in given)
            {
                PgbSignature.Key(secret);
            }

            return given;
        }

        private static string Hex(byte[] bytes) =>
            string.Concat(bytes.Select(one => one.ToString("x2", CultureInfo.InvariantCulture)));
    }

    // ---------------------------------------------------------------- JSON

    internal static class Json
    {
        private static readonly DataContractJsonSerializerSettings Plain = new DataContractJsonSerializerSettings
        {
            UseSimpleDictionaryFormat = true,
            EmitTypeInformation = EmitTypeInformation.Never,
        };

        public static byte[] Write(IDictionary<string, object> keys)
        {
            var flat = new Dictionary<string, object>(keys);
            using (var stream = new MemoryStream())
            {
                new DataContractJsonSerializer(flat.GetType(), Plain).WriteObject(stream, flat);
                return stream.ToArray();
            }
        }

        /// <summary>Reads an object; null for anything else.</summary>
        public static T Read<T>(string text)
            where T : class
        {
            if (!text.TrimStart().StartsWith("{", StringComparison.Ordinal))
            {
                return null;
            }

            try
            {
                using (var stream = new MemoryStream(Encoding.UTF8.GetBytes(text)))
                {
                    return (T)new DataContractJsonSerializer(typeof(T)).ReadObject(stream);
                }
            }
            catch (Exception)
            {
                return null; // each runtime has its own exceptions for what is no JSON
            }
        }
    }
}
