"""A shop's caller at PGB's door, where no payment method is connected.

METHOD_NOT_CONNECTED is the first check behind the door: who gets it has sent a PayStart that was read well.
"""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from merchants.models import Shop
from tests.factories import API_KEY

FIVE_KEYS = ["ErrorCode", "ErrorMessage", "IsSuccess", "RedirectUrl", "Type"]
READ_WELL = "METHOD_NOT_CONNECTED"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@dataclass
class Door:
    """The caller, with the key of ``shop``."""

    shop: Shop
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))
    headers: dict[str, str] = field(default_factory=lambda: {"Authorization": f"Bearer {API_KEY}"})

    def order(self, **changes: Any) -> dict[str, Any]:
        """Return the keys of a good PayStart; a change to ``...`` leaves the key out."""
        keys = {
            "DBType": self.shop.db_type,
            "OrderId": 1,
            "JoinerId": self.shop.joiner_id,
            "PayType": "CARD",
            "TotalPrice": "64900",
            "OrderDescription": "명함 200매",
            "RedirectUrl": "https://shop.example/thanks",
            "NationCode": "KR",
            **changes,
        }
        return {name: value for name, value in keys.items() if value is not ...}

    def any_call(self, **changes: Any) -> dict[str, Any]:
        """Return keys that are good for each of the four calls: each ignores those that are not its own."""
        prices = {"CurrentTotalPrice": "64900", "RefundPrice": "4900", "ModifedTotalPrice": "60000.0000"}
        return self.order(**{"PGType": "stripe", **prices, **changes})

    def post(self, body: Any, path: str = "/PGB/PayStart", kind: str = JSON, **headers: str) -> Any:
        """Send ``body`` (a dict: as JSON) and return the response, whose five keys are there."""
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        response = self.client.post(path, data, content_type=kind, headers={**self.headers, **headers})
        assert list(response.json())[:5] == FIVE_KEYS
        assert response.json()["IsSuccess"] is (response.json()["ErrorCode"] == "")
        return response

    def start(self, **changes: Any) -> Any:
        """PayStart; returns its answer."""
        return self.post(self.order(**changes)).json()

    def refused(self, *words: str, **changes: Any) -> bool:
        """Whether a PayStart is INVALID_REQUEST with a message that holds all ``words``."""
        response = self.post(self.order(**changes))
        answer = response.json()
        assert (response.status_code, answer["ErrorCode"]) == (400, "INVALID_REQUEST"), answer
        assert all(word in answer["ErrorMessage"] for word in words), answer["ErrorMessage"]
        return True


def signed(body: str, secret: str, *, id_: str = "msg_1", age: float = 0) -> dict[str, str]:
    """Return the Standard Webhooks headers of ``body``, signed ``age`` seconds ago."""
    at = timezone.now() - timedelta(seconds=age)
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id_, at, body),
    }
