"""승인 한도: up to which sum a role cancels alone. Only 최고관리자 changes it; every change is in the history."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from merchants.crafted import RefusesCrafted
from merchants.models import Merchant
from payments import money
from payments.admin import words
from payments.admin.asking import minor_units
from payments.models import BOSS, ApprovalLimit, role_name


class LimitForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """A limit; its amount is typed as people write it, in the currency's own unit."""

    role = forms.ChoiceField(label=gettext_lazy("역할"), widget=UnfoldAdminSelectWidget)
    currency = forms.ChoiceField(label=gettext_lazy("통화"), widget=UnfoldAdminSelectWidget)
    amount = forms.CharField(
        label=gettext_lazy("한도"),
        max_length=30,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric"}),
        help_text=gettext_lazy(
            "결제 한 건에서 승인 없이 취소할 수 있는 금액의 합. 0이거나 한도가 없는 역할은 언제나 승인을 받습니다."
        ),
    )

    class Meta:
        model = ApprovalLimit
        fields = ("role", "currency", "amount")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = {*Group.objects.values_list("name", flat=True), BOSS, self.instance.role} - {""}
        used = set(Merchant.objects.values_list("currency", flat=True))
        currencies = {"KRW", "JPY", "USD", self.instance.currency} | used - {""}
        for name, values in (("role", roles), ("currency", currencies - {""})):
            choices = [(value, role_name(value)) for value in sorted(values)]
            self.fields[name].choices = choices  # type: ignore[attr-defined]
        if self.instance.pk:
            self.initial["amount"] = money.to_text(self.instance.amount, self.instance.currency)

    def clean(self) -> dict[str, Any]:
        """Turn the amount into minor units, which depend on the currency."""
        given = super().clean() or {}
        if given.get("amount") and given.get("currency"):
            try:
                given["amount"] = minor_units(given["amount"], given["currency"])
            except forms.ValidationError as error:
                self.add_error("amount", error)
        return given


@admin.register(ApprovalLimit)
class ApprovalLimitAdmin(RefusesCrafted, ModelAdmin):
    """승인 한도."""

    form = LimitForm
    list_display = ("role_label", "currency", "money")
    sortable_by = ()
    list_display_links = ("role_label",)
    ordering = ("role", "currency")

    @display(description=gettext_lazy("역할"))
    def role_label(self, row: ApprovalLimit) -> str:
        """Return whose limit it is."""
        return role_name(row.role)

    @display(description=gettext_lazy("한도"))
    def money(self, row: ApprovalLimit) -> str:
        """Return the amount as people read it."""
        return words.amount(row.amount, row.currency) if row.amount else _("언제나 승인")
