"""A test account at the sandbox's Stripe, for the contract and for Stripe's own rules."""

import json
import time

from bridge.gateways.base import Account, RefundStatus, Status
from bridge.gateways.stripe import Stripe, refunds
from bridge.sandbox.stripe.events import signature_header, thin
from tests.gateways.peer import Peer
from tests.gateways.stripe_spec import check_event

CREDENTIALS = {
    "secret_key": "sk_test_0123456789abcdefghij",
    "webhook_secret": "whsec_0123456789abcdefghij",
    "webhook_secret_old": "whsec_9876543210jihgfedcba",
}
MONEY_BACK = ("refund.", "charge.refunded", "charge.dispute.")
WORDS = {RefundStatus.DONE: "succeeded", RefundStatus.PENDING: "pending", RefundStatus.FAILED: "failed"}
KONBINI = {"currency": "JPY", "method": "KONBINI", "nation": "JP", "amount": 3300}


def adapter(**keys):
    """The adapter of a test account in won."""
    return Stripe(Account("acct_1", livemode=False, currency="KRW", credentials={**CREDENTIALS, **keys}))


class StripePeer(Peer):
    base_url = "PGB_STRIPE_BASE_URL"
    refund_page = (refunds, "PAGE_SIZE")
    statuses = frozenset({Status.OPEN, Status.WAITING_DEPOSIT, Status.PAID, Status.FAILED, Status.EXPIRED})

    def bring_to(self, status):
        later = status in (Status.WAITING_DEPOSIT, Status.FAILED)
        gateway_id = self.start(**(KONBINI if later else {})).gateway_id
        if status is Status.EXPIRED:
            self.expire(gateway_id)
        elif status is not Status.OPEN:
            self.sandbox.stripe.pay(gateway_id, "later" if later else "pay")
        if status is Status.FAILED:
            self.sandbox.stripe.deposit(gateway_id, arrived=False)
        return gateway_id

    def pay(self, gateway_id):
        self.sandbox.stripe.pay(gateway_id)

    def unpayable(self):
        return self.request(amount=49)

    def stranger(self):
        return adapter(secret_key="sk_test_of_somebody_else")

    def event(self, gateway_id):
        events = [one for one in self.sandbox.stripe.books.events.values() if one.session == gateway_id]
        body = json.dumps(events[-1].body, indent=2, ensure_ascii=False).encode()
        assert check_event(body) == []
        return body

    def left(self, paid):
        return self.sandbox.stripe.books.paid(paid.reference)

    def next_refund(self, status):
        if status is not RefundStatus.DONE:
            self.sandbox.faults.add("cancel", "refund_status", status=WORDS[status])

    def end_refund(self, refund, status):
        self.sandbox.stripe.end_refund(refund.gateway_cancel_id, WORDS[status])

    def console_refund(self, paid, amount):
        self.sandbox.stripe.refund(paid.gateway_id, amount)

    def dispute(self, paid):
        self.sandbox.stripe.dispute(paid.gateway_id)

    def without_amount(self, body):
        return {"amount": None}

    def money_back_events(self):
        events = [one for one in self.sandbox.stripe.books.events.values() if one.type.startswith(MONEY_BACK)]
        assert {one.type for one in events} == {
            "refund.created",
            "refund.updated",
            "refund.failed",
            "charge.refunded",
            "charge.dispute.created",
        }
        bodies = [form for one in events for form in (one.body, thin(one, False), self.unmarked(one.body))]
        raw = [json.dumps(body).encode() for body in bodies]
        assert [problem for body in raw for problem in check_event(body)] == []
        return raw

    def unmarked(self, event):
        """As of a refund in the dashboard: nothing of ours is in its metadata."""
        return {**event, "data": {"object": {**event["data"]["object"], "metadata": {}}}}

    def unknown_parts(self):
        return ["refund/re_none", "charge/ch_none", "dispute/dp_none", "refund/"]

    def sign(self, body, secret):
        return {"Stripe-Signature": signature_header(secret, body, int(time.time()))}
