"""Stripe: Checkout Sessions on Stripe's hosted page (API 2026-10-28.endive, stripe-python 16.1)."""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone

from bridge.gateways.base import (
    CancelRequest,
    Capabilities,
    Fetched,
    Gateway,
    KeyOwner,
    Notice,
    PageKind,
    Refund,
    Started,
    StartRequest,
    Status,
    StoredCall,
)
from bridge.gateways.errors import Refused, Unknown
from bridge.gateways.stripe import listing, notices, refunds
from bridge.gateways.stripe.client import ask, client, own_account
from bridge.gateways.stripe.currencies import factor_of
from bridge.gateways.transactions import TransactionPage

# Stripe takes 30 minutes to 24 hours; the margins allow for clocks that differ.
SHORTEST_LIFE = timedelta(minutes=31)
LONGEST_LIFE = timedelta(hours=23, minutes=55)
PAGE_SIZE = 100
EXPAND = ["payment_intent.latest_charge"]

METHODS = {
    "CARD": "card",
    "KONBINI": "konbini",
    "KAKAOPAY": "kakao_pay",
    "NAVERPAY": "naver_pay",
    "PAYCO": "payco",
    "SAMSUNGPAY": "samsung_pay",
}
LOCALES = {"KR": "ko", "JP": "ja", "CN": "zh", "HK": "zh-HK", "TW": "zh-TW", "US": "en", "GB": "en-GB"}


class Stripe(Gateway):
    """One Stripe account."""

    capabilities = Capabilities(
        methods=frozenset(METHODS),
        key_window=timedelta(hours=23),
        balance_guard=True,
        lookup_by_reference=True,
        signed_webhooks=True,
        separate_confirm=False,
        partial_cancel=frozenset(METHODS),
        # A konbini buyer is asked by mail for a bank account.
        refunds_itself=frozenset(METHODS) - {"KONBINI"},
        report=True,
    )

    def start_body(self, request: StartRequest) -> str:
        """Return the parameters of a Checkout Session with one line: the order's total."""
        if request.method not in METHODS:
            raise Refused("method_not_supported", f"Stripe has no {request.method} here")
        factor = factor_of(request.currency)
        if factor is None:
            raise Refused("currency_not_supported", f"{request.currency} is not offered through Stripe")
        now = timezone.now()
        ends = min(max(request.expires_at, now + SHORTEST_LIFE), now + LONGEST_LIFE)
        metadata = {notices.REFERENCE: request.reference}
        line = {
            "currency": request.currency.lower(),
            "unit_amount": request.amount * factor,
            "product_data": {"name": request.description or request.reference},
        }
        params = {
            "mode": "payment",
            "client_reference_id": request.reference,
            "metadata": metadata,
            # A session's metadata does not reach its payment, charge and refunds by itself.
            "payment_intent_data": {"metadata": metadata},
            "line_items": [{"quantity": 1, "price_data": line}],
            "allowed_payment_method_types": [METHODS[request.method]],
            "adaptive_pricing": {"enabled": False},
            "locale": LOCALES.get(request.nation, "auto"),
            "expires_at": int(ends.timestamp()),
            "success_url": request.return_url,
            "cancel_url": request.cancel_url,
        }
        if _is_email(request.buyer.get("email", "")):
            params["customer_email"] = request.buyer["email"]
        return json.dumps(params, ensure_ascii=False)

    def start(self, call: StoredCall) -> Started:
        """Create the Checkout Session."""
        made = ask(lambda: self._sessions(call.seconds).create(json.loads(call.body), {"idempotency_key": call.key}))
        return ask(lambda: Started(gateway_id=_required(made.id), page=PageKind.REDIRECT, url=_required(made.url)))

    def expire_body(self, gateway_id: str) -> str:
        """Return the id in the form that ``expire`` reads: the call has no other parameter."""
        return json.dumps({"id": gateway_id})

    def expire(self, call: StoredCall) -> None:
        """Expire an open session. Stripe refuses it with 400 once the form was submitted."""
        gateway_id = json.loads(call.body)["id"]
        ended = ask(lambda: self._sessions(call.seconds).expire(gateway_id, {}, {"idempotency_key": call.key}).status)
        if ended != "expired":
            raise Unknown("not_expired")

    def fetch(self, gateway_id: str) -> Fetched | None:
        """Retrieve the session with its payment and charge: the facts that "paid" is decided on."""
        return self._retrieve(gateway_id, self.capabilities.lookup_seconds)

    def _retrieve(self, gateway_id: str, seconds: float) -> Fetched | None:
        try:
            return ask(lambda: _fetched(self._sessions(seconds).retrieve(gateway_id, {"expand": EXPAND})))
        except Refused as refusal:
            if refusal.code == "resource_missing":
                return None
            raise

    def find(self, reference: str, since: datetime, until: datetime) -> Fetched | None:
        """Walk the sessions created in the period, the newest first: Stripe has no filter by our reference."""
        ends = time.monotonic() + self.capabilities.lookup_seconds
        params: dict[str, Any] = {
            "created": {"gte": int(since.timestamp()), "lte": int(until.timestamp()) + 1},
            "limit": PAGE_SIZE,
        }
        while (left := ends - time.monotonic()) > 0:
            ids, last = ask(partial(self._page, params, left))
            if reference in ids:
                return self._retrieve(ids[reference], max(ends - time.monotonic(), 0))
            if last is None:
                return None
            params["starting_after"] = last
        raise Unknown("too_many_sessions")

    def _page(self, params: dict[str, Any], seconds: float) -> tuple[dict[str, str], str | None]:
        """Return a page's ids by our references, and the id after which the next page begins.

        Without the payments themselves: a page of those would be megabytes.
        """
        page = self._sessions(seconds).list(params)
        ids = {_reference(session): session.id for session in page.data}
        return ids, page.data[-1].id if page.has_more else None

    def cancel_body(self, request: CancelRequest) -> str:
        """Return the parameters of a refund."""
        return refunds.body(request)

    def cancel(self, call: StoredCall) -> Refund:
        """Refund the payment."""
        return refunds.send(self._key, call)

    def refunds(self, gateway_payment_id: str) -> tuple[Refund, ...]:
        """List the refunds of the payment, the newest first."""
        return refunds.listed(self._key, gateway_payment_id, self.capabilities.lookup_seconds)

    def list_transactions(self, since: datetime, until: datetime, after: str = "") -> TransactionPage:
        """List the charges of the period, then its refunds. Stripe's times are whole seconds."""
        own = client(self._key, self.capabilities.lookup_seconds)
        return listing.page(own, since, until, after, lambda currency: factor_of(currency) or 1)

    def payment_of(self, part: str) -> str:
        """Retrieve the refund, charge or dispute, and return its PaymentIntent."""
        kind, _, object_id = part.partition("/")
        own = client(self._key, self.capabilities.lookup_seconds).v1
        services: dict[str, Any] = {"refund": own.refunds, "charge": own.charges, "dispute": own.disputes}
        if kind not in services or not object_id:
            return ""
        try:
            return ask(lambda: _optional_id(services[kind].retrieve(object_id).payment_intent))
        except Refused as refusal:
            if refusal.code == "resource_missing":
                return ""
            raise

    def check(self) -> KeyOwner:
        """Read the account of the key. Test or live is told by the key itself: Stripe's account does not say."""
        own = client(self._key, self.capabilities.lookup_seconds)
        mode = {"test": False, "live": True}.get("".join(self._key.split("_")[1:2]))
        return ask(lambda: KeyOwner(mid=_required(own_account(own).id), livemode=mode))

    @classmethod
    def verify_notification(cls, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> list[Notice]:
        """Return the one notice of a signed event, snapshot or thin."""
        return [notices.verify(headers, body, secrets)]

    @classmethod
    def webhook_secrets(cls, credentials: Mapping[str, str]) -> list[str]:
        """Stripe signs with both secrets for up to 24 hours after one is rolled."""
        return [credentials[name] for name in ("webhook_secret", "webhook_secret_old") if credentials.get(name)]

    @property
    def _key(self) -> str:
        return self.account.credentials["secret_key"]

    def _sessions(self, seconds: float) -> Any:
        return client(self._key, seconds).v1.checkout.sessions


def _fetched(session: Any) -> Fetched:
    intent = getattr(session, "payment_intent", None)
    charge = getattr(intent, "latest_charge", None)
    amounts = (session.amount_total, getattr(intent, "amount_received", 0), getattr(charge, "amount_refunded", 0))
    currency = session.currency.upper()
    factor = factor_of(currency) or 1
    status = _status(session, intent)
    if status is Status.PAID and any(value % factor for value in amounts):
        status = Status.UNSETTLED
    amount, received, returned = (value // factor for value in amounts)
    return Fetched(
        status=status,
        raw_status=f"{session.status}/{session.payment_status}/{getattr(intent, 'status', '-')}",
        gateway_id=_required(session.id),
        gateway_payment_id=getattr(intent, "id", ""),
        reference=_reference(session),
        amount=amount,
        currency=currency,
        livemode=session.livemode is True,
        received=received,
        returned=returned,
        disputed=bool(getattr(charge, "disputed", False)),
        page_url=getattr(session, "url", None) or "",
    )


def _status(session: Any, intent: Any) -> Status:
    """Decide what the session is."""
    intent_status = getattr(intent, "status", None)
    if session.status == "expired":
        return Status.EXPIRED
    if session.status == "open":
        return Status.APPROVING if intent_status in ("processing", "succeeded") else Status.OPEN
    if session.status == "complete" and session.payment_status == "unpaid":
        failed = intent_status in ("requires_payment_method", "canceled")
        return Status.FAILED if failed else Status.WAITING_DEPOSIT
    return Status.PAID if _is_paid(session, intent) else Status.UNSETTLED


def _is_paid(session: Any, intent: Any) -> bool:
    """Say whether session, payment and charge agree that it is paid; how much, the caller compares."""
    charge = getattr(intent, "latest_charge", None)
    return (
        session.status == "complete"
        and session.mode == "payment"
        and session.payment_status == "paid"
        and getattr(intent, "status", None) == "succeeded"
        and hasattr(charge, "amount_refunded")
    )


def _reference(session: Any) -> str:
    """Return our reference if both places that should carry it do."""
    reference = str(session.client_reference_id or "")
    return reference if getattr(session.metadata, notices.REFERENCE, None) == reference else ""


def _required(value: Any) -> str:
    if not isinstance(value, str) or not value or (len(value) > 255 and not value.startswith("http")):
        raise Unknown("garbled_answer")
    return value


def _optional_id(value: Any) -> str:
    return _required(value) if value is not None else ""


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
