"""How pages of connections say things: labels, amounts, periods, places."""

from datetime import datetime
from decimal import Decimal

from babel.numbers import get_currency_precision
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from merchants.codes import Mode
from merchants.lookup import MethodNotConnected
from merchants.order_pages import Answer, OrderPage, merchant_of

# Colours are names of unfold's labels: "" is grey. Real money is to be handled with care.
MODE_TONES = {Mode.TEST: "info", Mode.LIVE: "danger"}


def label(text: str, tone: str) -> SafeString:
    """Return a coloured label."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": tone, "size": "md"})


def money(amount: int, currency: str) -> str:
    """Return minor units as staff read them: 64,900 or 1,234.50."""
    digits = get_currency_precision(currency)
    return f"{Decimal(amount).scaleb(-digits):,.{digits}f}"


def amounts(low: int, high: int | None, currency: str) -> str:
    """Return a range of amounts, both ends included."""
    if high is None:
        return _("%(low)s 이상") % {"low": money(low, currency)} if low else _("모든 금액")
    if not low:
        return _("%(high)s 이하") % {"high": money(high, currency)}
    return f"{money(low, currency)} ~ {money(high, currency)}"


def moment(at: datetime) -> str:
    """Return a time in the back office's time zone (KST)."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"


def period(starts: datetime | None, ends: datetime | None) -> list[str]:
    """Return a period, its end not included, in one or two lines."""
    begun = [_("%(start)s부터") % {"start": moment(starts)}] if starts else []
    over = [_("%(end)s까지") % {"end": moment(ends)}] if ends else []
    return [*begun, *over] or [_("항상")]


def page(one: OrderPage) -> str:
    """Return whose order pages they are."""
    if one.joiner_id is not None:
        return f"{one.shop.db_type}/{one.joiner_id}"
    joiners = _("나머지") if one.apart else _("전체")
    return f"{one.shop.db_type}/{joiners}"


def who(answer: Answer) -> str:
    """Return who charges, or why nobody does."""
    merchant = merchant_of(answer)
    if merchant:
        return f"{merchant.get_gateway_display()} {merchant.code}"
    return _("연결 안 됨") if answer is MethodNotConnected else _("쓸 수 있는 가맹점 없음")
