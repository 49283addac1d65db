"""Methods x gateways for the order pages of one joiner: what is connected, and what charges now."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from merchants import lookup
from merchants.codes import Device, GatewayCode
from merchants.lookup import Configuration
from merchants.models import Merchant, MethodConnection, PaymentMethod, Shop
from merchants.order_pages import Answer, OrderPage, answer, lowest_amounts, rows_for


class State(TextChoices):
    """How a connection stands."""

    READY = "ready", gettext_lazy("결제 가능")
    OUT_OF_TIME = "out_of_time", gettext_lazy("기간 아님")
    UNUSABLE = "unusable", gettext_lazy("가맹점 쓸 수 없음")
    UNUSED = "unused", gettext_lazy("사용 안 함")
    UNWIRED = "unwired", gettext_lazy("연결 끊김")


@dataclass
class Entry:
    """One connection. ``charges``: the devices whose order pages it charges now, at some amount.

    ``alone``: no other connection of its key is on beside it.
    """

    row: MethodConnection
    state: State
    why: str
    charges: list[str] = field(default_factory=list)
    alone: bool = True


@dataclass
class Line:
    """One method: its connections by gateway, and who charges by device and lowest amount."""

    method: PaymentMethod
    cells: dict[str, list[Entry]]
    answers: dict[str, list[tuple[int, Answer]]]


def matrix(
    configuration: Configuration,
    page: OrderPage,
    methods: Collection[PaymentMethod],
    devices: Collection[str],
    at: datetime,
) -> list[Line]:
    """Return a line for each of the main methods."""
    return [_line(configuration, page, method, devices, at) for method in methods if method.is_main]


def _line(
    configuration: Configuration, page: OrderPage, method: PaymentMethod, devices: Collection[str], at: datetime
) -> Line:
    rows = [row for row in rows_for(configuration, page, method.pk) if row.device in (Device.ANY, *devices)]
    entries = {row.pk: _entry(configuration, page.shop, row, at) for row in rows}
    answers = {
        device: [(low, answer(configuration, page, method.pk, device, low, at)) for low in lowest_amounts(rows)]
        for device in devices
    }
    for device, found in answers.items():
        for pk in {one.pk for _low, one in found if isinstance(one, MethodConnection)}:
            entries[pk].charges.append(device)
    for one in entries.values():
        one.alone = not any(
            row.is_on and row != one.row and row.key == one.row.key and row.meets(one.row) for row in rows
        )
    cells = defaultdict(list)
    for entry in sorted(entries.values(), key=lambda entry: (not entry.charges, entry.row.priority, entry.row.pk)):
        cells[entry.row.merchant.gateway].append(entry)
    return Line(method, cells, answers)


def _entry(configuration: Configuration, shop: Shop, row: MethodConnection, at: datetime) -> Entry:
    if not row.connected:
        return Entry(row, State.UNWIRED, "")
    if not row.in_use:
        return Entry(row, State.UNUSED, "")
    if not lookup.can_charge(row, shop, at, configuration):
        return Entry(row, State.UNUSABLE, why_not(row.merchant, shop, at))
    if (row.starts_at and at < row.starts_at) or (row.ends_at and row.ends_at <= at):
        return Entry(row, State.OUT_OF_TIME, "")
    return Entry(row, State.READY, "")


def why_not(merchant: Merchant, shop: Shop, at: datetime) -> str:
    """Return why a merchant may not charge the orders of a shop."""
    if merchant.gateway not in settings.PGB_GATEWAYS:
        return _("PGB가 아직 이 PG사와 통신하지 못합니다.")
    if merchant.currency != shop.currency:
        return _("통화가 다릅니다: %(currency)s") % {"currency": merchant.currency}
    if not merchant.is_open(at):
        return _("가맹점이 꺼져 있거나, 기간이나 용도가 맞지 않습니다.")
    return _("카드사 심사를 통과한 카드사가 없습니다.")


def gateways(configuration: Configuration) -> list[GatewayCode]:
    """Return the gateways with which there is a contract."""
    known = {merchant.gateway for merchant in configuration.merchants}
    return [gateway for gateway in GatewayCode if gateway in known]
