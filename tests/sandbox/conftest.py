from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from bridge.sandbox.sandbox import Sandbox
from tests.gateways.stripe_spec import SpecRecorder
from tests.sandbox.receiver import Receiver, listening

KEY, SECRET = "sk_test_4eC39HqLyjWDarjtT1zdp7dc", "whsec_pgb_test_secret"
SIGNING_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as found:
        yield found


@pytest.fixture
def sandbox(receiver: Receiver) -> Iterator[Sandbox]:
    """A running sandbox; in the end every answer and event must have been as Stripe's spec says."""
    recorder = SpecRecorder(requests=False)
    with Sandbox() as found:
        found.recorder = recorder
        found.stripe.add_account(
            secret_key=KEY, webhook_secret=SECRET, webhook_url=f"{receiver.url}/hook", mid="acct_1"
        )
        found.shop.add_account(
            db_type="KR1",
            joiner_id=1001,
            nation="KR",
            currency="KRW",
            api_key="key",
            signing_secret=SIGNING_SECRET,
        )
        yield found
    assert recorder.problems == []


@pytest.fixture
def client(sandbox: Sandbox) -> stripe.StripeClient:
    return client_of(sandbox)


def client_of(sandbox: Sandbox, key: str = KEY, timeout: float = 5) -> stripe.StripeClient:
    return stripe.StripeClient(
        key, base_addresses={"api": sandbox.url}, http_client=stripe.RequestsClient(timeout=timeout)
    )


def params(reference: str = "REF1", amount: int = 64900, currency: str = "krw", **more: Any) -> dict[str, Any]:
    """The parameters of a Checkout Session."""
    price = {"currency": currency, "unit_amount": amount, "product_data": {"name": "명함 200매"}}
    return {
        "mode": "payment",
        "client_reference_id": reference,
        "line_items": [{"quantity": 1, "price_data": price}],
        "success_url": "http://127.0.0.1:8000/back?s={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://127.0.0.1:8000/cancelled",
        **more,
    }
