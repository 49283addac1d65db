"""A provision file that sets up one of each."""

from django.utils import translation

from merchants.models import MethodConnection
from tests.factories import (
    API_KEY,
    SIGNING_SECRET,
    STRIPE_CREDENTIALS,
)

ENVIRONMENT = {"SK": STRIPE_CREDENTIALS["secret_key"], "WH": STRIPE_CREDENTIALS["webhook_secret"]}
FILE = {
    "shops": [
        {
            "db_type": "KR1",
            "joiner_id": 1001,
            "nation": "KR",
            "currency": "KRW",
            "api_key": API_KEY,
            "completion_url": "https://shop.example/complete",
            "signing_secret": SIGNING_SECRET,
            "redirect_hosts": ["shop.example"],
        }
    ],
    "merchants": [
        {
            "code": "stripe-main",
            "gateway": "stripe",
            "mid": "acct_x",
            "mode": "test",
            "currency": "KRW",
            "credentials": {"secret_key": "${SK}", "webhook_secret": "${WH}"},
        }
    ],
    "connections": [
        {
            "db_type": "KR1",
            "joiner_id": None,
            "nation": "KR",
            "method": "CARD",
            "device": "any",
            "merchant": "stripe-main",
            "connected": True,
            "in_use": True,
            "priority": 1,
        }
    ],
}


def connection_name():
    """Return what a provision calls the only connection: it speaks English."""
    with translation.override("en"):
        return str(MethodConnection.objects.get())
