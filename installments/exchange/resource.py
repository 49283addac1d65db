"""Which notice a row of a file speaks of, and what it makes of it."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from import_export import fields, resources
from import_export.results import Result

from installments.exchange import columns
from installments.exchange.columns import Choice, Day, Issuer, Issuers, Whole, Words, YesNo
from installments.models import SMALLEST_AMOUNT, Bearer, InterestFreeNotice, Overlap, Source
from merchants.codes import GatewayCode

FIELDS = {
    "id": (columns.ID, Whole(), None),
    "issuer": (columns.ISSUER, None, None),
    "months": (columns.MONTHS, Whole(), None),
    "buyer_turns": (columns.TURNS, Whole(), 0),
    "bearer": (columns.BEARER, Choice(Bearer.choices), Bearer.ISSUER.value),
    "min_amount": (columns.SMALLEST, Whole(), SMALLEST_AMOUNT),
    "max_amount": (columns.LARGEST, Whole(), None),
    "gateway": (columns.GATEWAY, Choice(GatewayCode.choices), ""),
    "nation": (columns.NATION, Words(), "KR"),
    "title": (columns.TITLE, Words(), ""),
    "target": (columns.TARGET, Words(), ""),
    "exceptions": (columns.EXCEPTIONS, Words(), ""),
    "starts_on": (columns.STARTS, Day(), None),
    "ends_on": (columns.ENDS, Day(), None),
    "display_order": (columns.ORDER, Whole(), 0),
    "in_use": (columns.IN_USE, YesNo(), True),
    "source": (columns.SOURCE, Choice(Source.choices), Source.MANUAL.value),
}
_NEEDED = [name for name, (column, _widget, _default) in FIELDS.items() if column in columns.NEEDED]


class _Result(Result):
    """Rows are named by their place in the file."""

    def append_invalid_row(self, number: int, row: Any, validation_error: ValidationError) -> None:
        super().append_invalid_row(row.get(columns.PLACE, number), row, validation_error)


class NoticeResource(resources.ModelResource):
    """A blank cell means the default. A column that is left out leaves things as they are.

    A row speaks of the notice of its number; without a number, of the one with the same issuer, months, gateway,
    nation, smallest amount and first day. Gateways' lists have no first day: they speak of what is in force.
    """

    class Meta:
        model = InterestFreeNotice
        fields = tuple(FIELDS)
        import_id_fields = ()  # get_instance finds them
        import_order = export_order = tuple(FIELDS)
        skip_unchanged = True
        report_skipped = True
        clean_model_instances = True

    def __init__(self, form: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._chosen = getattr(form, "cleaned_data", {})
        self._today = timezone.localdate()
        self._places: dict[int, str] = {}
        issuers = Issuers()
        for name, (column, widget, default) in FIELDS.items():
            self.fields[name] = fields.Field(
                attribute=name, column_name=column, widget=widget or Issuer(issuers), default=default
            )

    @classmethod
    def get_result_class(cls) -> type[Result]:
        """Return the kind that names places."""
        return _Result

    @classmethod
    def get_display_name(cls) -> str:
        """Return what the pages call it."""
        return str(InterestFreeNotice._meta.verbose_name)

    def get_queryset(self) -> Any:
        """Return the rows with what is shown of them."""
        return super().get_queryset().select_related("issuer")

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        """Fill in what a gateway's list does not say, as the form chose it."""
        if columns.STARTS in row or row.get(columns.ID):
            return
        row[columns.STARTS] = self._chosen.get("starts_on") or self._today
        row[columns.ENDS] = row.get(columns.ENDS) or self._chosen.get("ends_on") or ""
        row[columns.GATEWAY] = row.get(columns.GATEWAY) or self._chosen.get("gateway") or ""
        in_force = self._found(row, starts_on__lte=row[columns.STARTS], ends_on__gte=row[columns.STARTS], in_use=True)
        if in_force:
            row[columns.STARTS] = in_force.starts_on

    def get_instance(self, instance_loader: Any, row: Any) -> InterestFreeNotice | None:
        """Return the notice that the row speaks of."""
        number = str(row.get(columns.ID) or "").strip()
        if not number:
            return self._found(row, starts_on=self._cell("starts_on", row))
        try:
            found = self.get_queryset().filter(pk=Whole().clean(number)).first()
        except ValueError:
            found = None
        if found is None:
            raise ValidationError({columns.ID: _("번호가 %s인 안내가 없습니다. 새 안내면 비우세요.") % number[:20]})
        return found

    def _found(self, row: Any, **when: Any) -> InterestFreeNotice | None:
        same = ("issuer", "months", "gateway", "nation", "min_amount")
        values = {name: self._cell(name, row) for name in same} | when
        if any(value is None for value in values.values()):
            return None  # what is missing or wrong is told when the row is read
        # Of several (all but one out of use) the one in use.
        return self.get_queryset().filter(**values).order_by("-in_use", "pk").first()

    def _cell(self, name: str, row: Any) -> Any:
        column, _widget, default = FIELDS[name]
        if column not in row:
            return default
        try:
            return self.fields[name].clean(row)
        except ValueError:
            return None

    def import_instance(self, instance: InterestFreeNotice, row: Any, **kwargs: Any) -> None:
        """Read the cells; errors are told under the names of their columns."""
        errors: dict[str, Any] = {}
        for field in self.get_import_fields():
            try:
                if field.attribute != "id":
                    self.import_field(field, instance, row, **kwargs)
            except ValueError as error:
                errors[field.attribute] = ValidationError(str(error), code="invalid")
        for name in _NEEDED:
            if name not in errors and getattr(instance, name, None) is None:
                errors[name] = ValidationError(_("비어 있습니다."), code="blank")
        if errors:
            raise ValidationError(errors)

    def validate_instance(self, instance: InterestFreeNotice, *args: Any, **kwargs: Any) -> None:
        """Name columns as the file does, and a row of the same file by its place."""
        try:
            super().validate_instance(instance, *args, **kwargs)
        except ValidationError as error:
            raise ValidationError(
                {
                    FIELDS[name][0] if name in FIELDS else name: self._told(found)
                    for name, found in error.error_dict.items()
                }
            ) from error

    def _told(self, errors: list[ValidationError]) -> list[ValidationError]:
        return [
            Overlap(error.other, self._places[error.other.pk])
            if isinstance(error, Overlap) and error.other.pk in self._places
            else error
            for error in errors
        ]

    def after_save_instance(self, instance: InterestFreeNotice, row: Any, **kwargs: Any) -> None:
        """Remember which row of the file made it."""
        self._places[instance.pk] = _("이 파일의 %s") % row.get(columns.PLACE, "")
