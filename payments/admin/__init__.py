"""결제 현황: what happened, read-only, and the few buttons that set something in motion."""

from payments.admin import attention, deliveries, notifications, sessions

__all__ = ["attention", "deliveries", "notifications", "sessions"]
