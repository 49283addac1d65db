"""Of which tables the history is kept: every change of the configuration, and of who may do what."""

from auditlog.registry import auditlog
from django.apps import apps

HIDDEN = "····"

_CONFIGURATION = (
    "merchants.Shop",
    "merchants.Merchant",
    "merchants.MethodConnection",
    "merchants.PaymentMethod",
    "merchants.CardIssuer",
    "merchants.IssuerReview",
    "installments.InterestFreeNotice",
    "payments.ApprovalLimit",
)
_PEOPLE = {
    "auth.User": ("groups", "user_permissions"),
    "auth.Group": ("permissions",),
}
# What says nothing: keys of rows, and what follows from a login.
_LEFT_OUT = {"id", "uuid", "last_login", "date_joined"}
# That these changed is recorded, never what they are. Of encrypted columns the hints beside them tell.
_SECRET = {"password", "api_key_hash", "api_key_old_hash", "webhook_token"}


def keep_history() -> None:
    """Record every change of these tables from now on, whoever makes it."""
    for name in (*_CONFIGURATION, *_PEOPLE):
        model = apps.get_model(name)
        columns = [field.name for field in model._meta.concrete_fields]
        auditlog.register(
            model,
            include_fields=[one for one in columns if one not in _LEFT_OUT and not one.startswith("sealed_")],
            mask_fields=[one for one in columns if one in _SECRET],
            mask_callable="config.people.history.hidden",
            m2m_fields=_PEOPLE.get(name, ()),
        )


def hidden(value: str) -> str:
    """Return what stands in the history for a secret."""
    return HIDDEN if value not in ("", "None") else ""
