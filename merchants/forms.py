"""Forms of the back office. Secrets go in and never come out: no field has an initial value."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldBooleanWidget

from merchants.crypto import CannotOpen
from merchants.models import Merchant, Shop
from merchants.rules import (
    check_api_key,
    check_nation,
    check_redirect_host,
    check_signing_secret,
)


class SecretInput(UnfoldAdminPasswordWidget):
    """A secret's input: never shown again, never remembered by the browser."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "new-password"}, render_value=False)


class ShopForm(forms.ModelForm):
    new_api_key = forms.CharField(
        label=_("새 API 키"),
        required=False,
        widget=SecretInput,
        validators=[check_api_key],
        help_text=_("입력하면 지금 키는 이전 키가 되어 함께 쓸 수 있습니다. 공백 없이 32자 이상."),
    )
    drop_old_api_key = forms.BooleanField(label=_("이전 API 키 폐기"), required=False, widget=UnfoldBooleanWidget)
    new_signing_secret = forms.CharField(
        label=_("새 서명 비밀값"),
        required=False,
        widget=SecretInput,
        validators=[check_signing_secret],
        help_text=_("입력하면 지금 값은 이전 값이 되어 함께 쓸 수 있습니다. 'whsec_' + base64(24~64바이트)."),
    )
    drop_old_signing_secret = forms.BooleanField(
        label=_("이전 서명 비밀값 폐기"), required=False, widget=UnfoldBooleanWidget
    )

    class Meta:
        model = Shop
        fields = (
            "db_type",
            "joiner_id",
            "name",
            "nations",
            "currency",
            "completion_url",
            "redirect_hosts",
            "is_active",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_signing_secret"].required = self.instance._state.adding
        checks = {"nations": check_nation, "redirect_hosts": check_redirect_host}
        for name in checks.keys() & self.fields.keys():  # who may only look gets no fields
            # Checked by the form itself: what the model says of one item never reaches the page.
            self.fields[name].base_field.validators.append(checks[name])
            self.fields[name].error_messages["item_invalid"] = _("%(nth)s번째 값:")

    def save(self, commit: bool = True) -> Shop:
        shop, given = self.instance, self.cleaned_data
        if given["new_api_key"]:
            shop.set_api_key(given["new_api_key"], keep_old=True)
        if given["drop_old_api_key"]:
            shop.api_key_old_hash = ""
        if given["new_signing_secret"]:
            shop.signing_secret_old = None if shop._state.adding else readable(shop, "signing_secret")
            shop.signing_secret = given["new_signing_secret"]
        if given["drop_old_signing_secret"]:
            shop.signing_secret_old = None
        return super().save(commit)


def readable(row: Shop | Merchant, attribute: str) -> Any:
    """A stored secret, or None if its key is lost: it can then only be written anew."""
    try:
        return getattr(row, attribute)
    except CannotOpen:
        return None
