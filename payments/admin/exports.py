"""내려받기: what a filter finds, as a file, for a reason that is recorded. Of a buyer nothing is in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget

from merchants import audit
from payments import sums
from payments.admin import columns, sheets
from payments.admin.base import RecordList
from payments.admin.sheets import FileKind

# Excel's own form takes ten times as long to write.
MOST_ROWS = {FileKind.CSV: sums.MOST_ROWS, FileKind.XLSX: 20_000}


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the files of a list hold, and who may have them. ``url_name``: of the page that asks for the reason."""

    model: type[Model]
    permission: str
    title: Any
    all_rows: Any
    url_name: str
    file_name: str
    titles: Callable[[], list[str]]
    cells: Callable[[QuerySet[Any]], Iterator[list[Any]]]
    # The sums of all that was found, as their table draws them; None if that is too much.
    totals: Callable[[QuerySet[Any]], list[dict[str, Any]] | None]
    totals_template: str


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


class TotalledList(RecordList):
    """A list with the totals of what was looked for."""

    @property
    def sheet(self) -> Sheet:
        """What its files hold."""
        found: Sheet = self.model_admin.sheet
        return found

    @property
    def is_narrowed(self) -> bool:
        """Whether anything was chosen or searched for."""
        return bool(self.has_active_filters or self.query)

    def get_results(self, request: HttpRequest) -> None:
        """Name the methods of the page's payments, in one query."""
        super().get_results(request)
        names = columns.method_names()
        for row in self.result_list:
            method = columns.session_of(row).method
            row.method_name = names.get(method, method)

    @cached_property
    def totals(self) -> list[dict[str, Any]] | None:
        """The sums of all that was found, by currency; None if that is too much."""
        return self.sheet.totals(self.queryset)

    def in_words(self) -> str:
        """Return what was looked for, as the record of a download says it."""
        chosen = [f"{spec.title} {value}" for spec in self.filter_specs if (value := _chosen(spec))]
        if self.query:
            chosen.append(_("검색 %s") % self.query)
        return ", ".join(chosen) or str(self.sheet.all_rows)


def _chosen(spec: Any) -> str:
    given = [value for value in spec.used_parameters.values() if value]
    values = [str(one) for value in given for one in (value if isinstance(value, list | tuple) else [value])]
    labels = {str(value): str(label) for value, label in getattr(spec, "lookup_choices", None) or []}
    return "~".join(labels.get(value, value) for value in values)


class ExportsFilter:
    """Beside RecordAdmin: the page that asks for a reason, and the file."""

    sheet: ClassVar[Sheet]
    list_before_template = "admin/payments/totals.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the page."""
        view = self.admin_site.admin_view(self.export)  # type: ignore[attr-defined]
        return [path("export/", view, name=self.sheet.url_name), *super().get_urls()]  # type: ignore[misc]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RecordList]:
        """Return the kind of list."""
        return TotalledList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the list, with the way to the file for those who may have it."""
        may_export = request.user.has_perm(self.sheet.permission)
        extra = {"may_export": may_export, "export_url": reverse(f"admin:{self.sheet.url_name}")}
        return super().changelist_view(request, {**(extra_context or {}), **extra})  # type: ignore[misc]

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """Ask for the reason; then write what the filter in the address finds."""
        may_view = self.has_view_permission(request)  # type: ignore[attr-defined]
        if not (request.user.has_perm(self.sheet.permission) and may_view):
            raise PermissionDenied
        try:
            found: TotalledList = self.get_changelist_instance(request)  # type: ignore[attr-defined]
        except IncorrectLookupParameters as error:
            raise BadRequest("a filter that is none") from error
        form = ReasonForm(request.POST or None)
        file = _file(request, found, form) if request.method == "POST" and form.is_valid() else None
        name = self.sheet.model._meta
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": self.sheet.title,
            "form": form,
            "cl": found,
            "list_url": reverse(f"admin:{name.app_label}_{name.model_name}_changelist"),
            "columns": self.sheet.titles(),
        }
        return file or TemplateResponse(request, "admin/payments/export.html", context)


def _file(request: HttpRequest, found: TotalledList, form: ReasonForm) -> HttpResponseBase | None:
    """Return the file, recorded with its reason; None, and why in the form, if it would be too long."""
    kind = FileKind(form.cleaned_data["kind"])
    most = MOST_ROWS[kind]
    count = found.queryset.order_by()[: most + 1].count()
    if count > most:
        why = _("%(kind)s 파일은 %(most)s건까지입니다. 기간이나 다른 조건을 좁히세요.")
        form.add_error("kind", why % {"kind": kind.label, "most": f"{most:,}"})
        return None
    sheet = found.sheet
    audit.record_export(request, sheet.model, found.in_words(), count, form.cleaned_data["reason"])
    name = f"{sheet.file_name}-{timezone.localtime():%Y%m%d-%H%M%S}"
    return sheets.answer(kind, name, sheet.titles(), sheet.cells(found.queryset[:most]))
