"""The page that asks before connections are switched: it shows what order pages will change."""

from collections.abc import Collection
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin

from merchants import lookup, switching
from merchants.admin import words
from merchants.codes import Device, GatewayCode
from merchants.consequences import Change, consequences, live_sessions, without_row
from merchants.models import MethodConnection, PaymentMethod
from merchants.switching import Plan, Refused, Stale, Wish

MOST_SHOWN = 200
BIGGEST_KEY = 2**63 - 1


def switch(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Answer what the matrix and the asking page send: ask, or do what was shown."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not model_admin.has_change_permission(request):
        raise PermissionDenied
    wish, keys, back = _sent(request)
    if "fingerprint" not in request.POST:
        return ask(model_admin, request, wish, keys, back)
    try:
        plan = switching.carry_out(wish, keys, request.POST["fingerprint"])
    except Stale as stale:
        messages.error(request, *stale.problems)
        return ask(model_admin, request, wish, keys, back)
    except Refused as refused:
        return _refuse(request, refused, back)
    lookup.clear_cache()
    done = _("연결 %(count)s건을 바꾸었습니다: %(wish)s. 주문서에는 5초 안에 적용됩니다.")
    messages.success(request, done % {"count": len(plan.switches), "wish": wish.label})
    return HttpResponseRedirect(back)


def ask(model_admin: ModelAdmin, request: HttpRequest, wish: Wish, keys: Collection[int], back: str) -> HttpResponse:
    """Show, to somebody who may do it, what the wish comes to, with a button that does it."""
    if not keys:
        messages.warning(request, _("바꿀 연결을 고르세요."))
        return HttpResponseRedirect(back)
    try:
        plan = switching.preview(wish, keys)
    except Refused as refused:
        return _refuse(request, refused, back)
    if not plan.switches:
        messages.info(request, _("고른 연결은 이미 그 상태입니다: %(wish)s") % {"wish": wish.label})
        return HttpResponseRedirect(back)
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(
        request,
        "admin/merchants/switch.html",
        {
            **model_admin.admin_site.each_context(request),
            "title": wish.label,
            "opts": model_admin.opts,
            "media": model_admin.media,
            "back": back,
            **_shown(plan),
        },
    )


def _sent(request: HttpRequest) -> tuple[Wish, list[int], str]:
    """Return the wish, the chosen rows and where to go afterwards: a page of connections."""
    lists = reverse("admin:merchants_methodconnection_changelist")
    back = request.POST.get("back", "")
    back = back if back.startswith(lists) else lists
    if moved := request.POST.get("move"):
        return Wish.MOVE, _keys([moved]), back
    if (wish := request.POST.get("wish")) not in Wish.values:
        raise BadRequest("no such wish")
    return Wish(wish), _keys(request.POST.getlist("row")), back


def _keys(texts: list[str]) -> list[int]:
    """Return the keys of rows: each text may hold several, so that many rows are one field of a form."""
    parts = [part for text in texts for part in text.split(",")]
    if not all(part.isascii() and part.isdecimal() and len(part) < 20 and int(part) <= BIGGEST_KEY for part in parts):
        raise BadRequest("a key of a chosen row is none")
    return [int(part) for part in parts]


def _refuse(request: HttpRequest, refused: Refused, back: str) -> HttpResponse:
    for problem in refused.problems:
        messages.error(request, problem)
    messages.error(request, _("아무것도 바꾸지 않았습니다."))
    return HttpResponseRedirect(back)


def _shown(plan: Plan) -> dict[str, Any]:
    methods = {method.pk: method.local_name for method in PaymentMethod.objects.all()}
    changes = [_line(change, methods) for change in plan.changes[:MOST_SHOWN]]
    named = [_line(change, methods) for change in plan.named[:MOST_SHOWN]]
    return {
        "plan": plan,
        "moved": MethodConnection.objects.get(pk=plan.keys[0]) if plan.wish == Wish.MOVE else None,
        "rows": [_row(one) for one in plan.switches[:MOST_SHOWN]],
        "rows_left_out": max(0, len(plan.switches) - MOST_SHOWN),
        "changes": changes,
        "changes_left_out": max(0, len(plan.changes) - MOST_SHOWN),
        "named": named,
        "named_left_out": max(0, len(plan.named) - MOST_SHOWN),
        "losing": sum(change.loses for change in plan.changes),
    }


def without(row: MethodConnection) -> dict[str, Any]:
    """Return what the page shows that asks before a connection is deleted."""
    before = lookup.read()
    changes, _named = consequences([row], before, without_row(row, before), timezone.now())
    methods = {method.pk: method.local_name for method in PaymentMethod.objects.all()}
    return {
        "changes": [_line(change, methods) for change in changes[:MOST_SHOWN]],
        "changes_left_out": max(0, len(changes) - MOST_SHOWN),
        "losing": sum(change.loses for change in changes),
        "live": live_sessions(changes),
    }


def _row(one: switching.Switch) -> dict[str, Any]:
    merchant = one.row.merchant
    return {
        "row": one.row,
        "place": one.row.place,
        "merchant": f"{merchant.get_gateway_display()} {merchant.code}",
        "mode": merchant.get_mode_display(),
        "mode_tone": words.MODE_TONES[merchant.mode],
        "amounts": words.amounts(one.row.min_amount, one.row.max_amount, merchant.currency),
        "was": one.was,
    }


def _line(change: Change, methods: dict[str, str]) -> dict[str, Any]:
    return {
        "change": change,
        "page": words.page(change.page),
        "name": change.page.shop.name,
        "method": methods[change.method],
        "device": Device(change.device).label,
        "amounts": words.amounts(change.low, change.high, change.page.shop.currency),
        "before": words.who(change.before),
        "after": words.who(change.after),
        "since": words.moment(change.since) if change.since else "",
        "gateway": GatewayCode(change.gateway).label if change.gateway else "",
    }
