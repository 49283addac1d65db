"""A test account at the sandbox's Stripe, for the contract and for Stripe's own rules."""

import json
import time

from bridge.gateways.base import Account, Status
from bridge.gateways.stripe import Stripe
from bridge.sandbox.stripe.events import signature_header
from tests.gateways.peer import Peer
from tests.gateways.stripe_spec import check_event

CREDENTIALS = {
    "secret_key": "sk_test_0123456789abcdefghij",
    "webhook_secret": "whsec_0123456789abcdefghij",
    "webhook_secret_old": "whsec_9876543210jihgfedcba",
}
KONBINI = {"currency": "JPY", "method": "KONBINI", "nation": "JP", "amount": 3300}


def adapter(**keys):
    """The adapter of a test account in won."""
    return Stripe(Account("acct_1", livemode=False, currency="KRW", credentials={**CREDENTIALS, **keys}))


class StripePeer(Peer):
    base_url = "PGB_STRIPE_BASE_URL"
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

    def sign(self, body, secret):
        return {"Stripe-Signature": signature_header(secret, body, int(time.time()))}
