"""Notices for tests."""

from datetime import date

from factory.django import DjangoModelFactory

from installments.models import InterestFreeNotice


class NoticeFactory(DjangoModelFactory):
    """삼성, 3 months, from 50,000 won on, in December 2026."""

    class Meta:
        model = InterestFreeNotice

    issuer_id = "SAMSUNG"
    months = 3
    starts_on = date(2026, 12, 1)
    ends_on = date(2026, 12, 31)
