"""What an order page may promise about instalments."""

from installments.models.notices import Bearer, InterestFreeNotice, Source

__all__ = ["Bearer", "InterestFreeNotice", "Source"]
