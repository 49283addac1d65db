"""Files of notices: import with a preview, export with a reason. Nothing is kept between the two steps of an import."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export.admin import ImportExportMixin
from import_export.forms import ConfirmImportForm as BaseConfirmImportForm
from unfold.contrib.import_export.forms import ExportForm as BaseExportForm
from unfold.contrib.import_export.forms import ImportForm as BaseImportForm
from unfold.widgets import INPUT_CLASSES, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from installments.copying import Month
from installments.exchange import columns, formats
from installments.exchange.changes import changes, problems
from installments.exchange.resource import NoticeResource
from installments.exchange.storage import LARGEST, InTheForm
from installments.importers import ListError
from installments.models import InterestFreeNotice
from merchants import audit
from merchants.codes import GatewayCode

_DATE = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": " ".join(INPUT_CLASSES)})
IMPORT_FORMATS = [formats.CSV, formats.XLSX, formats.TossList, formats.NiceList, formats.KiccList]
EXPORT_FORMATS = [formats.CSV, formats.XLSX]


class ImportForm(BaseImportForm):
    """The file, and what gateways' lists leave open."""

    gateway = forms.ChoiceField(
        label=gettext_lazy("PG사"),
        choices=[("", gettext_lazy("모든 PG사")), *GatewayCode.choices],
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy("PG사 목록을 올릴 때만 씁니다. 토스페이먼츠 목록은 저절로 정해집니다."),
    )
    starts_on = forms.DateField(
        label=gettext_lazy("시작일"),
        required=False,
        widget=_DATE,
        help_text=gettext_lazy("PG사 목록을 올릴 때만 씁니다. 이날 유효한 같은 안내가 있으면 그 안내를 고칩니다."),
    )
    ends_on = forms.DateField(
        label=gettext_lazy("종료일"),
        required=False,
        widget=_DATE,
        help_text=gettext_lazy("이지페이(KICC) 목록을 올릴 때만 씁니다."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_formats(self, IMPORT_FORMATS)

    def clean_import_file(self) -> Any:
        """Refuse what would not fit into the confirming form."""
        file = self.cleaned_data["import_file"]
        if file.size > LARGEST:
            raise ValidationError(_("파일이 %sKB보다 큽니다. 나누어 올리세요.") % (LARGEST // 1024), code="size")
        return file


def name_formats(form: forms.Form, kinds: list[Any]) -> None:
    """Offer the formats under names that people know."""
    choices = [(str(number), kind.label) for number, kind in enumerate(kinds)]
    form.fields["format"].choices = [("", _("고르세요")), *choices]


class ConfirmImportForm(BaseConfirmImportForm):
    """The same, confirmed."""

    format = forms.ChoiceField(choices=[(str(number), number) for number in range(len(IMPORT_FORMATS))])
    resource = forms.ChoiceField(choices=[("0", "0")], required=False)
    gateway = forms.ChoiceField(choices=[("", ""), *GatewayCode.choices], required=False)
    starts_on = forms.DateField(required=False)
    ends_on = forms.DateField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget = forms.HiddenInput()


class ExportForm(BaseExportForm):
    """Which kind of file, and what for."""

    reason = forms.CharField(
        label=gettext_lazy("사유"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("누가 언제 왜 내보냈는지 변경 이력에 남습니다."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_formats(self, EXPORT_FORMATS)
        self.initial["format"] = "0"


class ExchangesFiles(ImportExportMixin):
    """Beside ModelAdmin: import and export of notices."""

    resource_classes = [NoticeResource]
    import_formats = IMPORT_FORMATS
    export_formats = EXPORT_FORMATS
    import_form_class = ImportForm
    confirm_form_class = ConfirmImportForm
    export_form_class = ExportForm
    tmp_storage_class = InTheForm
    import_template_name = "admin/installments/import.html"
    export_template_name = "admin/installments/export.html"
    import_export_change_list_template = "admin/installments/change_list.html"

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Whether this person may enter notices and change them."""
        return self.has_add_permission(request) and self.has_change_permission(request)

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Whether this person may take notices out."""
        return request.user.has_perm("installments.export_interestfreenotice")

    def get_import_form_initial(self, request: HttpRequest) -> dict[str, Any]:
        """Offer from today to the end of this month."""
        today = timezone.localdate()
        return {"starts_on": today, "ends_on": Month.of(today).last}

    def get_confirm_form_initial(self, request: HttpRequest, import_form: Any) -> dict[str, Any]:
        """Take over what was chosen."""
        initial = super().get_confirm_form_initial(request, import_form)
        if import_form is not None:
            initial |= {name: import_form.cleaned_data[name] for name in ("gateway", "starts_on", "ends_on")}
        return initial

    def add_data_read_fail_error_to_form(self, form: Any, e: Exception) -> None:
        """Say what is wrong with the file, in the words of its format."""
        if not isinstance(e, formats.UnreadableFile | ListError):
            raise e
        form.add_error("import_file", str(e))

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Take a file, or show what it would change, or what is wrong with it."""
        response = super().import_action(request, **kwargs)
        context = response.context_data
        result = context.get("result")
        context["title"] = _("무이자할부 안내 가져오기")
        context["problems"] = problems(result) if result else []
        if "confirm_form" in context:
            context["changes"] = changes(result)
        context["needed"] = columns.NEEDED
        context["optional"] = [name for name in columns.ALL if name not in columns.NEEDED]
        return response

    def export_action(self, request: HttpRequest) -> HttpResponse:
        """Ask for the kind of file and the reason, or send the file."""
        try:
            response = super().export_action(request)
        except IncorrectLookupParameters as error:
            raise BadRequest("a filter that is none") from error
        if isinstance(response, TemplateResponse):
            response.context_data |= {
                "title": _("무이자할부 안내 내보내기"),
                "count": self.get_export_queryset(request).count(),
            }
        return response

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Carry out what was confirmed; a file that is no longer readable is none of ours."""
        if (
            self.has_import_permission(request)
            and request.method == "POST"
            and not self.create_confirm_form(request).is_valid()
        ):
            return HttpResponseRedirect(reverse("admin:installments_interestfreenotice_import"))
        return super().process_import(request, **kwargs)

    def process_dataset(self, dataset: Any, form: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """All rows or none: somebody may have entered one of them since the preview."""
        return super().process_dataset(dataset, form, request, rollback_on_validation_errors=True, **kwargs)

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponse:
        """Say how it went."""
        if result.has_errors() or result.has_validation_errors():
            messages.error(
                request, _("그사이에 안내가 바뀌어 아무것도 가져오지 않았습니다. 파일을 다시 올려 확인하세요.")
            )
            return HttpResponseRedirect(reverse("admin:installments_interestfreenotice_import"))
        return super().process_result(result, request)

    def add_success_message(self, result: Any, request: HttpRequest) -> None:
        """Count what was done."""
        counts = {"new": result.totals["new"], "update": result.totals["update"], "skip": result.totals["skip"]}
        messages.success(request, _("새 안내 %(new)s건, 고친 안내 %(update)s건, 그대로 %(skip)s건입니다.") % counts)

    def get_export_data(self, file_format: Any, request: HttpRequest, queryset: Any, **kwargs: Any) -> Any:
        """Write the file, and down who took it and why."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        what = request.GET.urlencode() or _("모든 안내")
        form = kwargs["export_form"]
        audit.record_export(request, InterestFreeNotice, what, queryset.count(), form.cleaned_data["reason"])
        return super().get_export_data(file_format, request, queryset, **kwargs)

    def get_export_filename(self, request: HttpRequest, queryset: Any, file_format: Any) -> str:
        """Return a name that tells the day."""
        return f"interest-free-{timezone.localdate():%Y%m%d}.{file_format.get_extension()}"
