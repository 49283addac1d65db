"""무이자할부 안내 관리."""

from installments.admin import notices

__all__ = ["notices"]
