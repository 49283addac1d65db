"""What an order page may promise about instalments."""

from installments.models.notices import LARGEST_AMOUNT, SMALLEST_AMOUNT, Bearer, InterestFreeNotice, Overlap, Source

__all__ = ["LARGEST_AMOUNT", "SMALLEST_AMOUNT", "Bearer", "InterestFreeNotice", "Overlap", "Source"]
