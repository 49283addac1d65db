"""The lists of interest-free instalments that gateways publish for machines. Text in, frozen records out."""

from installments.importers.records import Listed, ListError

__all__ = ["ListError", "Listed"]
