"""결제 현황: what happened, read-only, and the few buttons that set something in motion."""

from payments.admin import deliveries, notifications, people, sessions

__all__ = ["deliveries", "notifications", "people", "sessions"]
