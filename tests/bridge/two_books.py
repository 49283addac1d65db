"""A day's payments and refunds, written straight into our tables and into the books of the sandbox's Stripe."""

from datetime import date, datetime, time, timedelta
from itertools import count

from django.utils import timezone

from bridge import reconcile
from bridge.sandbox.books import Payment, Refund, Session
from merchants.models import Merchant
from payments.models import Cancellation, Difference, Order, PaymentSession
from tests.factories import STRIPE_CREDENTIALS, ConnectionFactory
from tests.world import World

AMOUNT = 64900


class TwoBooks:
    """The builder. What it makes of ours is written by ``flush``; what is Stripe's is there at once."""

    def __init__(self, world: World, day: date) -> None:
        self.world, self.day = world, day
        self._numbers = count(1)
        self._orders: list[Order] = []
        self._sessions: list[PaymentSession] = []
        self._cancels: list[Cancellation] = []

    def at(self, seconds: float = 12 * 3600) -> datetime:
        """So many seconds after the midnight with which the day begins in Seoul."""
        return timezone.make_aware(datetime.combine(self.day, time.min)) + timedelta(seconds=seconds)

    def merchant(self, code: str, **changes) -> Merchant:
        """Another account at Stripe, connected here."""
        key = f"sk_test_{code.replace('-', '')}0123456789"
        made = ConnectionFactory(
            merchant__code=code,
            merchant__mid=f"acct_{code}",
            merchant__credentials={**STRIPE_CREDENTIALS, "secret_key": key},
            method__code="KAKAOPAY",
            **{f"merchant__{name}": value for name, value in changes.items()},
        ).merchant
        self.world.sandbox.stripe.add_account(
            mid=made.mid, secret_key=key, webhook_secret="whsec_x", webhook_url=f"{self.world.sandbox.url}/"
        )
        return made

    # --- ours --------------------------------------------------------------------------------------

    def ours(self, at: datetime | None = None, **changes) -> PaymentSession:
        """A payment that our books have as paid; other stages have no money."""
        number = next(self._numbers)
        order = Order(db_type="KR1", order_id=number, shop=self.world.shop, joiner_id=1001)
        paid = changes.get("stage", "PAID") in ("PAID", "PARTIALLY_CANCELLED", "CANCELLED")
        given = {
            "merchant": self.world.merchant,
            "stage": "PAID",
            "paid": AMOUNT if paid else 0,
            "paid_at": (at or self.at()) if paid else None,
            "gateway_id": f"cs_test_{number}",
            "gateway_payment_id": f"pi_{number}" if paid else "",
            **changes,
        }
        session = PaymentSession(
            order=order,
            gateway="stripe",
            method="CARD",
            device="pc",
            nation="KR",
            amount=AMOUNT,
            currency="KRW",
            expires_at=self.at(13 * 3600),
            created_at=self.at(-60),
            redirect_url="https://shop.example/",
            cancel_url="https://shop.example/",
            description="명함",
            **given,
        )
        self._orders.append(order)
        self._sessions.append(session)
        return session

    def cancel(self, session: PaymentSession, at: datetime | None = None, **changes) -> Cancellation:
        """A cancel of 900 won, done."""
        number = next(self._numbers)
        row = Cancellation(
            session=session,
            **{
                "origin": "SHOP",
                "state": "DONE",
                "amount": 900,
                "balance_before": AMOUNT,
                "generation": number,
                "gateway_cancel_id": f"re_{number}",
                "requested_at": at or self.at(),
                "ended_at": at or self.at(),
                **changes,
            },
        )
        if row.state == "DONE":
            session.cancelled, session.stage = row.amount, "PARTIALLY_CANCELLED"
        self._cancels.append(row)
        return row

    def flush(self) -> None:
        """Write what is ours."""
        Order.objects.bulk_create(self._orders, batch_size=1000)
        for session in self._sessions:
            session.order_id = session.order.pk
        PaymentSession.objects.bulk_create(self._sessions, batch_size=1000)
        for row in self._cancels:
            row.session_id = row.session.pk
        Cancellation.objects.bulk_create(self._cancels, batch_size=1000)
        self._orders, self._sessions, self._cancels = [], [], []

    # --- theirs ------------------------------------------------------------------------------------

    def theirs(self, session: PaymentSession | None = None, at: datetime | None = None, **changes) -> Payment:
        """The payment at Stripe, paid; of no session of ours: one that our books have never seen."""
        number = next(self._numbers)
        made = {
            "id": (session and session.gateway_payment_id) or f"pi_x{number}",
            "account": session.merchant.mid if session else self.world.merchant.mid,
            "currency": "krw",
            "livemode": False,
            "reference": session.reference if session else f"{number:026}",
            "checkout": session.gateway_id if session else f"cs_test_x{number}",
            "captured": AMOUNT,
            **changes,
        }
        moment = int((at or self.at()).timestamp())
        books = self.world.sandbox.stripe.books
        books.sessions[made["checkout"]] = _page(made, moment)
        payment = Payment(
            id=made["id"],
            account=made["account"],
            session=made["checkout"],
            amount=made["captured"] or AMOUNT,
            currency=made["currency"],
            created=moment - 30,
            method="card",
            status="succeeded" if made["captured"] else "requires_payment_method",
            charge=f"ch_{number}",
            charged=moment,
            captured=made["captured"],
        )
        books.payments[payment.id] = payment
        return payment

    def refund(
        self, payment: Payment, cancel: Cancellation | None = None, at: datetime | None = None, **changes
    ) -> Refund:
        """A refund of 900 won at Stripe; of no cancel of ours: made in the console."""
        number = next(self._numbers)
        made = {
            "id": cancel.gateway_cancel_id if cancel else f"re_x{number}",
            "amount": 900,
            "status": "succeeded",
            **changes,
        }
        refund = Refund(
            account=payment.account,
            payment=payment.id,
            currency=payment.currency,
            created=int((at or self.at()).timestamp()),
            metadata={"pgb_cancel": str(cancel.uuid)} if cancel else {},
            **made,
        )
        self.world.sandbox.stripe.books.refunds[refund.id] = refund
        payment.refunded += refund.amount if refund.holds else 0
        return refund

    # --- both --------------------------------------------------------------------------------------

    def both(self, at: datetime | None = None, **changes) -> tuple[PaymentSession, Payment]:
        """A payment that both have alike."""
        session = self.ours(at, **changes)
        return session, self.theirs(session, at)

    def both_back(self) -> tuple[Cancellation, Payment, Refund]:
        """The same with a part of it given back."""
        session, payment = self.both()
        cancel = self.cancel(session)
        return cancel, payment, self.refund(payment, cancel)


def _page(made: dict, moment: int) -> Session:
    """The Checkout Session of a payment, complete if it was paid."""
    metadata = {"pgb_reference": made["reference"]} if made["reference"] else {}
    paid = made["captured"] > 0
    return Session(
        id=made["checkout"],
        account=made["account"],
        reference=made["reference"] or None,
        amount=AMOUNT,
        currency=made["currency"],
        created=moment - 60,
        expires_at=moment + 3600,
        livemode=made["livemode"],
        params={
            "currency": made["currency"],
            "metadata": metadata,
            "payment_intent_data": {"metadata": metadata},
            "success_url": "https://shop.example/",
            "cancel_url": "https://shop.example/",
        },
        status="complete" if paid else "expired",
        payment_status="paid" if paid else "unpaid",
        payment=made["id"] if paid else None,
    )


def run(books: TwoBooks) -> set[tuple[str, str]]:
    """Reconcile the day at Stripe; returns the open differences."""
    books.flush()
    reconcile.one_day("stripe", books.day)
    return open_ones()


def open_ones() -> set[tuple[str, str]]:
    """Each difference that is still there: its kind, and what it is about."""
    return {(row.kind, row.subject) for row in Difference.objects.filter(closed_at=None)}
