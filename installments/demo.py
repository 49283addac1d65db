"""Notices for the demo: as card issuers' own are, but nobody's."""

from django.utils import timezone

from installments.copying import Month
from installments.models import InterestFreeNotice

# issuer, and its months with the turns that the buyer pays
_OFFERS = {
    "SAMSUNG": {2: 0, 3: 0, 10: 4, 12: 5},
    "SHINHAN": {2: 0, 3: 0, 6: 1},
    "HYUNDAI": {2: 0, 3: 0},
    "KB": {2: 0, 3: 0, 4: 0, 5: 0},
    "BC": {2: 0, 3: 0, 7: 0},
}
_LARGE_FROM = 6  # months: only for 100,000 won or more


def fill() -> None:
    """Enter notices for this month, unless it has some."""
    month = Month.of(timezone.localdate())
    if InterestFreeNotice.objects.filter(starts_on__lte=month.last, ends_on__gte=month.first).exists():
        return
    for issuer, offers in _OFFERS.items():
        for months, turns in offers.items():
            InterestFreeNotice.objects.create(
                issuer_id=issuer,
                months=months,
                buyer_turns=turns,
                min_amount=100_000 if months >= _LARGE_FROM else 50_000,
                target="개인 신용카드",
                exceptions="법인, 체크, 선불, 기프트카드",
                starts_on=month.first,
                ends_on=month.last,
            )
