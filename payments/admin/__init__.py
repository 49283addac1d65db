"""결제 현황: what happened, read-only, and the few buttons that set something in motion."""

from payments.admin import (
    approvals,
    attention,
    cancellations,
    deliveries,
    differences,
    limits,
    notifications,
    reconciliations,
    sessions,
)

__all__ = [
    "approvals",
    "attention",
    "cancellations",
    "deliveries",
    "differences",
    "limits",
    "notifications",
    "reconciliations",
    "sessions",
]
