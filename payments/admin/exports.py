"""결제내역 내려받기: what a filter finds, as a file, for a reason that is recorded. Of a buyer nothing is in it."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget

from merchants import audit
from merchants.codes import Device, GatewayCode, Mode
from payments import sums
from payments.admin import charts, columns, sheets
from payments.admin.base import RecordList
from payments.admin.sheets import FileKind
from payments.models import PaymentSession
from payments.states import Reason, Stage

PERMISSION = "payments.export_paymentsession"
# Excel's own form takes ten times as long to write.
MOST_ROWS = {FileKind.CSV: sums.MOST_ROWS, FileKind.XLSX: 20_000}


class ReasonForm(forms.Form):
    """What every download asks for."""

    reason = forms.CharField(
        label=gettext_lazy("사유"),
        min_length=4,
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("예: 3월 매출 정산. 내려받은 사람, 시각, 조건과 함께 기록됩니다."),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("파일 형식"),
        choices=FileKind,
        initial=FileKind.CSV,
        widget=UnfoldAdminRadioSelectWidget,
        help_text=gettext_lazy("CSV는 10만 건, Excel은 2만 건까지 내려받을 수 있습니다."),
    )


class PaymentList(RecordList):
    """The list of payments, with the totals of what was looked for."""

    @property
    def is_narrowed(self) -> bool:
        """Whether anything was chosen or searched for."""
        return bool(self.has_active_filters or self.query)

    def get_results(self, request: HttpRequest) -> None:
        """Name the methods of the page's payments, in one query."""
        super().get_results(request)
        names = columns.method_names()
        for session in self.result_list:
            session.method_name = names.get(session.method, session.method)

    @cached_property
    def totals(self) -> list[dict[str, Any]] | None:
        """The sums of all that was found, by currency; None if that is too much."""
        found = sums.of_rows(self.queryset)
        return None if found is None else [charts.shown(total) for total in found]

    def in_words(self) -> str:
        """Return what was looked for, as the record of a download says it."""
        chosen = [f"{spec.title} {value}" for spec in self.filter_specs if (value := _chosen(spec))]
        if self.query:
            chosen.append(_("검색 %s") % self.query)
        return ", ".join(chosen) or _("모든 결제")


def _chosen(spec: Any) -> str:
    given = [value for value in spec.used_parameters.values() if value]
    values = [str(one) for value in given for one in (value if isinstance(value, list | tuple) else [value])]
    labels = {str(value): str(label) for value, label in getattr(spec, "lookup_choices", None) or []}
    return "~".join(labels.get(value, value) for value in values)


class ExportsFilter:
    """Beside RecordAdmin: the page that asks for a reason, and the file."""

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the page."""
        view = self.admin_site.admin_view(self.export)  # type: ignore[attr-defined]
        return [path("export/", view, name="payments_export"), *super().get_urls()]  # type: ignore[misc]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RecordList]:
        """Return the kind of list."""
        return PaymentList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the list, with the way to the file for those who may have it."""
        extra = {**(extra_context or {}), "may_export": request.user.has_perm(PERMISSION)}
        return super().changelist_view(request, extra)  # type: ignore[misc]

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """Ask for the reason; then write what the filter in the address finds."""
        if not (request.user.has_perm(PERMISSION) and self.has_view_permission(request)):  # type: ignore[attr-defined]
            raise PermissionDenied
        try:
            found: PaymentList = self.get_changelist_instance(request)  # type: ignore[attr-defined]
        except IncorrectLookupParameters as error:
            raise BadRequest("a filter that is none") from error
        form = ReasonForm(request.POST or None)
        file = _file(request, found, form) if request.method == "POST" and form.is_valid() else None
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": _("결제내역 내려받기"),
            "form": form,
            "cl": found,
            "columns": _titles(),
        }
        return file or TemplateResponse(request, "admin/payments/export.html", context)


def _file(request: HttpRequest, found: PaymentList, form: ReasonForm) -> HttpResponseBase | None:
    """Return the file, recorded with its reason; None, and why in the form, if it would be too long."""
    kind = FileKind(form.cleaned_data["kind"])
    most = MOST_ROWS[kind]
    count = found.queryset.order_by()[: most + 1].count()
    if count > most:
        why = _("%(kind)s 파일은 %(most)s건까지입니다. 기간이나 다른 조건을 좁히세요.")
        form.add_error("kind", why % {"kind": kind.label, "most": f"{most:,}"})
        return None
    audit.record_export(request, PaymentSession, found.in_words(), count, form.cleaned_data["reason"])
    name = f"payments-{timezone.localtime():%Y%m%d-%H%M%S}"
    return sheets.answer(kind, name, _titles(), _cells(found.queryset[:most]))


def _titles() -> list[str]:
    return [
        _("결제번호"), "DBType", _("주문번호"), _("클레임번호"), "JoinerId", _("PG사"), _("가맹점"), "MID", _("구분"),
        _("결제수단"), _("기기"), _("국가"), _("단계"), _("사유"), _("확인 필요"), _("분쟁"), _("통화"), _("요청 금액"),
        _("결제 금액"), _("취소 금액"), _("순거래액"), _("PG 거래번호"), _("PG 결제번호"), _("생성"), _("결제 시각"),
    ]  # fmt: skip


_FIELDS = (
    "reference", "order__db_type", "order__order_id", "order__claim_id", "order__joiner_id", "gateway",
    "merchant__code", "merchant__mid", "merchant__mode", "method", "device", "nation", "stage", "reason", "attention",
    "disputed", "currency", "amount", "paid", "cancelled", "gateway_id", "gateway_payment_id", "created_at", "paid_at",
)  # fmt: skip
_LABELS = {"gateway": GatewayCode, "merchant__mode": Mode, "device": Device, "stage": Stage, "reason": Reason}


def _cells(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """Yield what ``rows`` say, in the order of the titles. Read by parts: the whole is never in memory."""
    for row in rows.values(*_FIELDS).iterator(chunk_size=2000):
        for name, choices in _LABELS.items():
            row[name] = str(choices(row[name]).label) if row[name] else ""
        for name in ("attention", "disputed"):
            row[name] = "Y" if row[name] else ""
        row["net"] = row["paid"] - row["cancelled"]
        for name in ("amount", "paid", "cancelled", "net"):
            row[name] = sheets.in_unit(row[name], row["currency"])
        # After the cancelled sum comes what remains.
        back = _FIELDS.index("cancelled") + 1
        yield [row[name] for name in (*_FIELDS[:back], "net", *_FIELDS[back:])]
