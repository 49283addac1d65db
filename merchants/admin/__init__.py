"""결제수단 관리, 가맹점 관리, 상점. No page shows a secret."""

from merchants.admin import accounts, connections, methods, shops

__all__ = ["accounts", "connections", "methods", "shops"]
