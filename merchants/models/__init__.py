"""Who may charge: shops, contracts with gateways, and which method of payment goes where."""

from merchants.models.accounts import Merchant
from merchants.models.connections import MethodConnection, PaymentMethod
from merchants.models.issuers import CardIssuer, IssuerReview
from merchants.models.shops import Shop

__all__ = ["CardIssuer", "IssuerReview", "Merchant", "MethodConnection", "PaymentMethod", "Shop"]
