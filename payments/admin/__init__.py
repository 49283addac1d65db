"""결제 현황: what happened, read-only, and the few buttons that set something in motion."""

from payments.admin import attention, cancellations, deliveries, differences, notifications, reconciliations, sessions

__all__ = ["attention", "cancellations", "deliveries", "differences", "notifications", "reconciliations", "sessions"]
