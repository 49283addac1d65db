"""기간별 합계 내려받기: sums of a month, or of any days, as a file, for a reason that is recorded."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from merchants import audit
from merchants.codes import GatewayCode, Mode
from payments import sums
from payments.admin import columns, periods, sheets
from payments.admin.exports import ReasonForm
from payments.admin.session_sheet import PERMISSION
from payments.admin.sheets import FileKind
from payments.models import PaymentSession

BY = {
    "day": gettext_lazy("일별"),
    "gateway": gettext_lazy("PG사별"),
    "method": gettext_lazy("결제수단별"),
    "all": gettext_lazy("일별 · PG사별 · 결제수단별"),
}
# By which of these a file is divided.
_NAMES = {"day": ("day",), "gateway": ("gateway",), "method": ("method",), "all": ("day", "gateway", "method")}


class _DateInput(UnfoldAdminTextInputWidget):
    input_type = "date"


class SumsForm(ReasonForm):
    """Which sums, as what file, and why."""

    first = forms.DateField(label=gettext_lazy("이날부터"), widget=_DateInput)
    last = forms.DateField(label=gettext_lazy("이날까지"), widget=_DateInput)
    mode = forms.ChoiceField(label=gettext_lazy("구분"), choices=Mode, widget=UnfoldAdminSelectWidget)
    by = forms.ChoiceField(label=gettext_lazy("나누기"), choices=list(BY.items()), widget=UnfoldAdminSelectWidget)
    field_order = ("first", "last", "mode", "by", "kind", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].help_text = ""

    def clean(self) -> dict[str, Any]:
        """Refuse days that are none, or too many."""
        given = super().clean() or {}
        first, last = given.get("first"), given.get("last")
        if first and last and not (date(2000, 1, 1) <= first <= last < date(3000, 1, 1)):
            self.add_error("last", _("이날까지는 이날부터보다 앞설 수 없습니다."))
        elif first and last and last - first >= periods.LONGEST:
            self.add_error("last", _("한 번에 %s일까지 내려받을 수 있습니다.") % periods.LONGEST.days)
        return given


def view(site: AdminSite) -> Callable[[HttpRequest], HttpResponseBase]:
    """Return the page of ``site`` that asks for days and a reason, and answers with the file."""

    def sums_page(request: HttpRequest) -> HttpResponseBase:
        if not (request.user.has_perm(PERMISSION) and request.user.has_perm("payments.view_paymentsession")):
            raise PermissionDenied
        form = SumsForm(request.POST or None, initial=_asked(request))
        if request.method == "POST" and form.is_valid():
            return _file(request, form.cleaned_data)
        context = {
            **site.each_context(request),
            "title": _("기간별 합계 내려받기"),
            "form": form,
        }
        return TemplateResponse(request, "admin/payments/sums.html", context)

    return sums_page


def _asked(request: HttpRequest) -> dict[str, Any]:
    """Return what the form begins with: the days that the first page showed, else last month."""
    choice = periods.chosen(request.GET)
    first, last = periods.last_month(timezone.localdate())
    if request.GET.get("from") or request.GET.get("period"):
        first, last = choice.first, choice.last
    return {"first": first.isoformat(), "last": last.isoformat(), "mode": choice.mode, "by": "day", "kind": "xlsx"}


def _file(request: HttpRequest, wish: dict[str, Any]) -> HttpResponseBase:
    mode, first, last = Mode(wish["mode"]), wish["first"], wish["last"]
    rows = list(_rows(sums.of_days(first, last, mode), _NAMES[wish["by"]]))
    what = _("기간별 합계 %(first)s~%(last)s, %(mode)s, %(by)s")
    words = {"first": first, "last": last, "mode": mode.label, "by": BY[wish["by"]]}
    audit.record_export(request, PaymentSession, what % words, len(rows), wish["reason"])
    titles = [*(_TITLES[name] for name in _NAMES[wish["by"]]), *_SUMS]
    name = f"sums-{mode}-{first:%Y%m%d}-{last:%Y%m%d}-{wish['by']}"
    return sheets.answer(FileKind(wish["kind"]), name, [str(title) for title in titles], rows)


_TITLES = {"day": gettext_lazy("날짜"), "gateway": gettext_lazy("PG사"), "method": gettext_lazy("결제수단")}
_SUMS = (
    gettext_lazy("통화"),
    gettext_lazy("건수"),
    gettext_lazy("거래액"),
    gettext_lazy("취소액"),
    gettext_lazy("순거래액"),
)


def _rows(parts: Sequence[sums.Part], names: tuple[str, ...]) -> Iterator[list[Any]]:
    """Yield a row for each part of a currency, and at its end the currency's own total."""
    words = _words()
    for currency in sorted({part.currency for part in parts}):
        own = [part for part in parts if part.currency == currency]
        divided = sums.by(own, lambda part: tuple(getattr(part, name) for name in names))
        for key in sorted(divided):
            cells = [words.get((name, value), str(value)) for name, value in zip(names, key, strict=True)]
            yield [*cells, *_cells(divided[key])]
        (total,) = sums.by(own, lambda part: part.currency).values()
        yield [_("합계"), *[""] * (len(names) - 1), *_cells(total)]


def _words() -> dict[tuple[str, str], str]:
    gateways = {("gateway", code.value): str(code.label) for code in GatewayCode}
    return gateways | {("method", code): name for code, name in columns.method_names().items()}


def _cells(total: sums.Total) -> list[Any]:
    amounts = (total.paid, total.cancelled, total.net)
    return [total.currency, total.count, *(sheets.in_unit(amount, total.currency) for amount in amounts)]
