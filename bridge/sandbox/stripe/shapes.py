"""The members of Stripe's objects that are the same for every payment the sandbox plays."""

from bridge.sandbox.books import Json

_NO_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))

API_VERSION = "2026-10-28.endive"  # the one that stripe-python 16.1 pins; no other is played

SESSION: Json = {
    "object": "checkout.session",
    "mode": "payment",
    "ui_mode": "hosted_page",
    "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
    "custom_fields": [],
    "custom_text": dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
    "discounts": [],
    "payment_method_collection": "if_required",
    "payment_method_options": {},
    "shipping_options": [],
    "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    **dict.fromkeys(
        [
            "after_expiration",
            "allow_promotion_codes",
            "client_secret",
            "collected_information",
            "consent",
            "consent_collection",
            "currency_conversion",
            "customer",
            "invoice",
            "invoice_creation",
            "origin_context",
            "payment_link",
            "payment_method_configuration_details",
            "permissions",
            "recovered_from",
            "saved_payment_method_options",
            "setup_intent",
            "shipping_address_collection",
            "shipping_cost",
            "subscription",
            "wallet_options",
        ]
    ),
}
INTENT: Json = {
    "object": "payment_intent",
    "amount_capturable": 0,
    "amount_details": {"tip": {}},
    "capture_method": "automatic_async",
    "confirmation_method": "automatic",
    "payment_method_options": {},
    **dict.fromkeys(
        [
            "application",
            "application_fee_amount",
            "automatic_payment_methods",
            "canceled_at",
            "cancellation_reason",
            "customer",
            "on_behalf_of",
            "payment_method_configuration_details",
            "processing",
            "review",
            "setup_future_usage",
            "shipping",
            "transfer_data",
            "transfer_group",
        ]
    ),
}
CHARGE: Json = {
    "object": "charge",
    "billing_details": {"address": _NO_ADDRESS, "email": None, "name": None, "phone": None, "tax_id": None},
    "calculated_statement_descriptor": "PGB SANDBOX",
    "fraud_details": {},
    "radar_options": {},
    **dict.fromkeys(
        [
            "application",
            "application_fee",
            "application_fee_amount",
            "customer",
            "failure_balance_transaction",
            "on_behalf_of",
            "receipt_number",
            "receipt_url",
            "review",
            "shipping",
            "source_transfer",
            "transfer_data",
            "transfer_group",
        ]
    ),
}
REFUND: Json = {"object": "refund"} | dict.fromkeys(("receipt_number", "source_transfer_reversal", "transfer_reversal"))
DISPUTE: Json = {
    "object": "dispute",
    "balance_transactions": [],
    "enhanced_eligibility_types": [],
    "evidence": {"enhanced_evidence": {}},
    "evidence_details": {
        "due_by": None,
        "enhanced_eligibility": {},
        "has_evidence": False,
        "past_due": False,
        "submission_count": 0,
    },
    "metadata": {},
}
CUSTOMER: Json = dict.fromkeys(("address", "business_name", "individual_name", "name", "phone")) | {
    "tax_exempt": "none",
    "tax_ids": None,
}
DECLINED: Json = {
    "code": "card_declined",
    "decline_code": "generic_decline",
    "message": "Your card was declined.",
    "type": "card_error",
}
DEPOSIT_EXPIRED: Json = {
    "code": "payment_intent_payment_attempt_expired",
    "message": "The payment attempt for this PaymentIntent has expired.",
    "type": "invalid_request_error",
}
OUTCOME_PAID: Json = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "risk_level": "normal",
    "seller_message": "Payment complete.",
    "type": "authorized",
}
OUTCOME_DECLINED: Json = OUTCOME_PAID | {
    "advice_code": "try_again_later",
    "network_status": "declined_by_network",
    "reason": "generic_decline",
    "seller_message": "The bank did not return any further details.",
    "type": "issuer_declined",
}
_WALLET: Json = {"buyer_id": None, "transaction_id": None}
METHOD_DETAILS: Json = {
    "card": {
        "brand": "visa",
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "exp_month": 12,
        "exp_year": 2040,
        "fingerprint": "sandbox",
        "funding": "credit",
        "installments": None,
        "last4": "4242",
        "mandate": None,
        "network": "visa",
        "network_transaction_id": None,
        "three_d_secure": None,
        "wallet": None,
    },
    "konbini": {"store": {"chain": "lawson"}},
    "kr_card": _WALLET | {"brand": "shinhan", "last4": "4242"},
    "kakao_pay": _WALLET,
    "naver_pay": _WALLET,
    "payco": _WALLET,
    "samsung_pay": _WALLET,
}
_CODE: Json = {"confirmation_number": "00000000000", "payment_code": "000000"}
KONBINI_STORES: Json = dict.fromkeys(("familymart", "lawson", "ministop", "seicomart"), _CODE)
