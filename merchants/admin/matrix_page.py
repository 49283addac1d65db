"""한눈에 보기: methods x gateways of one joiner's order pages, with switches."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin

from merchants import lookup
from merchants.admin import words
from merchants.codes import Device, GatewayCode
from merchants.matrix import Entry, Line, State, gateways, matrix
from merchants.models import PaymentMethod
from merchants.order_pages import DEVICES, Answer, OrderPage, order_pages, same
from merchants.switching import Wish

TONES = {
    State.READY: "success",
    State.OUT_OF_TIME: "info",
    State.UNUSABLE: "warning",
    State.UNUSED: "",
    State.UNWIRED: "danger",
}
SWITCHES = (Wish.CONNECT, Wish.DISCONNECT, Wish.USE, Wish.UNUSE)


@dataclass(frozen=True)
class Column:
    """A gateway; one that PGB cannot talk to can be set up, but not connected."""

    gateway: GatewayCode
    speaks: bool


def show(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Show the matrix of the chosen order pages, else of the first ones."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    configuration = lookup.read()
    pages = order_pages(configuration)
    page = _chosen(request, pages)
    device = request.GET.get("device", "")
    if device and device not in DEVICES:
        raise Http404
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(
        request,
        "admin/merchants/matrix.html",
        {
            **model_admin.admin_site.each_context(request),
            "title": _("결제수단 한눈에 보기"),
            "opts": model_admin.opts,
            "media": model_admin.media,
            "tab": "matrix",
            "pages": [(str(one), f"{words.page(one)} {one.nation} {one.shop.name}".strip()) for one in pages],
            "page": page,
            "device": device,
            "devices": [(one.value, one.label) for one in DEVICES],
            "back": request.get_full_path(),
            "may_switch": model_admin.has_change_permission(request),
            "switches": SWITCHES,
            "legend": [(state.label, TONES[state]) for state in State],
            **(
                _shown(model_admin, request, configuration, page, [device] if device else list(DEVICES)) if page else {}
            ),
        },
    )


def _chosen(request: HttpRequest, pages: list[OrderPage]) -> OrderPage | None:
    """Raise Http404 if the address names order pages that there are not."""
    asked = request.GET.get("page")
    if not asked:
        return pages[0] if pages else None
    for page in pages:
        if str(page) == asked:
            return page
    raise Http404


def _shown(
    model_admin: ModelAdmin,
    request: HttpRequest,
    configuration: lookup.Configuration,
    page: OrderPage,
    devices: list[str],
) -> dict[str, Any]:
    methods = list(PaymentMethod.objects.all())
    columns = [Column(gateway, gateway in settings.PGB_GATEWAYS) for gateway in gateways(configuration)]
    may_add = model_admin.has_add_permission(request)
    lines = matrix(configuration, page, methods, devices, timezone.now())
    return {
        "columns": columns,
        "lines": [
            {
                "method": line.method,
                "offers": _offers(line, page),
                "cells": [_cell(line, column, page, devices, may_add) for column in columns],
            }
            for line in lines
        ],
        "sub_methods": [method.local_name for method in methods if not method.is_main],
    }


def _offers(line: Line, page: OrderPage) -> list[dict[str, Any]]:
    """Return who charges now, in as few words as say it."""
    found = {device: _bands(answers) for device, answers in line.answers.items()}
    devices, bands = list(found), list(found.values())
    if len(bands) == 2 and _alike(*bands):
        devices, bands = [Device.ANY], bands[:1]
    offers = []
    for device, band in zip(devices, bands, strict=True):
        for (low, answer), high in zip(band, [*(low - 1 for low, _answer in band[1:]), None], strict=True):
            where = [Device(device).label] if len(devices) > 1 else []
            where += [words.amounts(low, high, page.shop.currency)] if len(band) > 1 else []
            pays = not isinstance(answer, type)
            offers.append({"where": ", ".join(map(str, where)), "who": words.who(answer), "pays": pays})
    return offers


def _bands(answers: list[tuple[int, Answer]]) -> list[tuple[int, Answer]]:
    kept: list[tuple[int, Answer]] = []
    for low, answer in answers:
        if not kept or not same(kept[-1][1], answer):
            kept.append((low, answer))
    return kept


def _alike(one: list[tuple[int, Answer]], other: list[tuple[int, Answer]]) -> bool:
    return len(one) == len(other) and all(
        low == low_there and same(answer, answer_there)
        for (low, answer), (low_there, answer_there) in zip(one, other, strict=True)
    )


def _cell(line: Line, column: Column, page: OrderPage, devices: list[str], may_add: bool) -> dict[str, Any]:
    entries = line.cells.get(column.gateway, [])
    return {
        "column": column,
        "entries": [_entry(entry, column, devices) for entry in entries],
        "add": _add(line, column, page) if may_add and not entries else "",
    }


def _entry(entry: Entry, column: Column, devices: list[str]) -> dict[str, Any]:
    row = entry.row
    bounds = []
    if row.device != Device.ANY:
        bounds.append(row.get_device_display())
    if row.min_amount or row.max_amount is not None:
        bounds.append(words.amounts(row.min_amount, row.max_amount, row.merchant.currency))
    if row.starts_at or row.ends_at:
        bounds += words.period(row.starts_at, row.ends_at)
    return {
        "row": row,
        "state": entry.state.label,
        "tone": TONES[entry.state],
        "why": entry.why,
        "bounds": " · ".join(map(str, bounds)),
        "place": row.place,
        "mode": row.merchant.get_mode_display(),
        "mode_tone": words.MODE_TONES[row.merchant.mode],
        "charges": _charges(entry.charges, devices),
        "movable": column.speaks and entry.state != State.UNUSABLE and not (row.is_on and entry.alone),
    }


def _charges(charging: list[str], devices: list[str]) -> str:
    if not charging:
        return ""
    if charging == devices:
        return _("주문서 적용")
    return _("주문서 적용: %(device)s") % {"device": ", ".join(str(Device(one).label) for one in charging)}


def _add(line: Line, column: Column, page: OrderPage) -> str:
    """Return the address of a form for a connection here, filled in as far as it is known."""
    known = {"db_type": page.shop.db_type, "nation": page.nation, "method": line.method.pk}
    known |= {"joiner_id": page.joiner_id} if page.joiner_id is not None else {}
    known |= {} if column.speaks else {"connected": ""}
    return f"{reverse('admin:merchants_methodconnection_add')}?{urlencode(known)}"
