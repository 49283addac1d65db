"""The first page of the back office: how much was paid, what needs a person, whether the bridge keeps up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from merchants.codes import GatewayCode, Mode
from merchants.models import Merchant, Shop
from payments import circuits, sums
from payments.admin import advice, charts, columns, health, periods, words
from payments.admin.session_sheet import PERMISSION
from payments.models import Attention, AttentionKind, Circuit, Handling, PaymentSession
from payments.states import Stage

LATEST = 10


@dataclass(frozen=True, slots=True)
class Tile:
    """A number and the list behind it; ``tone`` colours it."""

    title: str
    number: str
    url: str = ""
    tone: str = ""


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the overview shows to the context of the admin's index."""
    context["title"] = _("현황")
    if not request.user.has_perm("payments.view_paymentsession"):
        return context
    now = timezone.now()
    choice = periods.chosen(request.GET)
    parts = sums.of_days(choice.first, choice.last, choice.mode)
    methods = columns.method_names()
    gateways = {code.value: str(code.label) for code in GatewayCode}
    tries = sums.of_tries(choice.first, choice.last, choice.mode)
    return context | {
        "choice": choice,
        "may_export": request.user.has_perm(PERMISSION),
        "tiles": _tiles(request, now),
        "silent": _silent(),
        "money": _money(parts, choice),
        "groups": [
            (_("PG사별"), _grouped(parts, lambda part: gateways.get(part.gateway, part.gateway))),
            (_("결제수단별"), _grouped(parts, lambda part: methods.get(part.method, part.method))),
        ],
        "tries": [_tried(one, gateways, methods) for one in tries],
        "success": _success(tries),
        "webhooks": health.of_webhooks(now, choice.mode),
        "deliveries": health.of_deliveries(now, choice.mode),
        "latest": [_row(session) for session in _latest(choice.mode)],
    }


def _tiles(request: HttpRequest, now: datetime) -> list[Tile]:
    work = health.of_work(now)
    return [*_attention(request), Tile(work.name, work.text, tone=work.tone)]


def _attention(request: HttpRequest) -> list[Tile]:
    """Return what is to be done, by kind; one good tile if there is nothing."""
    if not request.user.has_perm("payments.view_attention"):
        return []
    todo = Attention.objects.filter(closed_at=None).exclude(handling=Handling.DONE)
    counts = dict(todo.values_list("kind").annotate(Count("pk")))
    url = advice.every_page()
    found = [
        Tile(str(kind.label), f"{counts[kind]:,}", f"{url}?kind__exact={kind}", advice.TONES[kind])
        for kind in AttentionKind
        if kind in counts
    ]
    return found or [Tile(_("확인 필요"), "0", url, "success")]


def _money(parts: Sequence[sums.Part], choice: periods.Choice) -> list[dict[str, Any]]:
    """Return the sums and the chart of each currency."""
    return [
        {
            **charts.shown(total),
            "chart": charts.draw(
                [part for part in parts if part.currency == total.currency], total.currency, choice.first, choice.last
            ),
        }
        for total in _by_currency(parts)
    ]


def _by_currency(parts: Sequence[sums.Part]) -> list[sums.Total]:
    """Return the total of each currency, the one that most paid with first."""
    totals = sums.by(parts, lambda part: part.currency).values()
    return sorted(totals, key=lambda total: -total.count)


def _grouped(parts: Sequence[sums.Part], name: Callable[[sums.Part], str]) -> list[dict[str, Any]]:
    """Return the totals by a name and currency, the largest first, the currencies as above."""
    currencies = [total.currency for total in _by_currency(parts)]
    found = sums.by(parts, lambda part: (part.currency, name(part)))
    largest = sorted(found.items(), key=lambda item: (currencies.index(item[0][0]), -item[1].paid))
    return [{"name": key[1], **charts.shown(total)} for key, total in largest]


def _tried(one: sums.Tried, gateways: dict[str, str], methods: dict[str, str]) -> dict[str, Any]:
    name = f"{gateways.get(one.gateway, one.gateway)} · {methods.get(one.method, one.method)}"
    return {"name": name, "tried": one, "rate": health.rate(one.paid, one.ended)}


def _success(tries: Sequence[sums.Tried]) -> str:
    return health.rate(sum(one.paid for one in tries), sum(one.ended for one in tries))


def _silent() -> list[str]:
    """Return the shops and gateway accounts that have not answered several times in a row."""
    silent = Circuit.objects.filter(failures__gte=circuits.OPEN_AFTER).values("kind", "lane")
    shops = [circuit["lane"] for circuit in silent if circuit["kind"] == circuits.Kind.SHOP]
    accounts = [circuit["lane"] for circuit in silent if circuit["kind"] == circuits.Kind.ACCOUNT]
    return [
        *(_("상점 %s") % shop for shop in Shop.objects.filter(pk__in=shops)),
        *(_("가맹점 %s") % merchant for merchant in Merchant.objects.filter(pk__in=accounts)),
    ]


def _latest(mode: Mode) -> QuerySet[PaymentSession]:
    rows = PaymentSession.objects.filter(merchant__mode=mode).select_related("order", "merchant")
    return rows.defer("sealed_buyer").order_by("-created_at", "-pk")[:LATEST]


def _row(session: PaymentSession) -> dict[str, Any]:
    return {
        "session": session,
        "created": columns.moment(session.created_at),
        "amount": words.amount(session.amount, session.currency),
        "tone": words.STAGE_TONES[Stage(session.stage)],
    }
