"""The parameters of each Stripe operation that the sandbox plays, and the rules between them."""

from typing import Any

from bridge.sandbox.schedule import now
from bridge.sandbox.stripe.params import (
    Boolean,
    Choice,
    Group,
    Integer,
    Many,
    Metadata,
    Refused,
    Shape,
    Text,
    Url,
)

METHODS = ("card", "kr_card", "kakao_pay", "naver_pay", "payco", "samsung_pay", "konbini", "link")
LOCALES = tuple(
    [
        "auto",
        "bg",
        "cs",
        "da",
        "de",
        "el",
        "en",
        "en-GB",
        "es",
        "es-419",
        "et",
        "fi",
        "fil",
        "fr",
        "fr-CA",
        "hr",
        "hu",
        "id",
        "it",
        "ja",
        "ko",
        "lt",
        "lv",
        "ms",
        "mt",
        "nb",
        "nl",
        "pl",
        "pt",
        "pt-BR",
        "ro",
        "ru",
        "sk",
        "sl",
        "sv",
        "th",
        "tr",
        "vi",
        "zh",
        "zh-HK",
        "zh-TW",
    ]
)
ZERO_DECIMAL = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
)
THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
WHOLE_ONLY = frozenset({"isk", "ugx"})  # two decimals on the wire, always 00
TWO_DECIMAL = (
    frozenset(
        [
            "aud",
            "cad",
            "chf",
            "cny",
            "eur",
            "gbp",
            "hkd",
            "huf",
            "idr",
            "inr",
            "myr",
            "nzd",
            "php",
            "sgd",
            "thb",
            "twd",
            "usd",
        ]
    )
    | WHOLE_ONLY
)
CURRENCIES = ZERO_DECIMAL | THREE_DECIMAL | TWO_DECIMAL
MINIMUM = 50  # KRW, JPY, and cents
SHORTEST, LONGEST = 30 * 60, 24 * 3600

_PRODUCT = Group({"name": Text(), "description": Text(40000), "metadata": Metadata()}, required=("name",))
_PRICE = Group(
    {"currency": Text(3), "unit_amount": Integer(), "product_data": _PRODUCT},
    required=("currency", "unit_amount", "product_data"),
)
_LINE = Group(
    {"quantity": Integer(1, 999_999), "price_data": _PRICE, "metadata": Metadata()},
    required=("quantity", "price_data"),
)
_INTENT = Group(
    {
        "description": Text(1000),
        "metadata": Metadata(),
        "receipt_email": Text(800),
        "statement_descriptor": Text(22),
        "statement_descriptor_suffix": Text(22),
    }
)
_SWITCH = Group({"enabled": Boolean()}, required=("enabled",))
_EXPAND = Many(Text())

CREATE = Group(
    {
        "adaptive_pricing": Group({"enabled": Boolean()}),
        "allowed_payment_method_types": Many(Choice(METHODS)),
        "billing_address_collection": Choice(("auto", "required")),
        "cancel_url": Url(),
        "client_reference_id": Text(200),
        "customer_creation": Choice(("always", "if_required")),
        "customer_email": Text(800),
        "excluded_payment_method_types": Many(Choice(METHODS)),
        "expand": _EXPAND,
        "expires_at": Integer(),
        "line_items": Many(_LINE),
        "locale": Choice(LOCALES),
        "metadata": Metadata(),
        "mode": Choice(("payment",)),
        "payment_intent_data": _INTENT,
        "payment_method_options": Group({"konbini": Group({"expires_after_days": Integer(1, 60)}), "card": Group({})}),
        "phone_number_collection": _SWITCH,
        "submit_type": Choice(("auto", "book", "donate", "pay", "subscribe")),
        "success_url": Url(),
        "ui_mode": Choice(("hosted_page",)),
    },
    required=("line_items", "mode", "success_url"),
)
RETRIEVE = Group({"expand": _EXPAND})
_RANGE: Shape = Group({"gt": Integer(), "gte": Integer(), "lt": Integer(), "lte": Integer()})
_PAGE: dict[str, Shape] = {"limit": Integer(1, 100), "starting_after": Text(), "expand": _EXPAND}
LIST_SESSIONS = Group(
    _PAGE | {"created": _RANGE, "payment_intent": Text(), "status": Choice(("complete", "expired", "open"))}
)
REFUND = Group(
    {
        "amount": Integer(1),
        "charge": Text(),
        "expand": _EXPAND,
        "instructions_email": Text(800),
        "metadata": Metadata(),
        "payment_intent": Text(),
        "reason": Choice(("duplicate", "fraudulent", "requested_by_customer")),
    }
)
LIST_CHARGES = Group(_PAGE | {"created": _RANGE, "payment_intent": Text()})
LIST_REFUNDS = Group(_PAGE | {"charge": Text(), "created": _RANGE, "payment_intent": Text()})
LIST_EVENTS = Group(_PAGE | {"created": _RANGE, "type": Text(), "types": Many(Text(), 20)})


def read_create(tree: dict[str, Any]) -> dict[str, Any]:
    """The checked parameters of a new session, with `amount` and `currency` worked out."""
    if "payment_method_types" in tree:
        raise Refused(
            "The `payment_method_types` parameter is no longer supported. Use `allowed_payment_method_types`"
            " or `excluded_payment_method_types` instead.",
            param="payment_method_types",
            code="payment_method_types_no_longer_supported",
        )
    params = CREATE.read(tree)
    params["amount"], params["currency"] = _total(params["line_items"])
    _check_expiry(params)
    if not methods_for(params):
        raise Refused(
            f"None of the payment methods that you allow can be used with {params['currency']}.",
            param="allowed_payment_method_types",
        )
    return params


def read_list(group: Group, tree: dict[str, Any]) -> dict[str, Any]:
    """The checked parameters of a list; `created` may also be one moment."""
    if isinstance(tree.get("created"), str):
        tree["created"] = {"gte": tree["created"], "lte": tree["created"]}
    return group.read(tree)


def _total(lines: list[dict[str, Any]]) -> tuple[int, str]:
    prices = [line["price_data"] for line in lines]
    currencies = {price["currency"].lower() for price in prices}
    if len(currencies) != 1:
        raise Refused("All line items must have the same currency.", param="line_items")
    currency = currencies.pop()
    if currency not in CURRENCIES:
        raise Refused(f"Invalid currency: {currency}.", param="line_items[0][price_data][currency]")
    amount = sum(line["quantity"] * line["price_data"]["unit_amount"] for line in lines)
    _check_amount(amount, currency)
    return amount, currency


def check_step(amount: int, currency: str, param: str) -> None:
    """Refuses an amount that the currency does not have."""
    step = 10 if currency in THREE_DECIMAL else 100 if currency in WHOLE_ONLY else 1
    if amount % step:
        raise Refused(
            f"Invalid amount: {currency.upper()} amounts must be a multiple of {step}.",
            param=param,
            code="parameter_invalid_integer",
        )


def _check_amount(amount: int, currency: str) -> None:
    check_step(amount, currency, "line_items")
    if amount < MINIMUM:
        raise Refused(
            f"The Checkout Session's total amount must be at least {MINIMUM} {currency.upper()}.",
            param="line_items",
            code="amount_too_small",
        )
    if amount > Integer().max:
        raise Refused("The Checkout Session's total amount is too large.", param="line_items", code="amount_too_large")


def _check_expiry(params: dict[str, Any]) -> None:
    created = int(now())
    expires_at = params.setdefault("expires_at", created + LONGEST)
    if expires_at < created + SHORTEST:
        raise Refused(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
            param="expires_at",
        )
    if expires_at > created + LONGEST:
        raise Refused(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            param="expires_at",
        )


def methods_for(params: dict[str, Any]) -> list[str]:
    """The payment methods that the buyer is offered."""
    by_currency = {
        "krw": ["card", "kr_card", "kakao_pay", "naver_pay", "payco", "samsung_pay"],
        "jpy": ["card", "konbini"],
    }.get(params["currency"], ["card"])
    allowed = params.get("allowed_payment_method_types", by_currency)
    excluded = params.get("excluded_payment_method_types", [])
    return [one for one in by_currency if one in allowed and one not in excluded]
